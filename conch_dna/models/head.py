"""Split of a model into a body, which computes hidden states, and a head, which computes logits."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import mlx.core as mx
from mlx import nn
from mlx.utils import tree_flatten

from conch_dna.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable


PROBE = [[1, 2, 3]]
UNFIT = (AttributeError, IndexError, KeyError, NotImplementedError, RuntimeError, TypeError, ValueError)


class _StandIn:
    """Stand-in for a model's body, with all its attributes: records the body's output, or returns a given output."""

    def __init__(self, body: nn.Module) -> None:
        self.body = body
        self.given_BTD: mx.array | None = None
        self.seen_BTD: mx.array | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> mx.array:
        if self.given_BTD is None:
            self.given_BTD = self.seen_BTD = self.body(*args, **kwargs)
        return self.given_BTD

    def __getattr__(self, name: str) -> Any:
        return getattr(self.body, name)


class _Halves:
    """A model's own ``__call__``, split at its body's output; the code before and after it is unchanged."""

    def __init__(self, model: Any, name: str) -> None:
        self.stand_in = _StandIn(model[name])
        self.model = copy.copy(model)  # shares every module and array
        self.model.pop(name)
        self.model.__dict__[name] = self.stand_in

    def body(self, ids_BT: mx.array, cache: list[Any] | None = None) -> mx.array:
        """Map (B, T) ids to (B, T, D) hidden states; the model's logits stay unevaluated."""
        try:
            self.model(ids_BT, cache=cache)
            hidden_BTD: Any = self.stand_in.seen_BTD
        finally:
            self.stand_in.given_BTD = self.stand_in.seen_BTD = None
        return hidden_BTD  # type: ignore[no-any-return]

    def head(self, hidden_ND: mx.array) -> mx.array:
        """Map (N, D) hidden states to (N, V) logits: projection, scales and soft caps."""
        return self.after(hidden_ND[None])[0]

    def after(self, hidden_BTD: mx.array) -> mx.array:
        """Map (B, T, D) hidden states to (B, T, V) logits; a model that only wraps another returns its argument."""
        self.stand_in.given_BTD = hidden_BTD
        try:
            logits_BTV: mx.array = self.model(mx.array(PROBE))
        finally:
            self.stand_in.given_BTD = None
        return logits_BTV


class Head(nn.Module):
    """A model's head; its trainable parameters are those of the model that its logits depend on.

    :param layers: the model's layers with such parameters, for example an adapted embedding that is tied to the head.
    """

    def __init__(self, logits: Callable[[mx.array], mx.array], layers: list[Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # mlx does not annotate it
        self.logits = logits
        self.layers = layers

    def __call__(self, hidden_ND: mx.array) -> mx.array:
        """Map (N, D) hidden states to (N, V) logits."""
        return self.logits(hidden_ND)


def split(model: Any) -> tuple[Callable[..., mx.array], Head]:
    """Return the model's body, (B, T) ids to (B, T, D) hidden states, and its head, (N, D) to (N, V) logits.

    The body also accepts a prompt ``cache``. Both run the model's own code; a probe compares them with its logits.

    :raises ModelError: the architecture computes its logits inside its body.
    """
    probe = mx.array(PROBE)
    try:
        halves = _cut(model, probe)
        some = mx.array([2, 0])  # fewer rows in another order: the head must treat each row independently
        hidden_ND = halves.body(probe)[0, some]
        ours, theirs = halves.head(hidden_ND).astype(mx.float32), model(probe)[0, some].astype(mx.float32)
    except UNFIT as fault:
        raise _unsplittable(model) from fault
    largest: Any = mx.where(mx.isfinite(theirs), mx.abs(theirs), 0).max().item()
    if ours.shape != theirs.shape or not mx.allclose(ours, theirs, rtol=0, atol=1e-3 * largest).item():
        raise _unsplittable(model)
    return halves.body, Head(halves.head, _trained(model, halves.head, hidden_ND))


def _cut(model: Any, probe: mx.array) -> _Halves:
    """Split at the module that contains all blocks; models that only wrap another are unwrapped.

    :raises ValueError: the blocks are not in one module.
    """
    first = id(model.layers[0])
    while True:
        parts: Any = ((name, child) for name, child in model.items() if isinstance(child, nn.Module))
        holders = [name for name, child in parts if first in {id(m) for _, m in child.named_modules()}]
        (name,) = holders  # a ValueError if the model itself runs its blocks
        halves = _Halves(model, name)
        hidden_BTD = halves.body(probe)
        if halves.after(hidden_BTD) is not hidden_BTD:
            return halves
        model = model[name]


def _unsplittable(model: Any) -> ModelError:
    return ModelError(
        "this architecture does not compute its logits from its body's output alone",
        where=type(model).__module__,
        next_step="Use a base of another architecture, for example llama or qwen2",
    )


def _trained(model: Any, head: Callable[[mx.array], mx.array], hidden_ND: mx.array) -> list[Any]:
    """Return the model's layers with trainable weights that the head's logits depend on.

    The first factor of a fresh LoRA has a zero gradient, but the second does not, so either one identifies the layer.
    """
    if not tree_flatten(model.trainable_parameters()):
        return []
    _, grads = nn.value_and_grad(model, lambda: head(hidden_ND[:1]).astype(mx.float32).square().sum())()
    found: Any = tree_flatten(grads)
    paths = {name.rpartition(".")[0] for name, grad in found if (grad != 0).any().item()}
    return [layer for path, layer in model.named_modules() if path in paths]
