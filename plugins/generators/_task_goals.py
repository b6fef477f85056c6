"""Goals of the ``task`` generator, read from their notation.

A goal starts with ``@field``; the next line has its asks, the first of which is imperative, or ``chain`` if prompts
name the steps themselves; lines that start with ``|`` have more asks. Then, one a line:

- ``$slot: value; value``: the values of a slot of this goal.
- ``c<ab* Text. ~word,word: phrase; phrase``: step ``c``, after ``a`` and ``b``; ``*`` marks a step that no plan lacks.
  The phrases say that it is done; a plan without it lacks the words.
- ``+c phrase; phrase => Text.``: a condition that changes the text of step ``c``.
- ``-c word: phrase; phrase => Text.``: the same, and the plan lacks the word.

Brackets mark the key of a step or an ask: the words to look for. ``{when}``, ``{money}``, ``{who}``, ``{mins}`` and
``{tool}`` are places for limits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

LIMITS = ("when", "money", "who", "mins", "tool")
_STEP = re.compile(r"([a-z])(?:<([a-z]+))?(\*)? (.+?)(?: ~(.+?): (.+))?")
_CHANGE = re.compile(r"([+-])([a-z]) (?:(\w+(?: \w+)?): )?(.+?) => (.+)")
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Step:
    """A step, the names of those before it, and how one says that it is done."""

    name: str
    after: str
    must: bool
    text: str
    lacks: tuple[str, ...] = ()
    done: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """A condition that changes the text of a step; the plan lacks ``word``, if any."""

    step: str
    word: str
    phrases: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Goal:
    """A goal with its possible steps, a partial order."""

    field: str
    asks: tuple[str, ...]
    pools: dict[str, tuple[str, ...]]
    steps: dict[str, Step]
    changes: tuple[Change, ...]

    @property
    def chain(self) -> bool:
        """Whether prompts name the steps instead of a goal."""
        return self.asks == ("chain",)

    @cached_property
    def before(self) -> dict[str, frozenset[str]]:
        """The names of all steps that a step must follow, directly or not."""
        found: dict[str, frozenset[str]] = {}
        for name, step in self.steps.items():  # a step's predecessors stand above it
            found[name] = frozenset(step.after).union(*(found[other] for other in step.after))
        return found

    @cached_property
    def slots(self) -> tuple[str, ...]:
        """The slots of asks and steps, without limits."""
        texts = [*self.asks, *(s.text for s in self.steps.values())]
        texts += [text for change in self.changes for text in (change.text, *change.phrases)]
        names = (name.lower() for text in texts for name in _SLOT.findall(text))
        return tuple(dict.fromkeys(name for name in names if name not in LIMITS))


@lru_cache(maxsize=2)
def goals_of(table: str) -> tuple[Goal, ...]:
    """Return the goals of a table."""
    return tuple(_goal(block.strip().splitlines()) for block in re.split(r"^@", table, flags=re.MULTILINE)[1:])


def _goal(lines: list[str]) -> Goal:
    field, *rest = lines
    asks = rest.pop(0)
    while rest[0].startswith("|"):
        asks += f" {rest.pop(0)}"
    pools: dict[str, tuple[str, ...]] = {}
    steps: dict[str, Step] = {}
    changes = []
    for line in map(str.strip, rest):
        if line.startswith("$"):
            slot, _, values = line[1:].partition(": ")
            pools[slot] = tuple(values.split("; "))
        elif match := _CHANGE.fullmatch(line):
            _, step, word, phrases, text = match.groups()
            changes.append(Change(step, word or "", tuple(phrases.split("; ")), text))
        elif match := _STEP.fullmatch(line):
            name, after, must, text, lacks, done = match.groups()
            parts = tuple((lacks or "").split(",")) if lacks else ()
            steps[name] = Step(name, after or "", bool(must), text, parts, tuple(done.split("; ")) if done else ())
        else:
            msg = f"not a line of a goal: {line!r}"
            raise ValueError(msg)
    return Goal(field, tuple(asks.split(" | ")), pools, steps, tuple(changes))
