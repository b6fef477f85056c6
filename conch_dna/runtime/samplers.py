"""Samplers of one sequence each, whose draws do not depend on the batch."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import mlx.core as mx
import numpy as np
from mlx_lm.sample_utils import apply_top_p, greedy_sampler

from conch_dna.records import digest_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conch_dna.records import Sampling

Sampler: TypeAlias = Callable[[mx.array], mx.array]


def sequence_seed(*parts: object) -> int:
    """Return a 64-bit seed that is a pure function of ``parts``, which must be JSON-able."""
    return int(digest_of(parts)[:16], 16)


def seeded_sampler(temperature: float, top_p: float, seed: int) -> Sampler:
    """Return a sampler for one sequence: (1, V) log-probabilities to (1,) token id; greedy at temperature 0.

    Draw n depends only on ``seed`` and n (Gumbel-max with its own key), so a sequence is the same whatever else is in
    its batch. The sampler counts its draws and must not be used for a second sequence.
    """
    if temperature == 0:
        greedy: Sampler = greedy_sampler  # one object for all sequences: mlx-lm then calls it once per batch
        return greedy
    places = itertools.count()

    def draw(log_probs_1V: mx.array) -> mx.array:
        entropy = np.random.SeedSequence([seed, next(places)]).generate_state(1, np.uint64)
        kept_1V = apply_top_p(log_probs_1V, top_p) if top_p < 1 else log_probs_1V
        return mx.random.categorical(kept_1V * (1 / temperature), key=mx.random.key(int(entropy[0])))

    return draw


def sampler_for(prompt: Sequence[int], sampling: Sampling) -> Sampler:
    """Return the sampler of one answer: it depends on the prompt and the sampling alone."""
    return seeded_sampler(sampling.temperature, sampling.top_p, sequence_seed(sampling.seed, list(prompt)))
