"""Keys and values are reused within a neuron, never across neurons, and within a byte budget."""

import mlx.core as mx
import numpy as np
import pytest
from architectures import build
from mlx_lm.models.cache import make_prompt_cache

from conch_dna.runtime import prompt_cache
from conch_dna.runtime.prompt_cache import LEAST, PromptCache, shared_length

ONE, TWO = ("sha256:base", "sha256:one", ""), ("sha256:base", "sha256:two", "")
LONG = [(3 * n) % 60 for n in range(40)]


@pytest.fixture(scope="module")
def model():
    return build("llama", max_position_embeddings=128)


def computed(model, tokens):
    """The caches of a sequence, as long as its tokens."""
    caches = make_prompt_cache(model)
    model(mx.array([tokens]), cache=caches)
    for cache in caches:
        cache.keys, cache.values = (mx.contiguous(part) for part in cache.keys_and_values())
    return caches


def size(tokens):
    return tokens * 2 * 2 * 16 * 4  # two layers, keys and values, one head of 16, float32


def test_a_cached_start_continues_as_if_computed_whole(model):
    cache = PromptCache(model, 1 << 20)
    cache.store(ONE, LONG, computed(model, LONG))
    prompt = [*LONG[:30], 1, 2, 3]
    known, caches = cache.fetch(ONE, prompt)
    assert known == 30
    logits = model(mx.array([prompt[known:]]), cache=caches)
    assert mx.allclose(logits, model(mx.array([prompt]))[:, known:], atol=1e-5)
    again, caches = cache.fetch(ONE, LONG)
    assert (again, caches[0].offset) == (39, 39), "one token is left to compute"


def test_entries_are_not_shared_with_another_neuron_base_or_owner(model):
    cache = PromptCache(model, 1 << 20)
    cache.store(ONE, LONG, computed(model, LONG))
    for key in (TWO, ("sha256:other", *ONE[1:]), (ONE[0], None, ""), (*ONE[:2], "another")):
        assert cache.fetch(key, LONG) == (0, None)


def test_a_short_common_start_is_computed_again(model):
    cache = PromptCache(model, 1 << 20)
    cache.store(ONE, LONG, computed(model, LONG))
    assert cache.fetch(ONE, [*LONG[: LEAST - 1], 63, 63]) == (0, None)
    assert cache.fetch(ONE, [*LONG[:LEAST], 63, 63])[0] == LEAST


def test_a_longer_sequence_replaces_its_own_starts(model):
    cache = PromptCache(model, 1 << 20)
    for length in (20, 40, 30):
        cache.store(ONE, LONG[:length], computed(model, LONG[:length]))
    assert (len(cache), cache.nbytes) == (1, size(40))
    cache.store(TWO, LONG[:20], computed(model, LONG[:20]))
    assert (len(cache), cache.nbytes) == (2, size(60))


def test_a_longer_sequence_keeps_other_entries_of_its_neuron(model):
    cache = PromptCache(model, 1 << 20)
    other = [1, *LONG[:24]]
    for tokens in (other, LONG[:20], LONG):
        cache.store(ONE, tokens, computed(model, tokens))
    assert (len(cache), cache.nbytes) == (2, size(25 + 40))
    assert (cache.fetch(ONE, other)[0], cache.fetch(ONE, LONG)[0]) == (24, 39)


def test_the_least_recently_used_goes_when_the_bytes_are_spent(model):
    cache = PromptCache(model, size(100))
    starts = {}
    for n in (1, 2):
        starts[n] = [n, *LONG[1:]]
        cache.store(ONE, starts[n], computed(model, LONG))
    assert cache.fetch(ONE, starts[1])[0] == 39
    cache.store(ONE, [3, *LONG[1:]], computed(model, LONG))
    assert cache.fetch(ONE, starts[2]) == (0, None)
    assert cache.fetch(ONE, starts[1])[0] == 39
    assert cache.nbytes <= size(100)


def test_an_entry_above_the_budget_is_not_kept_and_evicts_nothing(model):
    cache = PromptCache(model, size(100))
    cache.store(ONE, LONG, computed(model, LONG))
    cache.store(ONE, [4] * 101, computed(model, [4] * 101))
    assert (len(cache), cache.nbytes) == (1, size(40))


def test_the_number_of_entries_is_limited_too(model, monkeypatch):
    monkeypatch.setattr(prompt_cache, "MOST", 3)
    cache = PromptCache(model, 1 << 20)
    for n in range(5):
        cache.store(ONE, [n, *LONG], computed(model, [n, *LONG]))
    assert len(cache) == 3


@pytest.mark.parametrize(("budget", "kept"), [(1 << 20, 1), (size(30), 0), (0, 0)])
def test_a_lent_entry_is_available_beyond_the_budget_until_it_is_cleared(model, budget, kept):
    cache = PromptCache(model, budget)
    cache.store(ONE, LONG, computed(model, LONG), lend=True)
    prompt = [*LONG, 1]
    assert (cache.known(ONE, prompt), cache.known(TWO, prompt)) == (40, 0)
    length, caches = cache.fetch(ONE, prompt)
    logits = model(mx.array([prompt[length:]]), cache=caches)
    assert mx.allclose(logits, model(mx.array([prompt]))[:, length:], atol=1e-5)
    assert len(cache) == kept
    cache.lent.clear()
    assert cache.known(ONE, prompt) == 40 * kept


@pytest.mark.parametrize("name", ["gemma3_text", "mamba2"])
def test_caches_that_cannot_be_cut_back_are_not_kept(name):
    other = build(name)
    cache = PromptCache(other, 1 << 20)
    cache.store(ONE, LONG, make_prompt_cache(other), lend=True)
    assert (len(cache), cache.lent) == (0, [])


def test_a_budget_of_nothing_keeps_nothing(model):
    cache = PromptCache(model, 0)
    cache.store(ONE, LONG, computed(model, LONG))
    assert len(cache) == 0


@pytest.mark.parametrize(
    ("a", "b", "length"), [([1, 2, 3], [1, 2, 4], 2), ([1, 2], [1, 2, 3], 2), ([], [1], 0), ([2], [1], 0)]
)
def test_the_shared_length_is_that_of_the_common_start(a, b, length):
    assert shared_length(np.array(a), np.array(b)) == length
