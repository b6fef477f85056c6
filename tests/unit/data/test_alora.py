"""Invocation tokens: those of the chat template, their last occurrence in a prompt, and the mask that begins there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import TEMPLATE, chats, write_tokenizer

from conch_dna.data.alora import acts_on, invocation_start, invocation_tokens_of, split_at_invocation
from conch_dna.data.batches import collate
from conch_dna.data.tokens import Example, encode_chat, prompt_ids
from conch_dna.errors import DataError, ModelError

FEW = st.lists(st.integers(0, 2), max_size=12)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    from mlx_lm.tokenizer_utils import load

    folder = tmp_path_factory.mktemp("tokenizer")
    write_tokenizer(folder)
    return load(folder)


@given(ids=FEW, invocation=st.lists(st.integers(0, 2), min_size=1, max_size=3))
def test_the_last_occurrence_is_found(ids, invocation):
    starts = [i for i in range(len(ids)) if ids[i : i + len(invocation)] == invocation]
    assert invocation_start(ids, invocation) == (starts[-1] if starts else None)
    assert invocation_start(tuple(ids), tuple(invocation)) == invocation_start(ids, invocation)


@given(context=FEW, rest=FEW)
def test_a_prompt_is_split_before_its_last_invocation_tokens(context, rest):
    assert split_at_invocation([*context, 7, 8, *rest], (7, 8)) == (context, [7, 8, *rest])


def test_a_prompt_without_invocation_tokens_is_refused():
    with pytest.raises(DataError, match=r"does not contain the invocation tokens .*allowed: \[7, 8\]"):
        split_at_invocation([1, 7, 9, 8], (7, 8))


def test_the_invocation_tokens_are_those_with_which_the_template_opens_an_answer(tokenizer):
    invocation = invocation_tokens_of(tokenizer)
    assert tokenizer.decode(list(invocation)) == "<|im_start|>assistant\n"
    turns = [*chats(1)[0], {"role": "user", "content": "and <|im_start|>assistant\n then"}]
    ids = prompt_ids(tokenizer, turns)
    assert invocation_start(ids, invocation) == len(ids) - len(invocation)
    assert invocation_start(ids[:-1], invocation) == invocation_start(
        prompt_ids(tokenizer, turns)[: -len(invocation)], invocation
    )


@pytest.mark.parametrize(
    "template",
    [
        TEMPLATE.partition("{% if add_generation_prompt")[0],
        "{% if add_generation_prompt %}A{% else %}B{% endif %}{{ messages[0]['content'] }}",
    ],
    ids=["opens nothing", "rewrites what stands before"],
)
def test_a_template_without_invocation_tokens_is_refused(tmp_path, template):
    from mlx_lm.tokenizer_utils import load

    write_tokenizer(tmp_path)
    other = load(tmp_path)
    other.chat_template = template
    with pytest.raises(ModelError, match="no separate tokens that open an answer"):
        invocation_tokens_of(other)


def test_the_mask_begins_at_the_invocation_tokens_before_each_answer(tokenizer):
    invocation = invocation_tokens_of(tokenizer)
    several = [*chats(1)[0], *chats(1, seed=1)[0]]
    examples = [encode_chat(tokenizer, chat) for chat in [*chats(5, seed=2), several]]
    batch = collate(examples, range(6))
    mask_BT1 = acts_on(batch.ids_BT, batch.answers_B, invocation)
    assert (mask_BT1.shape, mask_BT1.dtype) == ((*batch.ids_BT.shape, 1), np.float32)
    for example, mask_T in zip(examples, mask_BT1[..., 0], strict=True):
        prompt = example.ids[: example.answer_start]
        start = invocation_start(prompt, invocation)
        assert not mask_T[:start].any()
        assert mask_T[start:].all()


@pytest.mark.parametrize("answer_start", [1, 4], ids=["too early", "after something else"])
def test_an_answer_that_does_not_follow_the_invocation_tokens_is_refused(answer_start):
    example = Example((7, 8, 1, 2, 3), (False,) * 4 + (True,), answer_start, 1)
    batch = collate([example], [0])
    with pytest.raises(DataError, match="does not follow the invocation tokens"):
        acts_on(batch.ids_BT, batch.answers_B, (7, 8))
