"""Prompt files are read strictly, and all of a file's faults are listed at once."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conch_dna.domains.prompts import read_prompts
from conch_dna.errors import DataError
from conch_dna.records import Message

USER = {"role": "user", "content": "Hi"}
SYSTEM = {"role": "system", "content": "Be brief."}
ASSISTANT = {"role": "assistant", "content": "Hello."}
TOOL = {"role": "tool", "content": "42"}


@pytest.fixture
def read(tmp_path):
    def read(data):
        path = tmp_path / "prompts.jsonl"
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return read_prompts(path)

    return read


def line(*messages, **more):
    return json.dumps({"messages": [*messages], **more}) + "\n"


def fault_of(read, data):
    with pytest.raises(DataError) as caught:
        read(data)
    return str(caught.value)


def test_a_full_prompt_is_read(read):
    reference = {"answer": "4", "contains": ["a"], "tool": {"name": "f"}, "tests": ["assert f()"]}
    (prompt,) = read(line(SYSTEM, USER, ASSISTANT, USER, reference=reference, source="written"))
    assert [message.role for message in prompt.messages] == ["system", "user", "assistant", "user"]
    assert prompt.reference.model_dump(mode="json") == reference
    assert prompt.source == "written"


def test_reference_and_source_may_be_left_out(read):
    (prompt,) = read(line(USER))
    assert prompt.reference.model_dump(exclude_defaults=True) == {}
    assert prompt.source == "unknown"
    assert read(line(USER, reference=None)) == (prompt,)


def test_the_order_of_the_file_is_kept(read):
    contents = ["b", "a", "c"]
    prompts = read("".join(line({"role": "user", "content": content}) for content in contents))
    assert [prompt.text for prompt in prompts] == contents


@pytest.mark.parametrize(
    "data",
    [line(USER).rstrip("\n"), "\n\n" + line(USER) + "  \n\n", line(USER).replace("\n", "\r\n")],
    ids=["no-last-line-feed", "blank-lines", "windows"],
)
def test_line_ends_and_blank_lines_do_not_matter(read, data):
    assert len(read(data)) == 1


def test_a_byte_order_mark_is_allowed(read):
    assert len(read(b"\xef\xbb\xbf" + line(USER).encode())) == 1


def test_other_line_separators_belong_to_the_prompt(read):
    content = "one\u2028two\u0085three\x0bfour"
    (prompt,) = read(json.dumps({"messages": [{"role": "user", "content": content}]}, ensure_ascii=False))
    assert prompt.text == content


@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=1).filter(str.strip))
@settings(max_examples=50, deadline=None, database=None)
def test_any_text_comes_back_as_it_was(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("prompts") / "prompts.jsonl"
    path.write_text(json.dumps({"messages": [{"role": "user", "content": content}]}), encoding="utf-8")
    assert read_prompts(path)[0].text == content


@pytest.mark.parametrize(
    "messages",
    [(USER,), (SYSTEM, USER), (USER, ASSISTANT, USER), (USER, ASSISTANT, TOOL), (USER, ASSISTANT, TOOL, TOOL),
     (USER, ASSISTANT, TOOL, ASSISTANT, USER)],
    ids=lambda messages: "-".join(message["role"] for message in messages),
)  # fmt: skip
def test_these_orders_of_roles_are_allowed(read, messages):
    assert len(read(line(*messages))) == 1


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        ((SYSTEM,), "the first turn"),
        ((ASSISTANT,), "the first turn"),
        ((TOOL,), "the first turn"),
        ((SYSTEM, SYSTEM, USER), "the first turn"),
        ((SYSTEM, ASSISTANT, USER), "the first turn"),
        ((USER, USER), "a user turn follows a user turn; allowed: assistant"),
        ((USER, TOOL), "a tool turn follows a user turn"),
        ((USER, SYSTEM), "a system turn follows a user turn"),
        ((USER, ASSISTANT, ASSISTANT, USER), "allowed: tool or user"),
        ((USER, ASSISTANT, TOOL, USER), "a user turn follows a tool turn"),
        ((USER, ASSISTANT), "the last turn must be the user's"),
    ],
    ids=lambda value: "-".join(message["role"] for message in value) if isinstance(value, tuple) else "",
)
def test_other_orders_are_refused(read, messages, message):
    assert message in fault_of(read, line(*messages))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"messages": ' + "1" * 5000 + "}", "not JSON"),
        ("[]", "a list, not an object with messages"),
        ("3", "a int, not an object"),
        ("NaN", "NaN is not a JSON value"),
        ("{}", "messages must be a non-empty list"),
        ('{"messages": []}', "messages must be a non-empty list"),
        ('{"messages": "Hi"}', "messages must be a non-empty list"),
        ('{"messages": ["Hi"]}', "messages[0]: Input should be"),
        ('{"messages": [{"role": "user"}]}', "messages[0]: content: Field required"),
        ('{"messages": [{"role": "user", "content": 5}]}', "messages[0]: content: Input should be a valid string"),
        ('{"messages": [{"role": "human", "content": "Hi"}]}', "messages[0]: role: Input should be 'system'"),
        ('{"messages": [{"role": "user", "content": "Hi", "nick": "x"}]}', "messages[0]: nick: Extra inputs"),
        (line({"role": "user", "content": ""}), "messages[0]: empty content"),
        (line(USER, {"role": "assistant", "content": " \n\u3000"}, USER), "messages[1]: empty content"),
        (line({"role": "user", "content": "\ud800"}), "messages[0]: broken UTF-8 (a lone surrogate)"),
        (line(USER, reference={"answer": "\ud800"}), "reference, tools or source: broken UTF-8"),
        (line(USER, reference={"tool": {"\udfff": 1}}), "reference, tools or source: broken UTF-8"),
        (line(USER, source="\ud800"), "reference, tools or source: broken UTF-8"),
        (line(USER, prompt="Hi"), "unknown key(s) 'prompt'; allowed: messages, reference, source"),
        (line(USER, **{"\ud800": 1}), "unknown key(s) '\\ud800'"),
        (line(USER, source=3), "source: Input should be a valid string"),
        (line(USER, reference=[]), "Input should be a valid dictionary"),
        (line(USER, reference="4"), "Input should be a valid dictionary"),
        (line(USER, reference={"answer": 4}), "answer: Input should be a valid string"),
        (line(USER, reference={"contains": "word"}), "contains: Input should be"),
        (line(USER, reference={"contains": [1]}), "contains.0: Input should be a valid string"),
        (line(USER, reference={"answers": "4"}), "answers: Extra inputs"),
        (line(USER, reference={"tool": {"arguments": {"x": float("nan")}}}), "NaN is not a JSON value"),
    ],
)
def test_a_faulty_line_is_named_with_its_fault(read, bad, message):
    fault = fault_of(read, line(USER) + bad)
    assert "line 2: " in fault
    assert message in fault
    fault.encode()  # it can be printed


def test_bytes_that_are_no_utf8_are_named_with_their_line(read):
    fault = fault_of(read, line(USER).encode() + b'{"messages": "\xff"}\n' + b"\xc3\n")
    assert "line 2: not UTF-8 (byte 0xff)" in fault
    assert "line 3: not UTF-8 (byte 0xc3)" in fault


def test_the_same_prompt_twice_is_a_fault_even_with_another_reference(read):
    fault = fault_of(read, line(USER) + line(SYSTEM, USER) + line(USER, reference={"answer": "4"}, source="b"))
    assert "line 3: the same prompt as line 1" in fault
    assert "1 faulty line(s)" in fault


def test_all_faults_are_listed_at_once(read):
    fault = fault_of(read, "{\n" + line(USER) + "\n" + line(ASSISTANT) + line(USER) + line(USER, {}))
    found = [part.split(":")[0].strip() for part in fault.splitlines()[1:]]
    assert found == ["line 1", "line 4", "line 5", "line 6"]
    assert "4 faulty line(s)" in fault
    assert "prompts.jsonl" in fault


def test_after_twenty_faults_the_rest_is_counted(read):
    fault = fault_of(read, "{\n" * 25)
    assert "25 faulty line(s)" in fault
    assert "line 20: " in fault
    assert "line 21: " not in fault
    assert "… and 5 more" in fault


@pytest.mark.parametrize("data", ["", "\n \n"], ids=["empty", "blank"])
def test_a_file_without_prompts_is_refused(read, data):
    assert "contains no prompt" in fault_of(read, data)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "missing.jsonl", tmp_path):
        with pytest.raises(DataError, match="cannot be read"):
            read_prompts(path)


def calling(*calls, **more):
    return {"role": "assistant", "content": None, "tool_calls": list(calls), **more}


def call(name="add", arguments=None, **more):
    return {"type": "function", "function": {"name": name, "arguments": arguments or {}}, **more}


def test_a_prompt_with_tool_calls_is_read(read):
    turns = (USER, calling(call(id="c1"), call("now", '{"zone": "UTC"}')), {**TOOL, "tool_call_id": "c1"}, TOOL)
    (prompt,) = read(line(*turns))
    assert [m.as_dict() for m in prompt.messages] == [
        USER,
        calling(call(id="c1"), call("now", {"zone": "UTC"}), content=""),
        {**TOOL, "tool_call_id": "c1"},
        TOOL,
    ]
    assert '{"name": "now", "arguments": {"zone": "UTC"}}' in prompt.text
    assert [Message.model_validate_json(m.model_dump_json()) for m in prompt.messages] == list(prompt.messages)
    assert prompt.messages[0].model_dump(mode="json") == USER, "a prompt that is written again looks as before"


def test_null_arguments_and_empty_objects_stay(read):
    (prompt,) = read(line(USER, calling(call(arguments={"a": None, "b": {}})), TOOL))
    assert prompt.messages[1].as_dict()["tool_calls"][0]["function"]["arguments"] == {"a": None, "b": {}}


def test_a_prompt_without_tool_calls_keeps_its_digest(read):
    """Recordings and caches are keyed by it."""
    (prompt,) = read(line(SYSTEM, USER, ASSISTANT, TOOL))
    assert prompt.digest == "0aa0133a8557142895fcb9daae2cd9e3ce98ff20ec636ceb58b4ecc8f5ce77db"
    others = [calling(call()), calling(call("b")), calling(call(arguments={"a": 1})), calling(call(id="c1"))]
    digests = {read(line(SYSTEM, USER, other, TOOL))[0].digest for other in others}
    digests |= {read(line(SYSTEM, USER, calling(call()), {**TOOL, "name": "add"}))[0].digest, prompt.digest}
    assert len(digests) == 6, "calls and names are a part of the prompt"


@pytest.mark.parametrize(
    ("turns", "message"),
    [
        ((USER, calling(call()), USER), "messages[1]: tool calls without a tool turn after them"),
        ((USER, calling(), USER), "messages[1]: content: Input should be a valid string"),
        ((USER, calling(content=" "), USER), "messages[1]: empty content"),
        ((USER, calling({"function": {}}), TOOL), "messages[1]: tool_calls.0.function.name: Field required"),
        ((USER, calling(call("")), TOOL), "messages[1]: tool_calls.0.function.name: String should have at least 1"),
        ((USER, calling({"name": "add"}), TOOL), "messages[1]: tool_calls.0.function: Field required"),
        (
            (USER, calling(call(arguments="{")), TOOL),
            "messages[1]: tool_calls.0.function.arguments: Value error, not ",
        ),
        ((USER, calling(call(arguments="[1]")), TOOL), "messages[1]: tool_calls.0.function.arguments: Input should be"),
        ((USER, calling(call(arguments='{"a": NaN}')), TOOL), "NaN is not a JSON value"),
        ((USER, calling(call(type="code")), TOOL), "messages[1]: tool_calls.0.type: Input should be 'function'"),
        ((USER, calling(call(strict=True)), TOOL), "messages[1]: tool_calls.0.strict: Extra inputs"),
        ((USER, calling(call(arguments={"a": "\ud800"})), TOOL), "messages[1]: broken UTF-8"),
        (({**USER, "tool_calls": [call()]},), "messages[0]: Value error, tool_calls belong to an assistant turn"),
        (({**USER, "name": "x"},), "messages[0]: Value error, tool_call_id and name belong to a tool turn"),
        ((USER, calling(call(id="a")), {**TOOL, "tool_call_id": "b"}), "messages[2]: tool_call_id 'b' matches no"),
        ((USER, ASSISTANT, {**TOOL, "tool_call_id": "a"}), "messages[2]: tool_call_id 'a' matches no call"),
    ],
)
def test_a_faulty_tool_call_is_named_with_its_fault(read, turns, message):
    fault = fault_of(read, line(USER) + line(*turns))
    assert "line 2: " in fault
    assert message in fault
    assert len(fault.splitlines()) == 2, "one line a fault"
    fault.encode()
