"""Who answers for the agent, and what is asked of it: the same of neurons in this process and of a server's models."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from conch_dna.util.text import is_utf8, strict_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conch_dna.agent.tools import Tool

Turns = list[dict[str, Any]]


@dataclass(frozen=True)
class Call:
    """A call of a tool, as a model wrote it; the arguments have not been looked at."""

    name: str
    arguments: Any

    @property
    def text(self) -> str:
        """The call as the ``action`` domain writes it."""
        return json.dumps({"tool": self.name, "arguments": self.arguments}, ensure_ascii=False)


@dataclass(frozen=True)
class Reply:
    """What a model said.

    :param call: the call that it is, where tools were offered and it is one.
    :param tokens: in the answer.
    :param seconds: from the question to the end of the answer.
    :param digest: of the neuron that gave it, as far as it is told; ``None`` for a base.
    """

    text: str
    call: Call | None
    tokens: int
    seconds: float
    digest: str | None


class ModelClient(Protocol):
    """A way to ask models by name."""

    def neurons(self) -> set[str]:
        """Return the names of neurons, without versions and aliases."""

    def ask(self, neuron: str, turns: Turns, max_tokens: int, tools: Sequence[Tool] = ()) -> Reply:
        """Return an answer; where tools are offered, it is to be one call of one of them."""

    def prefetch(self, plan: Sequence[str]) -> None:
        """Hear which models will be asked next, in order."""


def body_of(neuron: str, turns: Turns, max_tokens: int, tools: Sequence[Tool]) -> dict[str, Any]:
    """Return the body of a request."""
    asked: dict[str, Any] = {"model": neuron, "messages": turns, "max_tokens": max_tokens}
    if tools:
        asked |= {"tools": [tool.told for tool in tools], "tool_choice": "required", "parallel_tool_calls": False}
    return asked


def read_call(name: str, arguments: str) -> Call:
    """Return a call; arguments that are no JSON or no UTF-8 stay the text that they are, which no tool will take."""
    try:
        call = Call(name, strict_json(arguments))
        if is_utf8(call.text):
            return call
    except (ValueError, RecursionError):
        pass
    return Call(writable(name), writable(arguments))


def writable(text: str) -> str:
    """Return a text that can be written as UTF-8: an escape in JSON, or the name of a file, may hold half of a pair."""
    return text.encode(errors="replace").decode()
