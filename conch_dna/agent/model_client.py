"""The model client protocol: the agent asks neurons in this process and models of a server the same way."""

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
    """A tool call as the model wrote it; its arguments are not validated."""

    name: str
    arguments: Any

    @property
    def text(self) -> str:
        """The call as the ``action`` domain writes it."""
        return json.dumps({"tool": self.name, "arguments": self.arguments}, ensure_ascii=False)


@dataclass(frozen=True)
class Reply:
    """A model's reply.

    :param call: the tool call in it, if tools were offered.
    :param tokens: number of tokens in the reply.
    :param seconds: time from the question to the end of the reply.
    :param digest: digest of the neuron, if known; ``None`` for a base.
    """

    text: str
    call: Call | None
    tokens: int
    seconds: float
    digest: str | None


class ModelClient(Protocol):
    """A client that asks models by name."""

    def neurons(self) -> set[str]:
        """Return the names of neurons, without versions and aliases."""

    def ask(self, neuron: str, turns: Turns, max_tokens: int, tools: Sequence[Tool] = ()) -> Reply:
        """Return a reply; with tools, it should be one call of one of them."""

    def prefetch(self, plan: Sequence[str]) -> None:
        """Announce which models will be asked next, in order."""


def body_of(neuron: str, turns: Turns, max_tokens: int, tools: Sequence[Tool]) -> dict[str, Any]:
    """Return the body of a chat request."""
    asked: dict[str, Any] = {"model": neuron, "messages": turns, "max_tokens": max_tokens}
    if tools:
        asked |= {"tools": [tool.definition for tool in tools], "tool_choice": "required", "parallel_tool_calls": False}
    return asked


def read_call(name: str, arguments: str) -> Call:
    """Return a call; arguments that are not JSON or not UTF-8 stay a string, which every tool refuses."""
    try:
        call = Call(name, strict_json(arguments))
        if is_utf8(call.text):
            return call
    except (ValueError, RecursionError):
        pass
    return Call(writable(name), writable(arguments))


def writable(text: str) -> str:
    """Return a text that can be encoded as UTF-8: JSON escapes and file names may contain lone surrogates."""
    return text.encode(errors="replace").decode()
