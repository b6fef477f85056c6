"""The ``task`` generator: plans that meet every demand of their prompt, and goals that training never sees."""

import re
from importlib import import_module
from itertools import islice

import pytest

from conch_dna.domains.domain import load_domain
from conch_dna.domains.generation import NamedGenerator, generate
from conch_dna.plugin.manager import load_plugins
from conch_dna.records import Plan
from conch_dna.util.files import bundled_dir

CATALOG = load_plugins().catalog
GENERATOR = CATALOG.get("generators", "task")
VERIFIER = CATALOG.get("verifiers", "demands")
DOMAIN = load_domain(bundled_dir("domains") / "task")
SIDES = pytest.mark.parametrize("held_out", [False, True], ids=["training", "held out"])


@pytest.fixture(scope="module")
def goal_tables():
    """Return the goals of training, those of measurement, and the phrases."""
    room = GENERATOR.__module__.rpartition(".")[0]
    goals, training, measured, phrases = (
        import_module(f"{room}._task_{name}") for name in ("goals", "data", "held_out", "phrases")
    )
    return goals.goals_of(training.GOALS), goals.goals_of(measured.GOALS), phrases


def some(count=400, seed=0, *, held_out=False):
    return list(islice(GENERATOR(seed, held_out=held_out), count))


def steps_of(text):
    return [line.split(". ", 1)[1] for line in text.splitlines()]


def says(text, part):
    return part.casefold() in text.casefold()


@SIDES
def test_the_same_seed_gives_the_same_drafts_and_another_one_others(held_out):
    assert some(60, held_out=held_out) == some(60, held_out=held_out)
    assert some(60, held_out=held_out) != some(60, 1, held_out=held_out)


def test_training_and_measurement_share_no_step_and_no_prompt():
    training, measured = some(3000), some(1500, held_out=True)

    def parts(drafts):
        return {step for draft in drafts for step in steps_of(draft.answer)}, {d.prompt.text for d in drafts}

    for mine, theirs in zip(parts(training), parts(measured), strict=True):
        assert not mine & theirs


def test_training_and_measurement_share_no_goal_value_or_phrase(goal_tables):
    training, measured, phrases = goal_tables

    def values(goals):
        asks = {ask for goal in goals if not goal.chain for ask in goal.asks}
        texts = {step.text for goal in goals for step in goal.steps.values()}
        said = {phrase for goal in goals for change in goal.changes for phrase in change.phrases}
        done = {phrase for goal in goals for step in goal.steps.values() for phrase in step.done}
        return asks, texts, said, done

    for mine, theirs in zip(values(training), values(measured), strict=True):
        assert not mine & theirs
    for slot in ("city", "person"):
        mine, theirs = (set(pool.split()) for pool in phrases.POOLS[slot])
        assert not mine & theirs
    assert not set(phrases.HELPERS[0]) & set(phrases.HELPERS[1])


def test_the_tables_have_many_goals_in_many_fields(goal_tables):
    training, measured, _ = goal_tables
    assert len(training) >= 60
    assert len({goal.field for goal in training}) >= 15
    assert len(measured) >= 20
    for goal in (*training, *measured):
        assert 5 <= len(goal.steps) <= 12
        assert sum(step.must for step in goal.steps.values()) <= 3
        assert all(other in goal.steps for step in goal.steps.values() for other in step.after)


@SIDES
def test_nearly_every_draft_is_kept(held_out):
    report = generate(DOMAIN, NamedGenerator("task", GENERATOR, VERIFIER), 300, held_out=held_out).report
    assert sum(report.rejected.values()) <= 30
    assert report.distinct_answers > 0.85
    assert report.near_duplicates <= 15
    assert len(report.kinds) == 15
    assert report.prompt_words.mean < 40
    assert report.answer_words.most <= DOMAIN.settings.length.max


@SIDES
def test_an_answer_is_a_short_numbered_list_and_nothing_else(held_out):
    for draft in some(held_out=held_out):
        lines = draft.answer.splitlines()
        assert 2 <= len(lines) <= 5
        for place, line in enumerate(lines, 1):
            assert re.fullmatch(rf"{place}\. [A-Z][^\[\]{{}}]*[^ .]\.", line), line
            assert not re.search(r"\bmy\b|\bour\b|  | \.", line), line


@SIDES
def test_every_demand_is_met_and_stated_in_the_prompt(held_out):
    for draft in some(held_out=held_out):
        if draft.fault:
            continue
        steps, said = steps_of(draft.answer), draft.prompt.text
        plan = draft.prompt.reference.plan or Plan()
        assert all(says(draft.answer, part) and says(said, part) for part in draft.prompt.reference.contains)
        if plan.steps:
            assert plan.steps[0] <= len(steps) <= plan.steps[1]
        for first, second in plan.order:
            places = [[says(step, part) for step in steps].index(True) for part in (first, second)]
            assert places[0] < places[1]
            assert says(said, first)
            assert says(said, second)
        assert says(steps[0], plan.first)
        assert says(steps[-1], plan.last)
        assert says(said, plan.first)
        assert says(said, plan.last)
        assert not any(says(draft.answer, part) for part in plan.lacks)


def test_the_steps_of_a_plan_stand_after_those_that_they_need(goal_tables):
    training, _, _ = goal_tables
    goal = next(goal for goal in training if goal.asks[0].startswith("Fix a leaking"))
    shape = {
        name: re.escape(step.text.split("{")[0].replace("[", "").replace("]", "")) for name, step in goal.steps.items()
    }
    seen = 0
    for draft in some(3000):
        if "leak" not in draft.prompt.text and "drips" not in draft.prompt.text:
            continue
        places = {
            name: place
            for place, step in enumerate(steps_of(draft.answer))
            for name, start in shape.items()
            if re.match(start, step)
        }
        seen += len(places) > 1
        for name, place in places.items():
            assert all(places[other] < place for other in goal.before[name] if other in places)
    assert seen > 10


@SIDES
def test_prompts_are_chats_that_end_with_the_user(held_out):
    drafts = some(held_out=held_out)
    turns = [[message.role for message in draft.prompt.messages] for draft in drafts]
    assert {tuple(roles) for roles in turns} == {("user",), ("user", "assistant", "user")}
    texts = [draft.prompt.messages[-1].content for draft in drafts]
    assert not any(re.search(r"[\[\]{}]|  |\.\.|\?\.", text) for text in texts)
    assert 0.5 < sum(len(roles) == 1 for roles in turns) / len(turns) < 0.9
    assert any(text[0].islower() for text in texts)
    assert any(text.endswith("?") for text in texts)
