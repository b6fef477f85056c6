"""How text is cut and checked: words, lines, fenced code and JSON, the same for scorers, prompts and comparisons."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

_WORD = re.compile(r"\w+(?:['\u2019]\w+)*")
_FENCE = re.compile(
    r"^[ \t]*```[ \t]*(?:python3?|py)?[ \t]*\n(?P<code>.*?)(?:^[ \t]*(?P<end>```)|\Z)",
    re.DOTALL | re.MULTILINE | re.IGNORECASE,
)


class FencedCode(NamedTuple):
    """The first fenced Python block of a text; ``closed`` is false where the text breaks off inside it."""

    code: str
    closed: bool


def words(text: str) -> list[str]:
    """Return the words of ``text`` without case and punctuation."""
    return _WORD.findall(text.casefold())


def lines(text: str) -> list[str]:
    """Return the lines of ``text`` that hold more than blanks, stripped."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def fenced_code(text: str) -> FencedCode | None:
    """Return the first block of ``text`` fenced by three backticks, marked as Python or not marked at all."""
    found = _FENCE.search(text)
    return FencedCode(found["code"], found["end"] is not None) if found else None


def is_utf8(text: str) -> bool:
    """Tell whether ``text`` can be written as UTF-8: an escape in JSON may hold half of a surrogate pair."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def strict_json(text: str) -> Any:
    """Parse JSON; NaN and Infinity, which Python reads but JSON does not have, are refused.

    :raises ValueError: it is not JSON.
    """
    return json.loads(text, parse_constant=refuse_constant)


def refuse_constant(name: str) -> None:
    """Refuse NaN and Infinity, for ``parse_constant`` of :mod:`json`.

    :raises ValueError: always.
    """
    msg = f"{name} is no JSON value"
    raise ValueError(msg)
