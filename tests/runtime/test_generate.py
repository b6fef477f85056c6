"""Batches answer as one prompt alone would, and a shared prefix changes nothing."""

import mlx.core as mx
import pytest
from mlx_lm.generate import stream_generate
from mlx_lm.models.cache import RotatingKVCache

from conch_dna.data.tokens import prompt_ids
from conch_dna.records import Sampling
from conch_dna.runtime.generate import BATCH, answer_many, prefill, shared_prefix, widen

SHORT = Sampling(max_tokens=12)


def ids_of(base, *texts):
    return [prompt_ids(base.tokenizer, [{"role": "user", "content": text}]) for text in texts]


def alone(base, ids, limit=12):
    """Greedy tokens without a cache: each next token from a full forward pass."""
    found = []
    while len(found) < limit:
        token = base.model(mx.array([[*ids, *found]]))[0, -1].argmax().item()
        if token in base.tokenizer.eos_token_ids:
            break
        found.append(token)
    return found


@pytest.mark.parametrize(
    ("prompts", "prefix"),
    [
        ([[1, 2, 3, 4], [1, 2, 5]], [1, 2]),
        ([[1, 2], [1, 2, 3]], [1]),
        ([[1, 2], [1, 2]], [1]),
        ([[1], [1, 2]], []),
        ([[3, 1], [2, 1]], []),
    ],
    ids=["differ inside", "one starts the other", "equal", "one token", "nothing shared"],
)
def test_the_shared_prefix_leaves_each_prompt_a_token(prompts, prefix):
    assert shared_prefix(prompts) == prefix


@pytest.mark.parametrize(
    "texts",
    [
        ["hello there"],
        ["hello there", "hello then", "hello the 1 and a longer one"],
        ["a", "bcdef ghi jkl mno pqr stu vwx", "the"],
        ["same", "same"],
    ],
    ids=["one", "shared words", "ragged", "equal"],
)
def test_a_batch_gives_each_prompt_its_own_greedy_tokens(base, texts):
    prompts = ids_of(base, *texts)
    found = {answer.place: answer.tokens for answer in answer_many(base.model, base.tokenizer, prompts, SHORT)}
    assert found == {place: alone(base, ids) for place, ids in enumerate(prompts)}


def test_more_prompts_than_a_batch_holds_are_all_answered(base):
    prompts = ids_of(base, *(f"number {n}" for n in range(BATCH + 5)))
    found = {a.place: a.tokens for a in answer_many(base.model, base.tokenizer, prompts, Sampling(max_tokens=3))}
    assert found.keys() == set(range(BATCH + 5))
    assert found[BATCH + 3] == alone(base, prompts[BATCH + 3], 3)


def test_no_prompts_get_no_answers(base):
    assert list(answer_many(base.model, base.tokenizer, [], SHORT)) == []


def test_an_answer_that_hits_the_limit_is_unfinished_and_one_that_stops_is_not(base):
    (prompt,) = ids_of(base, "hello")
    (cut,) = answer_many(base.model, base.tokenizer, [prompt], SHORT)
    assert (len(cut.tokens), cut.finished) == (12, False)
    stops = type("Tokenizer", (), {"eos_token_ids": {cut.tokens[-1]}})
    (whole,) = answer_many(base.model, stops, [prompt], SHORT)
    assert whole.finished
    assert whole.tokens == cut.tokens[: cut.tokens.index(cut.tokens[-1])]


def test_sampled_answers_depend_on_the_seed_alone(base):
    prompts = ids_of(base, "hello", "there")

    def sampled(seed):
        sampling = Sampling(max_tokens=12, temperature=1.0, top_p=0.9, seed=seed)
        return sorted(answer_many(base.model, base.tokenizer, prompts, sampling))

    assert sampled(1) == sampled(1)
    assert sampled(1) != sampled(2)


def test_a_widened_cache_continues_each_row_as_the_whole_prompt_would(base):
    prefix, rows = [5, 9, 2, 77], [[31, 4], [8, 200], [1, 1]]
    cache = prefill(base.model, prefix)
    found = base.model(mx.array(rows), cache=widen(cache, 3))
    direct = base.model(mx.array([prefix + row for row in rows]))[:, 4:]
    assert mx.allclose(found, direct, atol=1e-5)
    assert [c.offset for c in cache] == [4] * 4  # the narrow one can be used again


def test_nothing_is_prefilled_where_nothing_is_shared_or_the_cache_cannot_be(base):
    assert prefill(base.model, []) is None
    windowed = type("Windowed", (), {"layers": base.model.layers, "make_cache": lambda _: [RotatingKVCache(8)] * 4})
    assert prefill(windowed(), [1, 2]) is None


def test_one_stream_says_the_same(base):
    (prompt,) = ids_of(base, "hello there")
    streamed = [piece.token for piece in stream_generate(base.model, base.tokenizer, prompt, max_tokens=12)]
    assert streamed == alone(base, prompt)
