"""A run folder stores a run's settings, state and lock."""

import json
import os

import pytest
from filelock import Timeout
from settings import config_of

from conch_dna.config import resolve
from conch_dna.errors import CheckpointError, UnknownName
from conch_dna.pipeline.run_folder import Run, find_run, list_runs
from conch_dna.records import DomainResult, Summary


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path / "runs/mine")


def summary_of(run):
    return Summary(run=run.name, student="s", teacher="t", preset="quick", results=(), seconds=1)


def test_a_run_is_running_while_locked_and_interrupted_until_it_has_a_summary(run):
    with run.lock():
        run.begin(resolve(), ["alpha"])
        assert run.state == "running"
    assert run.state == "interrupted"
    run.save_summary(summary_of(run))
    assert run.state == "finished"


def test_a_restarted_run_is_not_finished(run):
    run.begin(resolve(), ["alpha"])
    run.save_summary(summary_of(run))
    run.begin(resolve(), ["beta"])
    assert run.state == "interrupted"
    assert run.about()["domains"] == ["alpha", "beta"]


def test_reading_the_state_takes_no_lock_and_a_second_lock_is_refused(run):
    with run.lock():
        assert run.state == "running"
        with pytest.raises(Timeout), run.lock():
            pass
    with run.lock():
        pass


def test_other_settings_are_refused_by_name_and_change_nothing(run):
    run.begin(resolve({"seed": 1, "rank": 8}), ["alpha"])
    before = (run.path / "config.json").read_bytes()
    with pytest.raises(CheckpointError, match=r"begun with rank = 8, now 4; seed = 1, now 0"):
        run.begin(resolve({"rank": 4}), ["alpha"])
    assert (run.path / "config.json").read_bytes() == before


def test_a_run_of_an_earlier_version_resumes_with_newer_settings_at_their_defaults(run):
    run.begin(config_of(), ["alpha"])
    path = run.path / "config.json"
    about = json.loads(path.read_text())
    del about["config"]["max_harm"]
    path.write_text(json.dumps(about))
    with pytest.raises(CheckpointError, match=r"begun with max_harm = None, now 0\.2"):
        run.begin(config_of({"max_harm": 0.2}), ["alpha"])
    run.begin(config_of(), ["alpha"])
    assert json.loads(path.read_text())["config"]["max_harm"] is None


def test_a_changed_setting_of_a_recipe_is_refused_by_name(run):
    run.begin(config_of(), ["alpha"])
    with pytest.raises(CheckpointError, match=r"begun with dpo_beta = 0\.1, now 0\.2"):
        run.begin(config_of({"preference": {"dpo_beta": 0.2}}), ["alpha"])


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


STEP = {
    "loss": 1.0, "ce": 1.0, "learning_rate": 0.1, "grad_norm": 1.0, "tokens": 9, "seconds": 1.0, "peak_memory": 1,
}  # fmt: skip


def test_unfinished_domains_report_their_last_step(run):
    for when, (name, number) in enumerate([("alpha", 9), ("beta/2-kd", 3), ("beta/1-sft", 8), ("delta", 5)]):
        row = json.dumps({"step": number, "recipe": "kd", **STEP})
        (run.path / name).mkdir(parents=True)
        file = run.path / name / "metrics.jsonl"
        file.write_text(f'{{"api": 3}}\n{row}\n{{"api": 4}}\n{row[:20]}')
        os.utime(file, (-when, -when))
    (run.path / "delta/metrics.jsonl").write_text("")
    run.save_result(DomainResult(domain="alpha", state="failed"))
    assert {domain: report.step for domain, report in run.last_steps().items()} == {"beta": 3}
    assert run.about()["last_steps"]["beta"]["recipe"] == "kd"


@pytest.mark.parametrize("when", [(1, 2, 3), (3, 2, 1), (2, 2, 2)], ids=["in order", "reversed", "all at once"])
def test_the_last_step_is_of_the_last_stage_whatever_the_times_of_the_files(run, when):
    """A copy or a checkout of a run need not keep the times."""
    for number, second in zip((9, 10), when[:2], strict=True):
        file = run.path / f"alpha/1-best_of_n/iteration-{number}/metrics.jsonl"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps({"step": number, "recipe": "best_of_n", **STEP}) + "\n")
        os.utime(file, (second, second))
    cost = run.path / "alpha/metrics.jsonl"
    cost.write_text('{"api": 3}\n')
    os.utime(cost, (when[2], when[2]))
    assert run.last_steps()["alpha"].step == 10


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
