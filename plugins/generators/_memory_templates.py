"""The templates of the ``memory`` generator, kinds of facts and chatter: for training or for held-out drafts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from . import _memory_chatter as chatter
from ._memory_kinds import KINDS
from ._memory_slots import SLOT


@dataclass(frozen=True)
class Fact:
    """A fact, as templates.

    :param line: the line of the answer.
    :param topic: what it is about, or empty; ``value`` is the slot that a correction changes, or empty.
    :param says: how a message says it; ``later`` is how it goes on once the first fact of the subject is said.
    """

    line: str
    topic: str
    value: str
    says: tuple[str, ...]
    later: tuple[str, ...]

    @property
    def by_topic(self) -> bool:
        """Whether topic and value say the whole fact."""
        slots = {slot[2] + slot[3] for slot in SLOT.finditer(self.line)}
        return bool(self.value) and slots - {slot[2] + slot[3] for slot in SLOT.finditer(self.topic)} == {self.value}


class Kind(NamedTuple):
    """A kind of subject with its facts; the first one introduces it."""

    name: str
    facts: tuple[Fact, ...]


@cache
def kinds(*, held_out: bool) -> tuple[Kind, ...]:
    """Return the kinds with their phrasings for training drafts or for held-out ones."""
    found = []
    for section in re.split(r"^\[", KINDS, flags=re.MULTILINE)[1:]:
        head, *blocks = re.split(r"^= ", section, flags=re.MULTILINE)
        name = head.strip().rstrip("]")
        if name.startswith("~") and not held_out:
            continue
        mark = "" if name.startswith("~") or not held_out else "~"
        facts = tuple(_fact(block, mark) for block in blocks)
        found.append(Kind(name.lstrip("~"), facts))
    return tuple(found)


def _fact(block: str, mark: str) -> Fact:
    """Parse a fact, with the phrasings that begin with ``mark``, or without one."""
    first, *rest = block.strip().split("\n")
    line, topic, value = (*(part.strip() for part in first.split("|")), "", "")[:3]
    said = [text.removeprefix(mark) for text in rest if text.startswith("~") == bool(mark)]
    says = tuple(text.strip() for text in said if not text.startswith(">"))
    return Fact(line, topic, value, says, tuple(text[1:].strip() for text in said if text.startswith(">")))


@cache
def phrases(name: str, *, held_out: bool) -> tuple[str, ...]:
    """Return the chatter or frames with a name of ``_memory_chatter``."""
    every = [text for text in getattr(chatter, name).strip().split("\n") if text.startswith("~") == held_out]
    return tuple(text.removeprefix("~ ") for text in every)
