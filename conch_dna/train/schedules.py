"""Schedules over the steps: the learning rate and the weight of the divergence."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conch_dna.config import DistillConfig


def learning_rate(config: DistillConfig, step: int) -> float:
    """Return the rate of ``step`` (from 0): linear warm-up, then decay to ``final_rate`` of the peak.

    ``cosine`` and ``linear`` reach that share one step after the last; ``constant`` stays at the peak.
    """
    if step < config.warmup:
        return config.learning_rate * (step + 1) / (config.warmup + 1)
    share = min(1.0, (step - config.warmup) / max(1, config.steps - config.warmup))
    low = config.final_rate
    left = {"cosine": 0.5 * (1 + math.cos(math.pi * share)), "linear": 1 - share, "constant": 1.0}[config.schedule]
    return config.learning_rate * (low + (1 - low) * left)


def between(config: DistillConfig, start: float, end: float | None, step: int) -> float:
    """Return the value at ``step`` (from 0) on the ramp from ``start`` to ``end``; without ``end`` it is constant.

    The ramp reaches ``end`` at step ``ramp_steps`` (counted from 1), by default at the last step.
    """
    if end is None or config.steps < 2:
        return start
    last = min(config.ramp_steps or config.steps, config.steps) - 1
    share = min(1.0, step / last) if last else 1.0
    gone = {"linear": share, "cosine": 0.5 * (1 - math.cos(math.pi * share))}[config.ramp]
    return start + (end - start) * gone
