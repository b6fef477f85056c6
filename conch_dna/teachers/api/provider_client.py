"""The interface to a provider: questions, answers, abilities, and the client protocol that a plug-in implements."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from conch_dna.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from conch_dna.domains.domain import Domain
    from conch_dna.records import Prompt, Sampling, SoftToken
    from conch_dna.teachers.api.call import Reply
    from conch_dna.teachers.api.faults import CallFault
    from conch_dna.teachers.api.keys import Key
    from conch_dna.teachers.api.settings import Endpoint

A_MESSAGE = 16  # tokens that a chat template may add to a turn
A_CALL = 256  # tokens that it may add to the conversation, such as a default system prompt


@dataclass(frozen=True)
class Chat:
    """One question.

    :param messages: turns in OpenAI's shape, arguments of tool calls as objects.
    :param context: the number of first messages that are the domain's, the same in all its chats.
    :param top: requested top choices of each token; 0 for none.
    :param around: bytes added to each turn when it is sent as plain text.
    """

    messages: tuple[dict[str, Any], ...]
    context: int
    sampling: Sampling
    top: int = 0
    around: int = 0

    @property
    def input_tokens(self) -> int:
        """An upper bound of the input tokens: no token is shorter than a byte."""
        written = sum(len(json.dumps(message, ensure_ascii=False).encode()) for message in self.messages)
        return written + (A_MESSAGE + self.around) * len(self.messages) + A_CALL

    def with_answer(self, text: str, turn: str = "") -> Chat:
        """Return the conversation followed by an answer.

        :param turn: the format of a turn, if it is sent as plain text.
        """
        messages = (*self.messages, {"role": "assistant", "content": text})
        return replace(self, messages=messages, around=len(turn.encode()))


class Answer(NamedTuple):
    """An endpoint's answer.

    :param soft: its tokens with their choices, if they were requested and spell the text.
    :param has_tokens: the endpoint returned tokens with it.
    """

    text: str
    finish_reason: Literal["stop", "length"]
    soft: tuple[SoftToken, ...] = ()
    has_tokens: bool = False


class Abilities(Record):
    """Properties of a model at an endpoint, found by a probe and cached on disk.

    :param capabilities: as in :class:`~conch_dna.plugin.protocols.Teacher`.
    :param top: the maximum number of top choices per token.
    :param echo: the way in which the endpoint returns the tokens of a text, by a name of the client's; empty if none.
    :param trail: the number of tokens after an answer in an echo.
    :param without: settings that the model does not accept.
    :param thinks: tokens to allow for hidden reasoning when an answer is short.
    """

    capabilities: tuple[str, ...]
    top: int = 0
    echo: str = ""
    trail: int = 0
    without: tuple[str, ...] = ()
    thinks: int = 0


def could_be(kind: type[ProviderClient]) -> Abilities:
    """Return the maximum abilities of a provider's endpoints, for a plan without requests."""
    soft = {"soft"} if kind.tops else set()
    forced = {"forced"} if kind.echoes else set()
    return Abilities(capabilities=tuple(sorted({"prefer", "text"} | soft | forced)))


def chat_of(domain: Domain, prompt: Prompt, sampling: Sampling, top: int = 0) -> Chat:
    """Return the chat that asks a domain's teacher a prompt."""
    return Chat(tuple(domain.with_context(prompt)), len(domain.context), sampling, top)


class ProviderClient(Protocol):
    """A client of a provider's API: the part of an API teacher that a plug-in implements.

    :cvar provider: the name, as in ``--teacher NAME:MODEL`` and ``[api.NAME]``.
    :cvar official: the provider's own base URL.
    :cvar counts: what its limit of tokens per minute counts, as in :class:`~conch_dna.teachers.api.limits.Pace`.
    :cvar tops: numbers of top choices that a probe requests, largest first; empty if the API returns none.
    :cvar optional: settings that some models refuse, by their names in the refusals.
    :cvar echoes: ways in which the API may return a text's tokens; empty if there is none.
    """

    provider: str
    official: str
    counts: Literal["asked", "used"]
    tops: tuple[int, ...]
    optional: tuple[str, ...]
    echoes: tuple[str, ...]

    def __init__(self, model: str, base_url: str, endpoint: Endpoint, key: Key) -> None:
        """Store the arguments; open and send nothing."""

    def ask(self, chat: Chat, abilities: Abilities, timeout: float) -> Reply:
        """Send one request and block; the reply's value is an :class:`Answer`.

        :raises CallFault: there was no answer.
        """

    def echoed(self, chat: Chat, text: str, abilities: Abilities, timeout: float) -> Reply:
        """Send a text as the answer to a chat; the reply's value is the tokens of the whole conversation.

        :raises CallFault: there was no answer.
        """

    def submit(self, chats: Mapping[str, Chat], abilities: Abilities, name: str) -> str:
        """Submit a batch under our name, and return the provider's id of it."""

    def find(self, name: str) -> str | None:
        """Return the id of the batch submitted under a name; ``None`` if there is none, or the API cannot search."""

    def is_done(self, batch: str) -> bool:
        """Return whether a batch is over, successful or not."""

    def collect(self, batch: str) -> Iterator[tuple[str, Reply | CallFault]]:
        """Yield the results of a batch that is over, by the chats' keys."""

    def close(self) -> None:
        """Close all connections; no request follows."""
