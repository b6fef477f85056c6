"""The ``anthropic`` teacher: Claude through Anthropic's API.

Imports of ``conch_dna`` wait inside functions: ``conch --help`` loads this file.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from conch_dna import hookimpl

from ._api import SdkClient, api_teacher, count, faults, fetch, plain, rate_limit, row_of, without

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from conch_dna.plugin.protocols import Teacher, TeacherFactory, TeacherRequest
    from conch_dna.teachers.api.call import Reply
    from conch_dna.teachers.api.faults import CallFault
    from conch_dna.teachers.api.provider_client import Abilities, Chat

ENDED = {"end_turn", "stop_sequence"}
CACHED = {"cache_control": {"type": "ephemeral"}}


class AnthropicClient(SdkClient):
    """The Messages API. It returns no log-probabilities, and accepts no temperature, top_p or seed."""

    provider = "anthropic"
    client_class = "Anthropic"
    official = "https://api.anthropic.com"
    counts: Literal["asked", "used"] = "used"
    tops: tuple[int, ...] = ()
    optional: tuple[str, ...] = ()
    echoes: tuple[str, ...] = ()

    def ask(self, chat: Chat, abilities: Abilities, timeout: float) -> Reply:
        """Send one request."""
        opened = self.client.messages.with_streaming_response.create(**self._body(chat), timeout=timeout)
        return _answer(*fetch(self.sdk, opened, self.key, timeout))

    def echoed(self, chat: Chat, text: str, abilities: Abilities, timeout: float) -> Reply:
        """Not supported; ``echoes`` is empty, so no probe calls it."""
        raise NotImplementedError

    def submit(self, chats: Mapping[str, Chat], abilities: Abilities, name: str) -> str:
        """Submit a batch; the API takes no name."""
        requests = [{"custom_id": key, "params": self._body(chat)} for key, chat in chats.items()]
        with faults(self.sdk, self.key):
            return str(self.client.messages.batches.create(requests=requests).id)

    def find(self, name: str) -> str | None:
        """Return ``None``: batches have no name, and their content is listed only at their end."""
        return None

    def is_done(self, batch: str) -> bool:
        """Return whether it is over."""
        with faults(self.sdk, self.key):
            return bool(self.client.messages.batches.retrieve(batch).processing_status == "ended")

    def collect(self, batch: str) -> Iterator[tuple[str, Reply | CallFault]]:
        """Yield the results; cancelled and expired ones were not charged."""
        from conch_dna.teachers.api.faults import CallFault

        with faults(self.sdk, self.key):
            rows = [without(row.to_dict(), self.key) for row in self.client.messages.batches.results(batch)]
        for row in rows:
            result = row["result"]
            if result["type"] == "succeeded":
                yield row["custom_id"], row_of(partial(_answer, result["message"], {}))
            else:
                yield row["custom_id"], CallFault(str(result.get("error") or result["type"]), "fatal_call")

    def _body(self, chat: Chat) -> dict[str, Any]:
        system, messages = self._split(chat)
        body = {"model": self.model, "max_tokens": chat.sampling.max_tokens, "messages": messages}
        return body | {"system": system} if system else body

    def _split(self, chat: Chat) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Return the system prompt's blocks and the turns.

        Tool calls and their results are sent as text: the API accepts them as such only with tools in its own format.
        The last block of the domain's context may mark the end of the cached prefix.
        """
        system: list[dict[str, Any]] = []
        messages: list[dict[str, Any]] = []
        for place, message in enumerate(chat.messages, 1):
            block: dict[str, Any] = {"type": "text", "text": plain(message)}
            if self.endpoint.prompt_caching and place == chat.context:
                block |= CACHED
            if message["role"] == "system":
                system.append(block)
            else:
                role = "assistant" if message["role"] == "assistant" else "user"
                messages.append({"role": role, "content": [block]})
        return system, messages


def _answer(found: Mapping[str, Any], headers: Mapping[str, str]) -> Reply:
    """Parse a message; any stop reason except a normal end counts as cut off."""
    from conch_dna.teachers.api.call import Reply
    from conch_dna.teachers.api.faults import CallFault
    from conch_dna.teachers.api.prices import Usage
    from conch_dna.teachers.api.provider_client import Answer

    try:
        text = "".join(block["text"] for block in found["content"] if block["type"] == "text")
        ended = found["stop_reason"] in ENDED
    except (KeyError, TypeError):
        raise CallFault("the answer contains no message", charged=True) from None
    reported = found.get("usage")
    usage = None
    if isinstance(reported, dict) and "input_tokens" in reported:
        usage = Usage(
            input=count(reported, "input_tokens"), output=count(reported, "output_tokens"),
            cached_input=count(reported, "cache_read_input_tokens"),
            cache_write=count(reported, "cache_creation_input_tokens"),
        )  # fmt: skip
    limit = rate_limit(
        headers, requests="anthropic-ratelimit-requests-limit", tokens="anthropic-ratelimit-tokens-limit",
        requests_left="anthropic-ratelimit-requests-remaining", tokens_left="anthropic-ratelimit-tokens-remaining",
    )  # fmt: skip
    return Reply(Answer(text, "stop" if ended else "length"), usage, limit)


def anthropic(request: TeacherRequest) -> Teacher:
    """Build the teacher."""
    return api_teacher(AnthropicClient, request)


@hookimpl
def register_teachers() -> Mapping[str, TeacherFactory]:
    """Provide the teacher."""
    return {"anthropic": anthropic}
