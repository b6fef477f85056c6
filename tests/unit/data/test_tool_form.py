"""Tools stand in a student's prompt as signatures, and calls are lines of JSON."""

import json

import pytest

from conch_dna.data.tool_form import read_calls, signature, student_turns, with_tools, written_calls
from conch_dna.records import FunctionCall, Message, Prompt, Tool

WEATHER = Tool(
    name="get_weather",
    description="Current\n  weather",
    parameters={
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "City,  State"},
            "unit": {"enum": ["c", "f"], "default": "c"},
            "days": {"type": "array", "items": {"type": "integer"}},
            "spot": {"type": "object", "properties": {"lat": {"type": "number"}}, "required": ["lat"]},
        },
        "required": ["city"],
    },
)
DEFINITIONS = {
    "Unit": {"enum": ["c", "f"]},
    "Spot": {
        "type": "object",
        "properties": {"lat": {"type": "number"}, "next": {"$ref": "#/$defs/Spot"}},
        "required": ["lat"],
    },
}


def test_a_signature_has_types_required_marks_enums_defaults_and_descriptions():
    assert signature(WEATHER) == (
        'get_weather(city: string (City, State), unit?: "c"|"f" = "c", days?: integer[], spot?: {lat: number})'
        " - Current weather"
    )


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "string"}, "string"),
        ({"type": ["string", "null"]}, "string|null"),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, "string|integer"),
        ({"const": 3}, "3"),
        ({"type": "array", "items": {"enum": ["a", 1]}}, '("a"|1)[]'),
        ({"type": "array"}, "any[]"),
        ({"type": "object"}, "object"),
        ({"$ref": "#/$defs/Unit"}, '"c"|"f"'),
        ({"type": "array", "items": {"$ref": "#/$defs/Spot"}}, "{lat: number, next?: any}[]"),
        ({"anyOf": [{"$ref": "#/$defs/Spot"}, {"type": "null"}]}, "{lat: number, next?: any}|null"),
        ({"allOf": [{"$ref": "#/$defs/Unit"}], "default": "c"}, '"c"|"f" = "c"'),
        ({"allOf": [{"type": "integer"}, {"minimum": 1}]}, "any"),
        ({"$ref": "#/$defs/none"}, "any"),
        ({"$ref": "other.json#/$defs/Unit"}, "any"),
        ({"$ref": "#"}, "any"),
        ({}, "any"),
        (True, "any"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_type_has_a_short_form(schema, text):
    tool = Tool(name="f", parameters={"properties": {"x": schema}, "required": ["x"], "$defs": DEFINITIONS})
    assert signature(tool) == f"f(x: {text})"


def test_references_that_double_at_every_level_are_cut():
    doubled = {f"a{n}": {"anyOf": [{"type": [f"{n}"]}, *[{"$ref": f"#/$defs/a{n + 1}"}] * 2]} for n in range(60)}
    text = signature(Tool(name="f", parameters={"properties": {"x": {"$ref": "#/$defs/a0"}}, "$defs": doubled}))
    assert text.startswith("f(x?: 0|1|2|")
    assert len(text) < 1000


@pytest.mark.parametrize("parameters", [{}, {"type": "object"}, {"properties": None, "required": 3}], ids=str)
def test_a_tool_without_arguments_has_empty_brackets(parameters):
    assert signature(Tool(name="now", parameters=parameters)) == "now()"


def test_tools_end_the_system_turn_or_make_one():
    asked = [{"role": "user", "content": "hi"}]
    system, user = with_tools(asked, [WEATHER])
    assert (system["role"], user) == ("system", {"role": "user", "content": "hi\nClosest: none"})
    assert system["content"].endswith(signature(WEATHER))
    longer = with_tools([{"role": "system", "content": "Be brief."}, *asked], [WEATHER])
    assert longer[0]["content"] == f"Be brief.\n\n{system['content']}"
    assert with_tools(asked, []) == asked


def test_each_user_turn_names_its_closest_tools_whatever_the_other_turns_say():
    first = [{"role": "user", "content": "What is the weather in Rome?"}]
    more = [
        {"role": "assistant", "content": "the weather is fine"},
        {"role": "user", "content": "And what time is it?"},
    ]
    tools = [WEATHER, Tool(name="now", description="Date and time")]
    system, weather, answer, time = with_tools([*first, *more], tools)
    assert [weather["content"], answer["content"], time["content"]] == [
        "What is the weather in Rome?\nClosest: get_weather",
        "the weather is fine",
        "And what time is it?\nClosest: now",
    ]
    assert with_tools(first, tools) == [system, weather]
    assert first == [{"role": "user", "content": "What is the weather in Rome?"}]


def test_neurons_of_0_1_see_tools_as_json_and_no_closest_ones():
    (system, user) = with_tools([{"role": "user", "content": "hi"}], [Tool(name="now")], form=1)
    assert system["content"].splitlines()[1:] == ['{"name": "now"}']
    assert user["content"] == "hi"


def test_neurons_of_0_1_see_only_the_prompts_own_tools():
    prompt = Prompt(messages=(Message(role="user", content="hi"),), default_tools=(Tool(name="a"),))
    assert student_turns(prompt, form=1) == prompt.turns
    own = prompt.model_copy(update={"tools": (Tool(name="b"),)})
    assert '{"name": "b"}' in student_turns(own, form=1)[0]["content"]


def test_a_student_sees_the_prompts_own_tools_before_the_domains():
    prompt = Prompt(messages=(Message(role="user", content="hi"),), default_tools=(Tool(name="a"),))
    assert student_turns(prompt)[0]["content"].endswith("\na()")
    own = prompt.model_copy(update={"tools": (Tool(name="b"),)})
    assert student_turns(own)[0]["content"].endswith("Tools:\nb()")
    assert own.digest != prompt.digest == prompt.model_copy(update={"default_tools": ()}).digest


def test_calls_are_read_as_they_are_written():
    calls = [FunctionCall(name="a", arguments={"x": "é\n"}), FunctionCall(name="b")]
    assert read_calls(written_calls(calls)) == calls


@pytest.mark.parametrize(
    "text",
    ["", "no", '{"tool": "a"}', '{"tool": "a", "arguments": {}', '{"tool": "a", "arguments": 3}', "{}", "[1]",
     '{"tool": "a", "arguments": {}}\nand more', '{"tool": "", "arguments": {}}', "{" * 20_000,
     '{"tool": "a", "arguments": {"x": NaN}}'],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_anything_else_is_no_call(text):
    assert read_calls(text) is None


def test_tools_are_read_in_openais_form_too():
    function = {"name": "now", "parameters": {"type": "object"}}
    assert Tool.model_validate({"type": "function", "function": function}) == Tool(**function)
    assert json.loads(Prompt(messages=(Message(role="user", content="x"),), tools=(function,)).model_dump_json())
