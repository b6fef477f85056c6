"""Every assistant turn is trained with its end, and nothing else is."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny import write_tokenizer

from conch_dna.data.batches import collate
from conch_dna.data.tokens import encode_chat, prompt_ids
from conch_dna.errors import DataError

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
    said = [turn["content"] for turn in turns if turn["role"] == "assistant"]
    assert [s[-1] for s in stretches] == [end] * len(said), "the end of every turn is trained, and nothing after it"
    assert [tokenizer.decode(s[:-1]) for s in stretches] == said
    assert all(end not in s[:-1] for s in stretches)
    assert tokenizer.decode(list(example.ids)) == tokenizer.apply_chat_template(turns, tokenize=False)
    assert list(example.ids[: example.answer_start]) == prompt_ids(tokenizer, turns[:-1])
    assert list(example.answer_ids) == stretches[-1]
    assert example.answer_bytes == len(said[-1].encode())


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
