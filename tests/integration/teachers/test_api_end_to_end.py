"""Distillation from a teacher behind an API over real HTTP: every signal, faults, kills, budgets and batches."""

import contextlib
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from api_projects import KEY, ApiProject, say, wait_until
from fake_model import FakeModel
from injected_faults import STORMY, Faults
from projects import START, ended, environment, here
from server import ApiServer

from conch_dna.models.load import load

# Anthropic returns no log-probabilities.
TAUGHT = [
    ("openai", "sft"), ("openai", "kd"), ("openai", "sft,on_policy"), ("openai", "sft,preference"),
    ("anthropic", "sft"), ("anthropic", "sft,preference"),
]  # fmt: skip
# A small model knows their capitals and answers with nothing else.
COUNTRIES = [
    "France", "Japan", "Germany", "Russia", "Egypt", "Greece", "Peru", "Norway", "Sweden", "Ireland", "Austria",
    "Kenya",
]  # fmt: skip


@pytest.fixture
def taught(tmp_path, tiny_folder, accel, serve):
    """Make a project whose teacher is a server."""

    def make(provider, *, server=None, **about):
        behaviour = {"key": KEY, "model": FakeModel(rule=say), **(server or {})}
        return ApiProject(tmp_path, tiny_folder, serve(**behaviour), provider, accel, **about)

    return make


def check_ledger(project):
    """Check that the ledger has every charge and that spending is below the cap."""
    ledger = project.ledger()
    assert project.truth() <= ledger.spent + ledger.reserved <= float(project.budget) * 10**9


@pytest.mark.parametrize(("provider", "mode"), TAUGHT, ids=map("-".join, TAUGHT))
def test_a_neuron_taught_through_an_api_passes_the_gate(taught, provider, mode):
    model = FakeModel(rule=lambda asked: judge(asked) if "<answer A>" in asked else say(asked))
    project = taught(
        provider, server={"model": model}, mode=mode, steps=24, checkpoint_every=24, rollout_tokens=8,
        rollout_temperature=0.3, on_policy_fraction=0.5, candidates=2,
    )  # fmt: skip
    result = project.teach()
    done = project.result()
    assert (done["state"], done["recipes"]) == ("published", mode.split(",")), f"{done}\n{result.stderr}"
    assert result.exit_code == 0
    assert project.published() == [1]
    ledger = project.ledger()
    assert (ledger.spent, ledger.reserved) == (project.truth(), 0)
    assert 0 < ledger.spent < 10**9
    (figures,) = project.figures()
    assert figures["calls"] == len([call for call in project.server.calls if call.usage])
    assert (figures["retries"], figures["failures"]) == (0, 0)


def judge(asked):
    """Prefer the answer whose letters are closer to those of the teacher's answer."""
    one, two = (set(asked.partition(f"<answer {n}>\n")[2].partition(f"\n</answer {n}>")[0]) for n in "AB")
    ours = set("the word is")
    far = len(one ^ ours) - len(two ^ ours)
    return "T" if far == 0 else "AB"[far > 0]


def test_another_run_does_not_ask_an_answered_prompt_again(taught):
    project = taught("openai", mode="sft")
    assert project.teach().exit_code == 0
    before, spent = len(project.server.calls), project.ledger().spent
    again = project.teach(run="again")
    assert again.exit_code == 0, again.stderr
    assert (len(project.server.calls), project.ledger().spent) == (before, spent)
    (figures,) = project.figures("again")
    assert (figures["calls"], figures["cached"]) == (0, 24)


def test_a_faulty_server_costs_no_answer_and_no_second_payment_of_two_hundred_prompts(taught):
    faults = Faults(seed=5, share=0.35, kinds=(*STORMY, "rate_limited_date", "page", "hang"))
    project = taught(
        "openai", prompts=200, mode="sft", server={"faults": faults, "retry_after": 0.05}, endpoint={"timeout": 5}
    )
    result = project.teach()
    assert result.exit_code == 0, result.stderr
    server, asked = project.server, set(project.digests)
    assert len({kind for kind in server.faced() if kind != "none"}) >= 12, server.faced()
    assert project.own(server.delivered()) == dict.fromkeys(asked, 1)
    assert project.cached() == asked
    assert project.published() == [1]
    check_ledger(project)
    (figures,) = project.figures()
    assert figures["calls"] == sum(server.delivered().values())
    assert figures["retries"] == len(server.calls) - figures["calls"]
    assert no_key_in(project, result.output)


def stopped_at(project, answers, number):
    """Start a distillation and send a signal when ``answers`` answers are stored; return exit code, stdout, stderr."""
    process = project.start()
    wait_until(lambda: len(project.cached()) >= answers or process.poll() is not None)
    process.send_signal(number)
    return ended(process)


def no_key_in(project, *texts):
    """Return True if the key, which the server echoes in errors, is in no file and no output."""
    assert [path for path in project.files() if KEY.encode() in path.read_bytes()] == []
    return not any(KEY in text for text in texts)


@pytest.mark.parametrize(("provider", "prompts"), [("openai", 200), ("anthropic", 80)])
def test_a_run_that_is_killed_several_times_pays_for_no_stored_answer_again(taught, provider, prompts):
    faults = Faults(seed=2, share=0.3)
    behaviour = {"faults": faults, "retry_after": 0.02, "latency": 0.03}
    project = taught(provider, prompts=prompts, mode="sft", server=behaviour)
    server, workers, asked, kills = project.server, 8, set(project.digests), []
    for share in (0.25, 0.5, 0.75):
        code, out, err = stopped_at(project, share * prompts, signal.SIGKILL)
        assert code == -signal.SIGKILL, err
        kills.append((time.monotonic(), project.cached()))
        check_ledger(project)
        assert project.published() == []
        assert no_key_in(project, out, err)
    result = project.teach()
    assert result.exit_code == 0, result.stderr
    assert project.cached() == asked
    for moment, stored in kills:
        assert not [call for call in server.calls if call.at > moment and call.prompt in stored]
    twice = {prompt for prompt, count in project.own(server.delivered()).items() if count > 1}
    # A kill loses the answers in flight, and those that were not on the disk yet.
    assert len(twice) <= len(kills) * 2 * workers
    assert project.own(server.delivered()).keys() == asked
    check_ledger(project)
    assert project.published() == [1]


def test_ctrl_c_stores_the_answers_in_flight_and_the_next_run_asks_only_for_the_rest(taught):
    project = taught("openai", prompts=100, mode="sft", server={"latency": 0.1})
    code, _, err = stopped_at(project, 20, signal.SIGINT)
    assert code == 130, err
    assert project.cached() == project.own(project.server.delivered()).keys() != set(project.digests)
    ledger = project.ledger()
    assert (ledger.spent, ledger.reserved) == (project.truth(), 0)
    assert project.teach().exit_code == 0
    assert set(project.own(project.server.delivered()).values()) == {1}
    assert project.ledger().spent == project.truth()


@pytest.mark.promise
def test_a_run_stops_at_a_small_budget_and_resumes_with_a_larger_one(taught):
    project = taught("anthropic", prompts=60, mode="sft", endpoint={"concurrency": 4}, budget="0.003")
    stopped = project.teach()
    assert stopped.exit_code == 4, stopped.output
    assert "Traceback" not in stopped.output
    asked = project.own(project.server.delivered())
    assert 0 < len(asked) < 60
    assert project.cached() == asked.keys()
    check_ledger(project)
    shown = json.loads(here(project.folder, "budget", "show", "--json", env=project.env).stdout)
    assert shown
    project.budget = "1"
    project.configure()
    on = project.teach()
    assert on.exit_code == 0, on.stderr
    assert set(project.own(project.server.delivered()).values()) == {1}
    assert project.ledger().spent == project.truth()


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_batch_costs_half_and_is_not_submitted_again_after_a_kill(taught, provider):
    project = taught(provider, mode="sft", endpoint={"batch": True}, server={"polls": 10_000})
    jobs = project.server.batches.jobs
    process = project.start()
    wait_until(lambda: any(job["polled"] for job in list(jobs.values())) or process.poll() is not None)
    process.kill()
    code, _, err = ended(process)
    assert code == -signal.SIGKILL, err
    project.server.polls = 0
    result = project.teach()
    assert result.exit_code == 0, result.stderr
    assert project.published() == [1]
    assert len(jobs) == 1
    assert project.own(project.server.delivered()) == dict.fromkeys(project.digests, 1)
    ledger = project.ledger()
    assert (ledger.spent, ledger.reserved) == (project.truth(), 0)


def test_a_context_in_the_provider_cache_is_counted_and_charged_as_cached(taught):
    project = taught("anthropic", endpoint={"prompt_caching": True, "concurrency": 1}, server={"cache_from": 1})
    result = here(project.folder, "record", "alpha", "--teacher", "anthropic:tiny", env=project.env)
    assert result.exit_code == 0, result.stderr
    used = project.server.used()
    assert used["cached_input"] == 23 * used["cache_write"] > 0
    returned = project.ledger().summary()
    assert project.ledger().spent == project.truth(), returned


def test_a_provider_that_charges_more_than_the_worst_case_gets_no_more_requests_and_its_answer_is_kept(taught):
    faults = Faults(script=["none"] * 8 + ["usage_over"])
    project = taught("anthropic", endpoint={"concurrency": 1}, server={"faults": faults})
    result = here(project.folder, "record", "alpha", "--teacher", "anthropic:tiny", env=project.env)
    assert result.exit_code == 4, result.output
    assert project.cached() == project.own(project.server.delivered()).keys()
    assert project.ledger().spent > project.truth()
    assert len(project.server.calls) <= 10


@pytest.mark.parametrize("kind", ["zero", "constant", "over_one"])
def test_an_absent_signal_trains_nothing(taught, kind):
    project = taught("openai", mode="kd", server={"model": FakeModel(kind=kind)})
    result = project.teach()
    assert result.exit_code != 0
    assert project.published() == []
    assert not list(project.folder.glob("runs/mine/alpha/checkpoints/*"))


def test_empty_answers_train_nothing(taught):
    project = taught("openai", mode="sft", server={"model": FakeModel(rule=lambda _: "")})
    result = project.teach()
    assert result.exit_code != 0
    assert project.published() == []


def in_float32(ref, folder):
    """Write a model as float32: half-precision matmuls are about 30 times slower on a CPU."""
    import mlx.core as mx
    from mlx.utils import tree_flatten

    base = load(ref)
    shutil.copytree(base.folder, folder, ignore=shutil.ignore_patterns("*.safetensors*"))
    mx.save_safetensors(str(folder / "model.safetensors"), dict(tree_flatten(base.model.parameters())))
    config = {key: value for key, value in base.config.items() if not key.startswith("quantization")}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture(params=["mlx_lm.server", "conch serve"])
def engine(request, accel, tmp_path):
    """Start a server on the embedded model; return its address and the model's name there."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    if request.param == "conch serve":
        model = "base"
        command = [sys.executable, "-c", START, "serve", "--base", "embedded:smollm2-135m", "--port", str(port)]
    else:
        model = str(in_float32("embedded:smollm2-135m", tmp_path / "model"))
        begin = "from conch_dna.models import accel; accel.switch_on(); from mlx_lm.server import main; main()"
        command = [sys.executable, "-c", begin, "--model", model, "--port", str(port), "--log-level", "ERROR"]
    with (tmp_path / "engine.log").open("w") as log:
        process = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log, env=environment())

    def up():
        assert process.poll() is None, (tmp_path / "engine.log").read_text()
        with contextlib.suppress(OSError):  # among others a refused connection, and no answer within the timeout
            return urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close() is None
        return False

    try:
        wait_until(up)
        yield f"http://127.0.0.1:{port}/v1", model
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.real
def test_a_real_engine_teaches_over_http(engine, tmp_path, tiny_folder, accel):
    url, model = engine
    prompts = [f"What is the capital of {country}?" for country in COUNTRIES]
    with ApiServer() as unused:
        project = ApiProject(
            tmp_path,
            tiny_folder,
            unused,
            "openai",
            accel,
            prompts=prompts,
            mode="sft",
            held_out=0.45,
            teacher=f"openai:{model}",
        )
    project.url = url
    project.configure(timeout=200)
    result = project.teach()
    assert result.exit_code == 0, result.stderr
    assert project.published() == [1]
    assert not project.ledger().spent
