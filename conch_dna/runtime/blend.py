"""Weighted blends of neurons: one adapter whose delta is the weighted sum of several."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mlx.core as mx

from conch_dna.errors import NeuronRefused
from conch_dna.registry.adapter import Adapter

if TYPE_CHECKING:
    from collections.abc import Sequence


def blended(parts: Sequence[tuple[Adapter, float]], digest: str) -> Adapter:
    """Return the adapter of Σ wᵢ·sᵢ·AᵢBᵢ; it concatenates the factors, so the sum is exact and the ranks add up.

    :param parts: adapters with the same invocation tokens, or without any, and their weights.
    :raises NeuronRefused: an adapter has DoRA magnitudes, which are valid for its own weights only, or changes expert
        layers.
    """
    for adapter, _ in parts:
        if adapter.magnitudes:
            raise NeuronRefused("DoRA neurons cannot be blended", got=adapter.digest, allowed="LoRA neurons")
        if experts := sorted(path for path, (a, _) in adapter.weights.items() if a.ndim == 3):
            raise NeuronRefused("neurons of expert layers cannot be blended", got=experts[0])
    weights = {}
    for path in sorted({path for adapter, _ in parts for path in adapter.weights}):
        here = [(adapter, weight) for adapter, weight in parts if path in adapter.weights]
        a = mx.concatenate([adapter.weights[path][0].astype(mx.float32) for adapter, _ in here], axis=1)
        b = mx.concatenate([weight * adapter.scale * adapter.weights[path][1] for adapter, weight in here], axis=0)
        weights[path] = (a, b.astype(mx.float32))
    mx.eval(weights)
    return Adapter(
        weights=weights,
        scale=1.0,
        rank=sum(adapter.rank for adapter, _ in parts),
        config={},
        digest=digest,
        nbytes=sum(a.nbytes + b.nbytes for a, b in weights.values()),
        invocation_tokens=parts[0][0].invocation_tokens,
    )
