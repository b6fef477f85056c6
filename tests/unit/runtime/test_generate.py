"""A batch gives the answers of single prompts, and a shared prefix changes no answer."""

import mlx.core as mx
import pytest
from architectures import build
from mlx_lm.generate import generate_step, stream_generate
from mlx_lm.models.cache import ConcatenateKVCache, QuantizedKVCache
from tiny import write_tiny_model

from conch_dna.data.tokens import prompt_ids
from conch_dna.models.load import load
from conch_dna.records import Sampling
from conch_dna.runtime import generate
from conch_dna.runtime.generate import BATCH, answer_many, decode
from conch_dna.runtime.samplers import seeded_sampler

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
