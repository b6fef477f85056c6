"""Plans of the ``task`` generator: values and limits drawn for a goal, steps chosen and put in order."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from . import _task_phrases as phrases
from ._task_goals import LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from random import Random

    from ._task_goals import Change, Goal, Step

_KEY = re.compile(r"\[(.+?)\]")
_ARTICLE = re.compile(r"^(?:an?|the|my|our|your) ", re.IGNORECASE)
_LIMIT = re.compile(rf"\{{({'|'.join(LIMITS)})\}}")
YOURS = {"my": "your", "our": "your", "me": "you", "myself": "yourself"}
MINE = {"your": "my", "yourself": "myself"}
TO_YOU, TO_ME = re.compile(rf"\b({'|'.join(YOURS)})\b"), re.compile(rf"\b({'|'.join(MINE)})\b")


class Limit(NamedTuple):
    """A limit as the user says it, as a step says it, and its key."""

    said: str
    written: str
    key: str


@dataclass(frozen=True)
class Sketch:
    """A goal with drawn values and what the user demands; ``names`` are the chosen steps in order."""

    goal: Goal
    values: Mapping[str, str]
    limits: Mapping[str, Limit] = field(default_factory=dict)
    change: Change | None = None
    done: Step | None = None
    first: str = ""
    last: str = ""
    order: tuple[str, str] | None = None
    bounds: tuple[int, int] | None = None
    names: tuple[str, ...] = ()

    def template(self, name: str) -> str:
        """Return the text of a step under the condition, with its slots."""
        changed = self.change is not None and self.change.step == name
        return self.change.text if changed and self.change is not None else self.goal.steps[name].text

    def step(self, name: str, *, limits: bool = True) -> str:
        """Return the text of a step."""
        written = {kind: f" {limit.written}" for kind, limit in self.limits.items()} if limits else {}
        text = _LIMIT.sub(lambda match: written.get(match[1], ""), self.template(name))
        return TO_YOU.sub(lambda match: YOURS[match[1]], self.fill(text))

    def fill(self, text: str) -> str:
        """Fill slots with values and leave out brackets."""
        return re.sub(r"\{(\w+)\}", self._value, text).replace("[", "").replace("]", "").strip()

    def _value(self, match: re.Match[str]) -> str:
        name = match[1]
        value = self.values[name.lower()]
        return value if name.islower() else value[0].upper() + value[1:]

    def key(self, text: str) -> str:
        """Return the key of a text, filled."""
        found = _KEY.search(text)
        return bare(TO_YOU.sub(lambda match: YOURS[match[1]], self.fill(found[1]))) if found else ""

    def step_key(self, name: str) -> str:
        """Return the key of a step if no other possible step mentions it, else an empty text."""
        key = self.key(self.template(name))
        others = (self.step(other) for other in self.goal.steps if other != name)
        return "" if any(key.casefold() in other.casefold() for other in others) else key

    def command(self, name: str) -> str:
        """Return a step as the user says it: "book the hall"."""
        text = self.step(name, limits=False).rstrip(".")
        return TO_ME.sub(lambda match: MINE[match[1]], lowered(text))

    @property
    def steps(self) -> list[str]:
        """The texts of the chosen steps."""
        return [self.step(name) for name in self.names]

    @property
    def answer(self) -> str:
        """The plan."""
        return numbered(self.steps)

    @property
    def open(self) -> list[str]:
        """The names of steps that may be chosen."""
        lacking = self.lacks
        return [
            name
            for name in self.goal.steps
            if self.goal.steps[name] is not self.done and not any(mentioned(self.step(name), part) for part in lacking)
        ]

    @property
    def lacks(self) -> tuple[str, ...]:
        """The texts that the plan lacks."""
        return (
            *((self.change.word,) if self.change and self.change.word else ()),
            *(self.done.lacks if self.done else ()),
        )


def numbered(steps: Iterable[str]) -> str:
    """Return steps as a numbered list."""
    return "\n".join(f"{place}. {step}" for place, step in enumerate(steps, 1))


def bare(text: str) -> str:
    """Return a text without its article."""
    return _ARTICLE.sub("", text)


def lowered(text: str) -> str:
    """Return a text with a small first letter, unless its first word has more capitals or is "I"."""
    head = text.split(" ", 1)[0].split("'", maxsplit=1)[0]
    return text if head == "I" or (not head[1:].islower() and len(head) > 1) else text[0].lower() + text[1:]


def mentioned(text: str, part: str) -> bool:
    """Return whether a text has a part that begins and ends with words, up to a plural."""
    return re.search(rf"(?<!\w){re.escape(part)}(?:e?s)?(?!\w)", text, re.IGNORECASE) is not None


def draw_values(rng: Random, goal: Goal, side: int) -> dict[str, str]:
    """Draw a value for each slot of a goal; ``city2`` is another city."""
    values: dict[str, str] = {}
    for slot in goal.slots:
        if slot in goal.pools:
            pool: Sequence[str] = goal.pools[slot]
        elif slot == "num":
            pool = phrases.POOL_NUMBERS[side]
        else:
            pool = phrases.POOLS[slot.rstrip("2")][side].split()
        values[slot] = rng.choice([value for value in pool if value not in values.values()])
    return values


def draw_limit(rng: Random, goal: Goal, kind: str, side: int) -> Limit:
    """Draw a limit of one kind."""
    if kind == "money":
        amount = rng.choice(phrases.SUMS)
        return Limit(amount, f"for under {amount}", amount)
    if kind == "mins":
        minutes = rng.choice(phrases.MINUTES[side])
        return Limit(minutes, f"within {minutes} minutes", minutes)
    if kind == "tool":
        tool = rng.choice(goal.pools["tool"])
        return Limit(tool, f"with {tool}", bare(tool))
    if kind == "who":
        if rng.random() < 0.3:
            name = rng.choice(phrases.POOLS["person"][side].split())
            return Limit(name, f"with {name}", name)
        said, written, key = rng.choice(phrases.HELPERS[side]).split("|")
        return Limit(said, f"with {written}", key)
    form = rng.choice(phrases.DEADLINES[side])
    months, days = (phrases.POOLS[slot][side].split() for slot in ("month", "weekday"))
    drawn = {"weekday": rng.choice(days), "month": rng.choice(months), "hour": rng.choice(phrases.HOURS)}
    drawn |= {"clock": str(rng.randint(1, 9)), "day": str(rng.choice((*range(5, 21), *range(24, 31))))}
    return Limit(*re.sub(r"\{(\w+)\}", lambda match: drawn[match[1]], form).split("|"))


def hosts(sketch: Sketch, kind: str) -> list[str]:
    """Return the steps that have a place for a limit."""
    return [name for name in sketch.open if f"{{{kind}}}" in sketch.template(name)]


def choose(rng: Random, sketch: Sketch, prefer: Sequence[str] = (), count: int = 0) -> Sketch | None:
    """Choose steps and put them in order; ``None`` if no plan meets the demands.

    :param prefer: steps to choose before others.
    :param count: number of steps; 0 draws it.
    """
    goal, allowed = sketch.goal, sketch.open
    needed = {name for name, step in goal.steps.items() if step.must and step is not sketch.done}
    needed |= {host for kind in sketch.limits for host in hosts(sketch, kind)[:1]}
    needed |= {name for name in (sketch.first, sketch.last, *(sketch.order or ())) if name}
    needed |= {sketch.change.step} if sketch.change else set()
    least, most = sketch.bounds or (3, 5)
    wanted = count or rng.choice((3, 4, 4, 4, 5, 5))
    wanted = max(least, min(most, 5, max(wanted, len(needed))))
    if not needed <= set(allowed) or len(needed) > wanted:
        return None
    others = [name for name in allowed if name not in needed]
    rng.shuffle(others)
    others.sort(key=lambda name: name not in prefer)
    names = needed | set(others[: wanted - len(needed)])
    ordered = arrange(sketch, [name for name in goal.steps if name in names])
    return replace(sketch, names=ordered) if ordered and len(ordered) >= least else None


def arrange(sketch: Sketch, names: Sequence[str]) -> tuple[str, ...] | None:
    """Put steps in an order that respects dependencies and demands, near that of the table; ``None`` if none does."""
    before = {name: set(sketch.goal.before[name]) & set(names) for name in names}
    if sketch.order:
        before[sketch.order[1]].add(sketch.order[0])
    if sketch.last:
        before[sketch.last] |= set(names) - {sketch.last}
    if sketch.first:
        for name in names:
            before[name] |= {sketch.first} - {name}
    placed: list[str] = []
    while len(placed) < len(names):
        ready = [name for name in names if name not in placed and before[name] <= set(placed)]
        if not ready:
            return None
        placed.append(ready[0])
    return tuple(placed)
