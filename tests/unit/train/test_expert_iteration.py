"""Best-of-N keeps the best candidates, measures each round on validation prompts, and stops without improvement."""

import itertools
import json
from dataclasses import replace

import pytest
from ending_student import write_ending_student
from projects import prompts_of, write_domain
from recipe_runs import run_named
from settings import config_of
from tiers import thin

from conch_dna.config import RecipeSettings
from conch_dna.domains.domain import load_domain
from conch_dna.errors import CheckpointError, TrainingError
from conch_dna.models.load import load
from conch_dna.plugin.catalog import Owner
from conch_dna.plugin.manager import load_plugins
from conch_dna.records import Prompt
from conch_dna.train import expert_iteration
from conch_dna.train.expert_iteration import Candidate, Round, Validation, choose
from conch_dna.train.recipes.base import RecipeContext
from conch_dna.train.training_set import TrainingSet
from conch_dna.util.progress import Progress

IDENTITY = {"base": "b", "teacher": "none", "data": "d", "settings": {}}


def candidate(number, score, text="words", finished=True, right=None):
    return Candidate(prompt="p", number=number, text=text, finished=finished, score=score, scores={}, right=right)


def kept(candidates, most):
    return [c.number for c in choose(candidates, most) if c.kept]


class TestChoice:
    """Selection of the candidates to train on."""

    def test_the_best_above_the_mean_are_kept(self):
        some = [candidate(i, s, f"t{i}") for i, s in enumerate([0.1, 0.9, 0.6, 0.8])]
        assert kept(some, 1) == [1]
        assert kept(some, 2) == [1, 3]
        assert kept(some, 3) == [1, 3], "the third one is not above the mean"

    def test_none_is_kept_if_all_scores_are_equal(self):
        assert kept([candidate(i, 0.5) for i in range(4)], 2) == []

    def test_a_text_is_kept_once_and_on_ties_the_first_wins(self):
        some = [candidate(0, 0.9, "a"), candidate(1, 0.9, " a "), candidate(2, 0.8, "b"), candidate(3, 0.0, "c")]
        assert kept(some, 2) == [0, 2]

    def test_truncated_and_empty_candidates_are_never_kept_but_count_in_the_mean(self):
        some = [candidate(0, 1.0, finished=False), candidate(1, 1.0, " "), candidate(2, 0.6), candidate(3, 0.0)]
        assert kept(some, 3) == []
        assert kept(some[2:], 1) == [2]

    def test_where_answers_are_verified_the_right_ones_are_kept_whatever_their_scores(self):
        some = [candidate(i, s, f"t{i}", right=r) for i, (s, r) in enumerate([(0.9, 0), (0.1, 1), (0.3, 1), (0.9, 0)])]
        assert kept(some, 1) == [2]
        assert kept(some, 4) == [1, 2]
        assert kept(some[:1], 4) == []
        assert kept([candidate(0, 0.5, right=True, finished=False)], 4) == []


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return write_ending_student(tmp_path_factory.mktemp("student") / "model")


def length(_prompt, text, _context):
    """Score an answer by its length; the base's answers are short."""
    return min(1.0, len(text) / 24)


@pytest.fixture
def context_of(student, tmp_path, monkeypatch):
    """Make a recipe context whose scorer prefers long answers."""
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
    folder = write_domain(tmp_path / "d", scorers={"long": 1.0}, max_tokens=24)

    def make(name, on_step=lambda _: None, scorer=None, **settings):
        host = load_plugins(strict=True, block=[])
        host.catalog.add("scorers", "long", scorer or length, Owner("t", "t.py"))
        given = {"candidates": 4, "kept": 2, "iterations": 2, "candidate_temperature": 1.0, "learning_rate": 0.005}
        config = config_of(
            student=str(student), mode="best_of_n", steps=3, batch_size=2, checkpoint_every=1, rank=2, warmup=0,
            max_length=4096, **(given | settings),
        )  # fmt: skip
        prompts = [Prompt.model_validate(row) for row in prompts_of(13)]
        training_set = TrainingSet("d", prompts=prompts[:10], validation=TrainingSet("d", prompts=prompts[10:]))
        return RecipeContext(
            load(str(student)), config, RecipeSettings(), host, load_domain(folder), training_set, None, IDENTITY,
            tmp_path / name, Progress(), on_step,
        )  # fmt: skip

    return make


def rows(file, kind):
    return [kind.model_validate_json(line) for line in file.read_text().splitlines()]


def files(folder):
    """The files that a seed determines: candidates, rounds, validations and adapters."""
    names = ("candidates.jsonl", "iterations.jsonl", "validation.json", "adapters.safetensors")
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.name in names}


def test_a_round_draws_selects_trains_and_measures(context_of, tmp_path):
    one = context_of("run", iterations=1)
    result = run_named(["best_of_n"], one)
    assert result.adapter == tmp_path / "run/iteration-1/adapter"
    assert {r.recipe for r in result.reports} == {"best_of_n"}
    drawn = rows(tmp_path / "run/iteration-1/candidates.jsonl", Candidate)
    prompts = [p.digest for p in one.training_set.prompts]
    assert [(c.prompt, c.number) for c in drawn] == [(p, n) for p in prompts for n in range(4)]
    assert all(c.score == length(None, c.text, None) for c in drawn)
    for digest in prompts:
        same = [c for c in drawn if c.prompt == digest]
        assert [c.kept for c in same] == [c.kept for c in choose(same, 2)]
        assert len({c.text for c in same}) > 1, "each candidate has a seed of its own"
    (found,) = rows(tmp_path / "run/iterations.jsonl", Round)
    base = Validation.model_validate_json((tmp_path / "run/base/validation.json").read_bytes())
    now = Validation.model_validate_json((tmp_path / "run/iteration-1/validation.json").read_bytes())
    assert list(now.answers) == [p.digest for p in one.training_set.validation.prompts]
    assert not set(now.answers) & {c.prompt for c in drawn}
    assert now.quality == pytest.approx(sum(length(None, a, None) for a in now.answers.values()) / 3)
    assert (found.quality, found.base_quality, found.previous_quality) == (now.quality, base.quality, base.quality)
    assert (found.candidates, found.kept) == (40, sum(c.kept for c in drawn))
    assert not any(type(m).__name__.startswith(("LoRA", "DeltaSwitch")) for _, m in one.base.model.named_modules())


@pytest.mark.full
def test_the_seed_determines_the_files(context_of, tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        run_named(["best_of_n"], context_of(name, seed=seed))
    assert files(tmp_path / "a") == files(tmp_path / "b")
    drawn = [(tmp_path / name / "iteration-1/candidates.jsonl").read_bytes() for name in "ac"]
    assert drawn[0] != drawn[1]


@pytest.mark.full
def test_a_second_round_starts_from_an_accepted_first_round(context_of, tmp_path, monkeypatch):
    monkeypatch.setattr(expert_iteration, "LEAST_DIVERSITY", 0.0)
    result = run_named(["best_of_n"], context_of("run", iterations=3, learning_rate=0.01))
    found = rows(tmp_path / "run/iterations.jsonl", Round)
    assert found[0].accepted, "the test needs a first round that improves"
    assert found[0].quality > found[0].base_quality
    assert [r.accepted for r in found] == [r.quality > r.previous_quality for r in found]
    assert all(r.accepted for r in found[:-1])
    accepted = max(r.iteration for r in found if r.accepted)
    assert result.adapter == tmp_path / f"run/iteration-{accepted}/adapter"
    assert all(later.previous_quality == sooner.quality for sooner, later in itertools.pairwise(found))


def test_a_round_without_improvement_ends_the_recipe_and_goes_to_the_gate(context_of, tmp_path):
    result = run_named(["best_of_n"], context_of("run", learning_rate=1e-4))  # too low to change any answer
    (found,) = rows(tmp_path / "run/iterations.jsonl", Round)
    assert (found.accepted, found.reason) == (False, "quality did not rise")
    assert result.adapter == tmp_path / "run/iteration-1/adapter"


@pytest.mark.full
def test_a_round_with_too_little_diversity_is_rejected(context_of, tmp_path, monkeypatch):
    monkeypatch.setattr(expert_iteration, "LEAST_DIVERSITY", 1.01)
    start = run_named(["best_of_n"], context_of("first", iterations=1, learning_rate=1e-4)).adapter
    result = run_named(["best_of_n"], replace(context_of("run"), start=start))
    (found,) = rows(tmp_path / "run/iterations.jsonl", Round)
    assert not found.accepted
    assert found.reason.startswith("diversity fell to ")
    assert result.adapter == start, "the start adapter stays the best"


def verified_by(context, least):
    """Return the context with a verifier: an answer of at least so many characters is right."""

    def long_enough(_prompt, text, _domain):
        return {"right": float(len(text.strip()) >= least)}

    context.host.catalog.add("verifiers", "long_enough", long_enough, Owner("t", "t.py"))
    return replace(context, domain=context.domain.changed(verifier="long_enough"))


def test_with_a_verifier_a_round_trains_on_right_answers_and_is_judged_by_them(context_of, tmp_path, monkeypatch):
    monkeypatch.setattr(expert_iteration, "LEAST_DIVERSITY", 100.0)  # of no account where answers are verified
    one = verified_by(context_of("run", iterations=1, learning_rate=0.01, scorer=lambda *_: 0.5), 6)
    run_named(["best_of_n"], one)
    drawn = rows(tmp_path / "run/iteration-1/candidates.jsonl", Candidate)
    assert all(c.right == (len(c.text.strip()) >= 6) for c in drawn)
    assert {c.right for c in drawn if c.kept} == {True}
    (found,) = rows(tmp_path / "run/iterations.jsonl", Round)
    now = Validation.model_validate_json((tmp_path / "run/iteration-1/validation.json").read_bytes())
    assert now.right == sum(len(a.strip()) >= 6 for a in now.answers.values()) / 3
    assert (found.right, found.accepted) == (now.right, now.right > found.base_right)
    assert found.reason == f"right answers {'rose' if found.accepted else 'did not rise'}"


def test_where_no_candidate_is_right_the_first_round_is_refused(context_of):
    with pytest.raises(TrainingError, match="no candidate was right"):
        run_named(["best_of_n"], verified_by(context_of("run"), 1000))


def test_equal_scores_in_the_first_round_are_refused(context_of):
    with pytest.raises(TrainingError, match="scored above the mean of its prompt"):
        run_named(["best_of_n"], context_of("run", scorer=lambda *_: 0.5))


class Stop(BaseException):  # not an Exception: error handlers must not see it
    """Ends training as a kill would."""


@pytest.mark.full
@pytest.mark.parametrize("when", ["drawing", "training", "second round"])
def test_a_stop_at_any_stage_does_not_change_the_result(context_of, tmp_path, when, monkeypatch):
    monkeypatch.setattr(expert_iteration, "LEAST_DIVERSITY", 0.0)
    settings = {"learning_rate": 0.01, "candidates": 8}
    expected = run_named(["best_of_n"], context_of("whole", **settings))
    counted = {"scored": 0, "steps": 0}

    def scorer(prompt, text, context):
        counted["scored"] += 1
        if when == "drawing" and counted["scored"] == 3 + 68:  # base answers, one group, part of the next
            raise KeyboardInterrupt
        return length(prompt, text, context)

    def on_step(_report):
        counted["steps"] += 1
        if counted["steps"] == {"training": 2, "second round": 5}.get(when):
            raise Stop

    with pytest.raises((Stop, KeyboardInterrupt)):
        run_named(["best_of_n"], context_of("stopped", on_step, scorer, **settings))
    if when == "drawing":
        assert len(rows(tmp_path / "stopped/iteration-1/candidates.jsonl", Candidate)) == 64
    again = run_named(["best_of_n"], context_of("stopped", **settings))
    assert files(tmp_path / "stopped") == files(tmp_path / "whole")
    assert len(again.reports) == len(expected.reports)


@pytest.mark.full
def test_candidates_with_another_identity_are_refused(context_of):
    run_named(["best_of_n"], context_of("run", iterations=1))
    other = replace(context_of("run", iterations=1), identity=IDENTITY | {"data": "e"})
    with pytest.raises(CheckpointError, match="was made with data = d, now e"):
        run_named(["best_of_n"], other)


@pytest.mark.full
@pytest.mark.parametrize("change", thin([{"scorers": {"long": 1.0, "length": 1.0}}, {"max_tokens": 8}]), ids=str)
def test_candidates_under_other_scorers_or_limits_are_refused(context_of, tmp_path, change):
    run_named(["best_of_n"], context_of("run", iterations=1))
    whole = files(tmp_path / "run")
    folder = write_domain(tmp_path / "d", **({"scorers": {"long": 1.0}, "max_tokens": 24} | change))
    other = replace(context_of("run", iterations=1), domain=load_domain(folder))
    with pytest.raises(CheckpointError, match="was made with domain = "):
        run_named(["best_of_n"], other)
    assert files(tmp_path / "run") == whole


def test_the_bases_answers_under_other_scorers_are_refused(context_of, tmp_path):
    def stopped(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_named(["best_of_n"], context_of("run", scorer=stopped))
    folder = write_domain(tmp_path / "d", scorers={"long": 2.0, "length": 1.0}, max_tokens=24)
    with pytest.raises(CheckpointError, match="was made with domain = "):
        run_named(["best_of_n"], replace(context_of("run"), domain=load_domain(folder)))


@pytest.mark.full
def test_a_truncated_line_is_drawn_again(context_of, tmp_path):
    run_named(["best_of_n"], context_of("run", iterations=1))
    file = tmp_path / "run/iteration-1/candidates.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole[:-20])
    run_named(["best_of_n"], context_of("run", iterations=1))
    assert file.read_bytes() == whole
    assert json.loads(whole.splitlines()[0])["scores"].keys() == {"long"}
