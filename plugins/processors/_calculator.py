"""The calculator's readers: calendar, conversion of units, arithmetic. The first that knows the form decides."""

from __future__ import annotations

import re
from fractions import Fraction

from ._arithmetic import arithmetic, decimal
from ._calendar import calendar
from ._units import UNITS, factor

CONVERSION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)\s?([A-Za-z]+) (?:in|to|into|as) ([A-Za-z]+)\s*$")
DURATION = re.compile(r"([0-9]{1,3}):([0-5][0-9]) (?:in|to|into|as) ([A-Za-z]+)\s*$")
PART = re.compile(r"(?:[0-9.,:]|[/*+(x-]\s*|\b(?:and|half)\s+)$")  # before an amount: it is a part of a larger one
# Typographic signs for times, divided by and minus.
SIGNS = str.maketrans({"\u00d7": "*", "\u22c5": "*", "\u00b7": "*", "\u00f7": "/", "\u2212": "-"})


def result_of(line: str, *, whole: bool) -> str | None:
    """Return the result of the expression at the end of ``line``, without its equals sign, or ``None``.

    :param whole: whether the line is complete at its beginning.
    """
    line = line.translate(SIGNS)
    return _converted(line) or calendar(line) or arithmetic(line, whole=whole)


def _converted(line: str) -> str | None:
    """Return the number of an amount in another unit, as of ``2.5 kg in g``; ``1:35 in min`` is a duration."""
    if match := DURATION.search(line):
        amount, size = Fraction(60 * int(match[1]) + int(match[2])), factor("min", match[3])
    elif match := CONVERSION.search(line):
        amount, size = Fraction(match[1]), factor(match[2], match[3])
    else:
        return None
    before = line[: match.start()]
    if size is None or PART.search(before) or before.rstrip().rpartition(" ")[2].lower() in UNITS:
        return None
    return decimal(amount * size)
