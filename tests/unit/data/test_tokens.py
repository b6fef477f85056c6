"""Every assistant turn is trained with its end, and nothing else is."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny import write_tokenizer

from conch_dna.data.batches import collate
from conch_dna.data.tokens import encode_chat, prompt_ids, render
from conch_dna.errors import DataError
from conch_dna.plugin.protocols import Targets
from conch_dna.records import Message

NEWLINE_FREE_START = st.text(st.characters(codec="utf-8"), max_size=12).filter(lambda t: not t[:1].isspace())
TEXT = st.one_of(NEWLINE_FREE_START, st.text("!the in\n 1", max_size=15).filter(lambda t: not t[:1].isspace()))


@st.composite
def conversations(draw):
    """System or none, then turns of user and assistant, some with a tool result between; the last the assistant's."""
    turns = [{"role": "system", "content": draw(TEXT)}] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(1, 3))):
        turns.append({"role": "user", "content": draw(TEXT)})
        if draw(st.booleans()):
            turns.append({"role": "assistant", "content": draw(TEXT)})
            turns.append({"role": "tool", "content": draw(TEXT)})
        turns.append({"role": "assistant", "content": draw(TEXT)})
    return turns


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    from mlx_lm.tokenizer_utils import load

    folder = tmp_path_factory.mktemp("tokenizer")
    write_tokenizer(folder)
    return load(folder)


def runs_of(example):
    """The trained stretches as lists of ids."""
    found, open_ = [], False
    for token, trained in zip(example.ids, example.trained, strict=True):
        if trained and not open_:
            found.append([])
        if trained:
            found[-1].append(token)
        open_ = trained
    return found


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(turns=conversations())
def test_exactly_the_assistant_turns_and_their_ends_are_trained(tokenizer, turns):
    example = encode_chat(tokenizer, turns)
    (end,) = tokenizer.eos_token_ids
    stretches = runs_of(example)
    texts = [turn["content"] for turn in turns if turn["role"] == "assistant"]
    assert [s[-1] for s in stretches] == [end] * len(texts), "the end of every turn is trained, and nothing after it"
    assert [tokenizer.decode(s[:-1]) for s in stretches] == texts
    assert all(end not in s[:-1] for s in stretches)
    assert tokenizer.decode(list(example.ids)) == tokenizer.apply_chat_template(turns, tokenize=False)
    assert list(example.ids[: example.answer_start]) == prompt_ids(tokenizer, turns[:-1])
    assert list(example.answer_ids) == stretches[-1]
    assert example.answer_bytes == len(texts[-1].encode())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(several=st.lists(conversations(), min_size=1, max_size=4))
def test_padding_is_never_trained_though_its_id_is_a_real_one(tokenizer, several):
    assert tokenizer.decode([0]) == "!", "the id that pads must be one that occurs"
    examples = [encode_chat(tokenizer, turns) for turns in several]
    batch = collate(examples, range(len(examples)))
    trained = {(row, place) for row, e in enumerate(examples) for place, t in enumerate(e.trained) if t}
    assert {(int(r), int(c) + 1) for r, c in zip(batch.rows_N, batch.cols_N, strict=True)} == trained
    assert len(batch.labels_N) == len(trained)


@pytest.mark.parametrize("text", ["\nlist", "  two blanks", "", "\n"], ids=repr)
def test_an_answer_may_begin_with_blanks(tokenizer, text):
    turns = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": text}]
    example = encode_chat(tokenizer, turns)
    assert tokenizer.decode(list(example.answer_ids[:-1])) == text
    assert list(example.ids[: example.answer_start]) == prompt_ids(tokenizer, turns[:-1])


def test_an_end_of_turn_inside_the_text_ends_the_training_there(tokenizer):
    turns = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes<|im_end|>no"}]
    assert tokenizer.decode(list(encode_chat(tokenizer, turns).answer_ids)) == "yes<|im_end|>"


@pytest.mark.parametrize(
    "turns", [[], [{"role": "user", "content": "hi"}], [{"role": "tool", "content": "3"}]], ids=["none", "user", "tool"]
)
def test_a_conversation_must_end_with_the_assistant(tokenizer, turns):
    with pytest.raises(DataError, match="must be the assistant's"):
        encode_chat(tokenizer, turns)


def test_a_template_that_rewrites_earlier_turns_is_refused(tokenizer, tmp_path):
    from mlx_lm.tokenizer_utils import load

    write_tokenizer(tmp_path)
    other = load(tmp_path)
    other.chat_template = (
        "{% for m in messages %}{{ m.role }}:{{ '' if m.role == 'assistant' and not loop.last else m.content }}"
        "<|im_end|>{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"
    )
    other._tokenizer.chat_template = other.chat_template
    say = ["user", "assistant", "user", "assistant"]
    with pytest.raises(DataError, match="rewrites earlier turns"):
        encode_chat(other, [{"role": role, "content": f"t{i}"} for i, role in enumerate(say)])


# Tool calls in tags, results grouped in a user turn: the form of the Qwen family.
TOOL_TEMPLATE = (
    "{% for m in messages %}"
    "{% if m.role == 'tool' %}"
    "{% if loop.first or messages[loop.index0 - 1].role != 'tool' %}{{ '<|im_start|>user' }}{% endif %}"
    "{{ '\n<result>' + m.content + '</result>' }}"
    "{% if loop.last or messages[loop.index0 + 1].role != 'tool' %}{{ '<|im_end|>\n' }}{% endif %}"
    "{% else %}"
    "{{ '<|im_start|>' + m.role + '\n' + m.content }}"
    "{% for call in m.tool_calls or [] %}"
    "{{ '<call>' + call.function.name + ' ' + (call.function.arguments | tojson) + '</call>' }}"
    "{% endfor %}"
    "{{ '<|im_end|>\n' }}"
    "{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
NAMES = st.sampled_from(["search", "add", "read_file"])
ARGUMENTS = st.dictionaries(st.sampled_from("abc"), st.one_of(st.integers(-9, 9), st.none(), TEXT), max_size=2)


@st.composite
def conversations_with_tools(draw):
    """Questions; rounds of calls and their results; answers, some of which are calls. The last is the assistant's."""
    turns = []

    def call():
        function = {"name": draw(NAMES), "arguments": draw(ARGUMENTS)}
        return {"type": "function", "function": function}

    for _ in range(draw(st.integers(1, 2))):
        turns.append({"role": "user", "content": draw(TEXT)})
        for _ in range(draw(st.integers(0, 2))):
            calls = [call() for _ in range(draw(st.integers(1, 2)))]
            turns.append({"role": "assistant", "content": draw(TEXT), "tool_calls": calls})
            turns += [{"role": "tool", "content": "RESULT" + draw(TEXT)} for _ in calls]
        turns.append({"role": "assistant", "content": draw(TEXT)})
    if draw(st.booleans()):
        turns[-1] = {"role": "assistant", "content": draw(TEXT), "tool_calls": [call()]}
    return turns


def with_template(folder, template, **about):
    from mlx_lm.tokenizer_utils import load

    write_tokenizer(folder)
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "chat_template": template, **about}))
    return load(folder)


@pytest.fixture(scope="module")
def tool_tokenizer(tmp_path_factory):
    return with_template(tmp_path_factory.mktemp("tools"), TOOL_TEMPLATE)


def call_text(call):
    return f"<call>{call['function']['name']} {json.dumps(call['function']['arguments'], ensure_ascii=False)}</call>"


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(turns=conversations_with_tools())
def test_every_tool_call_is_trained_with_its_end_and_no_result_is(tool_tokenizer, turns):
    example = encode_chat(tool_tokenizer, turns)
    (end,) = tool_tokenizer.eos_token_ids
    texts = [
        turn["content"] + "".join(map(call_text, turn.get("tool_calls", ())))
        for turn in turns
        if turn["role"] == "assistant"
    ]
    stretches = runs_of(example)
    assert [s[-1] for s in stretches] == [end] * len(texts)
    assert [tool_tokenizer.decode(s[:-1]) for s in stretches] == texts
    untrained = tool_tokenizer.decode([i for i, t in zip(example.ids, example.trained, strict=True) if not t])
    assert untrained.count("RESULT") == sum(turn["role"] == "tool" for turn in turns)
    assert tool_tokenizer.decode(list(example.ids)) == tool_tokenizer.apply_chat_template(turns, tokenize=False)
    assert list(example.ids[: example.answer_start]) == prompt_ids(tool_tokenizer, turns[:-1])
    assert example.answer_bytes == len(texts[-1].encode())


CALL = {
    "role": "assistant",
    "content": "",
    "tool_calls": [
        {"type": "function", "function": {"name": "add", "arguments": {"a": 1, "ü": None}}},
        {"type": "function", "function": {"name": "now", "arguments": {}}},
    ],
}
SHOWN = '{"tool": "add", "arguments": {"a": 1, "ü": null}}\n{"tool": "now", "arguments": {}}'
WITH_CALL = [{"role": "user", "content": "hi"}, CALL, *[{"role": "tool", "content": "2"}] * 2]


def test_where_the_template_has_no_tool_calls_they_are_lines_of_json(tokenizer):
    example = encode_chat(tokenizer, WITH_CALL[:2])
    assert tokenizer.decode(list(example.answer_ids)) == SHOWN + "<|im_end|>"
    assert example.answer_bytes == len(SHOWN.encode())
    spoken = encode_chat(tokenizer, [WITH_CALL[0], {**CALL, "content": "Wait."}])
    assert tokenizer.decode(list(spoken.answer_ids)) == f"Wait.\n{SHOWN}<|im_end|>"
    shown = render(tokenizer, WITH_CALL, open_turn=True)
    assert f"assistant\n{SHOWN}<|im_end|>\n<|im_start|>tool\n2<|im_end|>" in shown
    assert prompt_ids(tokenizer, WITH_CALL) == tokenizer.encode(shown, add_special_tokens=False)
    assert "tool_calls" in CALL, "what was given is left as it was"


def test_arguments_written_as_json_text_train_the_same_tokens(tool_tokenizer):
    function = {"name": "add", "arguments": '{"a": 1}'}
    as_text = Message.model_validate(
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "type": "function", "function": function}]}
    )
    turn = as_text.as_dict()
    assert turn["tool_calls"][0]["function"]["arguments"] == {"a": 1}
    example = encode_chat(tool_tokenizer, [WITH_CALL[0], turn])
    assert tool_tokenizer.decode(list(example.answer_ids)) == '<call>add {"a": 1}</call><|im_end|>'


def test_the_end_of_a_turn_is_trained_though_it_pads_too(tmp_path):
    """If pad and end-of-turn are one token, masking by id would train a student that never stops."""
    tokenizer = with_template(tmp_path, TOOL_TEMPLATE, pad_token="<|im_end|>")  # noqa: S106
    assert tokenizer.pad_token_id in tokenizer.eos_token_ids
    say = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    example = encode_chat(tokenizer, [*say, *say])
    assert [tokenizer.decode(s) for s in runs_of(example)] == ["b<|im_end|>"] * 2
    assert sum(t == tokenizer.pad_token_id for t, yes in zip(example.ids, example.trained, strict=True) if yes) == 2


def test_earlier_turns_are_trained_on_text_but_not_beside_soft_targets(tool_tokenizer):
    """Soft targets are the teacher's view of its own answer; the turns before it are the prompt's."""
    turns = [*WITH_CALL, {"role": "assistant", "content": "2"}, WITH_CALL[0], {"role": "assistant", "content": "bye"}]
    example = encode_chat(tool_tokenizer, turns)
    on_text = collate([example], [0])
    texts = tool_tokenizer.decode(list(on_text.labels_N)).split("<|im_end|>")
    assert texts == ["".join(map(call_text, CALL["tool_calls"])), "2", "bye", ""]
    answer = np.array(example.answer_ids, np.int32)
    targets = Targets(answer[:, None], np.zeros((len(answer), 1), np.float32), np.full(len(answer), -9.0, np.float32))
    beside = collate([example], [0], [targets])
    assert tool_tokenizer.decode(list(beside.labels_N)) == "bye<|im_end|>"


def test_a_template_that_refuses_a_conversation_says_so(tmp_path):
    tokenizer = with_template(tmp_path, "{{ raise_exception('roles must alternate') }}")
    with pytest.raises(DataError, match="refuses this conversation; got roles must alternate"):
        encode_chat(tokenizer, [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}])
