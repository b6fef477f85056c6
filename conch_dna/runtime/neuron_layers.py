"""Where a neuron meets the base: layers that add the active neuron's delta, or nothing at all."""

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
    """What the layers add: one adapter for every row, or for each row of a batch its own.

    Products and gains are those of :class:`~conch_dna.registry.adapter.Adapter`, scaled, (in) and (out) those of a
    layer; of an embedding *in* are its rows. A gain is ``None`` where the layer has none.
    """

    def changes(self, path: str) -> bool:
        """Tell whether the layer at ``path`` is changed."""

    def product(self, path: str, x: mx.array) -> mx.array:
        """Map (..., in) to (..., out)."""

    def gain(self, path: str, x: mx.array) -> mx.array | None:
        """Return what the output of ``x`` is multiplied by."""

    def rows(self, path: str, ids: mx.array) -> mx.array:
        """Map (...) ids to (..., dimensions)."""

    def row_gain(self, path: str, ids: mx.array) -> mx.array | None:
        """Return what each id's row is multiplied by, (..., 1)."""

    def head(self, path: str, x: mx.array) -> mx.array:
        """Map (..., dimensions) to (..., rows), by the embedding as a head."""


class Alone:
    """The delta of one adapter, as :func:`fitted` returns it, for every row."""

    def __init__(self, adapter: Adapter) -> None:
        self.adapter = adapter

    def changes(self, path: str) -> bool:
        """Tell whether the layer at ``path`` is changed."""
        return path in self.adapter.weights

    def product(self, path: str, x: mx.array) -> mx.array:
        """Map (..., in) to (..., out)."""
        a, b = self.adapter.weights[path]
        return self.adapter.scale * ((x @ a) @ b)

    def gain(self, path: str, x: mx.array) -> mx.array | None:
        """Return what the output of ``x`` is multiplied by, or ``None``."""
        return self.adapter.gains[path] if path in self.adapter.magnitudes else None

    def rows(self, path: str, ids: mx.array) -> mx.array:
        """Map (...) ids to (..., dimensions)."""
        a, b = self.adapter.weights[path]
        return self.adapter.scale * (a[ids] @ b)

    def row_gain(self, path: str, ids: mx.array) -> mx.array | None:
        """Return what each id's row is multiplied by, (..., 1), or ``None``."""
        return self.adapter.gains[path][ids][..., None] if path in self.adapter.magnitudes else None

    def head(self, path: str, x: mx.array) -> mx.array:
        """Map (..., dimensions) to (..., rows), by the embedding as a head."""
        a, b = self.adapter.weights[path]
        return self.adapter.scale * ((x @ b.T) @ a.T)


class DeltaSwitch:
    """The one place that says what the layers add; a switch is one assignment.

    :ivar delta: what is added now, or ``None`` for the base.
    """

    def __init__(self) -> None:
        self.delta: Delta | None = None

    @property
    def active(self) -> Adapter | None:
        """The adapter whose delta is added to every row, as :func:`fitted` returns it, or ``None``."""
        return self.delta.adapter if isinstance(self.delta, Alone) else None

    @active.setter
    def active(self, adapter: Adapter | None) -> None:
        self.delta = None if adapter is None else Alone(adapter)

    @contextlib.contextmanager
    def adding(self, delta: Delta | None) -> Iterator[None]:
        """Add ``delta`` for a block; what was added before is added again after it."""
        before, self.delta = self.delta, delta
        try:
            yield
        finally:
            self.delta = before


class NeuronLayer(Carrier):
    """A layer of the base, kept under ``name``, that the slot's delta changes where it has this path."""

    name = "linear"

    def __init__(self, layer: nn.Module, path: str, switch: DeltaSwitch) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # mlx leaves it so
        self[self.name] = layer
        self._path, self._switch = path, switch

    def _changed_by(self) -> Delta | None:
        """Return the slot's delta if it changes this layer."""
        delta = self._switch.delta
        return delta if delta is not None and delta.changes(self._path) else None

    @property
    def weight(self) -> mx.array:
        """The base's weight, for architectures that read it past the layer.

        :raises NeuronRefused: the active neuron changes this layer, and would be passed by.
        """
        if self._changed_by() is not None:
            raise NeuronRefused("this base reads the weight past the layer that the neuron changes", got=self._path)
        weight: mx.array = self[self.name].weight
        return weight


class NeuronLinear(NeuronLayer):
    """A base linear layer, y = Wx + c, that becomes y + scale·(xA)B, or under DoRA g·(Wx + scale·(xA)B) + c."""

    def __call__(self, x: mx.array) -> mx.array:
        """Map (..., in) to (..., out); without an active neuron exactly what the base layer returns."""
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
    """A base expert layer, one matrix for each expert, that adds each chosen expert's scaled product."""

    def __call__(self, x: mx.array, indices: mx.array, sorted_indices: bool = False) -> mx.array:
        """Map (..., 1, in) and the indices of experts to (..., 1, out)."""
        y: mx.array = self.linear(x, indices, sorted_indices=sorted_indices)
        if self._changed_by() is None or (adapter := self._switch.active) is None:  # a mixed batch changes no experts
            return y
        z = x
        for factor in adapter.weights[self._path]:
            z = mx.gather_mm(z, factor.swapaxes(-1, -2), rhs_indices=indices, sorted_indices=sorted_indices)
        return y + (adapter.scale * z).astype(x.dtype)


class NeuronEmbedding(NeuronLayer):
    """A base embedding, E + scale·AB row by row, under DoRA each row times its g; also as the head it is tied to."""

    name = "embedding"

    def __call__(self, ids: mx.array) -> mx.array:
        """Map (...) ids to (..., dimensions)."""
        y: mx.array = self.embedding(ids)
        if (delta := self._changed_by()) is None:
            return y
        out = y + delta.rows(self._path, ids).astype(y.dtype)
        # As in mlx-lm, the float32 gain makes float32 of what follows: so it was trained.
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
    """Return Wx without the layer's bias, which DoRA adds after its magnitude."""
    weight: mx.array = linear.weight
    if "scales" not in linear:
        return x @ weight.T
    return mx.quantized_matmul(
        x, weight, linear.scales, linear.get("biases"), transpose=True, group_size=linear.group_size,
        bits=linear.bits, mode=linear.mode,
    )  # fmt: skip


def fitted(adapter: Adapter, model: Any) -> Adapter:
    """Return the adapter with the gains that its magnitudes mean on this base; one without magnitudes as it is.

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
        mx.eval(gains[path])  # one full matrix at a time
    return replace(adapter, gains=gains, nbytes=adapter.nbytes + sum(gain.nbytes for gain in gains.values()))


def wrap(model: Any) -> DeltaSwitch:
    """Wrap every layer that a neuron may change; the base answers as before until a neuron is active.

    :raises NeuronRefused: the model carries LoRA layers or another slot already.
    """
    switch = DeltaSwitch()
    if taken := sorted({type(layer).__name__ for layer, _ in carried(model).values()}):
        raise NeuronRefused("the base carries an adapter already", got=", ".join(taken), next_step="Load it anew")
    kinds, own = target_modules(model), layers_of(model)
    wrapped = [(path, CLASSES[kinds[path].kind](layer, path, switch)) for path, layer in own.items()]
    model.update_modules(tree_unflatten(wrapped))
    return switch


def unwrap(model: Any) -> None:
    """Put the base's own layers back."""
    inner = [(path, own) for path, (layer, own) in carried(model).items() if isinstance(layer, NeuronLayer)]
    model.update_modules(tree_unflatten(inner))
