"""A domain's rewritten prompts: generated ones in the words of a teacher, with their right answers, in one file."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from conch_dna.domains.prompts import KEYS, faulty_lines, lines_of, object_of, prompt_line, prompt_of

if TYPE_CHECKING:
    from pathlib import Path

    from conch_dna.records import Prompt

FILE = "rewritten.jsonl"
SOURCE = "rewritten"  # the source of every rewritten prompt
OWN = {"answer", "original"}  # keys of a line that a line of prompts does not have


class Rewritten(NamedTuple):
    """A generated prompt in other words.

    :param answer: its right answer, that of the generator.
    :param original: the digest of the generated prompt.
    """

    prompt: Prompt
    answer: str
    original: str


def rewritten_line(rewritten: Rewritten) -> str:
    """Return a line for :func:`read_rewritten`."""
    return prompt_line(rewritten.prompt, answer=rewritten.answer, original=rewritten.original)


def read_rewritten(path: Path) -> tuple[Rewritten, ...]:
    """Read rewritten prompts: lines of prompts with the two keys ``answer`` and ``original`` more.

    :raises DataError: the file cannot be read, or lines are faulty; the first 20 faults are listed.
    """
    found, faults = [], []
    for number, raw in enumerate(lines_of(path), 1):
        if not raw.strip():
            continue
        line = _read_line(raw)
        if isinstance(line, str):
            faults.append(f"line {number}: {line}")
        else:
            found.append(line)
    if faults:
        raise faulty_lines(path, faults)
    return tuple(found)


def _read_line(raw: bytes) -> Rewritten | str:
    """Return the rewritten prompt on one line, or its fault."""
    data = object_of(raw, KEYS | OWN)
    if isinstance(data, str):
        return data
    answer, original = data.get("answer"), data.get("original")
    if not (isinstance(answer, str) and answer.strip() and isinstance(original, str)):
        return "answer and original must be texts"
    prompt = prompt_of(data)
    return prompt if isinstance(prompt, str) else Rewritten(prompt, answer, original)
