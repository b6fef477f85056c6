"""Intervals of shares."""

from __future__ import annotations

import math

Z = 1.959964  # the normal quantile of a two-sided interval of 95 %


def wilson(right: float, count: int) -> tuple[float, float]:
    """Return the 95 % score interval of a share (Wilson, 1927, JASA 22(158), "Probable inference", p. 209-212).

    :param right: the number of successes among ``count``, which is at least 1.
    """
    share, squared = right / count, Z * Z / count
    middle, half = share + squared / 2, Z * math.sqrt(share * (1 - share) / count + squared / (4 * count))
    return max(0.0, (middle - half) / (1 + squared)), min(1.0, (middle + half) / (1 + squared))
