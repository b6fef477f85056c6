"""A run folder says what the run is, where it stands, and who works on it."""

import json
import os

import pytest
from filelock import Timeout

from conch_dna.config import resolve
from conch_dna.errors import CheckpointError, UnknownName
from conch_dna.pipeline.run_folder import Run, find_run, list_runs
from conch_dna.records import DomainResult, Summary


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path / "runs/mine")


def summary_of(run):
    return Summary(run=run.name, student="s", teacher="t", preset="quick", results=(), seconds=1)


def test_it_is_running_while_locked_then_interrupted_until_it_has_a_summary(run):
    with run.lock():
        run.begin(resolve(), ["alpha"])
        assert run.state == "running"
    assert run.state == "interrupted"
    run.save_summary(summary_of(run))
    assert run.state == "finished"


def test_begun_again_it_is_no_longer_finished(run):
    run.begin(resolve(), ["alpha"])
    run.save_summary(summary_of(run))
    run.begin(resolve(), ["beta"])
    assert run.state == "interrupted"
    assert run.about()["domains"] == ["alpha", "beta"]


def test_a_second_lock_is_refused_and_a_look_at_the_state_takes_none(run):
    with run.lock():
        assert run.state == "running"
        with pytest.raises(Timeout), run.lock():
            pass
    with run.lock():
        pass


def test_other_settings_are_refused_by_name_and_change_nothing(run):
    run.begin(resolve({"seed": 1}), ["alpha"])
    before = (run.path / "config.json").read_bytes()
    with pytest.raises(CheckpointError, match=r"begun with rank = 8, now 4; seed = 1, now 0"):
        run.begin(resolve({"rank": 4}), ["alpha"])
    assert (run.path / "config.json").read_bytes() == before


def test_a_run_of_an_earlier_version_goes_on_with_what_has_come_since_at_its_default(run):
    run.begin(resolve(), ["alpha"])
    path = run.path / "config.json"
    about = json.loads(path.read_text())
    del about["config"]["dpo_beta"]
    path.write_text(json.dumps(about))
    with pytest.raises(CheckpointError, match=r"begun with dpo_beta = 0\.1, now 0\.2"):
        run.begin(resolve({"dpo_beta": 0.2}), ["alpha"])
    run.begin(resolve(), ["alpha"])
    assert json.loads(path.read_text())["config"]["dpo_beta"] == 0.1


def test_results_are_kept_by_domain_and_a_damaged_one_counts_as_none(run):
    run.begin(resolve(), ["alpha", "beta"])
    results = [DomainResult(domain=name, state="failed", error="oh") for name in ("alpha", "beta")]
    for result in results:
        run.save_result(result)
    assert run.results() == results
    (run.folder("beta") / "result.json").write_text("{")
    assert run.result("beta") is None
    assert run.result("gamma") is None
    assert run.results() == results[:1]


def test_the_last_step_is_told_of_domains_that_have_not_ended(run):
    step = {
        "loss": 1.0,
        "ce": 1.0,
        "learning_rate": 0.1,
        "grad_norm": 1.0,
        "tokens": 9,
        "seconds": 1.0,
        "peak_memory": 1,
    }
    for when, (name, number) in enumerate([("alpha", 9), ("beta/2-kd", 3), ("beta/1-sft", 8), ("delta", 5)]):
        row = json.dumps({"step": number, "recipe": "kd", **step})
        (run.path / name).mkdir(parents=True)
        file = run.path / name / "metrics.jsonl"
        file.write_text(f'{{"api": 3}}\n{row}\n{{"api": 4}}\n{row[:20]}')
        os.utime(file, (-when, -when))
    (run.path / "delta/metrics.jsonl").write_text("")
    run.save_result(DomainResult(domain="alpha", state="failed"))
    assert {domain: report.step for domain, report in run.last_steps().items()} == {"beta": 3}
    assert run.about()["last_steps"]["beta"]["recipe"] == "kd"


def test_runs_are_listed_the_last_touched_first(tmp_path):
    for age, name in enumerate(("new", "old", "older")):
        one = Run(tmp_path / name)
        one.begin(resolve(), [])
        os.utime(one.path, (1000 - age, 1000 - age))
    (tmp_path / "stray").mkdir()
    assert [one.name for one in list_runs(tmp_path)] == ["new", "old", "older"]
    assert find_run(tmp_path, "old").path == tmp_path / "old"
    with pytest.raises(UnknownName, match="no such run; got stray; allowed: new, old, older"):
        find_run(tmp_path, "stray")


def test_without_a_folder_there_are_no_runs(tmp_path):
    assert list_runs(tmp_path / "runs") == []
