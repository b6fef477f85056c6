"""``conch agent`` with real engines and servers; random neurons give useless answers, but each role takes its turn."""

import http.server
import json
import shutil
import signal
import subprocess
import sys
import threading

import jsonschema
import openai
import pytest
from checkout import ROOT
from projects import ended, here, started, write_project

from conch_dna.agent.engine_client import EngineClient
from conch_dna.agent.roles import ROLES, assign_roles
from conch_dna.agent.server_client import ServerClient
from conch_dna.agent.tools import tools_for
from conch_dna.errors import ModelError, UnknownName
from conch_dna.registry.card import CARD_FILE
from conch_dna.registry.store import Registry
from conch_dna.runtime.engine import Engine

TASK = "Search the notes folder for files about the boiler"


@pytest.fixture
def engine(base, project):
    made = Engine(base, project / "adapters", slots=6, batch=2)
    made.start()
    yield made
    made.close()


@pytest.fixture
def own(project, cache, monkeypatch):
    """The project, for commands in this process."""
    monkeypatch.setenv("CONCH_CACHE", str(cache))
    return project


def test_a_run_shows_who_did_what(own, tmp_path):
    args = ("agent", TASK, "--root", own / "notes", "--memory", tmp_path / "facts.jsonl", "--max-steps", 2)
    shown = here(own, *args)
    assert shown.exit_code == 0, shown.stderr
    for role in ("task", "action", "thinking", "reflection", "memory"):
        assert f"{role} ({role}, " in shown.stdout
    told = json.loads(here(own, *args, "--json").stdout)
    assert (told["task"], isinstance(told["answer"], str)) == (TASK, True)
    assert [step["role"] for step in told["steps"]][-2:] == ["reflection", "memory"]
    registry = Registry(own / "adapters")
    for step in told["steps"]:
        if step["text"]:
            assert step["digest"] == registry.resolve(step["neuron"]).card.digest
            assert step["tokens"] > 0
            assert step["seconds"] > 0


def test_engine_and_server_answer_alike_and_calls_match_the_tools(engine, project, served, tmp_path):
    tools = list(tools_for(tmp_path, confined=False).values())
    schemas = {tool.name: tool.schema for tool in tools}
    clients = [EngineClient(engine, Registry(project / "adapters")), ServerClient(served().url)]
    assert clients[0].neurons() == clients[1].neurons() == set(ROLES)
    assignments = assign_roles(set(ROLES), {"debug": "base"})
    replies = []
    for client in clients:
        client.prefetch(list(ROLES))
        replies.append([client.ask(one.neuron, one.turns("hello"), 12) for one in assignments.values()])
        replies[-1].append(client.ask("action", assignments["action"].turns("hello", "so", "and"), 1000, tools))
    first, second = [[(s.text, s.call, s.tokens, s.digest) for s in one] for one in replies]
    assert first == second
    assert len({text for text, *_ in first[:6]}) > 3
    call = first[-1][1]
    jsonschema.validate(call.arguments, schemas[call.name])


def test_a_damaged_neuron_is_left_out(engine, project, tmp_path):
    shutil.copytree(project / "adapters", tmp_path / "adapters")
    (tmp_path / "adapters" / "memory" / "1" / CARD_FILE).write_text("{")
    assert EngineClient(engine, Registry(tmp_path / "adapters")).neurons() == set(ROLES) - {"memory"}


def test_engine_and_server_report_an_unknown_model(engine, project, served):
    for client in (EngineClient(engine, Registry(project / "adapters")), ServerClient(served().url)):
        with pytest.raises(UnknownName, match="nobody"):
            client.ask("nobody", [{"role": "user", "content": "hi"}], 4)


@pytest.mark.promise
def test_the_command_runs_over_a_server(own, served, tmp_path):
    args = ("agent", TASK, "--memory", tmp_path / "f.jsonl", "--max-steps", 1, "--json", "--root", own / "notes")
    over = here(own, *args, "--server", served().url)
    assert over.exit_code == 0, over.stderr
    inside = here(own, *args)
    same = ("role", "neuron", "text", "call", "result", "failed", "digest", "tokens")
    both = [[[step[key] for key in same] for step in json.loads(done.stdout)["steps"]] for done in (over, inside)]
    assert both[0] == both[1]


def test_a_missing_or_killed_server_is_a_one_line_error(own, served, tmp_path):
    server = served()
    client = ServerClient(server.url)
    args = ("agent", TASK, "--max-steps", 50, "--memory", tmp_path / "f.jsonl", "--server", server.url)
    process = started(own, *args)
    assert process.stdout.readline().startswith("task (task")
    server.kill()
    code, _, err = ended(process, 60)
    line = err.strip().splitlines()[-1]
    assert (code, line.startswith("error: "), "does not answer" in line, "Traceback" in err) == (1, True, True, False)
    with pytest.raises(ModelError, match="does not answer"):
        client.neurons()


def test_ctrl_c_ends_the_agent(own, cache, tmp_path):
    process = started(own, "agent", TASK, "--max-steps", 50, "--memory", tmp_path / "f.jsonl", CONCH_CACHE=str(cache))
    assert process.stdout.readline().startswith("task (task")
    process.send_signal(signal.SIGINT)
    code, _, err = ended(process, 60)
    assert (code, err.strip().splitlines()[-1]) == (130, "interrupted")


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        ([" "], 2, "TASK: must be non-empty UTF-8 text"),
        (["\udcff"], 2, "must be non-empty UTF-8 text"),
        (["x", "--neuron", "thinkin=base"], 1, "no such role; got thinkin; allowed: thinking, task"),
        (["x", "--neuron", "thinking=none"], 1, "no such neuron; got none"),
        (["x", "--neuron", "task=base", "--neuron", "task=base"], 2, "--neuron: invalid, or the second value"),
        (["x", "--neuron", "task="], 2, "--neuron: invalid, or the second value"),
        (["x", "--router", "none"], 1, "no router is named 'none'"),
        (["x", "--root", "nowhere"], 2, "does not exist"),
        (["x", "--max-steps", "0"], 2, "0 is not in the range"),
        (["x", "--server", "http://127.0.0.1:9/v1"], 1, "http://127.0.0.1:9/v1: the server does not answer"),
        (["x", "--server", "nonsense"], 1, "nonsense: the server"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_an_invalid_command_is_a_one_line_error(own, args, code, message):
    result = here(own, "agent", *args)
    assert (result.exit_code, message in result.stderr, "Traceback" in result.stderr) == (code, True, False), (
        result.stderr
    )


def test_the_base_takes_the_roles_of_missing_neurons(tmp_path, base, cache, monkeypatch):
    monkeypatch.setenv("CONCH_CACHE", str(cache))
    project = write_project(tmp_path / "bare", base.folder)
    done = here(project, "agent", "x", "--max-steps", 1, "--json")
    assert done.exit_code == 0, done.stderr
    assert {step["neuron"] for step in json.loads(done.stdout)["steps"]} == {"base"}
    assert done.stderr.count("neuron_missing") == len(ROLES)
    one = here(project, "agent", "x", "--max-steps", 1, "--neuron", "debug=base")
    assert one.stderr.count("neuron_missing") == len(ROLES) - 1
    asked = here(project, "agent", "x", "--max-steps", 1, "--neuron", "base")
    assert (asked.exit_code, "neuron_missing" in asked.stderr) == (0, False)


def test_a_role_given_to_the_base_leaves_the_others_their_neurons_base(own, base, tmp_path):
    """The project's student is another; what counts is the base that the neurons were made for."""
    project = write_project(tmp_path / "other", tmp_path / "no-such-base")
    shutil.copytree(own / "adapters", project / "adapters")
    done = here(project, "agent", "x", "--max-steps", 1, "--neuron", "debug=base", "--json")
    assert done.exit_code == 0, done.stderr
    assert "task" in {step["neuron"] for step in json.loads(done.stdout)["steps"]}


def test_without_the_extra_the_error_names_the_command_to_install_it(own, monkeypatch):
    monkeypatch.setitem(sys.modules, "conch_dna.agent.server_client", None)
    result = here(own, "agent", "x", "--server", "http://127.0.0.1:9/v1")
    assert (result.exit_code, "Run `pip install 'conch-dna[agent]'`." in result.stderr) == (2, True), result.stderr


def test_a_site_without_the_api_is_a_one_line_error():
    class Site(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<html></html>")

        do_POST = do_GET

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Site) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        client = ServerClient(f"http://127.0.0.1:{site.server_port}/v1")
        for asked in (client.neurons, lambda: client.ask("x", [{"role": "user", "content": "hi"}], 4)):
            with pytest.raises(ModelError, match="the server's answer cannot be read"):
                asked()
        site.shutdown()


def test_auto_is_a_model_of_a_server_with_a_router(served):
    bug = [{"role": "user", "content": "def last(xs):\n    return xs[len(xs)]\nIndexError, why?"}]
    with openai.OpenAI(base_url=served("--router", "ngrams").url, api_key="none", max_retries=0) as client:
        assert "auto" in [model.id for model in client.models.list()]
        auto = client.chat.completions.create(model="auto", messages=bug, max_tokens=6)
        named = client.chat.completions.create(model="debug", messages=bug, max_tokens=6)
        assert (auto.model, auto.system_fingerprint) == ("debug", named.system_fingerprint)
        assert auto.choices[0].message.content == named.choices[0].message.content
        streamed = list(client.chat.completions.create(model="auto", messages=bug, max_tokens=4, stream=True))
        assert {chunk.model for chunk in streamed} == {"debug"}
        plain = client.completions.create(model="auto", prompt=bug[0]["content"], max_tokens=4)
        assert plain.model == "debug"
        assert client.completions.create(model="auto", prompt=[5, 6], max_tokens=4).model == "base"
        with pytest.raises(openai.NotFoundError):
            client.chat.completions.create(model="auto@prod", messages=bug, max_tokens=4)
    with openai.OpenAI(base_url=served().url, api_key="none", max_retries=0) as client:
        assert "auto" not in [model.id for model in client.models.list()]
        with pytest.raises(openai.NotFoundError):
            client.chat.completions.create(model="auto", messages=bug, max_tokens=4)


def test_the_example_runs(project, env, base, tmp_path):
    command = [sys.executable, str(ROOT / "examples/agent/main.py"), TASK, "--root", str(project / "notes"),
               "--registry", str(project / "adapters"), "--base", str(base.folder)]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, env=env | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
                          timeout=120, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "reflection (reflection" in done.stdout
