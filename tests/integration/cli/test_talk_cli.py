"""``conch ask``, ``chat`` and ``compare`` answer with the neuron that was named."""

import json
import shutil
import subprocess
import sys

import pytest
from projects import environment, here, write_neuron, write_project

from conch_dna.models.load import load
from conch_dna.registry.card import CardFields
from conch_dna.registry.store import Registry


@pytest.fixture
def project(tmp_path, student, own_cache):
    """A project with two random neurons."""
    base = load(str(student))
    project = write_project(tmp_path / "project", student)
    common = {"teacher": "t", "teacher_fingerprint": "t", "data_digest": "d"}
    for seed, name in enumerate(("foo", "bar")):
        fields = CardFields(base=base.ref, base_digest=base.digest, **common)
        Registry(project / "adapters").publish(name, write_neuron(tmp_path / name, base.model, seed), fields)
    return project


def ask(project, *args):
    result = here(project, "ask", *args, "--max-tokens", "6")
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_each_neuron_gives_its_own_answer_and_the_base_another(project):
    answers = {name: ask(project, name, "hello there") for name in ("foo", "bar", "base")}
    assert len(set(answers.values())) == 3
    assert ask(project, "foo@1", "hello there") == ask(project, "foo@current", "hello there") == answers["foo"]


def test_a_folder_or_an_adapter_of_a_run_answers_as_its_neuron_does(project, tmp_path):
    foo = ask(project, "foo", "hello there")
    assert ask(project, tmp_path / "foo", "hello there") == foo
    run = project / "runs/mine"
    shutil.copytree(tmp_path / "foo", run / "alpha/adapter")
    shutil.copytree(tmp_path / "bar", run / "alpha/checkpoints/000004")
    assert ask(project, "mine/alpha", "hello there") == foo
    assert ask(project, "mine/alpha/checkpoints/000004", "hello there") == ask(project, "bar", "hello there")
    told = here(project, "compare", "hello there", "--neurons", "mine/alpha,base", "--json", "--max-tokens", "6")
    assert json.loads(told.stdout)["answers"]["mine/alpha"] == foo.removesuffix("\n")
    unknown = here(project, "ask", "mine/beta", "hello there")
    assert (unknown.exit_code, "no such neuron or adapter; got mine/beta" in unknown.stderr) == (1, True)


def test_compare_shows_the_answers_of_ask(project):
    result = here(project, "compare", "hello [there]", "--neurons", "foo,base,foo", "--json", "--max-tokens", "6")
    told = json.loads(result.stdout)
    assert told["prompt"] == "hello [there]"
    assert told["answers"] == {name: ask(project, name, "hello [there]").removesuffix("\n") for name in ("foo", "base")}
    table = here(project, "compare", "hello [there]", "--neurons", "foo,base", "--max-tokens", "6").stdout
    assert "hello [there]" in table
    assert all(name in table for name in ("foo", "base", told["answers"]["base"]))


def test_sampled_answers_follow_the_seed(project):
    def sampled(seed):
        return ask(project, "base", "hello", "--temperature", "2", "--seed", seed)

    assert sampled("1") == sampled("1")
    assert len({sampled(seed) for seed in "1234"}) > 1


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["ask", "fo", "hi"], 1, "no such neuron; got fo; allowed: bar, foo"),
        (["ask", "foo@7", "hi"], 1, "version 7 does not exist; got foo@7; allowed: foo@1"),
        (["ask", "../foo", "hi"], 1, "no such neuron"),
        (["ask", "foo", "hi", "--base", "nowhere"], 1, "no such model; got nowhere"),
        (["ask", "foo", "hi", "--max-tokens", "0"], 2, "0 is not in the range"),
        (["compare", "hi", "--neurons", "foo,qux"], 1, "no such neuron; got qux"),
        (["compare", "hi", "--neurons", ","], 2, "--neurons: names no neuron"),
        (["chat", "--neuron", "qux"], 1, "no such neuron; got qux"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_an_invalid_command_is_a_one_line_error(project, args, code, message):
    result = here(project, *args)
    assert (result.exit_code, message in result.stderr, "Traceback" in result.stderr) == (code, True, False)


def test_a_chat_switches_neurons_forgets_and_ends(project):
    lines = ["hello there", "/use qux", "/use bar", "/new", "hello there", "/base", "/new", "hello there", "/quit"]
    result = here(project, "chat", "--neuron", "foo", "--max-tokens", "6", input="\n".join(lines) + "\n")
    assert result.exit_code == 0, result.stderr
    assert "error: no such neuron; got qux; allowed: bar, foo" in result.stderr
    for name in ("foo", "bar", "base"):
        assert ask(project, name, "hello there") in result.stdout


def test_a_chat_remembers_its_turns_and_ends_with_the_input(project):
    once = here(project, "chat", "--max-tokens", "6", input="hello\n").stdout
    twice = here(project, "chat", "--max-tokens", "6", input="hello\nhello\n")
    assert twice.exit_code == 0
    assert twice.stdout.startswith(once.rstrip())
    alone = here(project, "chat", "--max-tokens", "6", input="hello\n/new\nhello\n").stdout
    assert alone != twice.stdout


@pytest.mark.parametrize("args", [["ask", "base", "hi"], ["distill", "alpha", "--steps", "1"]], ids=["ask", "distill"])
def test_the_fast_blas_comes_before_mlx(tmp_path, student, own_cache, args):
    project = write_project(tmp_path / "p", student, "alpha")
    code = (
        "import sys; from conch_dna.cli.main import cli\n"
        "try: cli.main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "from conch_dna.models import accel; print(accel.switch_on().reason)"
    )
    command = [sys.executable, "-c", code, "--project", str(project), *args]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=60, check=True)
    assert "mlx was imported first" not in done.stdout
