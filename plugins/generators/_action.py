"""Drafts of the ``action`` generator: prompts with tools of their own, and exactly the right calls.

The names in :mod:`._action_tools`, :mod:`._action_functions` and :mod:`._action_held_out` are this project's own; those
of measured sets (BFCL) are not among them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conch_dna.data.tool_form import written_calls
from conch_dna.plugin.protocols import Draft
from conch_dna.records import FunctionCall, Prompt, Reference

from ._action_check import fault_of, rivals
from ._action_own import own_fault, own_request, shuffled_own_tools
from ._action_phrases import HELD_OUT_REFUSALS, HELD_OUT_TALK, REFUSAL, TALK
from ._action_prompts import Made, any_spec, by_area, count, shown_together, user, with_distractors
from ._action_requests import compose, compose_together, fill, joined, marked, plain_request, several, wrapped
from ._action_rows import in_a_row, own_in_a_row
from ._action_shape import show, style_of
from ._action_turns import later_turn
from ._action_values import Draws

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conch_dna.records import Tool

    from ._action_shape import Style

SHARES = {  # of the drafts for training
    "one call": 0.13,
    "masked": 0.05,
    "several calls": 0.05,
    "no tool fits": 0.07,
    "a later turn": 0.08,
    "own tools": 0.07,
    "requests in a row": 0.40,
    "own requests in a row": 0.15,
}
HELD_OUT_SHARES = {
    "one call": 0.49,
    "masked": 0.14,
    "several calls": 0.13,
    "no tool fits": 0.12,
    "a later turn": 0.12,
}
# Areas whose tools do nothing that one of the eight own tools could stand for.
BESIDE_OWN = ("home", "music", "shop", "pets", "garden", "photos", "hotel", "car", "git", "bank", "dining", "health")


def drafts(seed: int, *, held_out: bool = False) -> Iterator[Draft]:
    """Yield drafts without end; see :class:`conch_dna.plugin.protocols.Generator`."""
    draws = Draws(f"{seed}:action:{'held out' if held_out else 'training'}", held_out=held_out)
    shares = HELD_OUT_SHARES if held_out else SHARES
    while True:
        kind = draws.random.choices(list(shares), list(shares.values()))[0]
        if made := MAKERS[kind](draws):
            yield _draft(kind, made)


def _draft(kind: str, made: Made) -> Draft:
    prompt = Prompt(messages=made.messages, reference=Reference(calls=made.calls), tools=made.tools)
    answer = made.refusal or written_calls(made.calls)
    own = kind in {"own tools", "own requests in a row"}
    fault = made.fault or ("" if own else fault_of(prompt.text, made.tools, made.calls))
    return Draft(prompt, answer, kind, fault)


def _one_call(draws: Draws, *, masked: bool = False) -> Made | None:
    spec = any_spec(draws)
    filled = fill(spec, draws)
    body = compose(spec, draws, filled)
    if body is None:
        return None
    style = style_of(draws, masked=masked)
    shown = show(spec, draws, style, filled)
    tools = with_distractors(draws, style, [shown], count(draws))
    return Made((user(wrapped(body, draws)),), tools, (shown.call(filled),))


def _masked(draws: Draws) -> Made | None:
    return _one_call(draws, masked=True)


def _several_calls(draws: Draws) -> Made | None:
    style = style_of(draws, masked=draws.chance(0.05))
    if draws.chance(0.5):
        return _many_values(draws, style)
    return _two_requests(draws, style)


def _many_values(draws: Draws, style: Style) -> Made | None:
    """Return a prompt whose one tool is called for each of the values of one argument."""
    spec = any_spec(draws)
    filled = fill(spec, draws)
    found = several(spec, draws, filled)
    if found is None:
        return None
    slot, values = found
    body = compose_together(spec, draws, filled, slot, values)
    if body is None:
        return None
    shown = show(spec, draws, style, filled)
    calls = tuple(shown.call({**filled, slot: value}) for value in values)
    return Made((user(wrapped(body, draws)),), with_distractors(draws, style, [shown], count(draws)), calls)


def _two_requests(draws: Draws, style: Style) -> Made | None:
    """Return two requests in one: for two tools, or for one with two sets of values."""
    first = any_spec(draws)
    second = first if draws.chance(0.3) else any_spec(draws)
    if second is not first and rivals([first], second):
        return None
    parts = [(spec, fill(spec, draws)) for spec in (first, second)]
    bodies = [compose(spec, draws, filled, "I", flat=True) for spec, filled in parts]
    if bodies[0] is None or bodies[1] is None:
        return None
    text = wrapped(joined(bodies[0], bodies[1], draws), draws)
    if second is first:
        shown = show(first, draws, style, {**parts[0][1], **parts[1][1]})
        calls = tuple(shown.call(filled) for _, filled in parts)
        needed = [shown]
        if calls[0] == calls[1]:
            return None
    else:
        needed = shown_together(draws, style, parts)
        calls = tuple(shown.call(filled) for shown, (_, filled) in zip(needed, parts, strict=True))
    return Made((user(text),), with_distractors(draws, style, needed, min(3, count(draws))), calls)


def _no_tool(draws: Draws) -> Made | None:
    """Return a request whose tool is not there, or talk; at times before the domain's own tools."""
    refusal = draws.random.choice(HELD_OUT_REFUSALS) if draws.held_out else REFUSAL
    own = not draws.held_out and draws.chance(0.15)
    if draws.chance(0.25):
        texts, ability = draws.random.choice(HELD_OUT_TALK if draws.held_out else TALK)
        text = re.sub(r"\{(\w+)\}", lambda match: marked(draws.pool(match[1])), draws.random.choice(texts.split("|")))
        text, absent = plain_request(text, draws), []
    else:
        spec = any_spec(draws)
        if own:
            spec = draws.random.choice([s for area in BESIDE_OWN[:7] for s in by_area(held_out=False)[area]])
        filled = fill(spec, draws)
        body = compose(spec, draws, filled)
        if body is None:
            return None
        text, ability, absent = wrapped(body, draws), spec.ability, [spec]
    tools: tuple[Tool, ...]
    if own:
        tools = shuffled_own_tools(draws)
    else:
        tools = with_distractors(draws, style_of(draws), (), max(1, count(draws)), absent=absent)
    return Made((user(text),), tools, (), refusal.format(ability)) if tools else None


def _own(draws: Draws) -> Made:
    """Return a request for one of the domain's own tools, with all of them, fewer, or others beside them."""
    request = own_request(draws)
    tools = list(shuffled_own_tools(draws))
    manner = draws.random.random()
    if manner < 0.55:
        kept = {tool.name for tool in draws.random.sample(tools, draws.random.randint(1, 4))} | {request.tool}
        tools = [tool for tool in tools if tool.name in kept and not _stands_for(tool.name, request.tool)]
    if 0.4 < manner < 0.6 and request.tool != "web_search":
        style = style_of(draws)
        for _ in range(draws.random.randint(1, 3)):
            area = draws.random.choice(BESIDE_OWN)
            shown = show(draws.random.choice(by_area(held_out=False)[area]), draws, style)
            if all(shown.tool.name != tool.name for tool in tools):
                tools.append(shown.tool)
        draws.random.shuffle(tools)
    call = FunctionCall(name=request.tool, arguments=request.arguments)
    return Made(request.messages, tuple(tools), (call,), fault=own_fault(request))


def _stands_for(name: str, wanted: str) -> bool:
    """Return whether a tool could do the work of another of the eight: Python calculates."""
    return (name, wanted) == ("run_python", "calculator")


MAKERS: dict[str, Callable[[Draws], Made | None]] = {
    "one call": _one_call,
    "masked": _masked,
    "several calls": _several_calls,
    "no tool fits": _no_tool,
    "a later turn": later_turn,
    "own tools": _own,
    "requests in a row": in_a_row,
    "own requests in a row": own_in_a_row,
}
