"""A run that is killed at any moment, and then begun again, comes to what an undisturbed one comes to.

``CONCH_KILLS`` is how many kills at random moments are tried; 10 by default.
"""

import os
import random

import pytest
from projects import here
from trial import MODES, Moment

from conch_dna.registry.store import Registry

PROMISE = ("kd", "a checkpoint is written")  # the kill of `make test`
KILLS = int(os.environ.get("CONCH_KILLS", "10"))
STAGES = {
    "sft": {
        "between two steps": Moment("open", r"alpha/metrics\.jsonl$", 3),
        "an old checkpoint still there": Moment("shutil.rmtree", r"checkpoints/000002$", 2),
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


def check_torn(torn):
    """What holds right after a kill: nothing half-made is seen by anyone."""
    assert "running" not in torn.states()
    assert torn.versions() in ([], [1])


def check_whole(torn, calm, mode):
    """What holds after the same command was run again."""
    assert torn.whole() == calm(mode).outcome
    assert torn.states() == ["finished"]
    env = torn.env()
    assert here(torn.project, "cache", "verify", env=env).exit_code == 0
    assert here(torn.project, "cache", "gc", env=env).exit_code == 0
    assert torn.stray() == []


@pytest.mark.parametrize(
    ("mode", "stage"),
    [
        pytest.param(m, s, id=f"{m}: {s}", marks=[pytest.mark.promise] if (m, s) == PROMISE else [])
        for m, stages in STAGES.items()
        for s in stages
    ],
)
def test_a_kill_at_any_stage_changes_nothing_in_what_comes_out(trial, calm, mode, stage):
    torn = trial(mode)
    assert torn.killed(STAGES[mode][stage]), "the run came to an end before that moment"
    check_torn(torn)
    check_whole(torn, calm, mode)


@pytest.mark.parametrize(
    "moment",
    [Moment("open", r"on/alpha/metrics\.jsonl$", 3), Moment("os.rename", r"on/alpha/result\.json$")],
    ids=["in training", "after it published"],
)
def test_a_killed_run_goes_on_from_the_start_that_it_had(trial, moment):
    """What it published is what ``current`` means by then."""
    torn = trial("sft")
    first = torn.whole().digest
    torn.run = torn.run.with_name("on")
    torn.command = ("--json-logs", "distill", "alpha", "--run", "on", "--start", "current", "--seed", "1")
    assert torn.killed(moment), "the run came to an end before that moment"
    published = torn.versions()
    outcome = torn.whole()
    assert (published, outcome.versions) == ([1, 2] if "result" in moment.path else [1], [1, 2])
    assert Registry(torn.project / "adapters").resolve("alpha").card.start_digest == first
    torn.command = (*torn.command[:4], "calm", "--start", "1", "--seed", "1")
    torn.run = torn.run.with_name("calm")
    assert torn.whole().digest == outcome.digest


@pytest.mark.parametrize("number", range(KILLS // 2))
def test_two_kills_at_random_moments_change_nothing_either(trial, calm, number):
    chance = random.Random(number)
    mode = MODES[number % len(MODES)]
    torn = trial(mode)
    kills = 0
    for _ in range(2):
        delay = chance.choice([0.0, chance.random() * 0.1])
        kills += torn.killed(Moment(".*", "", chance.randint(1, len(calm(mode).events)), delay))
        check_torn(torn)
    check_whole(torn, calm, mode)
    print(f"{mode}: {kills} kills")  # for the table of docs/reliability.md: pytest -rP


def test_a_kill_before_every_change_of_a_file_is_possible(calm):
    """The random moments range over all of these, or the tests above prove little."""
    for mode in MODES:
        paths = " ".join(calm(mode).events)
        for part in ("config.json", "checkpoints", "adapters/alpha/1", "aliases.json", "result.json", "summary.json"):
            assert part in paths
