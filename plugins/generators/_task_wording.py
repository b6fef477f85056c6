"""Prompts of the ``task`` generator: how people state a goal, its limits and its steps."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from . import _task_phrases as phrases
from ._task_plan import lowered

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from ._task_plan import Sketch

DIGITS = {str(number): word for number, word in enumerate(phrases.NUMBERS, 2)}
_DOUBLED = re.compile(
    "begin|blot|chop|cram|cut|dab|dig|drop|fit|get|hem|let|mop|pat|pin|plan|put|rub|run|set|ship|sit|split|stir|stop|"
    "submit|swap|tap|top|trim|wrap",
    re.IGNORECASE,
)


def raised(text: str) -> str:
    """Return a text with a capital first letter."""
    return text[:1].upper() + text[1:]


def gerund(command: str) -> str:
    """Return a command as a noun: "book the hall" gives "booking the hall"."""
    verb, _, rest = command.partition(" ")
    if _DOUBLED.fullmatch(verb):
        verb += verb[-1]
    elif verb.endswith("ie"):
        verb = verb[:-2] + "y"
    elif verb.endswith("e") and not verb.endswith(("ee", "ye", "oe")):
        verb = verb[:-1]
    return f"{verb}ing {rest}".strip()


def spoken(rng: Random, kind: str, sketch: Sketch, side: int) -> tuple[str, str]:
    """Return a limit or demand as words after the goal (empty if there are none) and as a sentence without its stop."""
    values = {"x": ""}
    if kind in sketch.limits:
        values["x"] = sketch.limits[kind].said
    elif kind in ("most", "exact"):
        most = str(sketch.bounds[1] if sketch.bounds else 5)
        values["x"] = rng.choice((most, DIGITS.get(most, most)))
    else:
        name, other = {"first": (sketch.first, ""), "last": (sketch.last, "")}.get(kind) or sketch.order or ("", "")
        values |= {"do": sketch.command(name), "ing": gerund(sketch.command(name))}
        if other:
            values |= {"do2": sketch.command(other), "ing2": gerund(sketch.command(other))}
    tails = phrases.TAILS.get(kind)
    tail = rng.choice(tails[side]).format(**values) if tails else ""
    return tail, raised(rng.choice(phrases.SAYINGS[kind][side]).format(**values))


def conditions(rng: Random, sketch: Sketch) -> list[str]:
    """Return the clauses that state the condition and what is done."""
    said = []
    if sketch.change:
        said.append(sketch.fill(rng.choice(sketch.change.phrases)))
    if sketch.done:
        said.append(sketch.fill(rng.choice(sketch.done.done)))
    return said


def request(rng: Random, sketch: Sketch, kinds: Sequence[str], side: int) -> str:
    """Return the user's goal with its limits and conditions.

    :param kinds: the kinds of limits and demands to state.
    """
    literal = len(sketch.goal.asks) > 1 and rng.random() < 0.4
    tails: list[str] = []
    sayings: list[str] = []
    for kind in kinds:
        tail, saying = spoken(rng, kind, sketch, side)
        if tail and not literal and not tails and rng.random() < 0.55:
            tails.append(tail)
        else:
            sayings.append(saying)
    sayings += conditions(rng, sketch)
    rng.shuffle(sayings)
    if literal:
        ask = raised(sketch.fill(rng.choice(sketch.goal.asks[1:])))
    else:
        do = " ".join((lowered(sketch.fill(sketch.goal.asks[0])), *tails))
        ask = raised(rng.choice(phrases.FRAMES[side]).format(do=do, ing=gerund(do)))
    return joined(rng, ask, sayings)


def joined(rng: Random, ask: str, sayings: Sequence[str]) -> str:
    """Join a goal and what is said about it."""
    if not sayings:
        return ask if ask.endswith("?") else f"{ask}."
    if len(sayings) == 1 and not ask.endswith("?") and rng.random() < 0.45:
        return f"{ask}{rng.choice(('; ', ', ', ' - ', '; ', ': ' if ':' not in ask else '; '))}{lowered(sayings[0])}."
    parts = [f"{raised(saying)}." for saying in sayings]
    parts.insert(len(parts) if rng.random() < 0.2 else 0, ask if ask.endswith("?") else f"{ask}.")
    return " ".join(parts)


def listed(rng: Random, commands: Sequence[str], side: int) -> str:
    """Return commands in one phrase that leaves no doubt about their order."""
    *some, last = commands
    if len(commands) == 2 and rng.random() < 0.5:
        forms: tuple[str, ...] = (
            (
                "before {ing2}, {do}",
                "{do2} after {ing}",
                "{do} before {ing2}",
                "first {do}, then {do2}",
                "{do}, then {do2}",
            ),
            ("{do2}, but only once you {do}", "{do}; {ing2} comes next"),
        )[side]
        return rng.choice(forms).format(do=some[0], do2=last, ing=gerund(some[0]), ing2=gerund(last))
    if side:
        return f"{', next '.join(some)}, and lastly {last}"
    forms = (
        f"{', '.join(some)} and {last}", f"{', '.join(some)}, {last}", f"{', then '.join(commands)}",
        f"{', '.join(some)}, then {last}", f"{', '.join(some)}, and then {last}",
        f"{'; '.join(commands)}", f"first {', then '.join(some)}, and finally {last}",
    )  # fmt: skip
    return rng.choice(forms)


def chain_request(rng: Random, commands: Sequence[str], sayings: Sequence[str], side: int) -> str:
    """Return a request that names its steps."""
    text = rng.choice(phrases.CHAIN_FRAMES[side]).format(list=listed(rng, commands, side))
    return joined(rng, raised(text), sayings)


def rough(rng: Random, text: str) -> str:
    """Return a text as people type it: without its last stop, in small letters, with short forms."""
    if rng.random() < 0.35 and text.endswith("."):
        text = text[:-1]
    if rng.random() < 0.15:
        text = lowered(text)
    if rng.random() < 0.04:
        text = text.lower()
    if rng.random() < 0.05:
        text = re.sub(r"(?<=\w)'(?=t |s |m |d )", "", text)
    if rng.random() < 0.04:
        text = text.replace("please", "pls").replace("with ", "w/ ", 1)
    return text
