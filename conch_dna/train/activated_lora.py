"""Training of neurons that share the base's context: the adapter's layers act on the tokens from each row's cue on."""

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
    """Which tokens of the batch at hand the adapter acts on.

    :param cue: the tokens from which on it does, see :mod:`conch_dna.data.alora`.

    :ivar mask_BT1: 1 where it acts; ``None`` for everywhere, as in generation behind a context that the base has read.
    """

    def __init__(self, cue: tuple[int, ...]) -> None:
        self.cue = cue
        self.mask_BT1: mx.array | None = None

    @contextlib.contextmanager
    def over(self, batch: Batch) -> Iterator[None]:
        """Act on what follows each row's cue, for a block; the backward pass of checkpointed blocks belongs into it.

        :raises DataError: a row's answer does not stand behind the cue.
        """
        with self.masking(mx.array(acts_on(batch.ids_BT, batch.answers_B, self.cue))):
            yield

    @contextlib.contextmanager
    def masking(self, mask_BT1: mx.array) -> Iterator[None]:
        """Act where the mask is 1, for a block."""
        self.mask_BT1 = mask_BT1
        try:
            yield
        finally:
            self.mask_BT1 = None

    def only_there(self, z: mx.array) -> mx.array:
        """Return z, (B, T, R), with zeros where the adapter does not act."""
        return z if self.mask_BT1 is None else masked(z, self.mask_BT1)


class ActivatedLinear(LoRALinear):  # type: ignore[misc]  # mlx-lm is untyped
    """mlx-lm's LoRA layer, whose product is masked at its rank, where that costs least."""

    def __call__(self, x: mx.array) -> mx.array:
        """Map (B, T, in) to (B, T, out)."""
        z = self._activation.only_there(self.dropout(x) @ self.lora_a) @ self.lora_b
        y: mx.array = self.linear(x) + (self.scale * z).astype(x.dtype)
        return y


class ActivatedEmbedding(LoRAEmbedding):  # type: ignore[misc]
    """mlx-lm's LoRA embedding; as the head it is tied to it acts everywhere, for none but trained tokens get there."""

    def __call__(self, ids: mx.array) -> mx.array:
        """Map (B, T) ids to (B, T, dimensions)."""
        own = self.embedding(ids)
        z = self._activation.only_there(self.dropout(self.lora_a[ids] @ self.lora_b))
        y: mx.array = own + (self.scale * z).astype(own.dtype)
        return y


CLASSES = {LoRALinear: ActivatedLinear, LoRAEmbedding: ActivatedEmbedding}


def activate(model: Any, activation: Activation) -> None:
    """Let the LoRA layers on ``model`` act where ``activation`` says.

    Their class gives way to one that masks: a model without such layers computes nothing more than before.
    """
    for layer, _ in carried(model).values():
        layer.__class__ = CLASSES[type(layer)]
        layer._activation = activation  # noqa: SLF001 - of the class that it has now
