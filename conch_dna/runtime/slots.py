"""Where a neuron meets the base: linear layers that add the active neuron's delta, or nothing at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mlx.core as mx
from mlx import nn
from mlx.utils import tree_unflatten

from conch_dna.errors import NeuronRefused

if TYPE_CHECKING:
    from conch_dna.registry.adapter import Adapter


class Slot:
    """The one place that says which neuron is active; a switch is one assignment.

    :ivar active: the adapter whose delta is added, or ``None`` for the base.
    """

    def __init__(self) -> None:
        self.active: Adapter | None = None


class NeuronLinear(nn.Module):
    """A base linear layer, y = Wx, that adds scale·(xA)B of the slot's adapter where that has this path."""

    def __init__(self, linear: nn.Module, path: str, slot: Slot) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # mlx leaves it so
        self.linear = linear
        self._path, self._slot = path, slot

    def __call__(self, x: mx.array) -> mx.array:
        """Map (..., in) to (..., out); without an active neuron exactly what the base layer returns."""
        y: mx.array = self.linear(x)
        adapter = self._slot.active
        if adapter is None or (pair := adapter.weights.get(self._path)) is None:
            return y
        a, b = pair
        return y + (adapter.scale * ((x @ a) @ b)).astype(x.dtype)


def _is_wrappable(path: str, module: nn.Module) -> bool:
    """Tell whether a neuron may change this layer: linear, and in one of the model's blocks."""
    return isinstance(module, nn.Linear | nn.QuantizedLinear) and "layers." in path


def linear_shapes(model: Any) -> dict[str, tuple[int, int]]:
    """Return (out, in) of each linear layer that a neuron may change by module path, whether or not it is wrapped."""
    shapes = {}
    for path, module in model.named_modules():
        if _is_wrappable(path, module):
            out, inner = module.weight.shape
            if isinstance(module, nn.QuantizedLinear):
                inner = inner * 32 // module.bits
            shapes[path.removesuffix(".linear")] = (out, inner)
    return shapes


def wrap(model: Any) -> Slot:
    """Wrap every linear layer of the model's blocks; the base answers as before until a neuron is active.

    :raises NeuronRefused: the model carries LoRA layers or another slot already.
    """
    slot = Slot()
    names = {type(m).__name__ for _, m in model.named_modules()}
    if taken := sorted(n for n in names if n.startswith(("LoRA", "DoRA")) or n == NeuronLinear.__name__):
        raise NeuronRefused("the base carries an adapter already", got=", ".join(taken), next_step="Load it anew")
    wrapped = [
        (path, NeuronLinear(module, path, slot))
        for path, module in model.named_modules()
        if _is_wrappable(path, module)
    ]
    model.update_modules(tree_unflatten(wrapped))
    return slot


def unwrap(model: Any) -> None:
    """Put the base's own layers back."""
    inner = [(path, module.linear) for path, module in model.named_modules() if isinstance(module, NeuronLinear)]
    model.update_modules(tree_unflatten(inner))
