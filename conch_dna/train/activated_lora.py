"""Activated LoRA in training: adapter layers that act on each row's tokens from the invocation tokens onwards.

Such a neuron shares the base's context, and so its KV cache.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import mlx.core as mx
from mlx_lm.tuner.lora import LoRAEmbedding, LoRALinear

from conch_dna.data.alora import acts_on
from conch_dna.models.target_modules import carried
from conch_dna.runtime.masked import masked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conch_dna.data.batches import Batch


class Activation:
    """The tokens of the current batch on which the adapter acts.

    :param invocation_tokens: the adapter acts from these tokens onwards, see :mod:`conch_dna.data.alora`.

    :ivar mask_BT1: 1 where the adapter acts; ``None`` for everywhere, as in generation after a context that the base
        has processed.
    """

    def __init__(self, invocation_tokens: tuple[int, ...]) -> None:
        self.invocation_tokens = invocation_tokens
        self.mask_BT1: mx.array | None = None

    @contextlib.contextmanager
    def over(self, batch: Batch) -> Iterator[None]:
        """Act from each row's invocation tokens onwards, within a context.

        The backward pass must run inside the context too, because checkpointed blocks run again in it.

        :raises DataError: a row's answer does not follow the invocation tokens.
        """
        with self.masking(mx.array(acts_on(batch.ids_BT, batch.answers_B, self.invocation_tokens))):
            yield

    @contextlib.contextmanager
    def masking(self, mask_BT1: mx.array) -> Iterator[None]:
        """Act where the mask is 1, within a context."""
        self.mask_BT1 = mask_BT1
        try:
            yield
        finally:
            self.mask_BT1 = None

    def masked_z(self, z: mx.array) -> mx.array:
        """Return z, (B, T, R), with zeros where the adapter does not act."""
        return z if self.mask_BT1 is None else masked(z, self.mask_BT1)


class ActivatedLinear(LoRALinear):  # type: ignore[misc]  # mlx-lm is untyped
    """mlx-lm's LoRA layer with a mask on the rank-R product, the smallest array of the layer."""

    def __call__(self, x: mx.array) -> mx.array:
        """Map (B, T, in) to (B, T, out)."""
        z = self._activation.masked_z(self.dropout(x) @ self.lora_a) @ self.lora_b
        y: mx.array = self.linear(x) + (self.scale * z).astype(x.dtype)
        return y


class ActivatedEmbedding(LoRAEmbedding):  # type: ignore[misc]
    """mlx-lm's LoRA embedding with a mask.

    As a tied head it acts at every position, because only trained tokens reach the head.
    """

    def __call__(self, ids: mx.array) -> mx.array:
        """Map (B, T) ids to (B, T, dimensions)."""
        own = self.embedding(ids)
        z = self._activation.masked_z(self.dropout(self.lora_a[ids] @ self.lora_b))
        y: mx.array = own + (self.scale * z).astype(own.dtype)
        return y


CLASSES = {LoRALinear: ActivatedLinear, LoRAEmbedding: ActivatedEmbedding}


def activate(model: Any, activation: Activation) -> None:
    """Make the LoRA layers on ``model`` act only where ``activation`` allows.

    Each layer's class is replaced by a subclass that masks, so that adapters without a mask have no extra cost.
    """
    for layer, _ in carried(model).values():
        layer.__class__ = CLASSES[type(layer)]
        layer._activation = activation  # noqa: SLF001 - an attribute of the new class
