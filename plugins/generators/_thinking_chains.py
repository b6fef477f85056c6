"""Composed stories of ``thinking``: chains of people, of events and of money, with one to six steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _thinking_chains_data as said
from ._thinking_frames import SHARES, Problem, Step, fill, words_for
from ._thinking_steps import SMALL, exact, result_of

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    Sides = Sequence[Sequence[str]]

MOST = 3000  # largest number in a story
ORDER = "ABCD"


class _Story:
    """A story under construction: its sentences, steps and words."""

    def __init__(self, rng: random.Random, *, held_out: bool) -> None:
        self.rng, self.side = rng, int(held_out)
        self.words = words_for(rng, held_out=held_out)
        self.sentences: list[str] = []
        self.steps: list[Step] = []

    def say(self, sides: Sides, **slots: object) -> None:
        """Add a sentence of this side's wordings."""
        wording = self.rng.choice(sides[self.side])
        self.sentences.append(fill(wording, self.words | {key: str(value) for key, value in slots.items()}))

    def step(self, label: str, expression: str, **slots: str) -> int:
        """Add a step and return its result, which is -1 if it is not a positive whole number."""
        result = result_of(expression) or ""
        self.steps.append(Step(fill(label, self.words | slots), expression, result))
        value = exact(result)
        return int(value) if value is not None and value.denominator == 1 and 0 < value <= MOST else -1

    def problem(self, kind: str, number: int) -> Problem | None:
        """Return the story as a problem; ``None`` if a result was not fit."""
        if number < 0:
            return None
        question = " ".join(sentence[:1].upper() + sentence[1:] for sentence in self.sentences)
        return Problem(kind, question, tuple(self.steps), self.steps[-1].result)


def _times(rng: random.Random, k: int) -> str:
    return rng.choice(("twice", "two times") if k == 2 else (f"{k} times", f"{SMALL[k]} times"))


def _share(k: int) -> str:
    return "half" if k == 2 else f"a {SHARES[k]}"


def people(rng: random.Random, count: int, *, held_out: bool) -> Problem | None:
    """Compare the numbers of two to four people; ``count`` is the number of steps."""
    story = _Story(rng, held_out=held_out)
    ends = rng.choice(("last", "all", "gap", "split")[: {1: 1, 2: 3}.get(count, 4)])
    relations = min(3, count - {"all": 1, "last": 0, "gap": 1, "split": 2}[ends])
    number = rng.choice((rng.randint(3, 30), 12 * rng.randint(1, 5)))
    story.say(said.STARTS, k=number)
    numbers = [number]
    while len(numbers) <= relations:
        found = _related(story, numbers[-1], ORDER[len(numbers) - 1], ORDER[len(numbers)], count - len(story.steps) > 2)
        if found < 0:
            return None
        numbers.append(found)
    return _asked(story, numbers, ends)


def _related(story: _Story, number: int, one: str, other: str, both: bool) -> int:
    """Add a person whose number follows from that of the one before; return it, or -1."""
    rng, name = story.rng, story.words[other]
    slots = {"A": story.words[one], "B": name}
    label = f"{name}'s {story.words['things']}"
    kind = rng.choice(("more", "fewer", "times", "share", *(("plus",) if both else ())))
    k = rng.randint(2, 5 if kind in {"times", "plus"} else 20)
    if kind == "more":
        story.say(said.MORE, k=k, **slots)
        return story.step(label, f"{number} + {k}")
    if kind == "fewer":
        story.say(said.FEWER, k=k, **slots)
        return story.step(label, f"{number} - {k}")
    if kind == "times":
        story.say(said.TIMES, times=_times(rng, k), **slots)
        return story.step(label, f"{number} * {k}")
    if kind == "share":
        k = rng.choice((2, 2, 3, 4))
        story.say(said.SHARE, share=_share(k), **slots)
        return story.step(label, f"{number} / {k}")
    m = rng.randint(2, 15)
    story.say(said.TIMES_PLUS, times=_times(rng, k), m=m, **slots)
    first = story.step(f"{_times(rng, k).capitalize()} as many", f"{number} * {k}")
    return story.step(label, f"{first} + {m}")


def _asked(story: _Story, numbers: list[int], ends: str) -> Problem | None:
    """End a story of people with its question."""
    rng, last = story.rng, len(numbers) - 1
    if ends == "last":
        story.say(said.LAST_ASK, Z=story.words[ORDER[last]])
        return story.problem("people", numbers[-1])
    if ends == "gap":
        first, second = (0, last) if numbers[0] > numbers[last] else (last, 0)
        story.say(said.GAP_ASK, X=story.words[ORDER[first]], Y=story.words[ORDER[second]])
        return story.problem("people", story.step("Difference", f"{numbers[first]} - {numbers[second]}"))
    total = story.step("Number together", " + ".join(map(str, numbers)))
    if ends == "all":
        story.say(said.ALL_ASK)
        return story.problem("people", total)
    parts = [k for k in range(2, 11) if total > 0 and total % k == 0]
    if not parts:
        return None
    k = rng.choice(parts)
    story.say(said.SHARE_ASK, k=k)
    return story.problem("people", story.step("Each share", f"{total} / {k}"))


def events(rng: random.Random, count: int, *, held_out: bool) -> Problem | None:
    """Change one person's number ``count`` times, or one time less and then sell or share the rest."""
    story = _Story(rng, held_out=held_out)
    number = rng.randint(6, 60)
    story.say(said.STARTS, k=number)
    ends = rng.choice(("left", "sell", "split")) if count > 1 else "left"
    changes = count - (ends != "left")
    while len(story.steps) < changes:
        number = _changed(story, number, changes - len(story.steps))
        if number < 0:
            return None
    if ends == "left":
        story.say(said.LEFT_ASK)
    elif ends == "sell":
        price = rng.randint(2, 9)
        story.say(said.SELL_ASK, k=price)
        number = story.step("Money", f"{number} * {price}")
    else:
        parts = [k for k in range(2, 9) if number % k == 0]
        if not parts:
            return None
        k = rng.choice(parts)
        story.say(said.SPLIT_ASK, k=k)
        number = story.step("Each share", f"{number} / {k}")
    return story.problem("events", number)


def _changed(story: _Story, number: int, room: int) -> int:
    """Add an event and its one or two steps; return the number after it, or -1."""
    rng = story.rng
    table = rng.choice((said.GAINS, said.LOSSES, *((said.PACKS, said.PARTS) if room > 1 else ())))
    label, training, held = rng.choice(table)
    k, m = rng.randint(2, 20), rng.randint(2, 12)
    if table is said.PARTS:
        k = rng.choice((2, 3, 4))
        share = _share(k)
        story.say((training, held), share=share, share_cap=share.capitalize())
        part = story.step(label, f"{number} / {k}")
        return story.step("What is left", f"{number} - {part}") if part > 0 else -1
    if table is said.PACKS:
        k = rng.randint(2, 6)
        story.say((training, held), k=k, m=m)
        new = story.step(label, f"{k} * {m}")
        return story.step("With the new ones", f"{number} + {new}")
    story.say((training, held), k=k)
    return story.step(label, f"{number} {'+' if table is said.GAINS else '-'} {k}")


def money(rng: random.Random, count: int, *, held_out: bool) -> Problem | None:
    """Earn money, receive and spend some, and ask for the rest or for what a goal still needs."""
    story = _Story(rng, held_out=held_out)
    price, hours = rng.randint(3, 25), rng.randint(2, 12)
    story.say(said.EARNINGS, p=price, h=hours)
    amount = story.step("Money earned", f"{price} * {hours}")
    goal = count > 1 and rng.random() < 0.35
    while len(story.steps) < count - goal:
        k = rng.randint(2, 40)
        if rng.random() < 0.4:
            story.say(said.TIPS, k=k)
            amount = story.step("With that added", f"{amount} + {k}")
        else:
            story.say(said.SPENDS, k=k)
            amount = story.step("After paying that", f"{amount} - {k}")
        if amount < 0:
            return None
    if goal:
        cost = amount + rng.choice((5, 10, 12, 15, 20, 25, 30, 40))
        story.say(said.GOAL_ASK, g=cost)
        amount = story.step("Still needed", f"{cost} - {amount}")
    else:
        story.say(said.MONEY_ASK)
    return story.problem("money", amount)
