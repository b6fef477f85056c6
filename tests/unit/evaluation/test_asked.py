"""The prompts of a set are those that a verifier can check, and each is checked by the verifier that suits it."""

import json

import pytest
from projects import write_domain

from conch_dna.domains.domain import load_domain
from conch_dna.errors import DataError, PluginError
from conch_dna.evaluation.asked import file_set, held_out_sets, public_sets
from conch_dna.evaluation.eval_report import Difference
from conch_dna.plugin.manager import load_plugins
from conch_dna.plugin.protocols import Question
from conch_dna.records import FunctionCall, Message, Prompt, Reference, Tool

VERIFIERS = load_plugins().catalog.all("verifiers")


@pytest.fixture
def domain(tmp_path):
    return load_domain(write_domain(tmp_path / "tiny"))


def prompt(text, **reference):
    return Prompt(messages=(Message(role="user", content=text),), reference=Reference(**reference))


def test_held_out_prompts_without_a_reference_are_not_asked(domain):
    natural = [prompt("a", answer="1"), prompt("b"), prompt("c", answer="3")]
    sets = held_out_sets(domain, natural, [prompt("d", answer="4")], VERIFIERS["answer"], None)
    assert {one.name: {p.text for p in one.prompts} for one in sets} == {"natural": {"a", "c"}, "generated": {"d"}}
    assert [f["right"] for f in sets[0].grade(sets[0].prompts, [p.reference.answer for p in sets[0].prompts])] == [1, 1]
    assert [one.name for one in held_out_sets(domain, natural, [], VERIFIERS["answer"], 1)] == ["natural"]


def test_a_smaller_choice_is_part_of_a_larger_one(domain):
    natural = [prompt(str(i), answer="1") for i in range(30)]

    def chosen(most):
        (found,) = held_out_sets(domain, natural, [], VERIFIERS["answer"], most)
        return found.prompts

    assert len(chosen(5)) == 5
    assert chosen(5) == chosen(None)[:5] == chosen(20)[:5]


class Numbers:
    """Two kinds of questions."""

    domain, max_tokens = "tiny", 7

    def questions(self):
        return [
            Question(prompt(f"{kind}{i}"), lambda answer, i=i: {"right": float(answer == str(i))}, kind)
            for kind in ("", "odd")
            for i in range(4)
        ]


def test_the_kinds_of_a_public_set_are_apart_and_have_its_limit(domain):
    main, odd = public_sets("numbers", Numbers(), domain, 3)
    assert (main.name, odd.name, main.domain.settings.max_tokens) == ("numbers", "numbers odd", 7)
    assert (main.domain.context, len(main.prompts)) == (domain.context, 3)
    assert domain.settings.max_tokens == 12
    answers = [p.text for p in main.prompts]
    assert [f["right"] for f in main.grade(main.prompts, answers)] == [1, 1, 1]
    assert [f["right"] for f in main.grade(main.prompts[::-1], answers)] != [1, 1, 1]


@pytest.mark.parametrize(
    ("reference", "answer", "figures"),
    [
        ({"answer": "7"}, "Answer: 7", {"right", "has answer line"}),
        ({"calls": (FunctionCall(name="now"),)}, '{"tool": "now", "arguments": {}}',
         {"right", "valid JSON", "right tool"}),
        ({"tool": {"name": "now"}, "contains": ("x",)}, '{"tool": "now", "arguments": {"y": "x"}}',
         {"right", "valid JSON", "right tool"}),
        ({"plan": {"steps": (2, 3)}, "contains": ("tea",)}, "1. Boil\n2. Tea", {"right", "demands met", "is a plan"}),
    ],
    ids=["answer", "calls", "tool and words", "plan and words"],
)  # fmt: skip
def test_a_file_is_checked_by_the_verifier_that_its_references_suit(domain, reference, answer, figures):
    asked = file_set("mine.jsonl", domain, [prompt("x", **reference), prompt("y")], None, VERIFIERS, None)
    assert [p.text for p in asked.prompts] == ["x"]
    (found,) = asked.grade(asked.prompts, [answer])
    assert (found.keys(), found["right"]) == (figures, 1)


def test_the_usual_verifier_comes_first(domain):
    asked = file_set(
        "mine.jsonl", domain, [prompt("Ana", contains=("Ana",), answer="7")], VERIFIERS["facts"], VERIFIERS, None
    )
    (found,) = asked.grade(asked.prompts, ["- Ana"])
    assert found == {"right": 1, "facts kept": 1, "facts invented": 0}


def test_a_question_whose_grade_is_no_figure_names_the_set(domain):
    class Wrong(Numbers):
        def questions(self):
            return [Question(prompt("x"), lambda _: {"score": 1.0})]

    (asked,) = public_sets("mine", Wrong(), domain, 5)
    with pytest.raises(PluginError, match=r"plug-in 'mine' failed.*not figures from 0 to 1"):
        asked.grade(asked.prompts, ["1"])


@pytest.mark.parametrize("reference", [{}, {"contains": ("x",)}], ids=["none", "one that two verifiers read"])
def test_a_file_without_a_reference_that_one_verifier_reads_is_refused(domain, reference):
    with pytest.raises(DataError, match="no prompt has a reference that a single verifier reads"):
        file_set("mine.jsonl", domain, [prompt("x", **reference)], None, VERIFIERS, None)


def test_tools_of_a_prompt_or_of_its_domain_are_offered(domain):
    plain = prompt("x", answer="1")
    with_tools = plain.model_copy(update={"default_tools": (Tool(name="now"),)})
    for prompts, offers in (([plain], False), ([plain, with_tools], True)):
        (found,) = held_out_sets(domain, prompts, [], VERIFIERS["answer"], None)
        assert found.offers_tools == offers


def test_a_difference_counts_pairs_that_are_verified_on_both_sides():
    before, after = [{"right": 0.0}, {"right": 1.0}, None, {"right": 0.0}], [{"right": 1.0}] * 3 + [None]
    found = Difference.of("base", before, after)
    assert (found.right, found.value, found.against) == (0.5, 0.5, "base")
    assert found.low < 0.5 < found.high
    assert Difference.of("base", [None], [{"right": 1.0}]) is None
    assert json.loads(found.model_dump_json())["against"] == "base"
