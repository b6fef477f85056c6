"""Draws follow the distribution and depend on the seed alone."""

import mlx.core as mx
import pytest

from conch_dna.runtime.samplers import seeded_sampler, sequence_seed


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
