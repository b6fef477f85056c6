"""BFCL's functions become tools, and its lists of allowed values decide whether calls are right."""

import json
from importlib import import_module

import pytest

from conch_dna.data.tool_form import written_calls
from conch_dna.plugin.manager import load_plugins
from conch_dna.records import FunctionCall
from conch_dna.runtime.grammar import grammar_of

load_plugins()
bfcl = import_module("conch_plugins.question_sets._bfcl")

FUNCTION = {
    "name": "travel.book",
    "description": "Book a trip",
    "parameters": {
        "type": "dict",
        "properties": {
            "city": {"type": "string", "enum": ["New York", "NYC"]},
            "seats": {"type": "integer", "optional": True},
            "window": {"type": "boolean", "default": True},
            "days": {"type": "tuple", "items": {"type": "string"}},
            "card": {"type": "dict", "properties": {"kind": {"type": "any"}, "type": {"type": "string"}}},
            "price": {"type": "float", "format": "float"},
            "grades": {"type": "array", "items": {"type": "float"}},
        },
        "required": ["city", "seats", "days", "card", "price"],
    },
}
# Allowed values in the format of BFCL; "" marks an optional argument.
TRUTH = {
    "travel.book": {
        "city": ["New York", "NYC"], "seats": [2], "window": [True, ""], "days": [["Mon", "Tue"]],
        "card": [{"kind": ["visa"], "type": ["", "none"]}], "price": [10.0], "grades": ["", [1.0, 2]],
    },
}  # fmt: skip
RIGHT = {"city": "nyc", "seats": 2, "days": ["mon", "Tue"], "card": {"kind": "Visa"}, "price": 10}
TOOLS = (bfcl.tool_of(FUNCTION),)


def call(tool="travel.book", **change):
    arguments = {k: v for k, v in (RIGHT | change).items() if v is not None}
    return json.dumps({"tool": tool, "arguments": arguments})


def graded(answer, *truths):
    return bfcl.grade(answer, truths or (TRUTH,), TOOLS)


def test_a_function_is_a_tool_with_a_json_schema():
    (tool,) = TOOLS
    fields = tool.parameters["properties"]
    assert (tool.name, tool.parameters["type"]) == ("travel.book", "object")
    assert {name: field.get("type") for name, field in fields.items()} == {
        "city": "string", "seats": "integer", "window": "boolean", "days": "array", "card": "object", "price": "number",
        "grades": "array",
    }  # fmt: skip
    assert fields["card"]["properties"] == {"kind": {}, "type": {"type": "string"}}, "a field may be called type"
    assert fields["price"] == {"type": "number"}, "keys that are no JSON schema are left out"
    assert (fields["city"]["enum"], fields["window"]["default"]) == (["New York", "NYC"], True)
    assert grammar_of(TOOLS)


@pytest.mark.parametrize(
    "answer",
    [
        call(), call(city="new  york"), call(window=True), call(card={"kind": "visa", "type": "none"}),
        call(price=10.0), call(grades=[1.0, 2]), call(grades=[1.0, 2.0]),
    ],
    ids=["plain", "case and blanks", "optional given", "nested optional", "a float", "list", "float for an int in it"],
)  # fmt: skip
def test_a_call_with_allowed_values_is_right(answer):
    assert graded(answer) == {"right": 1, "valid JSON": 1, "right tool": 1}


@pytest.mark.parametrize(
    ("answer", "valid", "tool"),
    [
        (call(tool="cook"), 1, 0), (call(city="Boston"), 1, 1), (call(seats=None), 1, 1), (call(seats="2"), 1, 1),
        (call(seats=True), 1, 1), (call(seats=2.0), 1, 1), (call(window=1), 1, 1), (call(window=False), 1, 1),
        (call(window=""), 1, 1), (call(extra=1), 1, 1), (call(days=["Mon"]), 1, 1), (call(days="Mon"), 1, 1),
        (call(card={"type": ""}), 1, 1), (call(card={"kind": "visa", "pin": 1}), 1, 1), (call(price=10.5), 1, 1),
        (call(grades=[1, 2]), 1, 1),
        ("Sure! " + call(), 0, 0), (call() + "\n" + call(), 1, 0), (call()[:-1], 0, 0), (f"[{call()}]", 0, 0),
        ('{"tool": "travel.book"}', 0, 0), ('{"tool": "travel.book", "arguments": []}', 0, 0), ("", 0, 0),
        (f"```json\n{call()}\n```", 0, 0), (f"\n {call()}", 0, 0),
        ("[" * 99999, 0, 0), ('{"tool": "travel.book", "arguments": {"price": NaN}}', 0, 0),
    ],
    ids=[
        "another tool", "wrong value", "one missing", "string for a number", "true for a number", "float for an int",
        "number for true", "false", "an empty text for a missing one", "one too many", "short list", "no list",
        "nested missing", "nested too many", "another number", "an int for a float in a list", "words before",
        "two calls", "cut off", "a list", "no arguments", "arguments a list", "nothing", "a fence", "blanks",
        "nested too deep", "NaN",
    ],
)  # fmt: skip
def test_a_call_with_a_fault_is_wrong(answer, valid, tool):
    assert graded(answer) == {"right": 0, "valid JSON": valid, "right tool": tool}


def test_a_required_argument_is_needed_even_if_its_truth_allows_none():
    truth = {"travel.book": TRUTH["travel.book"] | {"seats": [2, ""]}}
    assert graded(call(seats=None), truth)["right"] == 0
    assert graded(call(), truth)["right"] == 1


def test_parallel_calls_are_right_in_any_order_and_only_together():
    other = {"travel.book": TRUTH["travel.book"] | {"seats": [3]}}
    both = f"{call(seats=3)}\n{call()}"
    assert graded(both, TRUTH, other) == graded(f"{call()}\n{call(seats=3)}", TRUTH, other)
    assert graded(both, TRUTH, other) == {"right": 1, "valid JSON": 1, "right tool": 1}
    assert graded(call(), TRUTH, other) == {"right": 0, "valid JSON": 1, "right tool": 0}
    assert graded(f"{both}\n{call()}", TRUTH, other)["right tool"] == 0
    assert graded(f"{call()}\n{call()}", TRUTH, other) == {"right": 0, "valid JSON": 1, "right tool": 1}


def test_two_equal_calls_are_told_apart_by_the_type_of_their_numbers():
    assert graded(f"{call(seats=2.0)}\n{call()}", TRUTH, TRUTH)["right"] == 0


class FakeWheel:
    """The two files of each kind, with one row each."""

    def read(self, member):
        if "possible_answer" in member:
            many = "parallel" in member
            return [{"id": "q1", "ground_truth": [TRUTH, TRUTH] if many else [TRUTH]}]
        return [{"id": "q1", "question": [[{"role": "user", "content": f"Book! {member}"}]], "function": [FUNCTION]}]


def test_a_question_has_the_tools_in_its_prompt_and_a_right_call_as_its_reference(monkeypatch):
    monkeypatch.setattr(bfcl, "WHEEL", FakeWheel())
    found = bfcl.questions()
    assert [(q.kind, q.prompt.source, len(q.prompt.reference.calls)) for q in found] == [
        ("", "bfcl-simple_python", 1), ("", "bfcl-multiple", 1), ("parallel", "bfcl-parallel", 2),
    ]  # fmt: skip
    for question in found:
        assert question.prompt.tools == TOOLS
        assert question.grade(written_calls(question.prompt.reference.calls))["right"] == 1
        assert question.grade("Which city?")["right"] == 0
    given = {"city": "New York", "seats": 2, "days": ["Mon", "Tue"], "card": {"kind": "visa"}, "price": 10.0}
    assert found[0].prompt.reference.calls == (FunctionCall(name="travel.book", arguments=given),)
