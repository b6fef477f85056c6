"""Times of day, durations, weekdays and dates."""

from __future__ import annotations

import datetime as dt
import re
from fractions import Fraction
from typing import TYPE_CHECKING

from ._units import DIMENSIONS, SIZES, UNITS

if TYPE_CHECKING:
    from collections.abc import Callable

DAY = 24 * 60  # minutes
MOST_DAYS = 100_000
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_CLOCK = r"(?<![0-9:])([0-9]{1,2}):([0-5][0-9])(?:\s?([AaPp])\.?[Mm]\.?)?"
_AMOUNT = r"([0-9]{1,5}(?:\.[0-9]{1,3})?)\s?([A-Za-z]+)"
_SIGN = r"\s*([-+])\s*"
_DATE = r"(?<![0-9-])([0-9]{4})-([0-9]{2})-([0-9]{2})(?![0-9-])"
_BEFORE = r"(?:^|[\s:,;(])"


def calendar(line: str) -> str | None:
    """Return the result of the sum or difference of times or dates at the end of ``line``, or ``None``."""
    if ":" not in line and "-" not in line and not _NAMED.search(line):
        return None
    for form, compute in _FORMS:
        if match := form.search(line):
            try:
                return compute(match)
            except (ValueError, OverflowError):
                return None
    return None


def _clock(match: re.Match[str], at: int) -> int:
    """Return the minutes since midnight of the time in three groups.

    :raises ValueError: there is no such time.
    """
    hour, minute, half = int(match[at]), int(match[at + 1]), match[at + 2]
    if hour >= 24 or (half and not 1 <= hour <= 12):
        raise ValueError
    if half:
        hour = hour % 12 + 12 * (half.lower() == "p")
    return 60 * hour + minute


def _written(minutes: int, like: re.Match[str]) -> str:
    """Return a time of day in the form of the first time of a match; a later day is not marked."""
    hour, minute = divmod(minutes % DAY, 60)
    if like[3]:
        half = ("am", "pm")[hour >= 12]
        half = half.upper() if like[3].isupper() else half
        return (
            f"{hour % 12 or 12}:{minute:02}{' ' if ' ' in like[0][: like.end(3) - like.start()].strip() else ''}{half}"
        )
    return f"{hour:02}:{minute:02}" if like[1].startswith("0") or not hour else f"{hour}:{minute:02}"


def _amount(number: str, unit: str) -> int:
    """Return the whole minutes of a duration.

    :raises ValueError: the unit is none of time, or the duration has a part of a minute.
    """
    known = UNITS.get(unit.lower())
    if known is None or DIMENSIONS[known] != "time":
        raise ValueError
    minutes = Fraction(number) * SIZES[known]
    if minutes.denominator != 1:
        raise ValueError
    return int(minutes)


def _signed(sign: str, amount: int) -> int:
    return amount if sign == "+" else -amount


def _clock_and_amounts(match: re.Match[str]) -> str:
    amount = _amount(match[5], match[6]) + (_amount(match[7], match[8]) if match[7] else 0)
    return _written(_clock(match, 1) + _signed(match[4], amount), match)


def _clock_and_clock(match: re.Match[str]) -> str:
    """Return a later time, or the hours and minutes from one time to another, past midnight if need be."""
    if match[4] == "+":
        if match[7]:
            raise ValueError
        return _written(_clock(match, 1) + _clock(match, 5), match)
    hours, minutes = divmod((_clock(match, 1) - _clock(match, 5)) % DAY, 60)
    return f"{hours}:{minutes:02}"


def _days(number: str, unit: str) -> int:
    """Return the days of an amount of days or weeks.

    :raises ValueError: it is none, or too long.
    """
    minutes = _amount(number, unit)
    if minutes % DAY or UNITS[unit.lower()] not in {"day", "week"} or minutes > MOST_DAYS * DAY:
        raise ValueError
    return minutes // DAY


def _weekday(match: re.Match[str]) -> str:
    place = WEEKDAYS.index(match[1].capitalize())
    return WEEKDAYS[(place + _signed(match[2], _days(match[3], match[4]))) % 7]


def _date_and_days(match: re.Match[str]) -> str:
    days = dt.timedelta(_signed(match[4], _days(match[5], match[6])))
    return (dt.date(int(match[1]), int(match[2]), int(match[3])) + days).isoformat()


def _date_and_date(match: re.Match[str]) -> str:
    first, second = (dt.date(int(match[n]), int(match[n + 1]), int(match[n + 2])) for n in (1, 5))
    if match[4] == "+":
        raise ValueError
    return str((first - second).days)


def _day_of_month(match: re.Match[str]) -> str:
    """Return a day and its month; without a year, a sum that passes the end of February is not clear."""
    leading = match[1] is not None  # "12 March", and not "March 12"
    day, name = (match[1], match[2]) if leading else (match[4], match[3])
    month, days = MONTHS.index(name.capitalize()) + 1, _signed(match[5], _days(match[6], match[7]))
    common, leap = (dt.date(year, month, int(day)) + dt.timedelta(days) for year in (2001, 2004))
    if (common.month, common.day) != (leap.month, leap.day):
        raise ValueError
    return f"{common.day} {MONTHS[common.month - 1]}" if leading else f"{MONTHS[common.month - 1]} {common.day}"


_WEEKDAY, _MONTH = "|".join(WEEKDAYS), "|".join(MONTHS)
_NAMED = re.compile(rf"\b(?:{_WEEKDAY}|{_MONTH})\b", re.IGNORECASE)
_FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = tuple(
    (re.compile(form + r"\s*$", re.IGNORECASE), compute)
    for form, compute in (
        (_CLOCK + _SIGN + _AMOUNT + r"(?:(?:\s|\sand\s)?" + _AMOUNT + ")?", _clock_and_amounts),
        (_CLOCK + _SIGN + _CLOCK, _clock_and_clock),
        (rf"{_BEFORE}({_WEEKDAY})" + _SIGN + _AMOUNT, _weekday),
        (_DATE + _SIGN + _AMOUNT, _date_and_days),
        (_DATE + _SIGN + _DATE, _date_and_date),
        (rf"{_BEFORE}(?:([0-9]{{1,2}}) ({_MONTH})|({_MONTH}) ([0-9]{{1,2}}))" + _SIGN + _AMOUNT, _day_of_month),
    )
)
