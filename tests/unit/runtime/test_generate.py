"""A batch gives the answers of single prompts, and a shared prefix changes no answer."""

import mlx.core as mx
import pytest
from architectures import build
from mlx_lm.generate import generate_step, stream_generate
from mlx_lm.models.cache import ConcatenateKVCache, QuantizedKVCache, RotatingKVCache
from tiny import write_tiny_model

from conch_dna.data.tokens import prompt_ids
from conch_dna.models.load import load
from conch_dna.records import Sampling
from conch_dna.runtime import generate
from conch_dna.runtime.generate import (
    BATCH,
    AnswerText,
    answer_many,
    decode,
    prefill,
    seeded_sampler,
    sequence_seed,
    shared_prefix,
    widen,
)

SHORT = Sampling(max_tokens=12)


def ids_of(base, *texts):
    return [prompt_ids(base.tokenizer, [{"role": "user", "content": text}]) for text in texts]


def alone(base, ids, limit=12):
    """Return greedy tokens without a cache: each token from a full forward pass."""
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


def test_a_half_precision_model_samples_from_exact_probabilities(tmp_path, monkeypatch):
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
    half = load(str(write_tiny_model(tmp_path / "model", tied=False)))
    half.model.set_dtype(mx.bfloat16)
    prompts = ids_of(half, "hello", "there is more")
    for step in decode(half.model, set(), prompts, [seeded_sampler(0, 1, 0)] * 2, 3):
        for _, response in step:
            assert response.logprobs.dtype == mx.float32
            assert mx.exp(response.logprobs).sum().item() == pytest.approx(1, abs=1e-5)


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


def sampled(base, prompts, seed):
    sampling = Sampling(max_tokens=12, temperature=1.0, top_p=0.9, seed=seed)
    return sorted(answer_many(base.model, base.tokenizer, prompts, sampling))


def test_sampled_answers_depend_on_prompt_and_seed_alone(base):
    prompts = ids_of(base, "hello", "there", "the thing that is longer", "hello")
    together = sampled(base, prompts, 1)
    mx.random.seed(77)
    assert sampled(base, prompts, 1) == together
    assert sampled(base, prompts, 2) != together
    for place, prompt in enumerate(prompts):
        assert sampled(base, [prompt], 1)[0].tokens == together[place].tokens
    assert together[0].tokens == together[3].tokens != together[1].tokens


def test_a_shared_prefix_changes_no_sampled_token(base, monkeypatch):
    prompts = ids_of(base, "hello there", "hello then", "hello the 1 and a longer one")
    shared = sampled(base, prompts, 1)
    monkeypatch.setattr(generate, "prefill", lambda *_: None)
    assert sampled(base, prompts, 1) == shared


def test_the_sampler_draws_from_the_tempered_distribution():
    log_probs_1V = mx.log(mx.array([[0.5, 0.3, 0.15, 0.05]]))
    draws = [seeded_sampler(0.5, 1.0, seed)(log_probs_1V).item() for seed in range(3000)]
    wanted = [p**2 / (0.25 + 0.09 + 0.0225 + 0.0025) for p in (0.5, 0.3, 0.15, 0.05)]
    for token, probability in enumerate(wanted):
        assert draws.count(token) / 3000 == pytest.approx(probability, abs=4 * (probability / 3000) ** 0.5)


def test_the_nucleus_excludes_unlikely_tokens():
    log_probs_1V = mx.log(mx.array([[0.5, 0.3, 0.15, 0.05]]))
    assert {seeded_sampler(1.0, 0.7, seed)(log_probs_1V).item() for seed in range(200)} == {0, 1}


def test_draws_of_neighbouring_seeds_and_places_are_apart():
    """A candidate with the next seed must not repeat its neighbour one token later."""
    log_probs_1V = mx.zeros((1, 1000))

    def draws(seed):
        sampler = seeded_sampler(1.0, 1.0, seed)
        return [sampler(log_probs_1V).item() for _ in range(6)]

    found = [token for seed in range(8) for token in draws(seed)]
    assert len(set(found)) > 40
    assert draws(3) == found[18:24]


def test_a_seed_depends_on_all_its_parts():
    seeds = {sequence_seed(seed, step, prompt) for seed in range(5) for step in range(5) for prompt in ("a", "b")}
    assert len(seeds) == 50
    assert all(0 <= seed < 2**64 for seed in seeds)
    assert sequence_seed(1, [2, 3]) == sequence_seed(1, [2, 3]) != sequence_seed(1, [3, 2])


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


def test_the_tokens_are_those_of_mlx_lm_for_one_prompt(base):
    (prompt,) = ids_of(base, "hello there")
    streamed = [piece.token for piece in stream_generate(base.model, base.tokenizer, prompt, max_tokens=12)]
    (answer,) = answer_many(base.model, base.tokenizer, [prompt], SHORT)
    assert answer.tokens == streamed == alone(base, prompt)


@pytest.mark.parametrize("kind", [QuantizedKVCache, ConcatenateKVCache], ids=lambda kind: kind.__name__)
def test_a_base_whose_caches_cannot_be_batched_decodes_one_prompt_after_another(kind):
    model, prompts = build("llama", hidden_size=128), [[5, 9, 2], [7, 7, 1, 4], [5, 9, 2, 8]]
    model.make_cache = lambda: [kind() for _ in model.layers]
    found = [[] for _ in prompts]
    for step in decode(model, set(), prompts, [seeded_sampler(0, 1, 0)] * 3, 6):
        for place, response in step:
            found[place].append(response.token)
    assert found == [[int(token) for token, _ in generate_step(mx.array(p), model, max_tokens=6)] for p in prompts]


def test_the_text_of_an_answer_ends_before_a_stop_string_and_holds_its_beginning_back(base):
    ids = base.tokenizer.encode("a the b", add_special_tokens=False)
    answer = AnswerText(base.tokenizer, ["he b"])
    shown = [answer.add(token, None) for token in ids]
    assert "".join(text for text, _ in shown) == answer.text == "a t"
    assert [reason for _, reason in shown if reason] == ["stop"]
    whole = AnswerText(base.tokenizer)
    ends = [whole.add(token, "length" if n == len(ids) - 1 else None)[1] for n, token in enumerate(ids)]
    assert (whole.text, whole.tokens, ends[-1]) == ("a the b", ids, "length")
