"""Gradient checkpointing of a model's blocks: their inner activations are computed again in the backward pass."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import mlx.core as mx

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def checkpointed(model: Any, *, on: bool = True) -> Iterator[None]:
    """Keep of each of ``model.layers`` its input alone between forward and backward pass, while it is in training mode.

    Losses and gradients stay what they are, dropout included. Each block's class gives way to a subclass for the time
    of the context, so that other models of that architecture notice nothing; on leaving, the very same classes are
    back. (mlx-lm's ``grad_checkpoint`` changes the class itself, for good.) Rollouts, in evaluation mode, run as ever.

    :param on: whether anything is done at all.
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
    """Return a subclass of a block's class whose call is checkpointed; its module is its parent's, as all else."""

    def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807 - it becomes the method of that name
        if not self.training:
            return own.__call__(self, *args, **kwargs)
        start, again = _random_state(), False

        def inner(parameters: Any, *args: Any, **kwargs: Any) -> Any:
            nonlocal again
            before, after = self.trainable_parameters(), _random_state()
            mx.random.seed(start)  # a second pass must drop what the first dropped
            self.update(parameters)
            try:
                return own.__call__(self, *args, **kwargs)
            finally:
                self.update(before)  # what the pass was traced with must not stay in the model
                if again:
                    mx.random.seed(after)
                again = True

        return mx.checkpoint(inner)(self.trainable_parameters(), *args, **kwargs)

    return type(own.__name__, (own,), {"__call__": __call__, "__module__": own.__module__})


def _random_state() -> int:
    """Return the seed that puts MLX's default generator where it stands now."""
    state: Any = mx.random.state
    high, low = state[0].tolist()
    return int(high) << 32 | int(low)
