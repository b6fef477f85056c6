"""A domain's rewritten prompts: generated ones in the words of a teacher, with their right answers, in one file."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from conch_dna.domains.prompts import KEYS, object_of, prompt_line, prompt_of, read_lines

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
    return tuple(read_lines(path, lambda _, raw: _read_line(raw)))


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
