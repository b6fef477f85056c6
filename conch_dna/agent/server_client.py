"""Model client for a server with OpenAI's API; uses OpenAI's own client."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import openai
from openai.types.chat import ChatCompletion

from conch_dna.agent.model_client import Reply, Turns, body_of, read_call, writable
from conch_dna.errors import ModelError, UnknownName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conch_dna.agent.tools import Tool

NEXT = "Start it with `conch serve`, or check its log."


class ServerClient:
    """The models of a server with OpenAI's API, such as ``conch serve``.

    Every method raises ``ModelError`` if the server does not respond or refuses the request.

    :param url: address of the server, including ``/v1``.
    :param key: API key, if the server requires one.
    :param timeout: maximum seconds for one answer.
    """

    def __init__(self, url: str, key: str | None = None, timeout: float = 300.0) -> None:
        self._url = url
        self._client = openai.OpenAI(base_url=url, api_key=key or "none", timeout=timeout)
        self._client.organization = self._client.project = None  # those in the environment are meant for OpenAI

    def neurons(self) -> set[str]:
        """Return the names of the models that have a parent, which are neurons."""
        listed = self._requested(lambda: list(self._client.models.list()))
        return {model.id.partition("@")[0] for model in listed if (model.model_extra or {}).get("parent")}

    def ask(self, neuron: str, turns: Turns, max_tokens: int, tools: Sequence[Tool] = ()) -> Reply:
        """Return a reply.

        :raises UnknownName: the server has no such model.
        """
        began = time.perf_counter()
        asked = body_of(neuron, turns, max_tokens, tools) | {"temperature": 0}
        answer = self._requested(lambda: self._client.chat.completions.create(**asked))
        if (
            not isinstance(answer, ChatCompletion) or not answer.choices
        ):  # the client returns the text of other pages unchanged
            raise ModelError("the server's answer cannot be read", where=self._url, got=type(answer).__name__)
        message = answer.choices[0].message
        calls = [call for call in message.tool_calls or () if call.type == "function"] if tools else []
        call = read_call(calls[0].function.name, calls[0].function.arguments) if calls else None
        text = call.text if call else writable(message.content or "")
        _, _, adapter = (answer.system_fingerprint or "").rpartition("_")
        digest = f"sha256:{adapter}" if len(adapter) == 64 else None  # hexadecimal, from conch serve's fingerprint
        tokens = answer.usage.completion_tokens if answer.usage else 0
        return Reply(text, call, tokens, time.perf_counter() - began, digest)

    def prefetch(self, plan: Sequence[str]) -> None:
        """Do nothing: the server's administrator decides what is loaded."""

    def _requested(self, request: Any) -> Any:
        """Run a request and return its result; convert its errors to one-line errors."""
        try:
            return request()
        except openai.APIConnectionError as fault:
            raise ModelError("the server does not answer", where=self._url, next_step=NEXT) from fault
        except openai.APIStatusError as fault:
            body = fault.body if isinstance(fault.body, dict) else {}
            message = str(body.get("message") or fault.message)[:500]
            if fault.status_code == 404 and body.get("code") == "model_not_found":
                raise UnknownName(message, where=self._url) from fault
            raise ModelError(f"the server refused ({fault.status_code}): {message}", where=self._url) from fault
        except (
            openai.OpenAIError,
            ValueError,
            AttributeError,
        ) as fault:  # the responder is not an OpenAI-compatible server
            raise ModelError("the server's answer cannot be read", where=self._url, got=type(fault).__name__) from fault
