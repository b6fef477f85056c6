"""``conch runs`` shows every run, however it ended and whatever happened to its files."""

import json

import pytest
from filelock import FileLock
from projects import here, write_project

from conch_dna.records import Share

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture
def project(tmp_path, student):
    return write_project(tmp_path / "project", student, "alpha", steps=2, min_fit_gain=0.99)


def test_without_runs_it_says_how_to_begin(tmp_path):
    assert here(tmp_path, "runs", "list").stdout == "no runs yet: conch distill --all\n"
    assert json.loads(here(tmp_path, "runs", "list", "--json").stdout) == []


def test_a_run_is_listed_and_shown_with_the_gates_reasons(project):
    assert here(project, "distill", "alpha", "--run", "mine").exit_code == 3
    assert here(project, "runs", "list").stdout.split() == ["mine", "finished", "alpha", "gate_failed"]
    shown = here(project, "runs", "show", "mine").stdout
    assert "teacher=echo  preset=quick  steps=2  seed=0" in shown
    assert "alpha: gate_failed, 2 steps" in shown
    assert "FAILED  fit: bits per byte fell by" in shown
    assert "passed  quality: quality changed by" in shown
    about = json.loads(here(project, "runs", "show", "mine", "--json").stdout)
    assert (about["run"], about["state"], about["domains"]) == ("mine", "finished", ["alpha"])
    assert about["results"][0]["verdict"]["passed"] is False


def test_the_answer_whose_score_rose_most_is_shown(project):
    """A score can be pleased without anything being learnt: what it was given for is there to be read."""
    assert here(project, "distill", "alpha", "--run", "mine").exit_code == 3
    file = project / "runs/mine/alpha/samples.jsonl"
    rows = [
        {"prompt": [{"role": "user", "content": asked}],
         "base": {"answer": "so\nso", "quality": 0.5}, "candidate": {"answer": said, "quality": quality}}
        for asked, said, quality in (("one?", "a", 0.6), ("two?", "very [b]very[/b] " * 50, 0.9), ("three?", "c", 0.1))
    ]  # fmt: skip
    file.write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"prompt": [\n{"base": 3}')
    shown = here(project, "runs", "show", "mine").stdout
    assert "  rose most, 0.500 → 0.900: two?\n    base    so so\n    neuron  very [b]very[/b] very" in shown
    assert max(map(len, shown.splitlines())) < 400
    assert f"  all answers: {file}" in shown
    file.unlink()
    assert "rose most" not in here(project, "runs", "show", "mine").stdout


def test_a_neuron_without_verified_answers_is_listed_as_unverified(tmp_path, student):
    project = write_project(tmp_path / "project", student, "alpha", steps=12)
    assert here(project, "distill", "alpha", "--run", "mine").exit_code == 0
    assert here(project, "runs", "list").stdout.split() == ["mine", "finished", "alpha", "published", "unverified"]
    assert "alpha: published unverified, 12 steps" in here(project, "runs", "show", "mine").stdout
    (result,) = json.loads(here(project, "runs", "list", "--json").stdout)[0]["results"]
    assert result["verified"] is False


def test_right_answers_and_one_that_became_right_are_shown(project):
    assert here(project, "distill", "alpha", "--run", "mine").exit_code == 3
    folder = project / "runs/mine/alpha"
    result = json.loads((folder / "result.json").read_text())
    for role, right in (("base", 0), ("candidate", 30)):
        result["verdict"][role]["right"] = {"generated held": Share.of(right, 48).model_dump()}
    (folder / "result.json").write_text(json.dumps(result))
    rows = [
        {"kind": "generated", "prompt": [{"role": "user", "content": asked}],
         "base": {"answer": "hm", "right": 0.0, "held": {"answer": "(hm)", "right": 0.0}},
         "candidate": {"answer": "so", "right": 0.0, "held": {"answer": f"({asked})", "right": right}}}
        for asked, right in (("one", 0.0), ("two", 1.0))
    ]  # fmt: skip
    scored = {"prompt": rows[0]["prompt"], "base": {"answer": "a", "quality": 0}}
    rows.append({**scored, "candidate": {"answer": "b", "quality": 1}})
    (folder / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    shown = here(project, "runs", "show", "mine").stdout
    assert "  right, generated held: 0.00 → 0.62 [0.48, 0.75] of 48\n" in shown
    assert "  became right: two\n    base    (hm)\n    neuron  (two)\n" in shown


def test_a_run_whose_lock_is_held_is_running_and_one_without_an_end_is_interrupted(project):
    assert here(project, "distill", "alpha", "--run", "mine").exit_code == 3
    with FileLock(project / "runs/mine/.lock"):
        assert "running" in here(project, "runs", "list").stdout
    (project / "runs/mine/summary.json").unlink()
    assert "interrupted" in here(project, "runs", "list").stdout


def test_an_unknown_run_lists_the_known(project):
    assert here(project, "distill", "alpha", "--run", "mine").exit_code == 3
    result = here(project, "runs", "show", "../mine")
    assert (result.exit_code, "no such run; got ../mine; allowed: mine" in result.stderr) == (1, True)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"config": 3}'])
def test_a_damaged_run_is_shown_and_not_gone_on_with(project, text):
    assert here(project, "distill", "alpha", "--run", "mine").exit_code == 3
    (project / "runs/mine/config.json").write_text(text)
    assert here(project, "runs", "list").exit_code == 0
    assert "its settings are unreadable" in here(project, "runs", "show", "mine").stdout
    again = here(project, "distill", "alpha", "--run", "mine")
    assert again.exit_code == 1
    assert "config.json: is damaged. Give the run another name with --run" in again.stderr
