"""Prompts of several turns: the same call for another value, and a call that needs a value of an earlier one."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from conch_dna.data.tool_form import written_calls
from conch_dna.records import Message, ToolCall

from ._action_phrases import AGAIN, CHAINS, DONE, HELD_OUT_AGAIN, HELD_OUT_CHAINS
from ._action_prompts import Made, any_spec, count, shown_together, specs, user, with_distractors
from ._action_requests import compose, fill, joined, marked, plain_request, several, wrapped
from ._action_shape import show, style_of
from ._action_values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conch_dna.records import FunctionCall

    from ._action_grammar import ToolSpec
    from ._action_values import Draws

_FILLER = re.compile(r"\{(\w+)\}|<([^>]+)>")


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


def later_turn(draws: Draws) -> Made | None:
    if draws.chance(0.35):
        return _again(draws)
    return _chained(draws)


def _again(draws: Draws) -> Made | None:
    """Return the same call for another value, after the first one with or without its result."""
    spec = any_spec(draws)
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
    turns = [user(wrapped(body, draws))]
    if draws.chance(0.5):
        turns.append(Message(role="assistant", content=written_calls([first])))
    else:
        turns += _called(first, '{"status": "ok"}')
        turns.append(Message(role="assistant", content=draws.random.choice(DONE)))
    turns.append(user(plain_request(form.replace("{}", marked(other.said)), draws)))
    tools = with_distractors(draws, style, [shown], min(3, count(draws)))
    return Made(tuple(turns), tools, (shown.call({**filled, slot: other}),))


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


def _chained(draws: Draws) -> Made | None:
    """Return a second call that needs a value of the first one or of its result.

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
    shown = shown_together(draws, style, [(chain.first, before), (chain.second, after)])
    result, answer = _result_and_answer(chain, after, draws)
    if both:
        turns = [user(wrapped(joined(asked, follow, draws), draws)), *_called(shown[0].call(before), result)]
    else:
        turns = [user(wrapped(asked, draws)), *_called(shown[0].call(before), result)]
        turns += [Message(role="assistant", content=answer), user(wrapped(follow, draws))]
    tools = with_distractors(draws, style, shown, min(2, count(draws)))
    return Made(tuple(turns), tools, (shown[1].call(after),))


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
