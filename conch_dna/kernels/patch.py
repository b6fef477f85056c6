"""Patch of mlx-lm's architectures: within a block they use the CPU kernels of this package."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

import mlx.core as mx
from mlx_lm.models import activations, base

from conch_dna.kernels.attention import cached_attention, causal_attention, fits, fits_cached
from conch_dna.kernels.bf16 import in_bf16
from conch_dna.kernels.exp import pays, swiglu

if TYPE_CHECKING:
    from collections.abc import Iterator


def _attention(
    queries: mx.array, keys: mx.array, values: mx.array, cache: Any, scale: float, mask: Any, sinks: Any = None
) -> mx.array:
    if sinks is None and fits(queries, keys, values, cache, mask):
        return causal_attention(scale)(queries, keys, values)
    own: mx.array = base.scaled_dot_product_attention(queries, keys, values, cache, scale, mask, sinks)
    return own


def _any_attention(
    queries: mx.array, keys: mx.array, values: mx.array, cache: Any, scale: float, mask: Any, sinks: Any = None
) -> mx.array:
    if sinks is None and fits_cached(queries, keys, values, cache, mask):
        return cached_attention(queries, keys, values, scale, mask)
    return _attention(queries, keys, values, cache, scale, mask, sinks)


def _activation(gate: mx.array, x: mx.array) -> mx.array:
    if gate.dtype == x.dtype == mx.float32:
        return swiglu()(gate, x)
    own: mx.array = activations.swiglu(gate, x)
    return own


@contextlib.contextmanager
def fast_ops(model: Any, *, cached: bool = False) -> Iterator[None]:
    """Use the kernels of :mod:`conch_dna.kernels` in the model's layers within the block, if they are faster here.

    Products with frozen matrices are computed in bfloat16, where :mod:`conch_dna.kernels.bf16` is loaded.

    mlx-lm's architectures call ``swiglu`` and ``scaled_dot_product_attention`` by the global names of their modules.
    Those of mlx-lm are replaced and restored at the end; an architecture's own function of the same name is kept.

    :param cached: attend to a cache with these kernels too. Neither training nor its teacher does: rollouts and targets
        would get other last bits, and an unfinished run of version 0.1 would not end with the same neuron.
    """
    attention = _any_attention if cached else _attention
    ours = {
        "swiglu": (activations.swiglu, _activation),
        "scaled_dot_product_attention": (base.scaled_dot_product_attention, attention),
    }
    homes = {type(module).__module__ for module in model.modules()} if pays() else set()
    with contextlib.ExitStack() as undo:
        undo.enter_context(in_bf16(model))
        for home in (sys.modules[name] for name in sorted(homes)):
            for name, (own, replacement) in ours.items():
                if getattr(home, name, None) is own:
                    undo.callback(setattr, home, name, own)
                    setattr(home, name, replacement)
        yield
