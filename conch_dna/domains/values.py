"""The values of a request: what a rewritten request must say as it is, and of what it must say no more."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from conch_dna.util.text import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conch_dna.records import Reference

LONGEST = 2  # times the words of the original, and ROOM more
ROOM = 8
_EDGES = ".,;:!?()[]\"'\u201c\u201d\u2018\u2019"
_QUOTED = re.compile("\"([^\"]+)\"|\u201c([^\u201d]+)\u201d|(?<!\\w)'([^']+)'(?!\\w)")
_FIRST = re.compile(r"(?:^|[.!?:]\s+|[\"'(])([A-Z][\w']*)")  # a word that has its capital from its place
_NO_NAMES = {"i", "i'm", "i'd", "i'll", "i've", "ok"}


def values(text: str) -> set[str]:
    """Return the parts of a request that no other words can say: numbers, names, quotations, addresses and paths.

    A name is a word with a capital that does not open a sentence.
    """
    opening = {match.start(1) for match in _FIRST.finditer(text)}
    found = {next(filter(None, match.groups())) for match in _QUOTED.finditer(text)}
    for match in re.finditer(r"\S+", text):
        part = match[0].strip(_EDGES).removesuffix("'s").removesuffix("\u2019s")
        place = match.start() + match[0].find(part) if part else 0
        named = part[:1].isupper() and place not in opening and part.casefold() not in _NO_NAMES
        if named or re.search(r"[\d@/\\_]|\w\.\w", part):
            found.add(part)
    return found


def to_keep(text: str, reference: Reference) -> list[str]:
    """Return what a rewritten text must say letter by letter, in the order of the text.

    :param reference: that of the request; its texts that the request says must stay.
    """
    found = values(text) | {known for known in _texts(_known(reference)) if _says(text, known)}
    whole = [value for value in found if not any(other != value and _says(other, value) for other in found)]
    return sorted(whole, key=lambda value: (text.casefold().find(value.casefold()), value))


def fault_of_rewriting(original: str, text: str, reference: Reference) -> str:
    """Return why a text does not say what the original says; empty if nothing speaks against it.

    :param reference: that of the original.
    """
    if not text or "\n" in text or "\ufffd" in text:
        return "not one line of text"
    if words(text) == words(original):
        return "the same words"
    if len(text.split()) > LONGEST * len(original.split()) + ROOM:
        return "much longer"
    if lost := [value for value in to_keep(original, reference) if not _says(text, value)]:
        return f"a value is lost: {lost[0]}"
    if new := sorted(value for value in values(text) if not _says(original, value)):
        return f"a value is new: {new[0]}"
    return ""


def _says(text: str, value: str) -> bool:
    """Return whether a value stands in a text as a whole: 5 is neither in 15 nor in 5.5."""
    return re.search(rf"(?<!\w)(?<!\d[.,]){re.escape(value)}(?!\w|[.,]\d)", text, re.IGNORECASE) is not None


def _known(reference: Reference) -> list[Any]:
    """Return what is known of the right answer, without the names of tools, which a request need not say."""
    calls = [call.arguments for call in reference.calls or ()]
    tool = (reference.tool or {}).get("arguments")
    plan = reference.plan and reference.plan.model_dump(mode="json")
    return [reference.answer, reference.contains, reference.lacks, calls, tool, plan]


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts in JSON, without the keys."""
    if isinstance(value, str) and value.strip():
        yield value
    elif isinstance(value, dict | list | tuple):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)
