"""The ``answer`` verifier compares the final answer of a response with that of the reference."""

import pytest
from checkout import ROOT

from conch_dna.domains.domain import Domain, DomainSettings
from conch_dna.plugin.manager import load_plugins
from conch_dna.records import Message, Prompt, Reference

VERIFIER = load_plugins().catalog.get("verifiers", "answer")
DOMAIN = Domain(DomainSettings(name="thinking", description="d"), ROOT / "none.jsonl")


def verified(response, **reference):
    prompt = Prompt(messages=(Message(role="user", content="What?"),), reference=Reference(**reference))
    return VERIFIER(prompt, response, DOMAIN)


def right(truth, response):
    return verified(response, answer=truth)["right"] == 1


@pytest.mark.parametrize(
    ("truth", "response"),
    [
        ("1200", "1. 3 x 400.\nAnswer: 1,200"), ("1,200", "Answer: $1200.00 in all"), ("1234.5", "Answer: $1,234.50"),
        ("12", "**Answer:** 12 apples, of 30"), ("12", "Answer: 12 apples"), ("12 apples", "Answer: 12"),
        ("12", "Answer: 3\nNo, wait.\nanswer : 12."), ("12", "The answer is 12."), ("12", "Answer:\n12"),
        ("9", "Answer: 4 + 5 = 9"), ("9", "Answer: (4 + 5) * 1 = $9.00"), ("0.5", "Answer: .5"), ("0.75",
         "Answer: 3/4"),
        ("1.5", "Answer: 1 1/2 cups"), ("25", "Answer: 25%"), ("-5", "Answer: \u22125 degrees"), ("-5", "Answer: -5"),
        ("-5", "Answer: minus 5"), ("-5", "Answer: -$5"), ("750 ml", "Answer: 750ml"), ("750 ml", "Answer: the 750 ml"),
        ("1", "Answer: 1.00"), ("1,000,000", "Answer: 1 million"), ("5000", "Answer: $5k"),
        ("2 million", "Answer: 2 million"),
        ("12", "Answer: 12 (check: 12 * 3 = 36)"), ("5", "Answer: 5\nI hope this answer is helpful."),
        ("5", "Answer: 5, not 6"), ("12", "Answer: The total (in euros) is 12"), ("12", "Answer: **12**"),
        ("12", "**Answer: 12**"), ("12", "The answer is **12**."), ("20", "Answer: 4 \u00d7 (3 + 2) = 20"),
        ("14", "The answer is 2 * (3 + 4) = 14"), ("3", "Answer: $5 \u2013 $2 = $3"), ("300", "Answer: 300 K"),
        ("60", "Answer: 3 hours at 20 mph, so 3 * 20 = 60 miles"), ("3", "Answer: 3 dozen"),
        ("10", "Answer: We add 4 and 6.\nThe final answer is 10."), ("12", "Answer: Not including tax, 12"),
    ],
)  # fmt: skip
def test_numbers_are_compared_by_value_without_currency_and_unit(truth, response):
    assert right(truth, response)


@pytest.mark.parametrize(
    ("truth", "response"),
    [
        ("1200", "Answer: 1,20"), ("12", "Answer: twelve"), ("12", ""), ("12", "Answer:"), ("12", "Answer: 12.5"),
        ("5", "Answer: -5"), ("-5", "Answer: 5"), ("5065", "Answer: UA5065"), ("7 km", "Answer: 8 km"),
        ("12", "12 is my guess.\nAnswer: 13"), ("1", "Answer: 1 million"), ("5", "Answer: 5k"), ("10", "Answer: 10^6"),
        ("10", "Answer: 10**2"), ("1", "Answer: 1e5"), ("2", "Answer: 2,5"), ("5", "The answer is not 5."),
        ("36", "Answer: 12 (check: 12 * 3 = 36)"), ("4", "Answer: 4 \u00d7 (3 + 2) = 20"),
        ("5", "Answer: 5 \u2013 7"), ("5", "Answer: $5 \u2013 $2 = $3"),
    ],
)  # fmt: skip
def test_another_number_is_wrong(truth, response):
    assert not right(truth, response)


@pytest.mark.parametrize("response", ["Answer: 4 + 5", "Answer: 4 or 5", "Answer: 4-5", "Answer: 4 apples and 5 pears"])
def test_one_of_several_numbers_is_no_final_answer(response):
    assert not right("4", response)
    assert not right("5", response)


@pytest.mark.parametrize(
    ("truth", "response"),
    [
        ("16:25", "Answer: 16:25"), ("16:25", "Answer: 14:50 + 95 min = 16:25"), ("16:25", "Answer: 4:25 pm"),
        ("8:15", "Answer: 08:15"), ("2:55", "Answer: 2:55 pm"), ("2:55 pm", "Answer: 14:55"), ("12:05",
         "Answer: 12:05 am"),
        ("0:05", "Answer: 12:05 am"), ("16:25", "So 14:50 + 95 min = 16:25."),
    ],
)  # fmt: skip
def test_times_are_compared_as_times(truth, response):
    assert right(truth, response)


@pytest.mark.parametrize(
    ("truth", "response"),
    [
        ("16:25", "Answer: 16"), ("16", "Answer: 16:25"), ("25", "Answer: 16:25"), ("16:25", "Answer: 16.25"),
        ("16:25", "Answer: 4:25"), ("2:55", "Answer: 12:55"), ("4:25 am", "Answer: 16:25"), ("4:25 am",
         "Answer: 4:25 pm"),
    ],
)  # fmt: skip
def test_a_time_is_neither_a_number_nor_another_time(truth, response):
    assert not right(truth, response)


@pytest.mark.parametrize(
    ("truth", "response"),
    [
        ("too much", "Answer: Too  much water"), ("No", "Answer: no."), ("No", "Answer: No, because it was dark"),
        ("Yes", "Answer: Yes, it will"), ("Beth", "Answer: Beth is the shortest"), ("B", "Answer: Plan B"),
        ("Beth", "Answer: Beth is shorter than Omar"), ("carrot", "Answer: carrot (not a fruit)"),
        ("power cut", "Answer: a power cut"),
        ("Beth", "Answer: Beth\nI hope this answer is helpful."),
        ("feather, brick, car", "Answer: a feather, a brick and a car"),
        ("Saturday", "Answer: **Saturday**"), ("Alba", "Answer: Hotel Alba"),
    ],
)  # fmt: skip
def test_words_are_compared_without_case(truth, response):
    assert right(truth, response)


@pytest.mark.parametrize(
    ("truth", "response"),
    [
        ("No", "Answer: Nobody knows"), ("No", "Answer: Yes"), ("No", "Answer: Yes, no doubt"), ("No", "Nobody knows."),
        ("Beth", "Answer: Omar, Beth"), ("Beth", "Answer: Beth or Omar"), ("Beth", "Answer: Beth and Omar"),
        ("Beth", "Answer: not Beth"), ("Omar", "Answer: Beth is shorter than Omar"), ("Beth", "Answer: Bethany"),
        ("Beth", "Answer: Omar\nBeth is second."), ("Beth", "Beth is taller than Omar."),
        ("feather, brick, car", "Answer: brick, feather, car"), ("feather, brick, car", "Answer: feather, brick"),
    ],
)  # fmt: skip
def test_other_words_several_names_and_another_order_are_wrong(truth, response):
    assert not right(truth, response)


@pytest.mark.parametrize(
    ("truth", "response"),
    [("12", "12"), ("12", "$12."), ("-3", "**-3**"), ("16:25", "16:25"), ("Beth", "Beth."), ("No", "no"),
     ("2", "1. 1 + 1 = 2 apples."), ("72", "48 / 2 = 24 clips in May, so she sold 72.")],
)  # fmt: skip
def test_without_an_answer_line_the_answer_alone_or_the_end_of_a_calculation_counts(truth, response):
    assert verified(response, answer=truth) == {"right": 1.0, "has answer line": 0.0}


@pytest.mark.parametrize("response", ["The status of flight UA5065 is 1.00.", "1 apple, 2 pears, 1", "so 2 + 1"])
def test_a_number_in_passing_is_not_the_final_answer(response):
    assert not right("1", response)


@pytest.mark.parametrize(
    ("response", "line"),
    [("1. 3 * 4 = 12.\nAnswer: 12", 1), ("**answer:** 12", 1), ("The answer is 12.", 0), ("= 12", 0), ("Answer:\n", 0)],
)
def test_the_answer_line_is_a_figure_of_its_own(response, line):
    assert verified(response, answer="12")["has answer line"] == line


def test_a_prompt_without_an_answer_is_not_verified():
    assert verified("Answer: 12", contains=("12",)) is None
