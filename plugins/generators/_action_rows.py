"""Conversations of several requests before one list of tools, each but the last with its answer.

The tools are most of a prompt's tokens, so a row trains several answers in the time of one.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from conch_dna.data.tool_form import signature, written_calls
from conch_dna.records import FunctionCall, Message

from ._action_check import fault_of, rivals
from ._action_own import own_fault, own_request, shuffled_own_tools
from ._action_phrases import REFUSAL
from ._action_prompts import Made, any_spec, count, shown_together, user, with_distractors
from ._action_requests import compose, compose_together, fill, several, wrapped
from ._action_shape import style_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conch_dna.records import Tool

    from ._action_grammar import ToolSpec
    from ._action_shape import Shown
    from ._action_values import Draws, Value

REQUESTS = (3, 7)  # at least and at most
TOOLS = (2, 3)  # that are called; some of them more than once
MASKED = 0.15
SEVERAL = 0.12  # share of the requests that call their tool for each of several values
REFUSED = 0.35  # share of the rows with a request that no tool fits
ROOM = 1250  # characters of a row, with its tools: nearly always fewer tokens than the default max_length
TURN = 50  # characters that count for the closest tools and the template's words around a request and its answer


class _Turn(NamedTuple):
    """A request with the right calls, or the refusal where no tool fits."""

    text: str
    calls: tuple[FunctionCall, ...]
    refusal: str = ""

    @property
    def answer(self) -> str:
        return self.refusal or written_calls(self.calls)


def in_a_row(draws: Draws) -> Made | None:
    """Return requests for a few tools of any areas."""
    style = style_of(draws, masked=draws.chance(MASKED))
    picked: list[ToolSpec] = []
    for _ in range(draws.random.randint(*TOOLS)):
        spec = any_spec(draws)
        if not rivals(picked, spec):
            picked.append(spec)
    more = draws.random.randint(*REQUESTS) - len(picked)
    parts = [(spec, fill(spec, draws)) for spec in [*picked, *draws.random.choices(picked, k=max(0, more))]]
    slots = [{slot for one, filled in parts if one is spec for slot in filled} for spec in picked]
    needed = shown_together(draws, style, list(zip(picked, slots, strict=True)))
    shown = {one.spec.key: one for one in needed}
    turns: list[_Turn] = []
    for spec, filled in parts:
        turn = _request(shown[spec.key], filled, draws)
        if turn and all(turn.calls != other.calls for other in turns):
            turns.append(turn)
    absent = any_spec(draws)
    refused = None if rivals(picked, absent) or not draws.chance(REFUSED) else _refused(absent, draws)
    turns += [refused] if refused else []
    draws.random.shuffle(turns)
    tools = with_distractors(draws, style, needed, min(2, count(draws)), absent=[absent] if refused else [])
    return _row(turns, tools, next((found for t in turns if (found := fault_of(t.text, tools, t.calls))), ""))


def own_in_a_row(draws: Draws) -> Made | None:
    """Return requests for the domain's own tools."""
    requests = [own_request(draws) for _ in range(draws.random.randint(*REQUESTS))]
    single = [request for request in requests if len(request.messages) == 1]
    turns = [_Turn(r.messages[0].content, (FunctionCall(name=r.tool, arguments=r.arguments),)) for r in single]
    return _row(turns, shuffled_own_tools(draws), next(filter(None, map(own_fault, single)), ""))


def _request(shown: Shown, filled: dict[str, Value], draws: Draws) -> _Turn | None:
    """Return a request for one tool, at times for several values of one argument."""
    found = several(shown.spec, draws, filled) if draws.chance(SEVERAL) else None
    if found is None:
        body = compose(shown.spec, draws, filled)
        return _Turn(wrapped(body, draws), (shown.call(filled),)) if body else None
    slot, values = found
    body = compose_together(shown.spec, draws, filled, slot, values)
    if body is None:
        return None
    return _Turn(wrapped(body, draws), tuple(shown.call({**filled, slot: value}) for value in values))


def _refused(absent: ToolSpec, draws: Draws) -> _Turn | None:
    """Return a request for a tool that is not there."""
    body = compose(absent, draws, fill(absent, draws))
    return _Turn(wrapped(body, draws), (), REFUSAL.format(absent.ability)) if body else None


def _row(turns: Sequence[_Turn], tools: tuple[Tool, ...], fault: str) -> Made | None:
    ends = accumulate(len(turn.text) + len(turn.answer) + TURN for turn in turns)
    room = ROOM - sum(len(signature(tool)) for tool in tools)
    fitting = sum(end <= room for end in ends)
    if fitting < 2:
        return None
    *earlier, last = turns[:fitting]
    said = [message for t in earlier for message in (user(t.text), Message(role="assistant", content=t.answer))]
    return Made((*said, user(last.text)), tools, last.calls, last.refusal, fault)
