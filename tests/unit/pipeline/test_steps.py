"""The steps that ``minutes`` chooses are measured once, kept, and taken again by a resumed run."""

import itertools
import json

import pytest
from distillations import distill_all, works
from structlog.testing import capture_logs

from conch_dna.config import MOST_STEPS
from conch_dna.domains.domain import load_domain
from conch_dna.errors import Interrupted
from conch_dna.plugin.catalog import Owner
from conch_dna.plugin.protocols import Draft
from conch_dna.records import Message, Prompt, StepReport
from conch_dna.util.progress import Progress

pytestmark = pytest.mark.integration  # whole distillations


@pytest.fixture
def timed(tmp_path, student, monkeypatch):
    """Make a distillation of alpha under ``minutes``, which also chooses the checkpoints."""
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
    make = works(tmp_path, student, "alpha")

    def made(run="mine", *, minutes=0.005, **settings):
        return make(run, steps=None, minutes=minutes, **settings)

    return made


def chosen(work):
    return json.loads((work.run.path / "alpha/steps.json").read_text())


def keep_steps(work, like, **figures):
    """Write the steps of another run into the folder of this one, with some figures changed."""
    folder = work.run.path / "alpha"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "steps.json").write_text(json.dumps({**chosen(like), **figures}))


def losses(work):
    lines = (work.run.path / "alpha/metrics.jsonl").read_text().splitlines()
    reports = [StepReport.model_validate_json(line) for line in lines]
    return [(report.step, report.loss, report.learning_rate) for report in reports]


class Stopping(Progress):
    """Stops like Ctrl-C in a step of training."""

    def __init__(self, step):
        self.left, self.trains = step, False

    def stage(self, domain, name, total):
        self.trains = name.startswith("training")

    def advance(self, units=1, note=""):
        self.left -= units if self.trains else 0
        if self.trains and not self.left:
            raise KeyboardInterrupt


def test_as_many_steps_as_fit_into_the_minutes_are_trained_and_recorded(timed):
    few = {"warmup": 2, "learning_rate": 0.001}  # a slow machine's few steps must pass the gate too
    one = timed(**few)
    with capture_logs() as logs:
        (alpha,) = distill_all(one, ["alpha"]).results
    assert (alpha.error, alpha.state) == (None, "published")
    found = chosen(one)
    assert alpha.steps == found["steps"] == max(4, min(MOST_STEPS, int(0.3 / found["seconds"])))
    (line,) = [log for log in logs if log["event"] == "steps_chosen"]
    assert (line["steps"], line["minutes"]) == (alpha.steps, 0.005)
    settings = one.registry.resolve("alpha").card.config
    assert (settings["minutes"], settings["steps"], settings["warmup"]) == (0.005, alpha.steps, 2)
    again = timed(**few)
    assert distill_all(again, ["alpha"]).results[0] == alpha


def test_an_interrupted_run_resumes_with_its_steps_to_the_same_losses(timed):
    first = timed("first")
    distill_all(first, ["alpha"])
    whole, stopped = timed("whole"), timed("stopped")
    stopped.progress = Stopping(5)
    for one in (whole, stopped):
        keep_steps(one, first, steps=9, seconds=60.0)  # a checkpoint every two steps
    distill_all(whole, ["alpha"])
    with pytest.raises(Interrupted):
        distill_all(stopped, ["alpha"])
    assert len(losses(stopped)) < 9
    resumed = timed("stopped")
    with capture_logs() as logs:
        (alpha,) = distill_all(resumed, ["alpha"]).results
    assert alpha.error is None
    assert "training_resumed" in [log["event"] for log in logs]
    assert "steps_chosen" not in [log["event"] for log in logs]
    assert losses(resumed) == losses(whole)
    assert [step for step, _, _ in losses(resumed)] == list(range(1, 10))


def test_timing_changes_no_loss(timed, tmp_path):
    measured = timed("measured")
    distill_all(measured, ["alpha"])
    known = timed("known")
    keep_steps(known, measured)
    distill_all(known, ["alpha"])
    assert losses(known) == losses(measured)


def test_steps_chosen_for_another_teacher_are_chosen_anew_before_training_and_refused_after(timed):
    one = timed("one")
    distill_all(one, ["alpha"])
    other = timed("other")
    keep_steps(other, one, identity={**chosen(one)["identity"], "teacher": "another"}, steps=7)
    (alpha,) = distill_all(other, ["alpha"]).results
    assert alpha.error is None
    assert chosen(other)["identity"] == chosen(one)["identity"]
    trained = len(losses(one))
    (one.run.path / "alpha/result.json").unlink()
    keep_steps(one, one, steps=trained + 1)
    (alpha,) = distill_all(timed("one"), ["alpha"]).results
    assert f"steps = {trained}, now {trained + 1}" in alpha.error


def test_a_damaged_file_of_steps_is_made_again_before_training_and_refused_after(timed):
    one = timed()
    folder = one.run.path / "alpha"
    folder.mkdir(parents=True)
    (folder / "steps.json").write_text('{"steps": 5, ')
    (alpha,) = distill_all(one, ["alpha"]).results
    assert alpha.steps == chosen(one)["steps"]
    (folder / "steps.json").write_text('{"steps": 5, ')
    (folder / "result.json").unlink()
    (alpha,) = distill_all(timed(), ["alpha"]).results
    assert f"steps = {len(losses(one))}, now None" in alpha.error


def test_recipes_in_a_row_share_the_minutes(timed):
    one = timed(teacher="mlx", mode="kd,sft")
    (alpha,) = distill_all(one, ["alpha"]).results
    found = chosen(one)
    assert found["steps"] == max(4, int(0.15 / found["seconds"]))
    assert alpha.steps == 2 * found["steps"]


def test_recipes_on_the_students_own_answers_are_timed_too(timed):
    one = timed(teacher="mlx", mode="on_policy", rollout_tokens=4, activated=True)
    (alpha,) = distill_all(one, ["alpha"]).results
    assert (alpha.error, alpha.steps) == (None, chosen(one)["steps"])


def test_a_mixed_training_set_has_the_examples_of_the_chosen_steps(timed, tmp_path):
    def sums(seed, *, held_out=False):
        for n in itertools.count(seed):
            yield Draft(Prompt(messages=(Message(role="user", content=f"{n} {held_out}?"),)), str(n), "sum")

    file = tmp_path / "domains/alpha/domain.toml"
    file.write_text(file.read_text() + '[generate]\ngenerator = "sums"\nshare = 0.5\n')
    one = timed(minutes=0.001)
    one.domains["alpha"] = load_domain(file.parent)
    one.host.catalog.add("generators", "sums", sums, Owner("sums", "sums.py"))
    with capture_logs() as logs:
        (alpha,) = distill_all(one, ["alpha"]).results
    assert alpha.error is None
    mixed = [log["written"] + log["generated"] for log in logs if log["event"] == "examples_mixed"]
    assert mixed == [4 * 16, 4 * chosen(one)["steps"]], "a sample, and the training set"
