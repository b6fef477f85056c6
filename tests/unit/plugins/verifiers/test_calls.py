"""The ``calls`` verifier finds exactly the right calls right, in the form in which they are served as calls."""

import json

import pytest

from conch_dna.domains.domain import load_domain
from conch_dna.plugin.manager import load_plugins
from conch_dna.records import FunctionCall, Message, Prompt, Reference
from conch_dna.util.files import bundled_dir

VERIFIER = load_plugins().catalog.get("verifiers", "calls")
ACTION = load_domain(bundled_dir("domains") / "action")
CALL = '{"tool": "send", "arguments": {"to": "Ann", "count": 2}}'
OTHER = '{"tool": "stop", "arguments": {}}'
WANTED = (FunctionCall(name="send", arguments={"to": "ann", "count": 2.0}),)
BOTH = (*WANTED, FunctionCall(name="stop", arguments={}))


def figures(response, **reference):
    prompt = Prompt(messages=(Message(role="user", content="?"),), reference=Reference(**reference))
    return VERIFIER(prompt, response, ACTION)


def test_the_right_calls_are_right_in_any_order():
    right = {"right": 1.0, "valid JSON": 1.0, "right tool": 1.0}
    assert figures(CALL, calls=WANTED) == figures(f"{OTHER}\n{CALL}", calls=BOTH) == right


@pytest.mark.parametrize(
    ("response", "tool"),
    [
        (CALL.replace("2", "3"), 1.0), (CALL.replace("2", "true"), 1.0), (CALL.replace('"count": 2', '"n": 2'), 1.0),
        (CALL.replace("send", "sent"), 0.0), (f"{CALL}\n{CALL}", 0.0), (f"{CALL}\n{OTHER}", 0.0),
    ],
)  # fmt: skip
def test_another_value_name_or_number_of_calls_is_wrong(response, tool):
    assert figures(response, calls=WANTED) == {"right": 0.0, "valid JSON": 1.0, "right tool": tool}


@pytest.mark.parametrize(
    "response", ["", "Done.", CALL[:-1], f"```json\n{CALL}\n```", f" {CALL}", f"{CALL}\n", f"[{CALL}]"]
)
def test_what_is_not_served_as_a_call_is_none(response):
    assert figures(response, calls=WANTED) == {"right": 0.0, "valid JSON": 0.0, "right tool": 0.0}


@pytest.mark.parametrize("response", ["No tool fits.", "I cannot send {} by post.", "Sorry.\n{name} is missing."])
def test_words_refuse(response):
    assert figures(response, calls=()) == {"right": 1.0}


@pytest.mark.parametrize(
    "response",
    [
        "", " ", CALL, CALL[:9], f"Sure!\n{CALL}", f"Sure: \n  {CALL}", f"[{CALL}]", f"```json\n{CALL}\n```",
        f"```python\n{CALL}\n```", '<tool_call>{"name": "send"}</tool_call>', f"Sure: {CALL}", f"`{CALL}`", f"- {CALL}",
        f"I will call {CALL} now.", '[TOOL_CALLS] [{"name": "send"}]', '[send(to="Ann")]',
    ],
)  # fmt: skip
def test_a_call_in_any_form_is_no_refusal(response):
    assert figures(response, calls=()) == {"right": 0.0}


@pytest.mark.parametrize(
    ("expression", "right"),
    [("9 * 24", 1.0), ("24 * 9", 1.0), ("19 * 24", 0.0), ("9.5 * 24", 0.0), ("1.9 * 24", 0.0), ("95 * 24", 0.0)],
)
def test_a_number_that_must_be_there_is_one_of_its_own(expression, right):
    call = f'{{"tool": "calculator", "arguments": {{"expression": "{expression}"}}}}'
    assert figures(call, tool={"name": "calculator"}, contains=("9", "24"))["right"] == right


@pytest.mark.parametrize(
    ("said", "part"),
    [("86.40 / 4", "86.4"), ("mean(71,64,87)", "64"), ("Saturday 08:30", "8:30"), ("7.00 pm", "7"), ("12.0", "12")],
)
def test_numbers_are_compared_by_value(said, part):
    call = f'{{"tool": "calculator", "arguments": {{"expression": "{said}"}}}}'
    assert figures(call, tool={"name": "calculator"}, contains=(part,))["right"] == 1


def test_every_recorded_call_but_those_that_were_wrong_before_is_right():
    prompts = {prompt.digest: prompt for prompt in ACTION.prompts}
    lines = (ACTION.folder / "recorded/qwen2.5-coder-1.5b.jsonl").read_text().splitlines()
    found = [VERIFIER(prompts[row["prompt"]], row["text"], ACTION) for row in map(json.loads, lines)]
    judged = [figures["right"] for figures in found if figures is not None]
    assert len(judged) > 200
    assert sum(judged) / len(judged) > 0.95


def test_a_prompt_without_reference_is_not_judged():
    assert figures(CALL) is None
