"""Layers around the base's own layers that add the delta of the active neuron."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import mlx.core as mx
from mlx import nn
from mlx.utils import tree_unflatten

from conch_dna.errors import NeuronRefused
from conch_dna.models.target_modules import Carrier, carried, full_weight, layers_of, target_modules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conch_dna.registry.adapter import Adapter


class Delta(Protocol):
    """The change that the layers add: one adapter for all rows, or a separate one for each row of a batch.

    Products and gains are those of :class:`~conch_dna.registry.adapter.Adapter`, scaled; (in) and (out) are the
    dimensions of a layer, and *in* of an embedding is its number of rows. A gain is ``None`` if the layer has none.
    """

    def changes(self, path: str) -> bool:
        """Return whether the layer at ``path`` is changed."""

    def product(self, path: str, x: mx.array) -> mx.array:
        """Map (..., in) to (..., out)."""

    def gain(self, path: str, x: mx.array) -> mx.array | None:
        """Return the factor for the output of ``x``."""

    def rows(self, path: str, ids: mx.array) -> mx.array:
        """Map (...) ids to (..., dimensions)."""

    def row_gain(self, path: str, ids: mx.array) -> mx.array | None:
        """Return the factor (..., 1) for each id's row."""

    def head(self, path: str, x: mx.array) -> mx.array:
        """Map (..., dimensions) to (..., rows), with the embedding as the head."""


class Alone:
    """The delta of one adapter, as :func:`fitted` returns it, for every row."""

    def __init__(self, adapter: Adapter) -> None:
        self.adapter = adapter

    def changes(self, path: str) -> bool:
        """Return whether the layer at ``path`` is changed."""
        return path in self.adapter.weights

    def product(self, path: str, x: mx.array) -> mx.array:
        """Map (..., in) to (..., out)."""
        a, b = self.adapter.weights[path]
        return self.adapter.scale * ((x @ a) @ b)

    def gain(self, path: str, x: mx.array) -> mx.array | None:
        """Return the factor for the output of ``x``, or ``None``."""
        return self.adapter.gains[path] if path in self.adapter.magnitudes else None

    def rows(self, path: str, ids: mx.array) -> mx.array:
        """Map (...) ids to (..., dimensions)."""
        a, b = self.adapter.weights[path]
        return self.adapter.scale * (a[ids] @ b)

    def row_gain(self, path: str, ids: mx.array) -> mx.array | None:
        """Return the factor (..., 1) for each id's row, or ``None``."""
        return self.adapter.gains[path][ids][..., None] if path in self.adapter.magnitudes else None

    def head(self, path: str, x: mx.array) -> mx.array:
        """Map (..., dimensions) to (..., rows), with the embedding as the head."""
        a, b = self.adapter.weights[path]
        return self.adapter.scale * ((x @ b.T) @ a.T)


class DeltaSwitch:
    """The delta that all wrapped layers of a base add; switching neurons is one assignment.

    :ivar delta: the active delta, or ``None`` for the base.
    """

    def __init__(self) -> None:
        self.delta: Delta | None = None

    @property
    def active(self) -> Adapter | None:
        """The adapter that is active for all rows, as :func:`fitted` returns it, or ``None``."""
        return self.delta.adapter if isinstance(self.delta, Alone) else None

    @active.setter
    def active(self, adapter: Adapter | None) -> None:
        self.delta = None if adapter is None else Alone(adapter)

    @contextlib.contextmanager
    def adding(self, delta: Delta | None) -> Iterator[None]:
        """Activate ``delta`` for a block, then restore the previous one."""
        before, self.delta = self.delta, delta
        try:
            yield
        finally:
            self.delta = before


class NeuronLayer(Carrier):
    """A layer of the base, stored as ``name``, that the active delta changes if it has this path."""

    name = "linear"

    def __init__(self, layer: nn.Module, path: str, switch: DeltaSwitch) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # mlx leaves it so
        self[self.name] = layer
        self._path, self._switch = path, switch

    def _changed_by(self) -> Delta | None:
        """Return the active delta if it changes this layer."""
        delta = self._switch.delta
        return delta if delta is not None and delta.changes(self._path) else None

    @property
    def weight(self) -> mx.array:
        """The base's weight, for architectures that read it without calling the layer.

        :raises NeuronRefused: the active neuron changes this layer, and its change would be lost.
        """
        if self._changed_by() is not None:
            raise NeuronRefused(
                "this base reads the weight of a layer that the neuron changes without calling the layer",
                got=self._path,
            )
        weight: mx.array = self[self.name].weight
        return weight


class NeuronLinear(NeuronLayer):
    """A base linear layer, y = Wx + c, that becomes y + scale·(xA)B, or with DoRA g·(Wx + scale·(xA)B) + c."""

    def __call__(self, x: mx.array) -> mx.array:
        """Map (..., in) to (..., out); without an active neuron, exactly the base layer's output."""
        delta, linear = self._changed_by(), self.linear
        y: mx.array
        if delta is None:
            y = linear(x)
            return y
        product = delta.product(self._path, x).astype(x.dtype)
        if (gain := delta.gain(self._path, x)) is None:
            y = linear(x) + product
        else:
            y = gain.astype(x.dtype) * (_product(linear, x) + product)
            y = y + linear.bias if "bias" in linear else y
        return y


class NeuronSwitch(NeuronLayer):
    """A base expert layer, one matrix per expert, that adds the scaled product of each chosen expert."""

    def __call__(self, x: mx.array, indices: mx.array, sorted_indices: bool = False) -> mx.array:
        """Map (..., 1, in) and the indices of experts to (..., 1, out)."""
        y: mx.array = self.linear(x, indices, sorted_indices=sorted_indices)
        if (
            self._changed_by() is None or (adapter := self._switch.active) is None
        ):  # mixed batches do not change experts
            return y
        z = x
        for factor in adapter.weights[self._path]:
            z = mx.gather_mm(z, factor.swapaxes(-1, -2), rhs_indices=indices, sorted_indices=sorted_indices)
        return y + (adapter.scale * z).astype(x.dtype)


class NeuronEmbedding(NeuronLayer):
    """A base embedding, E + scale·AB row by row, with DoRA each row times its g; also as the tied head."""

    name = "embedding"

    def __call__(self, ids: mx.array) -> mx.array:
        """Map (...) ids to (..., dimensions)."""
        y: mx.array = self.embedding(ids)
        if (delta := self._changed_by()) is None:
            return y
        out = y + delta.rows(self._path, ids).astype(y.dtype)
        # As in mlx-lm, the float32 gain promotes the following layers to float32, as in training.
        gain = delta.row_gain(self._path, ids)
        return out if gain is None else out * gain

    def as_linear(self, x: mx.array) -> mx.array:
        """Map (..., dimensions) to (..., rows)."""
        y: mx.array = self.embedding.as_linear(x)
        if (delta := self._changed_by()) is None:
            return y
        out = y + delta.head(self._path, x).astype(x.dtype)
        gain = delta.gain(self._path, x)
        return out if gain is None else out * gain


CLASSES: dict[str, type[NeuronLayer]] = {"linear": NeuronLinear, "switch": NeuronSwitch, "embedding": NeuronEmbedding}


def _product(linear: Any, x: mx.array) -> mx.array:
    """Return Wx without the layer's bias, which DoRA adds after applying its magnitude."""
    weight: mx.array = linear.weight
    if "scales" not in linear:
        return x @ weight.T
    return mx.quantized_matmul(
        x, weight, linear.scales, linear.get("biases"), transpose=True, group_size=linear.group_size,
        bits=linear.bits, mode=linear.mode,
    )  # fmt: skip


def fitted(adapter: Adapter, model: Any) -> Adapter:
    """Return the adapter with the gains of its magnitudes on this base; an adapter without magnitudes is unchanged.

    DoRA scales each row of W + scale·(AB)ᵀ to the length m (Liu et al. 2024, eq. 5): the gain is m over its length.
    """
    if not adapter.magnitudes:
        return adapter
    own, gains = layers_of(model), {}
    for path, magnitude in adapter.magnitudes.items():
        a, b = adapter.weights[path]
        weight = full_weight(own[path])
        product = adapter.scale * (a @ b)
        rows = weight + (product if isinstance(own[path], nn.Embedding | nn.QuantizedEmbedding) else product.T)
        gains[path] = magnitude / mx.linalg.norm(rows, axis=1)
        mx.eval(gains[path])  # holds one full matrix at a time
    return replace(adapter, gains=gains, nbytes=adapter.nbytes + sum(gain.nbytes for gain in gains.values()))


def wrap(model: Any) -> DeltaSwitch:
    """Wrap every layer that a neuron may change; answers do not change until a neuron is active.

    :raises NeuronRefused: the model already has LoRA layers or another switch.
    """
    switch = DeltaSwitch()
    if taken := sorted({type(layer).__name__ for layer, _ in carried(model).values()}):
        raise NeuronRefused(
            "the base carries an adapter already", got=", ".join(taken), next_step="Load the base again"
        )
    kinds, own = target_modules(model), layers_of(model)
    wrapped = [(path, CLASSES[kinds[path].kind](layer, path, switch)) for path, layer in own.items()]
    model.update_modules(tree_unflatten(wrapped))
    return switch


def unwrap(model: Any) -> None:
    """Restore the base's own layers."""
    inner = [(path, own) for path, (layer, own) in carried(model).items() if isinstance(layer, NeuronLayer)]
    model.update_modules(tree_unflatten(inner))
