"""A run that is killed at any moment and started again has the outcome of an undisturbed run.

The environment variable ``CONCH_KILLS`` sets the number of kills at random moments, by default 10.
"""

import os
import random

import pytest
from fault_projects import MODES, Moment
from projects import here

from conch_dna.registry.store import Registry

PROMISE = ("kd", "a checkpoint is written")  # the kill of `make test`
KILLS = int(os.environ.get("CONCH_KILLS", "10"))
STAGES = {
    "sft": {
        "between two steps": Moment("open", r"alpha/metrics\.jsonl$", 3),
        "before an old checkpoint is removed": Moment("shutil.rmtree", r"checkpoints/000002$", 2),
        "an old checkpoint half removed": Moment("os.rmdir", r"checkpoints/000002$"),
        "the gate has decided": Moment("os.rename", r"verdict\.json$"),
    },
    "kd": {
        "the teacher answers": Moment("os.rename", r"cache/completions/", 5),
        "soft targets are stored": Moment("os.rename", r"cache/targets/.*\.safetensors$", 2),
        "in the middle of a step": Moment("open", r"alpha/metrics\.jsonl$", 2, 0.01),
        "a checkpoint is written": Moment("open", r"checkpoints/\.000004\..*/state\.json$"),
        "the adapter is saved": Moment("os.rename", r"alpha/adapter$"),
        "the gate measures": Moment("open", r"alpha/adapter/adapters\.safetensors$", 1, 0.01),
        "before the version takes its name": Moment("os.rename", r"adapters/alpha/1$"),
        "after the version took its name": Moment("os.rename", r"adapters/alpha/aliases\.json$"),
        "the result is saved": Moment("os.rename", r"alpha/result\.json$"),
    },
    "on_policy": {
        "rollouts are drawn": Moment("open", r"alpha/metrics\.jsonl$", 3, 0.02),
        "rollouts are noted": Moment("open", r"rollouts\.jsonl$", 4),
        "rollouts go into a checkpoint": Moment("open", r"checkpoints/\.000002\..*/source\.safetensors$"),
    },
    "kd,on_policy": {
        "between the recipes": Moment("open", r"2-on_policy/metrics\.jsonl$"),
        "the second one's checkpoint": Moment("os.rename", r"2-on_policy/checkpoints/000004$"),
    },
    "best_of_n": {
        "candidates are written": Moment("open", r"candidates\.jsonl$", 2),
        "validation": Moment("os.rename", r"iteration-1/validation\.json$"),
        "a round has ended": Moment("os.rename", r"iterations\.jsonl$"),
    },
    "preference": {
        "candidates are written": Moment("open", r"candidates\.jsonl$", 2),
        "verdicts are written": Moment("open", r"verdicts\.jsonl$", 2),
        "after the counts": Moment("os.rename", r"counts\.json$", 1, 0.01),
        "pairs are written": Moment("open", r"pairs\.jsonl$", 2),
        "in the middle of a step": Moment("open", r"alpha/metrics\.jsonl$", 3, 0.01),
        "a checkpoint is written": Moment("open", r"checkpoints/\.000004\..*/state\.json$"),
    },
}


def check_after_kill(faulty):
    """Check that nothing incomplete is visible after a kill."""
    assert "running" not in faulty.states()
    assert faulty.versions() in ([], [1])


def check_after_rerun(faulty, undisturbed, mode):
    """Check that a second run of the command has the undisturbed outcome."""
    assert faulty.complete() == undisturbed(mode).outcome
    assert faulty.states() == ["finished"]
    env = faulty.env()
    assert here(faulty.project, "cache", "verify", env=env).exit_code == 0
    assert here(faulty.project, "cache", "gc", env=env).exit_code == 0
    assert faulty.stray() == []


@pytest.mark.parametrize(
    ("mode", "stage"),
    [
        pytest.param(m, s, id=f"{m}: {s}", marks=[pytest.mark.promise] if (m, s) == PROMISE else [])
        for m, stages in STAGES.items()
        for s in stages
    ],
)
def test_a_kill_at_any_stage_does_not_change_the_outcome(make_project, undisturbed, mode, stage):
    faulty = make_project(mode)
    assert faulty.killed(STAGES[mode][stage]), "the run ended before that moment"
    check_after_kill(faulty)
    check_after_rerun(faulty, undisturbed, mode)


@pytest.mark.parametrize(
    "moment",
    [Moment("open", r"on/alpha/metrics\.jsonl$", 3), Moment("os.rename", r"on/alpha/result\.json$")],
    ids=["in training", "after it published"],
)
def test_a_killed_run_resumes_from_its_start_adapter(make_project, moment):
    """By then the alias ``current`` may point to the version that the killed run published."""
    faulty = make_project("sft")
    first = faulty.complete().digest
    faulty.run = faulty.run.with_name("on")
    faulty.command = ("--json-logs", "distill", "alpha", "--run", "on", "--start", "current", "--seed", "1")
    assert faulty.killed(moment), "the run ended before that moment"
    published = faulty.versions()
    outcome = faulty.complete()
    assert (published, outcome.versions) == ([1, 2] if "result" in moment.path else [1], [1, 2])
    assert Registry(faulty.project / "adapters").resolve("alpha").card.start_digest == first
    faulty.command = (*faulty.command[:4], "calm", "--start", "1", "--seed", "1")
    faulty.run = faulty.run.with_name("calm")
    assert faulty.complete().digest == outcome.digest


@pytest.mark.parametrize("number", range(KILLS // 2))
def test_two_kills_at_random_moments_do_not_change_the_outcome(make_project, undisturbed, number):
    chance = random.Random(number)
    mode = MODES[number % len(MODES)]
    faulty = make_project(mode)
    kills = 0
    for _ in range(2):
        delay = chance.choice([0.0, chance.random() * 0.1])
        kills += faulty.killed(Moment(".*", "", chance.randint(1, len(undisturbed(mode).events)), delay))
        check_after_kill(faulty)
    check_after_rerun(faulty, undisturbed, mode)
    print(f"{mode}: {kills} kills")  # for the table in docs/reliability.md: pytest -rP


def test_the_events_of_a_run_include_every_kind_of_file(undisturbed):
    """The random kills choose among these events, so each kind of file must be among them."""
    for mode in MODES:
        paths = " ".join(undisturbed(mode).events)
        for part in ("config.json", "checkpoints", "adapters/alpha/1", "aliases.json", "result.json", "summary.json"):
            assert part in paths
