"""Tools and schemas hold answers of every runtime, for any weights."""

import json

import pytest

from conch_dna.data.tool_form import FORM, read_calls
from conch_dna.errors import GrammarError
from conch_dna.records import Sampling, Tool
from conch_dna.runtime.engine import Engine
from conch_dna.runtime.grammar import Grammars, calls_grammar, closed, grammar_of

CITY = {"type": "object", "properties": {"city": {"enum": ["a", "b"]}}, "required": ["city"],
        "additionalProperties": False}  # fmt: skip
WEATHER, NOW = Tool(name="weather", parameters=CITY), Tool(name="now", parameters={"additionalProperties": False})
LONG = Sampling(max_tokens=120)
SCHEMA = {"type": "object", "properties": {"n": {"enum": [1, 2]}}, "required": ["n"], "additionalProperties": False}


@pytest.fixture
def engine(base, registry):
    engine = Engine(base, registry)
    yield engine
    engine.close()


def test_a_schema_holds_the_answers_of_runtime_and_engine(runtime, publish):
    publish("foo", 1)
    for neuron in ("base", "foo"):
        assert json.loads(runtime.generate("hello", neuron, LONG, schema=SCHEMA))["n"] in {1, 2}


def test_an_engine_holds_each_request_to_its_own_schema(engine):
    other = {"enum": ["x", "y"]}
    requests = [engine.submit("hello", sampling=LONG, schema=schema) for schema in (SCHEMA, other, SCHEMA)]
    first, second, third = [json.loads(request.result().text) for request in requests]
    assert (first["n"] in {1, 2}, second in {"x", "y"}, third) == (True, True, first)


def test_calls_match_the_tools_or_the_answer_is_text(runtime, base):
    required = Grammars(base).constraint(calls_grammar([WEATHER, NOW], text=False, several=False))
    (text,) = runtime.generate_many(["hello"], sampling=LONG, processors=[[required]])
    (call,) = read_calls(text)
    assert (call.name, call.arguments) in [("weather", {"city": "a"}), ("weather", {"city": "b"}), ("now", {})]
    free = runtime.generate("hello", sampling=LONG, tools=[WEATHER, NOW])
    assert read_calls(free) is not None or not free.startswith("{")


@pytest.fixture
def shown(base, monkeypatch):
    """The first turns that the chat template was given."""
    seen = []
    template = type(base.tokenizer).apply_chat_template

    def watched(self, turns, **options):
        seen.append(turns[0]["content"])
        return template(self, turns, **options)

    monkeypatch.setattr(type(base.tokenizer), "apply_chat_template", watched, raising=False)
    return seen


FIRST = Sampling(max_tokens=1)


def test_a_neuron_is_offered_the_tools_it_was_trained_with(runtime, publish, shown):
    publish("foo", 1, tools=(WEATHER,), tool_form=FORM)
    runtime.generate("hello", "foo", FIRST)
    runtime.generate("hello", "foo", FIRST, tools=[])
    runtime.generate("hello", "foo", FIRST, schema=SCHEMA)
    assert [text.splitlines()[-1] for text in shown] == ['weather(city: "a"|"b")', "hello", "hello"]


def test_a_neuron_of_0_1_is_offered_no_tools_and_sees_given_ones_as_json(runtime, publish, shown):
    publish("old", 2)
    runtime.generate("hello", "old", FIRST)
    runtime.generate("hello", "old", FIRST, tools=[NOW])
    assert shown[0] == "hello"
    assert json.loads(shown[1].splitlines()[-1]) == {"name": "now", "parameters": NOW.parameters}


def test_an_engine_shows_the_same_as_a_runtime(engine, publish, shown):
    publish("foo", 1, tools=(WEATHER,), tool_form=FORM)
    engine.submit("hello", "foo", FIRST).result()
    engine.submit("hello", "foo", FIRST, tools=()).result()
    assert [text.splitlines()[-1] for text in shown] == ['weather(city: "a"|"b")', "hello"]
    assert engine.form("foo", None) == (FORM, (WEATHER,))
    assert engine.form("base", None) == (FORM, ())


def test_an_invalid_schema_is_an_error_of_its_request(engine):
    with pytest.raises(GrammarError):
        engine.submit("hello", schema={"type": "nonsense"})
    with pytest.raises(GrammarError, match="both tools and a schema"):
        engine.submit("hello", tools=[NOW], schema=SCHEMA)
    assert engine.submit("hello", sampling=FIRST).result().tokens


def test_a_free_greedy_answer_that_keeps_to_the_grammar_is_the_held_one(runtime):
    held = runtime.generate("hello", sampling=LONG, tools=[WEATHER, NOW])
    assert runtime.allows([WEATHER, NOW], held)
    assert runtime.allows([WEATHER], '{"tool": "weather", "arguments": {"city": "a"}}')
    assert not runtime.allows([WEATHER], '{"tool": "weather", "arguments": {"city": "a"}'), "it ends too early"
    assert not runtime.allows([WEATHER], '{"tool": "weather", "arguments": {"city": "x"}}')
    assert not runtime.allows([WEATHER], '\n {"tool": "weather", "arguments": {"city": "x"}}'), "blanks hide no call"
    assert runtime.allows([WEATHER], " It rains in {a}.")
    assert runtime.allows([], "{anything")


def test_no_tools_and_no_schema_leave_the_answer_free(runtime):
    assert grammar_of([]) is None
    assert runtime.constraints([]) == []


OPEN = {"type": "object", "properties": {"path": {"type": "string"}, "at": {"properties": {"x": {"type": "integer"}}}}}


@pytest.mark.parametrize(
    ("parameters", "arguments", "allowed"),
    [
        (OPEN, {"path": "a"}, True),
        (OPEN, {"path": "a", "at": {"x": 1}}, True),
        (OPEN, {"path": "a", "arguments": {"text": "a"}}, False),
        (OPEN, {"path": "a", "at": {"x": 1, "y": 2}}, False),
        (OPEN | {"additionalProperties": True}, {"path": "a", "more": 1}, True),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {"more": 1}, True),
        ({"type": "object", "patternProperties": {"^x": {"type": "integer"}}}, {"x1": 1}, True),
        ({}, {}, True),
        ({}, {"more": 1}, False),
        ({"properties": {"map": {"type": "object"}}}, {"map": {"any": 1}}, True),
        ({"properties": {"some": {"type": "array", "items": OPEN}}}, {"some": [{"path": "a", "b": 1}]}, False),
        ({"properties": {"a": {"$ref": "#/$defs/o"}}, "$defs": {"o": OPEN}}, {"a": {"path": "a", "b": 1}}, False),
        ({"properties": {"a": {"anyOf": [OPEN, {"type": "null"}]}}}, {"a": {"path": "a", "b": 1}}, True),
        (
            {
                "properties": {"a": {"allOf": [{"$ref": "#/$defs/o"}, {"properties": {"b": {"type": "integer"}}}]}},
                "$defs": {"o": OPEN},
            },
            {"a": {"path": "a", "b": 1}},
            True,
        ),
    ],
    ids=str,
)
def test_a_call_has_the_arguments_that_its_tool_names(runtime, parameters, arguments, allowed):
    call = json.dumps({"tool": "now", "arguments": arguments})
    assert runtime.allows([Tool(name="now", parameters=parameters)], call) == allowed


def test_a_schema_that_is_closed_stays_unchanged():
    schema = {"type": "object", "properties": {"at": {"properties": {}}}}
    assert closed(schema) == closed(closed(schema)) != schema
    assert schema == {"type": "object", "properties": {"at": {"properties": {}}}}
