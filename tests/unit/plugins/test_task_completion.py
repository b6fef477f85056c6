"""The ``task_completion`` scorer sees form and match, and never rates a better answer lower."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conch_dna.domains.domain import Domain, DomainSettings, load_domain
from conch_dna.plugin.manager import load_plugins
from conch_dna.plugin.protocols import ScoreContext
from conch_dna.records import Message, Prompt, Reference
from conch_dna.util.files import bundled_dir

SCORER = load_plugins().catalog.get("scorers", "task_completion")
QUICK = settings(max_examples=60, deadline=None, database=None)
NAMES = ("action", "debug", "memory", "reflection", "task", "thinking")
DOMAINS = {name: load_domain(bundled_dir("domains") / name) for name in NAMES}


def rate(response, domain="thinking", **reference):
    domain = DOMAINS[domain] if isinstance(domain, str) else domain
    prompt = Prompt(messages=(Message(role="user", content="?"),), reference=Reference(**reference))
    return SCORER(prompt, response, ScoreContext(domain=domain))


def domain_of(task_type="qa", **more):
    return Domain(DomainSettings(name="x", description="x", task_type=task_type, **more), Path("prompts.jsonl"))


def steps(answer, *lines):
    steps = [f"{place}. {line}" for place, line in enumerate(lines or ("Six jars at 7: 42.", "Less 3: 39."), 1)]
    return "\n".join([*steps, f"Answer: {answer}"])


@pytest.mark.parametrize("name", NAMES)
def test_every_example_answer_has_the_full_form(name):
    for example in DOMAINS[name].settings.examples:
        assert rate(example.answer, name) == 1.0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("response", ["", " \n\t "], ids=["empty", "blank"])
def test_no_response_is_worth_nothing(name, response):
    assert rate(response, name) == 0.0
    assert rate(response, name, contains=["x"]) == 0.0


@pytest.mark.parametrize("name", NAMES)
@given(response=st.text(max_size=300))
@QUICK
def test_any_text_is_rated_from_0_to_1(name, response):
    for reference in ({}, {"answer": "12", "contains": ["a"], "tool": {"name": "calculator", "arguments": {"a": 1}}}):
        assert 0.0 <= rate(response, name, **reference) <= 1.0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(tool=JSON | st.sampled_from(["calculator", "read_file"]), arguments=JSON)
@QUICK
def test_any_call_is_rated_from_0_to_1(tool, arguments):
    response = json.dumps({"tool": tool, "arguments": arguments})
    expected = {"name": "calculator", "arguments": {"expression": "1 + 1"}}
    assert 0.0 <= rate(response, "action", tool=expected, contains=["1"]) <= 1.0


@pytest.mark.parametrize("opening", ['{"a":', "[", '{"tool": "calculator", "arguments": {"expression": [', "("])
def test_deeply_nested_text_is_rated_too(opening):
    assert 0.0 <= rate(opening * 5000, "action", contains=["x"]) <= 1.0
    assert 0.0 <= rate(f"```python\n{opening * 5000}\n```", "debug") <= 1.0


def test_a_closed_deep_object_is_not_an_answer():
    deep = '{"a":' * 900 + "1" + "}" * 900
    assert 0.0 <= rate(deep, "action", contains=["x"]) <= 1.0


def test_a_reference_counts_for_six_tenths():
    assert rate(steps(39), answer="39") == 1.0
    assert rate(steps(40), answer="39") == pytest.approx(0.4)
    assert rate("39", answer="39") == pytest.approx(0.6)
    assert rate("40", answer="39") == 0.0


# --- tool calls ---

CALL = '{"tool": "calculator", "arguments": {"expression": "37 * 48"}}'
BETTER_AND_BETTER_CALLS = [
    "37 * 48 is 1776.",
    f"Sure: {CALL[:-30]}",
    'Sure: {"tool": "abacus"}',
    '{"tool": "abacus"}',
    '{"tool": "abacus", "arguments": {}}',
    '{"tool": "calculator", "arguments": {}}',
    CALL,
]


def test_each_stage_of_a_call_earns_more():
    rates = [rate(response, "action") for response in BETTER_AND_BETTER_CALLS]
    assert rates[0] == rates[1] == 0.0
    assert rates[-1] == 1.0
    assert all(worse < better for worse, better in pairwise(rates[1:]))


@pytest.mark.parametrize("response", ['{"tool": NaN}', "[]", '"calculator"', "{}}"], ids=str)
def test_what_is_not_one_json_object_is_not_a_full_form(response):
    assert rate(response, "action") <= 0.25


def test_arguments_of_the_wrong_type_are_not_valid():
    assert rate('{"tool": "calculator", "arguments": {"expression": 5}}', "action") == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        ({"tool": "calculator", "arguments": {"expression": "37*48"}}, 1.0),
        ({"tool": "calculator", "arguments": {"expression": "48*37"}}, 0.5),
        ({"tool": "calculator", "arguments": {}}, 0.5),
        ({"tool": "calculator"}, 0.5),
        ({"tool": "read_file", "arguments": {"expression": "37 * 48"}}, 0.0),
    ],
)
def test_the_right_tool_and_the_right_arguments_are_half_each(call, match):
    reference = {"name": "calculator", "arguments": {"expression": "37 * 48"}}
    response = json.dumps(call)
    assert rate(response, "action", tool=reference) == pytest.approx(0.4 * rate(response, "action") + 0.6 * match)


@pytest.mark.parametrize(
    ("given_value", "same"), [(" noon ", True), ("NOON", True), ("at noon", False), (12, False), (["noon"], False)]
)
def test_text_arguments_are_compared_without_case_and_outer_blanks(given_value, same):
    reference = {"name": "set_reminder", "arguments": {"time": "noon"}}
    call = {"tool": "set_reminder", "arguments": {"text": "x", "time": given_value}}
    form = rate(json.dumps(call), "action")
    assert rate(json.dumps(call), "action", tool=reference) == pytest.approx(0.4 * form + 0.6 * (1.0 if same else 0.5))


def test_true_is_not_1():
    domain = domain_of("tool_call", tools=[{"name": "set"}])
    reference = {"name": "set", "arguments": {"on": True}}
    assert rate('{"tool": "set", "arguments": {"on": 1}}', domain, tool=reference) < 1.0
    assert rate('{"tool": "set", "arguments": {"on": true}}', domain, tool=reference) == 1.0


def test_words_are_found_behind_json_escapes():
    call = '{"tool": "web_search", "arguments": {"query": "caf\\u00e9 \\"Ch\\u00e9ri\\""}}'
    assert rate(call, "action", contains=['café "Chéri"']) == 1.0


# --- code ---

BLOCK = "```python\ndef f(x):\n    return x\n```"


def test_each_stage_of_code_earns_more():
    rates = [
        rate(response, "debug")
        for response in [
            "def f(x):\n    return x",
            "```python\ndef f(x:",
            "```python\ndef f(x:\n```",
            "```python\nx = 1\n```",
            BLOCK,
            f"Bug: It lacks nothing.\n{BLOCK}",
        ]
    ]
    assert rates[0] == 0.0
    assert rates[-1] == 1.0
    assert rates == sorted(set(rates))


def test_tests_of_a_reference_are_left_to_another_scorer():
    assert rate(f"Bug: x\n{BLOCK}", "debug", tests=["assert f(1) == 2"]) == 1.0


def test_code_of_a_domain_without_examples_needs_nothing_around_it():
    assert rate(BLOCK, domain_of("code")) == 1.0


def test_invalid_escapes_in_code_print_no_warning():
    assert rate('Bug: x\n```python\ndef f():\n    return "\\d"\n```', "debug") == 1.0


# --- structure ---


@pytest.mark.parametrize(
    ("domain", "worse", "better"),
    [
        ("thinking", "The result is 39.", "1. So 42 - 3 = 39.\nThat is it."),
        ("thinking", "1. So 42 - 3 = 39.", steps(39)),
        ("thinking", "1. A.\n1. B.\nAnswer: 39", steps(39)),
        ("thinking", f"{steps(39)}\nHope this helps!", steps(39)),
        ("thinking", f"{steps(39)}\nAnswer: 40", steps(39)),
        ("thinking", steps(39, "Add.", "Add.", "Add."), steps(39, "Add.", "Take.", "Done.")),
        ("thinking", "1. So 42 - 3 = 39.\nAnswer:", steps(39)),
        ("reflection", "Better: It is 54.", "Flaw: none\nBetter: It is 54."),
        ("reflection", "Flaw: none\nBetter: It is", "Flaw: none\nBetter: It is 54."),
        ("memory", "User is vegan.", "- User is vegan"),
        ("memory", "- User is vegan\n- User is vegan", "- User is vegan\n- User is tall"),
        ("task", "1. Open it.\n3. Shut it.", "1. Open it.\n2. Shut it."),
        ("task", "1. Open it.\n2. Shut", "1. Open it.\n2. Shut it."),
    ],
)
def test_an_answer_closer_to_the_examples_is_rated_higher(domain, worse, better):
    assert rate(worse, domain) < rate(better, domain)


def test_an_endless_answer_is_rated_lower():
    lines = [f"Line number {n} about something." for n in range(200)]
    domain = domain_of("generic", length={"min": 1, "max": 20})
    assert rate("\n".join(lines), domain) < rate("\n".join(lines[:6]), domain) == 1.0


def test_without_examples_prose_needs_only_an_end_and_no_repeats():
    assert rate("Paris is the capital of France.", domain_of()) == 1.0
    assert rate("Paris is the capital of", domain_of()) < 1.0
    assert rate("It is Paris.\nIt is Paris.", domain_of()) < 1.0


# --- answers ---


@pytest.mark.parametrize(
    ("wanted", "got"),
    [
        ("39", "39"), ("39", "39."), ("39", "**39**"), ("39", "$39"), ("39", "39.0"), ("39", "39 dollars"),
        ("3.00", "3"), ("6.60", "$6.6"), ("1900", "1,900"), ("25", "25%"), ("7 km", "7"), ("750 ml", "750 millilitres"),
        ("-4", "\u22124"), ("hose", "The hose."), ("Beth", "beth"), ("16:25", "16:25"), ("too much", "Too  much"),
        ("Yes", "yes"),
    ],
)  # fmt: skip
def test_answers_are_compared_by_value_and_without_case(wanted, got):
    assert rate(steps(got), answer=wanted) == 1.0


@pytest.mark.parametrize(
    ("wanted", "got"),
    [
        ("39", "390"), ("39", "3.9"), ("39", "-39"), ("16:25", "16:52"), ("Beth", "Omar"), ("No", "not sure"),
        ("5", "5 or 6"),
    ],
)  # fmt: skip
def test_other_answers_do_not_match(wanted, got):
    assert rate(steps(got), answer=wanted) == pytest.approx(0.4)


def test_the_last_answer_label_counts():
    assert rate("Answer: 1\nAnswer: 39", answer="39") > rate("Answer: 39\nAnswer: 1", answer="39")


def test_without_labels_in_the_domain_the_answer_may_be_anywhere():
    assert rate("The capital is Paris.", domain_of(), answer="paris") == 1.0
    assert rate("The capital is Parisian.", domain_of(), answer="Paris") == pytest.approx(0.4)
    assert rate("$39.00", domain_of("generic"), answer="39") > rate("$38.00", domain_of("generic"), answer="39")


@given(wanted=st.integers(-(10**6), 10**6), other=st.integers(-(10**6), 10**6))
@QUICK
def test_the_right_number_never_scores_below_another(wanted, other):
    assert rate(steps(f"${wanted:,}"), answer=str(wanted)) >= rate(steps(other), answer=str(wanted))


@given(held=st.integers(0, 4))
@QUICK
def test_more_of_the_wanted_words_never_score_lower(held):
    wanted = ["alpha", "beta", "gamma", "delta"]
    fewer = "- " + " ".join(wanted[:held])
    assert rate(f"{fewer} omega", "memory", contains=wanted) == pytest.approx(0.4 + 0.6 * held / 4)


@given(text=st.text(max_size=200))
@QUICK
def test_wanted_words_never_lower_the_match(text):
    """The form may fall, since words can break a line's shape, but by less than the match rises."""
    assert rate(f"- x\n{text}".rstrip(), "memory", contains=["qqq"]) <= rate(
        f"- x qqq\n{text}".rstrip(), "memory", contains=["qqq"]
    )


def test_several_kinds_of_reference_count_alike():
    assert rate(steps(39), answer="39", contains=["zebra"]) == pytest.approx(0.7)
