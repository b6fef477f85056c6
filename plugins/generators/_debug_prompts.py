"""Complaints about a broken program, as people write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from . import _debug_prompts_data as data
from ._debug_programs import Check
from ._debug_run import FILE

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from ._debug_programs import Program
    from ._debug_run import Finding

CALL = 60  # characters of a call that a complaint still quotes
SPLIT = 4  # every fourth wording is for measurement alone


class Complaint(NamedTuple):
    """What a complaint can say."""

    program: Program
    code: str
    findings: tuple[Finding, ...]
    notice: str


class _Note(NamedTuple):
    """What the user says besides the code, and whether it asks for the repair already."""

    parts: list[str]
    asks: bool = False


def complaint(told: Complaint, draw: random.Random, *, held_out: bool) -> str:
    """Return the user's turn: the code, with a note before, after or around it."""
    note = _note(told, draw.choice(told.findings), draw, held_out=held_out)
    if not note.asks and draw.random() < 0.2:
        note.parts.append(_pick(data.AFTER, draw, held_out=held_out))
    if "\n" not in note.parts[0]:
        note.parts[0] = _styled(note.parts[0], told.program.name, draw, held_out=held_out)
    inline = "\n" not in told.code
    fenced = not inline and draw.random() < 0.3
    code = f"`{told.code}`" if inline else f"```python\n{told.code}\n```" if fenced else told.code
    place = draw.random()
    if place < 0.12 and len(note.parts) > 1:
        before, after = [note.parts[0]], note.parts[1:]
    elif place < 0.45:
        before, after = [], note.parts
    else:
        before, after = note.parts, []
    gap = " " if inline else draw.choice(("\n", "\n", "\n\n"))
    tail = gap if inline or fenced or draw.random() < 0.25 else "\n\n"
    first = _joined(before)
    if first.endswith(".") and not inline and draw.random() < 0.2:
        first = f"{first[:-1]}:"
    return (first + gap if first else "") + code + (tail + _joined(after) if after else "")


def _note(told: Complaint, finding: Finding, draw: random.Random, *, held_out: bool) -> _Note:
    """Return what the user says about the code: a failing example, an error, a purpose, a notice, or little."""
    fields = _fields(told, finding)

    def say(wordings: Sequence[str]) -> str:
        return _pick(wordings, draw, held_out=held_out).format_map(fields)

    fact = _fact(told, finding, fields, draw)
    if draw.random() < 0.12 or not fact:
        # The code alone says little, so the purpose stands beside the request.
        parts = [say(data.REQUESTS), say(data.PURPOSES)]
        draw.shuffle(parts)
        return _Note(parts, asks=True)
    if fact == "trace":
        asks = draw.random() < 0.4
        return _Note([_trace(told, finding), *([say(data.REQUESTS)] if asks else [])], asks)
    parts = [say(getattr(data, fact))]
    if told.notice and draw.random() < 0.35:
        parts.insert(0, say(data.NOTICES))
    elif draw.random() < 0.45:
        parts.insert(draw.randrange(2), say(data.PURPOSES))
    return _Note(parts)


def _fields(told: Complaint, finding: Finding) -> dict[str, str]:
    check = Check.of(finding.test)
    call = f"{check.call} after `{check.prepared}`" if check.prepared and check.call else check.call
    call = call if len(call) <= CALL and "import" not in call else ""
    return {
        "call": call, "want": check.wanted, "got": finding.got, "error": finding.error,
        "name": told.program.name, "purpose": told.program.purpose, "notice": told.notice,
    }  # fmt: skip


def _fact(told: Complaint, finding: Finding, fields: dict[str, str], draw: random.Random) -> str:
    """Return the name of the wordings that fit the finding; empty if none does."""
    if finding.error == "hang":
        return "HANGS" if fields["call"] else ""
    if finding.error:
        traced = 0 < finding.line <= len(told.code.splitlines()) and "\n" in told.code and draw.random() < 0.3
        return "trace" if traced else "ERRORS" if fields["call"] else "PLAIN_ERRORS"
    if not fields["call"]:
        return ""
    return "EXAMPLES" if finding.got and draw.random() < 0.8 else "WANTED"


def _trace(told: Complaint, finding: Finding) -> str:
    """Return the last lines of the traceback."""
    line = told.code.splitlines()[finding.line - 1].strip()
    where = f", in {finding.where}" if finding.where else ""
    return f'  File "{FILE}", line {finding.line}{where}\n    {line}\n{finding.error}'


def _pick(wordings: Sequence[str], draw: random.Random, *, held_out: bool) -> str:
    """Return one of the wordings for training, or for measurement."""
    return draw.choice(wordings_for(wordings, held_out=held_out))


def wordings_for(wordings: Sequence[str], *, held_out: bool) -> list[str]:
    """Return the wordings for training, or those for measurement."""
    return [text for i, text in enumerate(wordings) if (i % SPLIT == SPLIT - 1) == held_out]


def _joined(parts: Sequence[str]) -> str:
    """Return the parts as one text; a part of several lines stands on its own."""
    text = ""
    for part in parts:
        if "\n" in part or "\n" in text:
            text += ("\n" if text else "") + part
        elif text:
            text += (" " if text.endswith((".", "!", "?", ":")) else ". ") + part
        else:
            text = part
    return text


def _styled(note: str, name: str, draw: random.Random, *, held_out: bool) -> str:
    """Return the note with a greeting, with a capital or without one."""
    if draw.random() < 0.1:
        return _pick(data.BEFORE, draw, held_out=held_out) + note
    if note.startswith(name):
        return note
    style, first = draw.random(), note.split(maxsplit=1)[0]
    if style < 0.3:
        return note if first.endswith("Error:") else note[0].lower() + note[1:]
    return note[0].upper() + note[1:] if style < 0.75 and first.isalpha() else note
