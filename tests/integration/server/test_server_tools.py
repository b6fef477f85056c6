"""Answers have the requested format for any weights."""

import json
from concurrent.futures import ThreadPoolExecutor

import jsonschema
import openai
import pytest
from pydantic import BaseModel

HELLO = [{"role": "user", "content": "what is the weather"}]
SCHEMA = {
    "type": "object",
    "properties": {
        "sunny": {"type": "boolean"},
        "days": {"type": "array", "items": {"enum": ["mon", "tue"]}, "minItems": 1, "maxItems": 2},
        "note": {"type": "string", "maxLength": 6},
    },
    "required": ["sunny", "days", "note"],
    "additionalProperties": False,
}
CITY = {"type": "object", "properties": {"city": {"enum": ["Oslo", "Rome"]}}, "required": ["city"],
        "additionalProperties": False}  # fmt: skip
TOOLS = [
    {"type": "function", "function": {"name": "weather", "description": "of a city", "parameters": CITY}},
    {"type": "function", "function": {"name": "time", "parameters": {"type": "object", "additionalProperties": False}}},
]
FORM = {"type": "json_schema", "json_schema": {"name": "report", "schema": SCHEMA, "strict": True}}


def joined(stream):
    """Join the deltas of one answer."""
    text, calls, reason = "", [], None
    with stream:
        for chunk in stream:
            (choice,) = chunk.choices
            text += choice.delta.content or ""
            calls += choice.delta.tool_calls or []
            reason = choice.finish_reason or reason
    return text, calls, reason


@pytest.mark.parametrize("model", ["base", "action", "thinking"])
@pytest.mark.parametrize("temperature", [0, 1.5])
def test_an_answer_is_json_of_the_schema(client, model, temperature):
    asked = {"model": model, "messages": HELLO, "max_tokens": 200, "temperature": temperature, "seed": 1}
    done = client.chat.completions.create(**asked, response_format=FORM, n=3)
    for choice in done.choices:
        assert choice.finish_reason == "stop"
        jsonschema.validate(json.loads(choice.message.content), SCHEMA)
    text, _, reason = joined(client.chat.completions.create(**asked, response_format=FORM, stream=True))
    assert (text, reason) == (done.choices[0].message.content, "stop")


def test_the_clients_own_parsing_works(client):
    class Report(BaseModel):
        sunny: bool
        size: int

    done = client.chat.completions.parse(model="base", messages=HELLO, max_tokens=400, response_format=Report, seed=1,
                                         temperature=1)  # fmt: skip
    assert isinstance(done.choices[0].message.parsed, Report)


def test_constrained_and_free_answers_share_a_batch(client):
    """The constraint of one answer does not affect others."""
    free = {"model": "action", "messages": HELLO, "max_tokens": 60}
    held = {**free, "response_format": FORM}
    alone = [client.chat.completions.create(**asked).choices[0].message.content for asked in (free, held)]
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda asked: client.chat.completions.create(**asked), [free, held] * 4))
    assert [d.choices[0].message.content for d in done] == alone * 4
    assert alone[0] != alone[1]


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "weather"}}], ids=str)
def test_a_required_call_has_arguments_that_match_its_schema(client, choice):
    asked = {"model": "action", "messages": HELLO, "tools": TOOLS, "tool_choice": choice, "max_tokens": 200,
             "parallel_tool_calls": False}  # fmt: skip
    done = client.chat.completions.create(**asked).choices[0]
    (call,) = done.message.tool_calls
    assert (done.finish_reason, done.message.content) == ("tool_calls", None)
    assert call.function.name in {"weather", "time"} if choice == "required" else {"weather"}
    if call.function.name == "weather":
        jsonschema.validate(json.loads(call.function.arguments), CITY)
    text, (streamed,), reason = joined(client.chat.completions.create(**asked, stream=True))
    assert (text, reason) == ("", "tool_calls")
    assert (streamed.index, streamed.function.name) == (0, call.function.name)
    assert streamed.function.arguments == call.function.arguments
    assert streamed.id.startswith("call_")


def test_a_tool_may_be_left_uncalled(client):
    asked = {"model": "base", "messages": HELLO, "tools": TOOLS, "max_tokens": 8}
    free = client.chat.completions.create(**asked).choices[0]
    assert free.message.tool_calls is None
    assert free.message.content
    text, calls, _ = joined(client.chat.completions.create(**asked, stream=True))
    assert (text, calls) == (free.message.content, [])
    none = client.chat.completions.create(**asked, tool_choice="none").choices[0].message.content
    assert none == client.chat.completions.create(model="base", messages=HELLO, max_tokens=8).choices[0].message.content


def test_a_call_that_was_cut_is_returned_as_text(client):
    asked = {"model": "base", "messages": HELLO, "tools": TOOLS, "tool_choice": "required", "max_tokens": 5}
    done = client.chat.completions.create(**asked).choices[0]
    assert done.finish_reason == "length"
    assert done.message.content.startswith("{")
    text, calls, reason = joined(client.chat.completions.create(**asked, stream=True))
    assert (text, calls, reason) == (done.message.content, [], "length")


def test_earlier_calls_and_results_are_accepted(client):
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
    turns = [*HELLO, {"role": "assistant", "content": None, "tool_calls": [call]},
             {"role": "tool", "tool_call_id": "call_1", "content": "rain"}]  # fmt: skip
    written = [*HELLO, {"role": "assistant", "content": '{"tool": "weather", "arguments": {"city": "Oslo"}}'}, turns[2]]
    asked = {"model": "action", "max_tokens": 8, "tools": TOOLS}
    both = [client.chat.completions.create(messages=m, **asked).choices[0].message.content for m in (turns, written)]
    assert both[0] == both[1]


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "strin"}}}},
         "response_format"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"$ref": "file:///etc"}}}},
         "response_format"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema.json_schema"),
        ({"tools": TOOLS, "response_format": FORM}, "response_format"),
        ({"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "rain"}}}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tools": TOOLS + TOOLS}, "tools"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools.0.function.name"),
        ({"tools": [{"type": "function", "function": {"name": "a", "parameters": {"type": "array"}}}]}, "tools"),
    ],
    ids=["type", "ref", "no schema", "both", "no such tool", "no tools", "twice", "name", "array"],
)  # fmt: skip
def test_an_unsupported_format_is_refused(client, more, param):
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="base", messages=HELLO, max_tokens=4, **more)
    assert caught.value.param == param
