"""The models of a server as the agent's client, by OpenAI's own client."""

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

NEXT = "Start it with `conch serve`, or look at its log."


class ServerClient:
    """The models of a server that speaks OpenAI's API; ``conch serve`` is one.

    :param url: up to and with ``/v1``.
    :param key: for a server that asks for one.
    :param timeout: seconds for one answer.

    :raises ModelError: every method, if the server cannot be reached or refuses.
    """

    def __init__(self, url: str, key: str | None = None, timeout: float = 300.0) -> None:
        self._url = url
        self._client = openai.OpenAI(base_url=url, api_key=key or "none", timeout=timeout)
        self._client.organization = self._client.project = None  # the environment's are for OpenAI alone

    def neurons(self) -> set[str]:
        """Return the names of models that have a parent, as neurons do."""
        listed = self._told(lambda: list(self._client.models.list()))
        return {model.id.partition("@")[0] for model in listed if (model.model_extra or {}).get("parent")}

    def ask(self, neuron: str, turns: Turns, max_tokens: int, tools: Sequence[Tool] = ()) -> Reply:
        """Return an answer.

        :raises UnknownName: the server has no such model.
        """
        began = time.perf_counter()
        asked = body_of(neuron, turns, max_tokens, tools) | {"temperature": 0}
        answer = self._told(lambda: self._client.chat.completions.create(**asked))
        if not isinstance(answer, ChatCompletion) or not answer.choices:  # the client gives a page's text as it is
            raise ModelError("the server's answer cannot be read", where=self._url, got=type(answer).__name__)
        message = answer.choices[0].message
        calls = [call for call in message.tool_calls or () if call.type == "function"] if tools else []
        call = read_call(calls[0].function.name, calls[0].function.arguments) if calls else None
        text = call.text if call else writable(message.content or "")
        _, _, adapter = (answer.system_fingerprint or "").rpartition("_")
        digest = f"sha256:{adapter}" if len(adapter) == 64 else None  # conch serve's fingerprint, hex
        tokens = answer.usage.completion_tokens if answer.usage else 0
        return Reply(text, call, tokens, time.perf_counter() - began, digest)

    def prefetch(self, plan: Sequence[str]) -> None:
        """Do nothing: what a server loads is its administrator's to say."""

    def _told(self, request: Any) -> Any:
        """Return what a request returns, its errors in one line."""
        try:
            return request()
        except openai.APIConnectionError as fault:
            raise ModelError("the server does not answer", where=self._url, next_step=NEXT) from fault
        except openai.APIStatusError as fault:
            body = fault.body if isinstance(fault.body, dict) else {}
            said = str(body.get("message") or fault.message)[:500]
            if fault.status_code == 404 and body.get("code") == "model_not_found":
                raise UnknownName(said, where=self._url) from fault
            raise ModelError(f"the server refused ({fault.status_code}): {said}", where=self._url) from fault
        except (openai.OpenAIError, ValueError, AttributeError) as fault:  # what answered is no such server
            raise ModelError("the server's answer cannot be read", where=self._url, got=type(fault).__name__) from fault
