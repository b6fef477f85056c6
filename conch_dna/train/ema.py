"""The exponential moving average of an adapter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mlx.core as mx

if TYPE_CHECKING:
    from collections.abc import Mapping


class Ema:
    """A running mean of weights, corrected for its start at zero as Adam's moments are (Kingma and Ba 2015, section 3).

    After t updates the mean is (1 - d) * sum(d^(t-i) * w_i) / (1 - d^t): the first one is the first step's weights, and
    none is pulled back to the adapter's start, which does nothing.

    :param decay: d, in (0, 1).
    """

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self._state: tuple[int, dict[str, mx.array]] = (0, {})

    @property
    def steps(self) -> int:
        """How many updates it has seen."""
        return self._state[0]

    def update(self, weights: Mapping[str, mx.array]) -> None:
        """Take in the weights after one more step; a Ctrl-C in its middle changes nothing."""
        steps, sums = self._state
        fresh = {
            name: self.decay * sums.get(name, mx.zeros(value.shape)) + (1 - self.decay) * value.astype(mx.float32)
            for name, value in weights.items()
        }
        mx.eval(fresh)
        self._state = (steps + 1, fresh)

    def arrays(self) -> dict[str, mx.array]:
        """Return what a checkpoint keeps: float32 sums by name."""
        return dict(self._state[1])

    def restore(self, steps: int, arrays: Mapping[str, mx.array]) -> None:
        """Take back the state after ``steps`` updates."""
        self._state = (steps, dict(arrays))

    def weights(self, like: Mapping[str, mx.array]) -> dict[str, mx.array]:
        """Return the mean by name, in the types of ``like``; ``like`` itself before the first update."""
        steps, sums = self._state
        if not steps:
            return dict(like)
        share = 1 - self.decay**steps
        return {name: (sums[name] / share).astype(value.dtype) for name, value in like.items()}
