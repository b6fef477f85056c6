"""The ``csv`` tracker writes each step once, also when a run resumes."""

import csv

import pytest

from conch_dna.plugin.manager import load_plugins
from conch_dna.plugin.trackers import Trackers
from conch_dna.records import StepReport, to_json_line
from conch_dna.util.files import append

HOST = load_plugins(strict=True)


def report(step, recipe="kd", loss=1.0):
    figures = {"ce": 0.5, "kd": None, "learning_rate": 1e-4, "grad_norm": 0.1, "tokens": 7, "seconds": 0.2}
    return StepReport(step=step, recipe=recipe, loss=loss, peak_memory=9, **figures)


class Session:
    """One call of ``conch distill``, which writes a step to its ``metrics.jsonl`` before it emits the event."""

    def __init__(self, run_dir):
        self.run_dir, self.trackers = run_dir, Trackers(HOST, ["csv"])

    def step(self, domain, step, *, stage="", **about):
        folder = self.run_dir / domain / stage
        folder.mkdir(parents=True, exist_ok=True)
        done = report(step, **about)
        append(folder / "metrics.jsonl", to_json_line(done))
        self.trackers.emit("step_finished", run_dir=self.run_dir, domain=domain, report=done)


@pytest.fixture
def session(tmp_path):
    return lambda: Session(tmp_path)


def cut_back(path, lines):
    """Cut a file of metrics back to a checkpoint, as a resume does."""
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:lines]))


def rows(tmp_path, *columns):
    with (tmp_path / "metrics.csv").open(newline="") as file:
        return [tuple(row[column] for column in columns) for row in csv.DictReader(file)]


def test_each_step_is_a_row_with_every_figure(session, tmp_path):
    run = session()
    run.step("thinking", 1)
    run.step("thinking", 2, loss=0.25)
    run.step("action", 1)
    assert rows(tmp_path, "domain", "step", "loss", "kd") == [
        ("thinking", "1", "1.0", ""), ("thinking", "2", "0.25", ""), ("action", "1", "1.0", ""),
    ]  # fmt: skip
    header = (tmp_path / "metrics.csv").read_text().splitlines()[0]
    assert header.split(",") == ["domain", *StepReport.model_fields]


def test_a_resumed_run_appends_without_repeating_a_step(session, tmp_path):
    first = session()
    first.step("action", 1)
    for step in (1, 2, 3):
        first.step("thinking", step)
    cut_back(tmp_path / "thinking/metrics.jsonl", 1)  # the checkpoint is of step 1; 2 and 3 are taken again
    second = session()
    for step in (2, 3, 4):
        second.step("thinking", step, loss=2.0)
    assert rows(tmp_path, "domain", "step", "loss") == [
        ("action", "1", "1.0"), ("thinking", "1", "1.0"), ("thinking", "2", "2.0"), ("thinking", "3", "2.0"),
        ("thinking", "4", "2.0"),
    ]  # fmt: skip


def test_rounds_of_one_recipe_keep_their_rows_across_a_resume(session, tmp_path):
    first = session()
    for number in (9, 10):
        first.step("task", 1, stage=f"1-best_of_n/iteration-{number}", recipe="best_of_n", loss=float(number))
    second = session()
    second.step("task", 1, stage="1-best_of_n/iteration-11", recipe="best_of_n", loss=11.0)
    second.step("task", 1, stage="2-kd")
    assert rows(tmp_path, "recipe", "step", "loss") == [
        ("best_of_n", "1", "9.0"), ("best_of_n", "1", "10.0"), ("best_of_n", "1", "11.0"), ("kd", "1", "1.0"),
    ]  # fmt: skip


def test_a_row_that_a_kill_cut_short_is_replaced(session, tmp_path):
    session().step("thinking", 1)
    with (tmp_path / "metrics.csv").open("a") as file:
        file.write("action,1,k")
    session().step("task", 1)
    assert rows(tmp_path, "domain", "step") == [("thinking", "1"), ("task", "1")]


def test_lines_about_api_costs_are_no_rows(session, tmp_path):
    folder = tmp_path / "thinking"
    folder.mkdir()
    (folder / "metrics.jsonl").write_text('{"api": {"calls": 3}}\n')
    session().step("thinking", 1)
    assert rows(tmp_path, "domain", "step") == [("thinking", "1")]
