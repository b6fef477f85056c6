"""What the makers of prompts share: the tools of a split, and the tools that a prompt shows."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from conch_dna.data.tool_form import signature
from conch_dna.records import FunctionCall, Message, Tool

from ._action_check import rivals
from ._action_functions import FUNCTIONS
from ._action_grammar import read_tools
from ._action_held_out import HELD_OUT
from ._action_shape import show
from ._action_tools import APPLICATIONS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ._action_grammar import ToolSpec
    from ._action_shape import Shown, Style
    from ._action_values import Draws

NUMBERS = (0, 1, 2, 3, 4, 5, 6, 7)  # of distractors
# Training shows fewer, because its time is that of its tokens; more of them are learnt from the domain's own eight.
DISTRACTORS = {False: (10, 28, 26, 16, 10, 5, 3, 2), True: (8, 20, 25, 21, 13, 8, 3, 2)}  # weights, by held_out
# Characters of all signatures in a prompt, at most, but for the needed ones.
ROOM = {False: (140, 240, 360, 520), True: (260, 380, 500, 640)}


class Made(NamedTuple):
    """Messages, the shown tools, and the right calls, or the refusal where no tool fits."""

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...]
    calls: tuple[FunctionCall, ...]
    refusal: str = ""
    fault: str = ""


@lru_cache
def specs(*, held_out: bool) -> tuple[ToolSpec, ...]:
    """Return all tools of a split."""
    tables = (HELD_OUT,) if held_out else (APPLICATIONS, FUNCTIONS)
    return tuple(spec for table in tables for area, text in table.items() for spec in read_tools(area, text))


@lru_cache
def by_area(*, held_out: bool) -> dict[str, tuple[ToolSpec, ...]]:
    """Return the tools of a split by their area."""
    areas: dict[str, list[ToolSpec]] = {}
    for spec in specs(held_out=held_out):
        areas.setdefault(spec.area, []).append(spec)
    return {area: tuple(found) for area, found in areas.items()}


def any_spec(draws: Draws) -> ToolSpec:
    """Return a tool: first an area, so that large ones do not rule, then one of its tools; at times of all."""
    if draws.chance(0.5):
        return draws.random.choice(specs(held_out=draws.held_out))
    return draws.random.choice(draws.random.choice(list(by_area(held_out=draws.held_out).values())))


def with_distractors(
    draws: Draws, style: Style, needed: Sequence[Shown], count: int, *, absent: Sequence[ToolSpec] = ()
) -> tuple[Tool, ...]:
    """Return the needed tools and others, shuffled: near ones of the same areas, and any.

    :param absent: tools that must not be there, nor any that could stand for them.
    """
    wanted = [*(shown.spec for shown in needed), *absent]
    tools = [shown.tool for shown in needed]
    picked: list[ToolSpec] = []
    room = draws.random.choice(ROOM[draws.held_out])
    near = [spec for one in wanted for spec in by_area(held_out=draws.held_out)[one.area]]
    for _ in range(count * 4):
        if len(picked) == count:
            break
        spec = draws.random.choice(near) if near and draws.chance(0.5) else any_spec(draws)
        if rivals(wanted, spec) or any(spec.key == other.key for other in picked):
            continue
        shown = show(spec, draws, style, taken=[tool.name for tool in tools])
        room -= len(signature(shown.tool))
        if room < 0 and picked:
            break
        picked.append(spec)
        tools.append(shown.tool)
    draws.random.shuffle(tools)
    return tuple(tools)


def count(draws: Draws) -> int:
    """Return a number of distractors."""
    return draws.random.choices(NUMBERS, DISTRACTORS[draws.held_out])[0]


def user(text: str) -> Message:
    """Return a user's turn."""
    return Message(role="user", content=text)


def shown_together(draws: Draws, style: Style, parts: Sequence[tuple[ToolSpec, Collection[str]]]) -> list[Shown]:
    """Return several needed tools in one style, with names of their own."""
    shown: list[Shown] = []
    for spec, needed in parts:
        shown.append(show(spec, draws, style, needed, [one.tool.name for one in shown]))
    return shown
