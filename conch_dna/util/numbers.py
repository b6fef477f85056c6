"""Numbers in texts, in digits and in words."""

from __future__ import annotations

import re

# A dash after a word or a closing bracket is not a minus sign: "10-12", "(a)-3".
NUMBER = re.compile(r"(?:(?<![\w)])[-\u2212])?(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|(?<!\w)\.\d+)")

_BELOW_20 = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_BY_TEN = "twenty thirty forty fifty sixty seventy eighty ninety"
_ONES, _TENS = _BELOW_20.split(), _BY_TEN.split()
_VALUES = dict(zip([*_ONES, *_TENS], [*range(20), *range(20, 100, 10)], strict=True))
_WORD = re.compile(r"[a-z]+")

_SMALL = rf"(?:(?:{'|'.join(_TENS)})(?:[ -](?:{'|'.join(_ONES[1:10])}))?|{'|'.join(reversed(_ONES))})"
_BELOW_1000 = rf"(?:(?:{_SMALL}|an?)[ -]hundred(?:(?: and)? {_SMALL})?|{_SMALL})"
_SPELT = re.compile(rf"\b(?:(?:{_BELOW_1000}|an?)[ -]thousand(?:,?(?: and)? {_BELOW_1000})?|{_BELOW_1000})\b")
_PAST = re.compile(rf"\b(?:an? )?(half|quarter|{_SMALL}) past ({_SMALL}|\d{{1,2}})\b")
_QUARTER_TO = re.compile(rf"\b(?:an? )?quarter to ({_SMALL}|\d{{1,2}})\b")


def value_of(number: str) -> float:
    """Return the value of a match of :data:`NUMBER`."""
    return float(number.replace(",", "").replace("\u2212", "-"))


def in_digits(text: str) -> str:
    """Return the case-folded text with its spelt numbers and times of day in digits: "half past six" is "6:30".

    A single "one" stays, because it is most often no number.
    """
    text = _PAST.sub(lambda m: f"{_value(m[2])}:{_minutes(m[1]):02}", text.casefold())
    text = _QUARTER_TO.sub(lambda m: f"{(_value(m[1]) - 2) % 12 + 1}:45", text)
    return _SPELT.sub(lambda m: m[0] if m[0] == "one" else str(_value(m[0])), text)


def _minutes(word: str) -> int:
    return {"half": 30, "quarter": 15}.get(word) or _value(word)


def _value(number: str) -> int:
    """Return the value of a number below a million, in digits or words."""
    if number.isdecimal():
        return int(number)
    total = part = 0
    for word in _WORD.findall(number):
        if word == "thousand":
            total, part = max(part, 1) * 1000, 0
        elif word == "hundred":
            part = max(part, 1) * 100
        else:
            part += _VALUES.get(word, 0)
    return total + part
