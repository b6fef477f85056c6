"""The delta of a neuron that shares the base's context, for a forward pass over whole conversations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mlx.core as mx

from conch_dna.runtime.neuron_layers import Alone

if TYPE_CHECKING:
    from conch_dna.registry.adapter import Adapter


def masked(z: mx.array, mask_BT1: mx.array) -> mx.array:
    """Return z, (B, T, R) or flattened to (B * T, R), with zeros where the mask is 0.

    :raises ValueError: a layer passes tokens in another shape, to which the mask cannot be applied.
    """
    batch, length, _ = mask_BT1.shape
    if z.shape[:-1] not in {(batch, length), (batch * length,)}:
        raise ValueError(f"a layer is called with tokens of shape {z.shape[:-1]} instead of {(batch, length)}")
    return z * mask_BT1.reshape(*z.shape[:-1], 1).astype(z.dtype)


class Masked(Alone):
    """The delta of one adapter on selected tokens, exactly 0 on the others.

    :param mask_BT1: 1 on the tokens that the adapter acts on, 0 on the others.
    """

    def __init__(self, adapter: Adapter, mask_BT1: mx.array) -> None:
        super().__init__(adapter)
        self._mask_BT1 = mask_BT1

    def product(self, path: str, x: mx.array) -> mx.array:
        """Map (B, T, in) to (B, T, out)."""
        a, b = self.adapter.weights[path]
        return self.adapter.scale * (masked(x @ a, self._mask_BT1) @ b)

    def rows(self, path: str, ids: mx.array) -> mx.array:
        """Map (B, T) ids to (B, T, dimensions)."""
        return masked(super().rows(path, ids), self._mask_BT1)
