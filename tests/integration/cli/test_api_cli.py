"""API teachers on the command line: options, refusals, figures, and keys that reach no file or output."""

import json

import pytest
from projects import here, write_domain, write_project

from conch_dna.pipeline.grow import REQUESTS
from conch_dna.teachers.answer_cache import CompletionCache
from conch_dna.teachers.api.ledger import FILE
from conch_dna.teachers.api.probe import QUESTION

KEY = "sk-very-secret-0123456789"
GROWN = ["Name a river", "Count the trees", "Which bird sings", "Where do shells lie"]
TABLE = '[prices."openai:tiny"]\ninput = 1\noutput = 4\n'


@pytest.fixture
def project(tmp_path, student, accel, serve, monkeypatch):
    """A project with one domain whose teacher is a server that echoes its key wherever it can."""
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    if accel.is_dir():
        (tmp_path / "cache/accel").symlink_to(accel)
    folder = write_project(tmp_path / "project", student, teacher="openai:tiny", steps=4)
    write_domain(folder / "domains/alpha", 20)
    with (folder / "conch.toml").open("a") as file:
        file.write(TABLE)
    server = serve(key=KEY, hangs=1.0)
    monkeypatch.setenv(server.key_variable, KEY)
    server.model.rule = lambda asked: f"the {asked.split()[-2]} {KEY}" if "1" in asked else "the amber word"
    return folder, server


def files_of(folder):
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


@pytest.mark.parametrize(
    ("mode", "faults"),
    [("sft", ()), ("kd", ("key_echoed", "error_500")), ("sft", ("key_refused",))],
    ids=["in answers", "in errors", "in a refusal"],
)
def test_a_key_that_the_server_echoes_is_in_no_file_and_no_output(project, tmp_path, mode, faults):
    folder, server = project
    for fault in faults:
        server.faults.script.append(fault)
    for more in ((), ("--debug",)):
        result = here(
            folder, *more, "distill", "alpha", "--mode", mode, "--budget", "5", "--base-url", server.openai_url,
            "--run", "mine",
        )  # fmt: skip
        assert KEY not in result.output + result.stderr
    assert server.calls
    found = [
        path for root in (folder, tmp_path / "cache") for path in files_of(root) if KEY.encode() in path.read_bytes()
    ]
    assert not found


def test_the_figures_are_in_the_metrics(project):
    folder, server = project
    server.model.rule = lambda _: "the amber word"
    arguments = ("distill", "alpha", "--budget", "5", "--base-url", server.openai_url, "--run")
    result = here(folder, *arguments, "one")
    assert result.exit_code in {0, 3}, result.output
    (figures,) = [row["api"] for row in rows(folder / "runs/one/alpha/metrics.jsonl") if "api" in row]
    assert (figures["calls"], figures["cached"]) == (22, 0)  # two of the probe
    here(folder, *arguments, "two", "--steps", "5")
    (figures,) = [row["api"] for row in rows(folder / "runs/two/alpha/metrics.jsonl") if "api" in row]
    assert (figures["calls"], figures["cached"], figures["cost"]) == (0, 20, "0.000000000")


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_run_stops_at_the_budget_and_resumes_with_a_larger_one(project, tmp_path):
    folder, server = project
    arguments = ("distill", "alpha", "--base-url", server.openai_url, "--run", "mine", "--budget")
    stopped = here(folder, *arguments, "0.0009")
    assert stopped.exit_code == 4
    assert "the budget of $0.00090 is reached" in stopped.stderr
    answered = len(list((tmp_path / "cache/completions").glob("??/*.json")))
    assert answered > 0
    done = here(folder, *arguments, "5")
    assert done.exit_code in {0, 3}, done.output
    assert sum(server.charged().values()) == 22


def test_without_a_budget_no_request_is_sent(project):
    folder, server = project
    result = here(folder, "distill", "alpha", "--base-url", server.openai_url)
    assert result.exit_code == 2
    assert "openai:tiny: its calls cost money, and there is no budget" in result.stderr
    assert not server.calls


def test_a_dry_run_sends_no_request(project):
    folder, server = project
    result = here(folder, "distill", "alpha", "--dry-run", "--json", "--mode", "kd", "--base-url", server.openai_url)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["domains"][0]["recipes"] == ["kd"]
    assert not server.calls
    assert not (folder / "runs" / FILE).exists()


def test_answers_are_recorded_with_their_choices(project, tmp_path):
    folder, server = project
    server.model.rule = lambda _: "the amber word"
    result = here(
        folder, "record", "alpha", "--teacher", "openai:tiny", "--top-log-probs", "8", "--budget", "1", "--base-url",
        server.openai_url, "--require", "length=0", "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["kept"] == 20
    assert list((folder / "domains/alpha/recorded").glob("*.soft.safetensors"))
    assert CompletionCache(tmp_path / "cache/completions").root.is_dir()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[api.openia]\ntimeout = 3\n", "[api] of conch.toml: no such teacher; got openia"),
        ('[api.openai]\napi_key = "sk-file"\n', "a shared file must not contain a key"),
        ("[api]\nbudget = true\n", "[api] budget: not an amount"),
    ],
)
def test_wrong_tables_are_refused_before_any_work(project, text, why):
    folder, server = project
    with (folder / "conch.toml").open("a") as file:
        file.write(text)
    result = here(folder, "distill", "alpha", "--base-url", server.openai_url, "--budget", "1")
    assert result.exit_code != 0
    assert why in result.stderr
    assert "sk-file" not in result.output
    assert not server.calls


def test_a_resumed_run_keeps_the_figures_of_earlier_processes(project):
    folder, server = project
    server.model.rule = lambda _: "the amber word"
    arguments = ("distill", "alpha", "--base-url", server.openai_url, "--run", "mine", "--budget")
    codes = [here(folder, *arguments, budget).exit_code for budget in ("0.0009", "0.001", "5")]
    assert codes[:2] == [4, 4]
    lines = rows(folder / "runs/mine/alpha/metrics.jsonl")
    assert [row["api"]["cached"] > 0 for row in lines if "api" in row] == [False, True, True]
    assert sum(row["api"]["calls"] for row in lines if "api" in row) == 22
    assert [row["step"] for row in lines if "step" in row] == [1, 2, 3, 4]


def test_a_domain_grows_by_an_api_within_the_budget_and_pays_for_no_proposal_twice(project):
    folder, server = project
    server.model.rule = lambda asked: "\n".join(f"{n}. {w} {len(asked)}" for n, w in enumerate(GROWN, 1))
    with (folder / "conch.toml").open("a") as file:
        file.write("[api.openai]\nconcurrency = 1\n")
    arguments = ("domains", "grow", "alpha", "--teacher", "openai:tiny", "--base-url", server.openai_url, "--n", "4")
    stopped = here(folder, *arguments, "--budget", "0.006")
    assert stopped.exit_code == 4, stopped.output
    paid = {asked for asked in server.delivered() if asked != QUESTION[0]["content"]}
    assert len(paid) % REQUESTS  # in the middle of a round
    done = here(folder, *arguments, "--budget", "5")
    assert done.exit_code == 0, done.output
    assert all(server.delivered()[asked] == 1 for asked in paid)


@pytest.mark.parametrize(
    ("share", "why"),
    [
        ("0.01", "too few held-out prompts; got 20 for training and 0 held out, at held_out = 0.01"),
        ("0.98", "too few training prompts; got 0 for training and 20 held out"),
    ],
    ids=["held out", "training"],
)
def test_too_few_prompts_are_refused_before_any_request(project, share, why):
    folder, server = project
    words = ("distill", "alpha", "--base-url", server.openai_url, "--budget", "5", "--held-out", share)
    result = here(folder, *words)
    assert (result.exit_code, why in result.stderr) == (1, True), result.stderr
    assert why in here(folder, *words, "--dry-run").stdout
    assert not server.calls


def test_a_run_of_another_endpoint_is_refused_before_a_request_to_it(project, serve, monkeypatch):
    folder, server = project
    server.model.rule = lambda _: "the amber word"
    arguments = ("distill", "alpha", "--run", "mine", "--budget", "5", "--base-url")
    assert here(folder, *arguments, server.openai_url).exit_code in {0, 3}
    other = serve(key=KEY)
    monkeypatch.setenv(other.key_variable, KEY)
    result = here(folder, *arguments, other.openai_url)
    assert result.exit_code == 1
    assert "was made with teacher = openai:" in result.stderr
    assert {call.prompt for call in other.calls} <= {QUESTION[0]["content"]}, "no more than what a probe asks"


def test_a_run_that_stopped_at_the_budget_reports_it(project):
    folder, server = project
    arguments = ("distill", "alpha", "--json", "--base-url", server.openai_url, "--run", "mine", "--budget")
    stopped = here(folder, *arguments, "0.0009")
    assert stopped.exit_code == 4
    returned = json.loads(stopped.stdout)
    assert (returned["run"], returned["results"], returned["stopped"]) == ("mine", [], "stopped at the budget")
    assert here(folder, "runs", "list").stdout.split(maxsplit=2)[1:] == ["interrupted", "stopped at the budget\n"]
    assert here(folder, "runs", "show", "mine").stdout.startswith("mine  interrupted  stopped at the budget\n")
    done = here(folder, *arguments, "5")
    assert done.exit_code in {0, 3}, done.output
    assert json.loads(done.stdout)["stopped"] is None
    (about,) = json.loads(here(folder, "runs", "list", "--json").stdout)
    assert (about["state"], about["stopped"]) == ("finished", None)


def test_a_dry_run_says_that_a_teacher_never_probed_may_give_choices(project):
    folder, server = project
    words = ("distill", "alpha", "--base-url", server.openai_url, "--budget", "5")
    assert "openai:tiny may give choices as bytes" in here(folder, *words, "--dry-run").stdout
    server.model.rule = lambda _: "the amber word"
    here(folder, *words)
    assert "openai:tiny gives choices as bytes" in here(folder, *words, "--dry-run").stdout
