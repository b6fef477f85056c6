"""Intervals of shares, and of the difference of two shares."""

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


def paired_difference(gained: int, lost: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval of the difference of two shares of the same questions.

    It is the adjusted Wald interval (Bonett and Price, 2012, J. Educ. Behav. Stat. 37(4), "Adjusted Wald confidence
    interval for a difference of binomial proportions based on paired data", p. 479-488).

    :param gained: the number of questions that only the second answered right.
    :param lost: the number that only the first answered right.
    :param count: the number of questions.
    """
    up, down = (gained + 1) / (count + 2), (lost + 1) / (count + 2)
    half = Z * math.sqrt((up + down - (up - down) ** 2) / (count + 2))
    return max(-1.0, up - down - half), min(1.0, up - down + half)
