"""Final answers: the comparison of the one in a response with the truth."""

from __future__ import annotations

import re
from fractions import Fraction

from conch_dna.util.text import plain

_LABEL = re.compile(r"\banswer[*_]*(?:\s+is)?\s*:[*_\s]*|\banswer\s+is\b[*_\s]*", re.IGNORECASE)
_ANSWER_LINE = re.compile(r"^(?:[^\w\n]|_)*answer\s*:[*_]*[^\S\n]*\S", re.IGNORECASE | re.MULTILINE)
_DIGITS = r"(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+)"
# Digits in a word, such as a flight's number, are no quantity. A dash after a word or a closing bracket is no minus.
_NUMBER = rf"(?P<minus>(?<![\w)])[-\u2212]\s?|\b(?:minus|negative)\s+)?(?:[$£€¥]\s*)?(?<![\w.])(?P<number>{_DIGITS})"
_TIME = r"(?<![\w:.])(?P<hours>\d{1,2}):(?P<minutes>[0-5]\d)(?![\d:])\s*(?P<half>[ap]\.?m\b)?"
_FIGURE = re.compile(rf"{_TIME}|{_NUMBER}", re.IGNORECASE)
_FRACTION = re.compile(r"\s*/\s*(\d+)(?![\d.])")
_MIXED = re.compile(r"\s+(\d+)/(\d+)(?![\d.])")
# What makes a number one of several, or part of a calculation without a result.
_ANOTHER = re.compile(r"(?:\s*[-\u2013+*/x×÷]|\s+(?:[^\W\d]+\s+)?(?:or|to|and))\s*[$£€¥]?\.?\d", re.IGNORECASE)  # noqa: RUF001
# A power, an exponent or a decimal comma: the number that stands before it is not the value.
_POWER = re.compile(r"\s*(?:\^|\*\*)\s*[-(]?\d|e[-+]?\d|,\d", re.IGNORECASE)
_SCALE = re.compile(r"(k|\s*(?i:hundred|thousand|million|billion|trillion))\b")  # " K" may be kelvin
_SCALES = {
    "k": 10**3, "hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12,
}  # fmt: skip
_REMARK = re.compile(r"\s\([^()]*[^\W\d][^()]*\)[\s.*_]*$")  # in brackets at the end, with a letter in it
_NOT = re.compile(r"\bnot\s+[*_$£€¥]*$", re.IGNORECASE)
_UNIT = re.compile(r"\s*(?:%|°?[^\W\d_]*)(?:\s+[^\W\d_]+)?")
_REASON = re.compile(r"\s[(\u2014\u2013]|[.;!?](?:\s|$)|,?\s(?:because|since|as|so|than|which)\s|\n", re.IGNORECASE)
_LIST = re.compile(r"\s*(?:,|/|;|>|<|->|→|\band\b|\bor\b|\bthen\b)+\s*(?:(?:and|then)\s+)?", re.IGNORECASE)
_DENIAL = re.compile(r"\b(?:not|never|neither|nor|nobody|\w+n['’]t)\b")  # noqa: RUF001 - people type this apostrophe
_CLOSE = 1e-6


def has_answer_line(response: str) -> bool:
    """Return whether a line of a response begins with ``Answer:``."""
    return _ANSWER_LINE.search(response) is not None


def answer_right(truth: str, response: str) -> bool:
    """Return whether the final answer of a response is ``truth``.

    The final answer follows the last ``Answer:`` or ``answer is``. A response without one counts if it is nothing but
    the answer, or if it shows a calculation: then its last number is the answer. Numbers are compared by value, without
    currency and unit; times as times; words without case. Of a calculation, only the result counts.
    """
    if (said := _final(response, figure=_is_figure(truth))) is not None:
        return _says(said, truth)
    bare = response.strip().strip("*_`.!")
    if _is_figure(truth):
        if _is_figure(bare):
            return _says(bare, truth)
        last = list(_FIGURE.finditer(response))[-1:]
        return bool(last) and re.search(r"=\s*[-$£€¥]*\.?\d", response) is not None and _same(last[0], response, truth)
    return plain(bare) == plain(truth)


def _final(response: str, *, figure: bool) -> str | None:
    """Return what follows the last label, up to the end of its line; ``None`` without one.

    A label counts where what follows can be an answer: a figure where one is asked, or else what follows a colon, so
    that "I hope this answer is helpful" is none. If no label does, the last one counts.
    """
    labels = list(_LABEL.finditer(response))
    said = [response[label.end() :].strip().partition("\n")[0] for label in labels]
    likely = [
        text for label, text in zip(labels, said, strict=True) if (_FIGURE.search(text) if figure else ":" in label[0])
    ]
    return (likely or said)[-1] if said else None


def _says(said: str, truth: str) -> bool:
    if not _is_figure(truth):
        return _says_words(said, truth)
    result = _REMARK.sub("", said).rpartition("=")[2]
    first = _FIGURE.search(result)
    return first is not None and not _NOT.search(result[: first.start()]) and _same(first, result, truth)


def _is_figure(text: str) -> bool:
    """Return whether a text is one number or time, perhaps with currency and unit."""
    found = _FIGURE.match(text.strip())
    return found is not None and _UNIT.fullmatch(text.strip(), found.end()) is not None


def _same(found: re.Match[str], text: str, truth: str) -> bool:
    """Compare a figure in a text with that of the truth: both are times, or both are numbers."""
    wanted = _FIGURE.match(truth.strip())
    if wanted is None or (wanted["hours"] is None) != (found["hours"] is None):
        return False
    if wanted["hours"] is not None:
        return _same_time(found, wanted)
    value = _value(found, text)
    return value is not None and abs(value - (_value(wanted, truth.strip()) or 0)) < _CLOSE


def _same_time(found: re.Match[str], wanted: re.Match[str]) -> bool:
    """Compare times of day; where only one says am or pm, the other may mean either, if it has no hour above 12."""
    if found["minutes"] != wanted["minutes"]:
        return False
    hours = [int(time["hours"]) % 12 + 12 * (time["half"].casefold()[0] == "p") if time["half"] else int(time["hours"])
             for time in (found, wanted)]  # fmt: skip
    unsaid = [time for time in (found, wanted) if not time["half"]]
    if len(unsaid) == 1 and 1 <= int(unsaid[0]["hours"]) <= 12 and len(unsaid[0]["hours"].lstrip("0")):
        return hours[0] % 12 == hours[1] % 12
    return hours[0] == hours[1]


def _value(found: re.Match[str], text: str) -> Fraction | None:
    """Return the value of a number or fraction; ``None`` for one of several numbers, and for a power."""
    value, rest = Fraction(found["number"].replace(",", "")), text[found.end() :]
    mixed, fraction = _MIXED.match(rest), _FRACTION.match(rest)
    if mixed and int(mixed[2]):
        value += Fraction(int(mixed[1]), int(mixed[2]))
    elif fraction and int(fraction[1]):
        value /= int(fraction[1])
        rest = rest[fraction.end() :]
    if not mixed and (_ANOTHER.match(rest) or _POWER.match(rest)):
        return None
    if scale := _SCALE.match(rest):
        value *= _SCALES[scale[1].strip().casefold()]
    return -value if found["minus"] else value


def _says_words(said: str, truth: str) -> bool:
    """Return whether a text names the words of the truth and no others beside them: as many items, in their order."""
    head = _REASON.split(said.strip())[0]
    items, wanted = (_items(text) for text in (head, truth))
    first = _items(said)[:1]
    if wanted in (["yes"], ["no"]) and first:
        return first[0].split()[:1] == wanted
    if len(items) != len(wanted) or (_DENIAL.search(plain(head)) and not _DENIAL.search(plain(truth))):
        return False
    pairs = zip(items, wanted, strict=True)
    return all(re.search(rf"(?<!\w){re.escape(one)}(?!\w)", item) is not None for item, one in pairs)


def _items(text: str) -> list[str]:
    """Return the names of a list."""
    parts = (plain(part).strip(" *_`.!?:'\"") for part in _LIST.split(text))
    return [part for part in parts if part]
