"""Drafts of the ``action`` generator: prompts with tools of their own, and exactly the right calls.

The names in :mod:`._action_tools`, :mod:`._action_functions` and :mod:`._action_held_out` are this project's own; those
of measured sets (BFCL) are not among them.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from conch_dna.data.tool_form import signature, written_calls
from conch_dna.plugin.protocols import Draft
from conch_dna.records import FunctionCall, Message, Prompt, Reference, ToolCall

from ._action_check import fault_of, rivals
from ._action_functions import FUNCTIONS
from ._action_grammar import read_tools, slots_of
from ._action_held_out import HELD_OUT
from ._action_own import own_fault, own_request, own_tools
from ._action_phrases import (
    AGAIN,
    CHAINS,
    DONE,
    HELD_OUT_AGAIN,
    HELD_OUT_CHAINS,
    HELD_OUT_REFUSALS,
    HELD_OUT_TALK,
    REFUSALS,
    TALK,
)
from ._action_requests import compose, fill, joined, marked, plain_request, several, together, wrapped
from ._action_shape import show, style_of
from ._action_tools import APPLICATIONS
from ._action_values import Draws, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from conch_dna.records import Tool

    from ._action_grammar import ToolSpec
    from ._action_shape import Shown, Style

SHARES = {  # of the drafts
    "one call": 0.38,
    "masked": 0.11,
    "several calls": 0.10,
    "no tool fits": 0.09,
    "a later turn": 0.09,
    "own tools": 0.23,
}
DISTRACTORS = ((0, 1, 2, 3, 4, 5, 6, 7), (8, 20, 25, 21, 13, 8, 3, 2))
ROOM = (260, 380, 500, 640)  # characters of all signatures in a prompt, at most, but for the needed ones
# Areas whose tools do nothing that one of the eight own tools could stand for.
BESIDE_OWN = ("home", "music", "shop", "pets", "garden", "photos", "hotel", "car", "git", "bank", "dining", "health")
_FILLER = re.compile(r"\{(\w+)\}|<([^>]+)>")


class _Made(NamedTuple):
    """Messages, the shown tools, and the right calls, or the refusal where no tool fits."""

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...]
    calls: tuple[FunctionCall, ...]
    refusal: str = ""
    fault: str = ""


class _Chain(NamedTuple):
    """A call, its result, and the request for a second call that needs a value of either."""

    first: ToolSpec
    first_slot: str
    second: ToolSpec
    slot: str
    kind: str
    result: str
    answer: str
    requests: Mapping[str, tuple[str, ...]]


def drafts(seed: int, *, held_out: bool = False) -> Iterator[Draft]:
    """Yield drafts without end; see :class:`conch_dna.plugin.protocols.Generator`."""
    draws = Draws(f"{seed}:action:{'held out' if held_out else 'training'}", held_out=held_out)
    kinds = [kind for kind in SHARES if kind != "own tools" or not held_out]
    weights = [SHARES[kind] for kind in kinds]
    while True:
        kind = draws.random.choices(kinds, weights)[0]
        if made := MAKERS[kind](draws):
            yield _draft(kind, made)


def _draft(kind: str, made: _Made) -> Draft:
    prompt = Prompt(messages=made.messages, reference=Reference(calls=made.calls), tools=made.tools)
    answer = made.refusal or written_calls(made.calls)
    fault = made.fault or ("" if kind == "own tools" else fault_of(prompt.text, made.tools, made.calls))
    return Draft(prompt, answer, kind, fault)


@lru_cache
def specs(*, held_out: bool) -> tuple[ToolSpec, ...]:
    """Return all tools of a split."""
    tables = (HELD_OUT,) if held_out else (APPLICATIONS, FUNCTIONS)
    return tuple(spec for table in tables for area, text in table.items() for spec in read_tools(area, text))


@lru_cache
def _by_area(*, held_out: bool) -> dict[str, tuple[ToolSpec, ...]]:
    areas: dict[str, list[ToolSpec]] = {}
    for spec in specs(held_out=held_out):
        areas.setdefault(spec.area, []).append(spec)
    return {area: tuple(found) for area, found in areas.items()}


def _any_spec(draws: Draws) -> ToolSpec:
    """Return a tool: first an area, so that large ones do not rule, then one of its tools; at times of all."""
    if draws.chance(0.5):
        return draws.random.choice(specs(held_out=draws.held_out))
    return draws.random.choice(draws.random.choice(list(_by_area(held_out=draws.held_out).values())))


def _with_distractors(
    draws: Draws, style: Style, needed: Sequence[Shown], count: int, *, absent: Sequence[ToolSpec] = ()
) -> tuple[Tool, ...]:
    """Return the needed tools and others, shuffled: near ones of the same areas, and any.

    :param absent: tools that must not be there, nor any that could stand for them.
    """
    wanted = [*(shown.spec for shown in needed), *absent]
    tools = [shown.tool for shown in needed]
    picked: list[ToolSpec] = []
    room = draws.random.choice(ROOM)
    near = [spec for one in wanted for spec in _by_area(held_out=draws.held_out)[one.area]]
    for _ in range(count * 4):
        if len(picked) == count:
            break
        spec = draws.random.choice(near) if near and draws.chance(0.5) else _any_spec(draws)
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


def _count(draws: Draws) -> int:
    return draws.random.choices(*DISTRACTORS)[0]


def _user(text: str) -> Message:
    return Message(role="user", content=text)


def _one_call(draws: Draws, *, masked: bool = False) -> _Made | None:
    spec = _any_spec(draws)
    filled = fill(spec, draws)
    body = compose(spec, draws, filled)
    if body is None:
        return None
    style = style_of(draws, masked=masked)
    shown = show(spec, draws, style, filled)
    tools = _with_distractors(draws, style, [shown], _count(draws))
    return _Made((_user(wrapped(body, draws)),), tools, (shown.call(filled),))


def _masked(draws: Draws) -> _Made | None:
    return _one_call(draws, masked=True)


def _several_calls(draws: Draws) -> _Made | None:
    style = style_of(draws, masked=draws.chance(0.05))
    if draws.chance(0.5):
        return _many_values(draws, style)
    return _two_requests(draws, style)


def _many_values(draws: Draws, style: Style) -> _Made | None:
    """One tool, called for each of the values of one argument."""
    spec = _any_spec(draws)
    filled = fill(spec, draws)
    found = several(spec, draws, filled)
    if found is None:
        return None
    slot, values = found
    filled[slot] = together(values, draws)
    body = compose(spec, draws, filled, "IQLNF")
    if body is None or slot not in filled:
        return None
    shown = show(spec, draws, style, filled)
    calls = tuple(shown.call({**filled, slot: value}) for value in values)
    return _Made((_user(wrapped(body, draws)),), _with_distractors(draws, style, [shown], _count(draws)), calls)


def _two_requests(draws: Draws, style: Style) -> _Made | None:
    """Two requests in one: for two tools, or for one with two sets of values."""
    first = _any_spec(draws)
    second = first if draws.chance(0.3) else _any_spec(draws)
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
        needed = _shown_together(draws, style, parts)
        calls = tuple(shown.call(filled) for shown, (_, filled) in zip(needed, parts, strict=True))
    return _Made((_user(text),), _with_distractors(draws, style, needed, min(3, _count(draws))), calls)


def _shown_together(draws: Draws, style: Style, parts: Sequence[tuple[ToolSpec, Collection[str]]]) -> list[Shown]:
    shown: list[Shown] = []
    for spec, needed in parts:
        shown.append(show(spec, draws, style, needed, [one.tool.name for one in shown]))
    return shown


def _no_tool(draws: Draws) -> _Made | None:
    """A request whose tool is not there, or talk; at times before the domain's own tools."""
    refusal = draws.random.choice(HELD_OUT_REFUSALS if draws.held_out else REFUSALS)
    own = not draws.held_out and draws.chance(0.15)
    if draws.chance(0.25):
        texts, ability = draws.random.choice(HELD_OUT_TALK if draws.held_out else TALK)
        text = re.sub(r"\{(\w+)\}", lambda match: marked(draws.pool(match[1])), draws.random.choice(texts.split("|")))
        text, absent = plain_request(text, draws), []
    else:
        spec = _any_spec(draws)
        if own:
            spec = draws.random.choice([s for area in BESIDE_OWN[:7] for s in _by_area(held_out=False)[area]])
        filled = fill(spec, draws)
        body = compose(spec, draws, filled)
        if body is None:
            return None
        text, ability, absent = wrapped(body, draws), spec.ability, [spec]
    tools: tuple[Tool, ...]
    if own:
        tools = _own_order(draws)
    else:
        tools = _with_distractors(draws, style_of(draws), (), max(1, _count(draws)), absent=absent)
    return _Made((_user(text),), tools, (), refusal.format(ability)) if tools else None


def _own_order(draws: Draws) -> tuple[Tool, ...]:
    tools = list(own_tools())
    draws.random.shuffle(tools)
    return tuple(tools)


def _own(draws: Draws) -> _Made:
    """A request for one of the domain's own tools: all of them there, at times fewer, or others beside them."""
    request = own_request(draws)
    tools = list(_own_order(draws))
    manner = draws.random.random()
    if manner < 0.3:
        kept = {tool.name for tool in draws.random.sample(tools, draws.random.randint(2, 5))} | {request.tool}
        tools = [tool for tool in tools if tool.name in kept and not _stands_for(tool.name, request.tool)]
    if 0.2 < manner < 0.45 and request.tool != "web_search":
        style = style_of(draws)
        for _ in range(draws.random.randint(1, 3)):
            area = draws.random.choice(BESIDE_OWN)
            shown = show(draws.random.choice(_by_area(held_out=False)[area]), draws, style)
            if all(shown.tool.name != tool.name for tool in tools):
                tools.append(shown.tool)
        draws.random.shuffle(tools)
    call = FunctionCall(name=request.tool, arguments=request.arguments)
    return _Made(request.messages, tuple(tools), (call,), fault=own_fault(request))


def _stands_for(name: str, wanted: str) -> bool:
    """Return whether a tool could do the work of another of the eight: Python calculates."""
    return (name, wanted) == ("run_python", "calculator")


def _later_turn(draws: Draws) -> _Made | None:
    if draws.chance(0.35):
        return _again(draws)
    return _chained(draws)


def _again(draws: Draws) -> _Made | None:
    """The same call for another value, after the first one with or without its result."""
    spec = _any_spec(draws)
    filled = fill(spec, draws)
    body = compose(spec, draws, filled)
    found = several(spec, draws, filled)
    if body is None or found is None:
        return None
    slot, values = found
    other = next((value for value in values if value.value != filled[slot].value), None)
    if other is None:
        return None
    style = style_of(draws)
    shown = show(spec, draws, style, filled)
    form = draws.random.choice(HELD_OUT_AGAIN if draws.held_out else AGAIN)
    first = shown.call(filled)
    turns = [_user(wrapped(body, draws))]
    if draws.chance(0.5):
        turns.append(Message(role="assistant", content=written_calls([first])))
    else:
        turns += _called(first, '{"status": "ok"}')
        turns.append(Message(role="assistant", content=draws.random.choice(DONE)))
    turns.append(_user(plain_request(form.replace("{}", marked(other.said)), draws)))
    tools = _with_distractors(draws, style, [shown], min(3, _count(draws)))
    return _Made(tuple(turns), tools, (shown.call({**filled, slot: other}),))


def _called(call: FunctionCall, result: str) -> list[Message]:
    """Return the turns of a call and its result."""
    return [
        Message(role="assistant", content="", tool_calls=(ToolCall(id="call_1", function=call),)),
        Message(role="tool", content=result, tool_call_id="call_1", name=call.name),
    ]


@lru_cache
def chains(*, held_out: bool) -> tuple[_Chain, ...]:
    """Return the chains of a split."""
    known = {spec.key: spec for spec in specs(held_out=held_out)}
    text = HELD_OUT_CHAINS if held_out else CHAINS
    return tuple(_read_chain(block, known) for block in re.split(r"\n\s*\n", text.strip()))


def _read_chain(block: str, known: Mapping[str, ToolSpec]) -> _Chain:
    head, *lines = block.splitlines()
    left, right = head.split(" > ")
    first, _, first_slot = left.partition(".")
    second, _, target = right.partition(".")
    slot, _, kind = target.partition("=")
    texts: dict[str, list[str]] = {}
    for line in lines:
        texts.setdefault(line[0], []).append(line[2:])
    [argument] = [a for a in known[second].arguments if a.key == slot]
    requests = {key: tuple(found) for key, found in texts.items() if key not in "RT"}
    return _Chain(
        known[first], first_slot, known[second], slot, kind or argument.kind, texts["R"][0], texts["T"][0], requests
    )


def _chained(draws: Draws) -> _Made | None:
    """A second call that needs a value of the first one or of its result.

    Either a second request asks for it, or the first request asked for both and the result has just come.
    """
    chain = draws.random.choice(chains(held_out=draws.held_out))
    before = fill(chain.first, draws)
    passed = before.get(chain.first_slot) or draws.value(chain.kind)
    passed = Value(passed.value, str(passed.value))
    after = fill(chain.second, draws, {chain.slot: passed})
    both = draws.chance(0.35) and "I" in chain.requests
    asked = compose(chain.first, draws, before, "I" if both else "IQLNFS", flat=both)
    kinds = "I" if both else "IQLNFS"
    follow = compose(chain.second, draws, after, kinds, templates=chain.requests, unsaid=[chain.slot], flat=both)
    if asked is None or follow is None:
        return None
    style = style_of(draws)
    shown = _shown_together(draws, style, [(chain.first, before), (chain.second, after)])
    result, answer = _result_and_answer(chain, after, draws)
    if both:
        turns = [_user(wrapped(joined(asked, follow, draws), draws)), *_called(shown[0].call(before), result)]
    else:
        turns = [_user(wrapped(asked, draws)), *_called(shown[0].call(before), result)]
        turns += [Message(role="assistant", content=answer), _user(wrapped(follow, draws))]
    tools = _with_distractors(draws, style, shown, min(2, _count(draws)))
    return _Made(tuple(turns), tools, (shown[1].call(after),))


def _result_and_answer(chain: _Chain, filled: Mapping[str, Value], draws: Draws) -> tuple[str, str]:
    """Return the result of a chain's first call, and what the assistant says about it."""
    drawn: dict[str, str] = {}  # by kind, so that both say the same

    def value(match: re.Match[str]) -> str:
        if match[1]:
            return str(filled[match[1]].value)
        if match[2] not in drawn:
            drawn[match[2]] = str(draws.value(match[2]).value)
        return drawn[match[2]]

    answer = _FILLER.sub(value, chain.answer)
    return _FILLER.sub(lambda match: json.dumps(value(match), ensure_ascii=False)[1:-1], chain.result), answer


MAKERS: dict[str, Callable[[Draws], _Made | None]] = {
    "one call": _one_call,
    "masked": _masked,
    "several calls": _several_calls,
    "no tool fits": _no_tool,
    "a later turn": _later_turn,
    "own tools": _own,
}
