"""Conversations in many formats become prompts; unusable ones are refused with a reason."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conch_dna.domains.chats import Chat, Refused, chat_of
from conch_dna.records import Reference, Tool

CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": {"city": "Oslo"}}}
LINE = '{"tool": "weather", "arguments": {"city": "Oslo"}}'
ASK, GIVE = {"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}


def turns(chat):
    return [(m.role, m.content) for m in chat.messages]


def share(*pairs):
    return [{"from": name, "value": value} for name, value in pairs]


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [ASK, GIVE]},
        {"conversations": share(("human", "Q"), ("gpt", "A"))},
        {"conversation": [{"role": "user", "text": "Q"}, {"role": "model", "text": "A"}]},
        {"messages": {"role": ["user", "assistant"], "content": ["Q", "A"]}},
        {"messages": json.dumps([ASK, GIVE])},
        {"messages": [ASK, GIVE | {"refusal": None, "weight": 1, "name": "bot"}]},
        {"messages": [ASK | {"content": [{"type": "text", "text": "Q"}]}, GIVE]},
        {"messages": [ASK, GIVE, {"role": "user", "content": "Thanks."}]},
    ],
    ids=["openai", "sharegpt", "text", "columns", "json text", "more keys", "parts", "turns after the answer"],
)
def test_one_question_and_its_answer(row):
    chat = chat_of(row)
    assert (turns(chat), chat.answer) == ([("user", "Q")], "A")


def test_the_last_answer_is_the_answer_and_the_others_stay_in_the_prompt():
    chat = chat_of({"messages": [{"role": "developer", "content": "S"}, ASK, GIVE, ASK, GIVE | {"content": "B"}]})
    assert turns(chat) == [("system", "S"), ("user", "Q"), ("assistant", "A"), ("user", "Q")]
    assert chat.answer == "B"


def test_a_system_column_goes_first():
    assert turns(chat_of({"system": "S", "messages": [ASK, GIVE]}))[0] == ("system", "S")
    assert turns(chat_of({"system": " ", "messages": [ASK, GIVE]}))[0] == ("user", "Q")


@pytest.mark.parametrize(
    ("call", "result"),
    [
        ({"role": "assistant", "content": None, "tool_calls": [CALL]},
         {"role": "tool", "content": "4 °C", "tool_call_id": "c1", "name": "weather"}),
        ({"role": "assistant", "content": None, "tool_calls":
          [CALL | {"function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}]},
         {"role": "tool", "content": "4 °C", "tool_call_id": "c1"}),
        ({"role": "assistant", "content": None, "function_call": {"name": "weather", "arguments": '{"city": "Oslo"}'}},
         {"role": "function", "content": "4 °C", "name": "weather"}),
        ({"from": "function_call", "value": json.dumps(CALL["function"])}, {"from": "observation", "value": "4 °C"}),
    ],
    ids=["objects", "json arguments", "legacy", "sharegpt"],
)  # fmt: skip
def test_tool_calls_and_their_results(call, result):
    chat = chat_of({"messages": [ASK, call, result, GIVE]})
    (called,) = chat.messages[1].tool_calls
    assert (called.function.name, called.function.arguments) == ("weather", {"city": "Oslo"})
    assert turns(chat)[2] == ("tool", "4 °C")
    assert chat_of({"messages": [ASK, call]}).answer == LINE, "a call that is the answer is a line of text"


def test_a_tool_may_return_nothing():
    call = {"role": "assistant", "content": "Hm.", "tool_calls": [CALL]}
    chat = chat_of({"messages": [ASK, call, {"role": "tool", "content": ""}, GIVE]})
    assert turns(chat)[2] == ("tool", "")
    assert chat_of({"messages": [ASK, call]}).answer == f"Hm.\n{LINE}"


@pytest.mark.parametrize(
    ("row", "reason", "fault"),
    [
        ({"text": "x"}, "no conversation", "columns messages, conversations, conversation; columns: text"),
        ({}, "no conversation", "columns: none"),
        ({"messages": 3}, "no conversation", "the turns are a int, not a list"),
        ({"messages": "Hi"}, "no conversation", "the turns are a str"),
        ({"messages": {"role": ["user"], "content": []}}, "no conversation", "the turns are a dict"),
        ({"messages": []}, "no answer", "no assistant turn"),
        ({"messages": [ASK]}, "no answer", "no assistant turn"),
        ({"messages": [GIVE]}, "faulty turns", "messages must be a non-empty list"),
        ({"messages": [ASK, GIVE | {"content": " "}]}, "empty answer", "is empty"),
        ({"messages": [ASK, GIVE | {"content": None}]}, "empty answer", "is empty"),
        ({"messages": ["Hi"]}, "faulty turns", "turn 0: a str, not an object"),
        ({"messages": [ASK | {"role": "narrator"}]}, "faulty turns", "turn 0: the role 'narrator' is unknown"),
        ({"messages": [ASK | {"role": ["user"]}]}, "faulty turns", "turn 0: the role ['user'] is unknown"),
        ({"messages": [ASK | {"content": [{"type": "image_url"}]}]}, "faulty turns", "its content is not text"),
        ({"messages": [ASK | {"content": 5}]}, "faulty turns", "its content is not text"),
        ({"messages": [ASK, ASK, GIVE]}, "faulty turns", "a user turn follows a user turn"),
        ({"messages": [GIVE, ASK, GIVE]}, "faulty turns", "the first turn"),
        ({"messages": [ASK, GIVE, GIVE]}, "faulty turns", "the last turn must be the user's"),
        ({"messages": [ASK | {"content": ""}, GIVE]}, "faulty turns", "messages[0]: empty content"),
        ({"messages": [ASK, GIVE | {"content": "\ud800"}]}, "faulty turns", "the answer: broken UTF-8"),
        ({"messages": [ASK, GIVE | {"tool_calls": [{"function": {}}]}]}, "faulty turns", "the answer: tool_calls.0"),
    ],
    ids=lambda value: None if isinstance(value, dict) else str(value),
)
def test_what_is_refused(row, reason, fault):
    refused = chat_of(row)
    assert isinstance(refused, Refused)
    assert refused.reason == reason
    assert fault in refused.fault


def test_a_named_column_is_the_only_one_looked_at():
    row = {"messages": [ASK], "traj": [ASK, GIVE]}
    assert chat_of(row, "traj").answer == "A"
    assert chat_of({"messages": [ASK, GIVE]}, "traj").fault == "has none of the columns traj; columns: messages"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["role", "content", "from", "value", "tool_calls", "function"]), inner)
    ),
    max_leaves=10,
)
TURN = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "tool", "system"]) | VALUES},
    optional={"content": VALUES, "tool_calls": VALUES, "function_call": VALUES, "name": VALUES, "tool_call_id": VALUES},
)


@given(st.lists(TURN, max_size=5) | VALUES)
def test_no_row_whatever_breaks_it(found):
    assert isinstance(chat_of({"messages": found}), Chat | Refused)


FUNCTION = {"name": "weather", "description": "Weather", "parameters": {"type": "object", "properties": {}}}


@pytest.mark.parametrize(
    "columns",
    [
        {"tools": [{"type": "function", "function": FUNCTION}]},
        {"tools": json.dumps([FUNCTION])},
        {"functions": [FUNCTION]},
    ],
    ids=["openai", "json text", "the older name"],
)
def test_tools_of_a_row_are_those_of_its_prompt(columns):
    chat = chat_of({"messages": [ASK, GIVE], **columns})
    assert chat.tools == (Tool(**FUNCTION),)
    assert columns.keys() <= chat.read


@pytest.mark.parametrize("reference", [{"answer": "4"}, '{"answer": "4"}'], ids=["object", "json text"])
def test_the_reference_of_a_row_is_that_of_its_prompt(reference):
    chat = chat_of({"messages": [ASK, GIVE], "reference": reference})
    assert (chat.reference, "reference" in chat.read) == (Reference(answer="4"), True)


@pytest.mark.parametrize(
    "columns", [{"tools": ["weather"]}, {"tools": "weather"}, {"tools": None}, {"tools": []}, {"reference": "A text."}]
)
def test_a_column_of_another_kind_is_not_read(columns):
    chat = chat_of({"messages": [ASK, GIVE], **columns})
    assert (chat.tools, chat.reference) == ((), Reference())
    assert not columns.keys() & chat.read


@pytest.mark.parametrize(
    ("columns", "reason", "fault"),
    [
        ({"tools": [{"description": "no name"}]}, "faulty tools", "name: Field required"),
        ({"tools": [FUNCTION, FUNCTION]}, "faulty tools", "two tools have the same name"),
        ({"tools": [FUNCTION | {"description": "\ud800"}]}, "faulty tools", "broken UTF-8 (a lone surrogate)"),
        ({"reference": {"anwser": "4"}}, "faulty reference", "anwser: Extra inputs are not permitted"),
        ({"reference": {"answer": "\ud800"}}, "faulty reference", "broken UTF-8 (a lone surrogate)"),
    ],
)
def test_faulty_tools_and_references_are_refused_with_their_fault(columns, reason, fault):
    assert chat_of({"messages": [ASK, GIVE], **columns}) == Refused(reason, fault)
