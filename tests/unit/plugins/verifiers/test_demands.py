"""The ``demands`` verifier finds a plan right if it is a numbered plan that meets every demand."""

import pytest

from conch_dna.domains.check import faults_of
from conch_dna.domains.domain import load_domain
from conch_dna.plugin.manager import load_plugins
from conch_dna.records import Message, Plan, Prompt, Reference
from conch_dna.util.files import bundled_dir

CATALOG = load_plugins().catalog
VERIFIER = CATALOG.get("verifiers", "demands")
TASK = load_domain(bundled_dir("domains") / "task")
PLAN = "1. Turn off the water.\n2. Take out the old washers.\n3. Fit the new part before Friday.\n4. Test the tap."


def prompt_of(contains=(), **plan):
    reference = Reference(contains=contains, plan=Plan(**plan) if plan else None)
    return Prompt(messages=(Message(role="user", content="?"),), reference=reference)


def figures(response=PLAN, contains=(), **plan):
    return VERIFIER(prompt_of(contains, **plan), response, TASK)


def test_a_plan_that_meets_all_demands_is_right():
    found = figures(
        contains=("water", "washer", "friday"), steps=(3, 4), order=(("water", "washer"), ("washer", "tap")),
        first="turn off", last="tap", lacks=("buy",),
    )  # fmt: skip
    assert found == {"right": 1.0, "demands met": 1.0, "is a plan": 1.0}


@pytest.mark.parametrize(
    "plan",
    [
        {"steps": (5, 5)}, {"steps": (1, 3)}, {"order": (("tap", "water"),)}, {"order": (("water", "hammer"),)},
        {"first": "washer"}, {"last": "Friday"}, {"lacks": ("fit",)},
    ],
    ids=str,
)  # fmt: skip
def test_a_demand_that_fails_makes_the_plan_wrong_and_counts_as_one(plan):
    found = figures(contains=("water",), **plan)
    assert (found["right"], found["demands met"]) == (0.0, 0.5)


def test_without_a_reference_there_is_no_verdict():
    assert VERIFIER(prompt_of(), PLAN, TASK) is None


@pytest.mark.parametrize(
    "response",
    [
        "", "Turn off the water.", "1. Turn off the water.", "Steps:\n1. Turn off the water.\n2. Test it.",
        "1. Turn off the water.\n3. Test it.", "2. Turn off the water.\n3. Test it.",
        "- Turn off the water.\n- Test it.",
        "1. Water.\n2. Water.\n3. Water.", "\n".join(f"{place}. Use water {place} times." for place in range(1, 8)),
    ],
    ids=["empty", "prose", "one step", "a title", "a gap", "from two", "bullets", "repeated", "seven steps"],
)  # fmt: skip
def test_what_is_no_plan_is_not_right(response):
    found = figures(response, contains=("water",))
    assert (found["right"], found["is a plan"]) == (0.0, 0.0)


def test_a_demanded_number_of_steps_takes_the_place_of_the_usual_one():
    seven = "\n".join(f"{place}. Use water {place} times." for place in range(1, 8))
    assert figures(seven, contains=("water",), steps=(7, 7))["right"] == 1


def test_demands_on_steps_are_not_met_by_text_without_steps():
    assert figures("Call the plumber.", contains=("plumber",), lacks=("water",))["demands met"] == 0.5


@pytest.mark.parametrize(
    ("text", "part", "found"),
    [
        ("Buy two boxes.", "box", True), ("Pack the berries.", "berry", True), ("Start running daily.", "run", True),
        ("Bake the bread.", "bake", True), ("After baking, rest.", "bake", True), ("Find a place.", "lace", False),
        ("Open a category.", "cat", False), ("Tell the neighbours.", "neighbo", True),
        ("Use a whetstone.", "stone", True),
        ("Spend 1,200 euros.", "1200", True), ("Take 10GB.", "10 GB", True), ("Take 100 GB.", "10", False),
        ("Wait 2.5 hours.", "5", False), ("Use a screen-reader.", "screen reader", True), ("Keep £90.", "£90", True),
        ("Keep £900.", "£90", False), ("Read the\nbook", "read the book", True), ("Go to Rosa's.", "rosa", True),
        ("Rosalind", "rosa", False),
    ],
)  # fmt: skip
def test_a_text_is_mentioned_as_whole_words(text, part, found):
    assert figures(f"1. Begin now.\n2. {' '.join(text.split())}", contains=(part,))["demands met"] == found


def test_every_example_of_the_domain_is_a_plan():
    assert all(figures(example.answer, contains=("the",))["is a plan"] == 1 for example in TASK.settings.examples)


def test_an_unset_plan_is_not_written():
    assert "plan" not in Reference(contains=("x",)).model_dump()
    assert Reference(plan=Plan(first="x")).model_dump()["plan"]["first"] == "x"


@pytest.mark.parametrize(
    ("plan", "fault"),
    [
        ({"steps": (4, 3)}, "steps must be least and most"),
        ({"steps": (0, 3)}, "steps must be least and most"),
        ({"lacks": (" ",)}, "has an empty text"),
        ({"first": "Tap", "lacks": ("tap",)}, "lacks what the reference demands: tap"),
        ({}, "demands nothing"),
    ],
)
def test_the_check_of_a_domain_names_the_fault_of_a_plan(tmp_path, plan, fault):
    reference = Reference(contains=("water",), plan=Plan(**plan))
    prompt = Prompt(messages=(Message(role="user", content="Fix it."),), reference=reference, source="written")
    (tmp_path / "task").mkdir()
    settings = (bundled_dir("domains") / "task" / "domain.toml").read_text(encoding="utf-8")
    (tmp_path / "task" / "domain.toml").write_text(settings, encoding="utf-8")
    (tmp_path / "task" / "prompts.jsonl").write_text(prompt.model_dump_json() + "\n", encoding="utf-8")
    (found,) = faults_of(load_domain(tmp_path / "task"), CATALOG.names("scorers"))
    assert fault in found
