"""The ``openai`` teacher: OpenAI's API and compatible engines (vLLM, llama.cpp server, Ollama and others).

Imports of ``conch_dna`` wait inside functions: ``conch --help`` loads this file.
"""

from __future__ import annotations

import json
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from conch_dna import hookimpl

from ._api import SdkClient, api_teacher, count, faults, fetch, parsed, plain, rate_limit, row_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from conch_dna.plugin.protocols import Teacher, TeacherFactory, TeacherRequest
    from conch_dna.records import SoftToken
    from conch_dna.teachers.api.call import Reply
    from conch_dna.teachers.api.faults import CallFault
    from conch_dna.teachers.api.prices import Usage
    from conch_dna.teachers.api.provider_client import Abilities, Chat

LISTED = 100  # newest batches to search for one of ours
OVER = {"completed", "failed", "expired", "cancelled"}
CHATS = "/v1/chat/completions"


class OpenAIClient(SdkClient):
    """A client of the OpenAI API.

    There are two ways to get a text's tokens: ``chat`` sends a conversation that ends with it (vLLM's
    ``prompt_logprobs``), and ``text`` sends plain text in the configured format of turns (``echo`` of raw completions).
    """

    provider = "openai"
    client_class = "OpenAI"
    official = "https://api.openai.com/v1"
    counts: Literal["asked", "used"] = "asked"
    tops: tuple[int, ...] = (20, 10, 5)  # OpenAI and vLLM return 20, mlx_lm.server 10, some hosts 5
    optional: tuple[str, ...] = ("temperature", "top_p", "seed")
    echoes: tuple[str, ...] = ("chat", "text")

    def ask(self, chat: Chat, abilities: Abilities, timeout: float) -> Reply:
        """Send one request."""
        chats = self.client.chat.completions.with_streaming_response
        opened = chats.create(**self._body(chat, abilities), timeout=timeout)
        found, headers = fetch(self.sdk, opened, self.key, timeout)
        return self._answer(found, headers)

    def echoed(self, chat: Chat, text: str, abilities: Abilities, timeout: float) -> Reply:
        """Send a text as the answer to a chat, and return the tokens of the conversation."""
        from conch_dna.teachers.api.call import Reply

        top = min(chat.top, abilities.top) if abilities.top else chat.top
        whole = chat.with_answer(text)
        if abilities.echo == "chat":
            extra = {"prompt_logprobs": top, "add_generation_prompt": False}
            body = self._body(whole, abilities) | {"extra_body": extra}
            body = {name: value for name, value in body.items() if name not in {"logprobs", "top_logprobs"}}
            opened = self.client.chat.completions.with_streaming_response.create(**body, timeout=timeout)
        else:
            opened = self.client.completions.with_streaming_response.create(
                model=self.model, prompt=self._written(whole), echo=True, logprobs=top, max_tokens=1, temperature=0,
                timeout=timeout,
            )  # fmt: skip
        found, headers = fetch(self.sdk, opened, self.key, timeout)
        tokens = _read_chat(found) if abilities.echo == "chat" else _read_text(found)
        return Reply(tokens, _usage(found), _limit(headers))

    def submit(self, chats: Mapping[str, Chat], abilities: Abilities, name: str) -> str:
        """Submit a batch: upload a file of requests, and create a batch for it."""
        rows = [{"custom_id": key, "method": "POST", "url": CHATS, "body": self._body(chat, abilities)}
                for key, chat in chats.items()]  # fmt: skip
        data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
        with faults(self.sdk, self.key):
            file = self.client.files.create(file=("chats.jsonl", data), purpose="batch")
            made = self.client.batches.create(
                input_file_id=file.id, endpoint=CHATS, completion_window="24h", metadata={"name": name}
            )
        return str(made.id)

    def find(self, name: str) -> str | None:
        """Search the newest batches."""
        with faults(self.sdk, self.key):
            newest = islice(self.client.batches.list(limit=LISTED), LISTED)
            return next((str(batch.id) for batch in newest if (batch.metadata or {}).get("name") == name), None)

    def is_done(self, batch: str) -> bool:
        """Return whether it is over."""
        with faults(self.sdk, self.key):
            return self.client.batches.retrieve(batch).status in OVER

    def collect(self, batch: str) -> Iterator[tuple[str, Reply | CallFault]]:
        """Yield the lines of the answer file and of the error file."""
        from conch_dna.teachers.api.faults import fault_of_status

        with faults(self.sdk, self.key):
            about = self.client.batches.retrieve(batch)
            files = [file for file in (about.output_file_id, about.error_file_id) if file]
            lines = [line for file in files for line in self.client.files.content(file).text.split("\n") if line]
            rows = [parsed(line, self.key) for line in lines]
        for row in rows:
            key, response = str(row.get("custom_id")), row.get("response") or {}
            if response.get("status_code") == 200:
                yield key, row_of(partial(self._answer, response.get("body"), {}))
            else:
                reason = str((response.get("body") or {}).get("error") or row.get("error"))
                yield key, fault_of_status(response.get("status_code") or 400, reason)

    def _body(self, chat: Chat, abilities: Abilities) -> dict[str, Any]:
        sampling = chat.sampling
        # OpenAI's newer models refuse max_tokens; Ollama ignores max_completion_tokens and would not stop.
        most = "max_completion_tokens" if self.base_url == self.official else "max_tokens"
        optional: dict[str, Any] = {"temperature": sampling.temperature, "seed": sampling.seed}
        if sampling.top_p < 1:
            optional["top_p"] = sampling.top_p
        body = {"model": self.model, "messages": turns(chat.messages), most: sampling.max_tokens}
        body |= {name: value for name, value in optional.items() if name not in abilities.without}
        return body | {"logprobs": True, "top_logprobs": chat.top} if chat.top else body

    def _answer(self, found: Any, headers: Mapping[str, str]) -> Reply:
        """Parse a chat response; one that was filtered, or that ended in a tool call, counts as cut off."""
        from conch_dna.align.served_logprobs import returned_items, soft_tokens
        from conch_dna.teachers.api.call import Reply
        from conch_dna.teachers.api.faults import CallFault
        from conch_dna.teachers.api.provider_client import Answer

        try:
            choice = found["choices"][0]
            text = choice["message"]["content"] or ""
            ended = choice.get("finish_reason") in {"stop", None}
        except (KeyError, IndexError, TypeError, AttributeError):
            raise CallFault("the answer contains no choice", charged=True) from None
        try:
            soft, has_tokens = soft_tokens(choice), bool(returned_items(choice))
        except (KeyError, TypeError, ValueError, AttributeError):  # log-probabilities in an unknown form
            soft, has_tokens = (), True
        return Reply(Answer(text, "stop" if ended else "length", soft, has_tokens), _usage(found), _limit(headers))

    def _written(self, chat: Chat) -> str:
        """Return a conversation in the model's text format.

        :raises CallFault: the format of a turn is not configured.
        """
        from conch_dna.teachers.api.faults import CallFault

        if not self.endpoint.turn:
            raise CallFault("the format of a turn is not configured", "fatal_call")
        turn = self.endpoint.turn
        filled = [turn.replace("{role}", m["role"]).replace("{content}", plain(m), 1) for m in chat.messages]
        return "".join(filled)


def turns(messages: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    """Return messages in OpenAI's format: arguments of tool calls as text, and every call with an id."""
    found: list[dict[str, Any]] = []
    ids: list[str] = []
    for message in messages:
        turn = dict(message)
        if calls := message.get("tool_calls"):
            ids = [call.get("id") or f"call_{len(found)}_{n}" for n, call in enumerate(calls)]
            turn["tool_calls"] = [
                {"id": given, "type": "function", "function": {
                    "name": call["function"]["name"],
                    # As in the bound of the input tokens: an escaped character would take six bytes.
                    "arguments": json.dumps(call["function"]["arguments"], ensure_ascii=False)}}
                for given, call in zip(ids, calls, strict=True)
            ]  # fmt: skip
        if message["role"] == "tool":
            turn.setdefault("tool_call_id", ids.pop(0) if ids else "call_0")
        found.append(turn)
    return found


def _read_chat(found: Mapping[str, Any]) -> list[SoftToken]:
    """Parse vLLM's ``prompt_logprobs``: each token of a conversation, listed first, and its choices.

    The first token of the conversation has no entry.
    """
    from conch_dna.align.served_logprobs import raw_piece, soft_token

    tokens = []
    for entry in found.get("prompt_logprobs") or ():
        if entry:
            choices: dict[str | None, float] = {}
            pieces = [raw_piece(each.get("decoded_token") or "") for each in entry.values()]
            for piece, each in zip(pieces, entry.values(), strict=True):
                choices.setdefault(piece, each["logprob"])
            tokens.append(soft_token(pieces[0], choices))
    return tokens


def _read_text(found: Mapping[str, Any]) -> list[SoftToken]:
    """Parse the echo of a raw completion, without its continuation."""
    from conch_dna.align.served_logprobs import raw_piece, soft_token

    echo = found["choices"][0].get("logprobs") or {}
    rows = zip(echo.get("tokens", ()), echo.get("token_logprobs", ()), echo.get("top_logprobs") or (), strict=False)
    tokens = []
    for token, value, others in islice(rows, count(found, "usage", "prompt_tokens")):
        if value is not None:
            choices: dict[str | None, float] = {raw_piece(token): value}
            choices |= {raw_piece(other): each for other, each in (others or {}).items()}
            tokens.append(soft_token(raw_piece(token), choices))
    return tokens


def _usage(found: Mapping[str, Any]) -> Usage | None:
    from conch_dna.teachers.api.prices import Usage

    reported = found.get("usage")
    if not isinstance(reported, dict) or "prompt_tokens" not in reported:
        return None
    read, written = (count(reported, "prompt_tokens_details", name) for name in ("cached_tokens", "cache_write_tokens"))
    asked = count(reported, "prompt_tokens")
    # Some hosts charge hidden reasoning but omit it from completion_tokens; the total includes it.
    output = max(count(reported, "completion_tokens"), count(reported, "total_tokens") - asked)
    return Usage(input=max(0, asked - read - written), output=output, cached_input=read, cache_write=written)


def _limit(headers: Mapping[str, str]) -> Any:
    return rate_limit(
        headers, requests="x-ratelimit-limit-requests", tokens="x-ratelimit-limit-tokens",
        requests_left="x-ratelimit-remaining-requests", tokens_left="x-ratelimit-remaining-tokens",
    )  # fmt: skip


def openai(request: TeacherRequest) -> Teacher:
    """Build the teacher."""
    return api_teacher(OpenAIClient, request)


@hookimpl
def register_teachers() -> Mapping[str, TeacherFactory]:
    """Provide the teacher."""
    return {"openai": openai}
