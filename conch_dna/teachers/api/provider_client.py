"""What is asked of an endpoint and what comes back, whatever the provider calls it."""

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

A_MESSAGE = 16  # tokens that a chat template may write around a turn
A_CALL = 256  # tokens that it may write around all of them, such as a system prompt of its own


@dataclass(frozen=True)
class Chat:
    """One question.

    :param messages: turns in OpenAI's shape, arguments of tool calls as objects.
    :param context: how many of them, from the first, are the domain's and the same in all its chats.
    :param top: choices wanted of every token; 0 for none.
    :param around: bytes that are written around each turn where it is sent as plain text.
    """

    messages: tuple[dict[str, Any], ...]
    context: int
    sampling: Sampling
    top: int = 0
    around: int = 0

    @property
    def input_tokens(self) -> int:
        """An upper bound of the tokens of the input: no token is shorter than a byte."""
        written = sum(len(json.dumps(message, ensure_ascii=False).encode()) for message in self.messages)
        return written + (A_MESSAGE + self.around) * len(self.messages) + A_CALL

    def with_answer(self, text: str, turn: str = "") -> Chat:
        """Return the conversation with an answer behind it.

        :param turn: the format of a turn, where it is sent as plain text.
        """
        messages = (*self.messages, {"role": "assistant", "content": text})
        return replace(self, messages=messages, around=len(turn.encode()))


class Answer(NamedTuple):
    """What an endpoint said.

    :param soft: its tokens with their choices, where they were wanted and are those of the text.
    :param told: whether any tokens were told with it.
    """

    text: str
    finish_reason: Literal["stop", "length"]
    soft: tuple[SoftToken, ...] = ()
    told: bool = False


class Abilities(Record):
    """What a probe found of a model at an endpoint; kept on disk, so that it is found once.

    :param capabilities: as a teacher states them.
    :param top: most choices of a token that may be asked for.
    :param echo: the way in which a text's tokens are told, by a name of the provider's; empty where they are not.
    :param trail: how many tokens stand behind an answer in what is echoed.
    :param without: settings that the model does not take.
    :param thinks: tokens to allow for hidden thoughts where an answer is to be short.
    """

    capabilities: tuple[str, ...]
    top: int = 0
    echo: str = ""
    trail: int = 0
    without: tuple[str, ...] = ()
    thinks: int = 0


def could_be(kind: type[ProviderClient]) -> Abilities:
    """Return all that an endpoint of a provider may turn out to do, for a plan that asks nobody."""
    told = {"soft"} if kind.tops else set()
    forced = {"forced"} if kind.echoes else set()
    return Abilities(capabilities=tuple(sorted({"prefer", "text"} | told | forced)))


def chat_of(domain: Domain, prompt: Prompt, sampling: Sampling, top: int = 0) -> Chat:
    """Return a prompt as the teacher of a domain is asked it."""
    return Chat(tuple(domain.with_context(prompt)), len(domain.context), sampling, top)


class ProviderClient(Protocol):
    """How a provider is spoken to; what its plug-in has to say, and all that it has to say.

    :cvar provider: the name, as in ``--teacher NAME:MODEL`` and ``[api.NAME]``.
    :cvar official: the provider's own base URL.
    :cvar counts: what its limit of tokens a minute counts, as :class:`~conch_dna.teachers.api.limits.Pace` takes it.
    :cvar tops: how many choices of a token a probe asks for, most first; empty where none are ever told.
    :cvar optional: settings that some models refuse, by the names that the refusals have for them.
    :cvar echoes: ways in which a text's tokens may be told; empty where they never are.
    """

    provider: str
    official: str
    counts: Literal["asked", "used"]
    tops: tuple[int, ...]
    optional: tuple[str, ...]
    echoes: tuple[str, ...]

    def __init__(self, model: str, base_url: str, endpoint: Endpoint, key: Key) -> None:
        """Take what is needed; nothing is sent or opened yet."""

    def ask(self, chat: Chat, abilities: Abilities, timeout: float) -> Reply:
        """Ask once, blocking; the reply's value is an :class:`Answer`.

        :raises CallFault: no answer came.
        """

    def echoed(self, chat: Chat, text: str, abilities: Abilities, timeout: float) -> Reply:
        """Have a text read as the answer to a chat; the value is the tokens of the whole conversation.

        :raises CallFault: no answer came.
        """

    def submit(self, chats: Mapping[str, Chat], abilities: Abilities, name: str) -> str:
        """Hand a batch in, under a name of ours, and return the provider's id of it."""

    def find(self, name: str) -> str | None:
        """Return the id of a batch that was handed in under a name; ``None`` where there is none, or none can say."""

    def is_done(self, batch: str) -> bool:
        """Tell whether a batch is over, for good or bad."""

    def collect(self, batch: str) -> Iterator[tuple[str, Reply | CallFault]]:
        """Yield what a batch that is over came to, by the chats' keys."""

    def close(self) -> None:
        """Close what was opened; nothing is asked afterwards."""
