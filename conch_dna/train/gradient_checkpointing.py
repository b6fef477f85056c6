"""Gradient checkpointing of a model's blocks: the backward pass recomputes their inner activations."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import mlx.core as mx

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def checkpointed(model: Any, *, on: bool = True) -> Iterator[None]:
    """Store only the input of each of ``model.layers`` between forward and backward pass, in training mode.

    Losses and gradients do not change, dropout included. Within the context each block has a subclass of its class, so
    that other models of the same architecture are not affected; the original classes are restored at the end. (mlx-lm's
    ``grad_checkpoint`` changes the class itself, permanently.) Rollouts run in evaluation mode and are not affected.

    :param on: ``False`` does nothing.
    """
    if not on:
        yield
        return
    blocks = list(model.layers)
    classes = [type(block) for block in blocks]
    substitutes = {own: _substitute(own) for own in classes}
    try:
        for block, own in zip(blocks, classes, strict=True):
            block.__class__ = substitutes[own]
        yield
    finally:
        for block, own in zip(blocks, classes, strict=True):
            block.__class__ = own


def _substitute(own: type) -> type:
    """Return a subclass of a block's class with a checkpointed call, and with the name and module of that class."""

    def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807 - becomes the method
        if not self.training:
            return own.__call__(self, *args, **kwargs)
        start, again = _random_state(), False

        def inner(parameters: Any, *args: Any, **kwargs: Any) -> Any:
            nonlocal again
            before, after = self.trainable_parameters(), _random_state()
            mx.random.seed(start)  # the recomputation must use the dropout mask of the first pass
            self.update(parameters)
            try:
                return own.__call__(self, *args, **kwargs)
            finally:
                self.update(before)  # the tracers of this pass must not stay in the model
                if again:
                    mx.random.seed(after)
                again = True

        return mx.checkpoint(inner)(self.trainable_parameters(), *args, **kwargs)

    return type(own.__name__, (own,), {"__call__": __call__, "__module__": own.__module__})


def _random_state() -> int:
    """Return the seed that sets MLX's default generator to its current state."""
    state: Any = mx.random.state
    high, low = state[0].tolist()
    return int(high) << 32 | int(low)
