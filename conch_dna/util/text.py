"""Text helpers shared by scorers, prompts and comparisons: words, lines, fenced code, strict JSON."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

_WORD = re.compile(r"\w+(?:['\u2019]\w+)*")
_FENCE = re.compile(r"[ \t]*```[ \t]*(?P<info>[^`]*?)\s*")
_PYTHON = {"", "py", "python", "python3"}


class FencedCode(NamedTuple):
    """The first fenced Python block of a text; ``closed`` is false if the text ends inside it."""

    code: str
    closed: bool


def words(text: str) -> list[str]:
    """Return the words of ``text``, case-folded and without punctuation."""
    return _WORD.findall(text.casefold())


def plain(text: str) -> str:
    """Return ``text`` case-folded, with single blanks between its words, for comparisons."""
    return " ".join(text.casefold().split())


def lines(text: str) -> list[str]:
    """Return the non-blank lines of ``text``, stripped."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def fenced_code(text: str) -> FencedCode | None:
    """Return the first block of ``text`` fenced by three backticks and marked as Python or unmarked.

    A block of another language ends at a fence without a mark, or where a marked one begins the next block.
    """
    code: list[str] | None = None
    other = False
    for line in text.splitlines(keepends=True):
        fence = _FENCE.fullmatch(line)
        if code is not None:
            if line.lstrip(" \t").startswith("```"):
                return FencedCode("".join(code), closed=True)
            code.append(line)
        elif fence and other and not fence["info"]:
            other = False
        elif fence:
            other = fence["info"].casefold() not in _PYTHON
            code = None if other else []
    return None if code is None else FencedCode("".join(code), closed=False)


def counts_text(counts: Mapping[str, int]) -> str:
    """Return counts on one line, such as ``user 12, tool 3``."""
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "(none)"


def is_utf8(text: str) -> bool:
    """Return whether ``text`` can be encoded as UTF-8: JSON escapes may contain a lone surrogate."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def strict_json(text: str) -> Any:
    """Parse JSON strictly: unlike :func:`json.loads`, refuse NaN and Infinity.

    :raises ValueError: ``text`` is not JSON.
    """
    return json.loads(text, parse_constant=refuse_constant)


def refuse_constant(name: str) -> None:
    """Refuse NaN and Infinity; for the parameter ``parse_constant`` of :mod:`json`.

    :raises ValueError: always.
    """
    msg = f"{name} is not a JSON value"
    raise ValueError(msg)
