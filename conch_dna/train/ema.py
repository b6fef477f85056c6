"""The exponential moving average of an adapter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mlx.core as mx

if TYPE_CHECKING:
    from collections.abc import Mapping


class Ema:
    """A moving average of weights with the bias correction of Adam's moments (Kingma and Ba 2015, section 3).

    After t updates the mean is (1 - d) * sum(d^(t-i) * w_i) / (1 - d^t). The first mean therefore equals the first
    step's weights, and no mean is biased towards the adapter's initial weights, which change nothing.

    :param decay: d, in (0, 1).
    """

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self._state: tuple[int, dict[str, mx.array]] = (0, {})

    @property
    def steps(self) -> int:
        """The number of updates."""
        return self._state[0]

    def update(self, weights: Mapping[str, mx.array]) -> None:
        """Add the weights after one more step; an interrupt during the call leaves the average unchanged."""
        steps, sums = self._state
        fresh = {
            name: self.decay * sums.get(name, mx.zeros(value.shape)) + (1 - self.decay) * value.astype(mx.float32)
            for name, value in weights.items()
        }
        mx.eval(fresh)
        self._state = (steps + 1, fresh)

    def arrays(self) -> dict[str, mx.array]:
        """Return the float32 sums by name, for a checkpoint."""
        return dict(self._state[1])

    def restore(self, steps: int, arrays: Mapping[str, mx.array]) -> None:
        """Restore the state after ``steps`` updates."""
        self._state = (steps, dict(arrays))

    def weights(self, like: Mapping[str, mx.array]) -> dict[str, mx.array]:
        """Return the mean by name, in the dtypes of ``like``; before the first update, ``like`` itself."""
        steps, sums = self._state
        if not steps:
            return dict(like)
        share = 1 - self.decay**steps
        return {name: (sums[name] / share).astype(value.dtype) for name, value in like.items()}
