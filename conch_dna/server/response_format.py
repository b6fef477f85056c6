"""Response formats: chat and text completion, whole or in chunks."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from conch_dna.align.vocabulary import vocabulary_of
from conch_dna.server.tools import openai_calls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conch_dna.server.job import Logged

LEAST = -9999.0  # replaces minus infinity, which JSON does not have


class ResponseFormat(Protocol):
    """The format of one endpoint's answers; ``logged`` is ``None`` if no log-probabilities were requested.

    :param prefix: prefix of the answer's id.
    :param whole: the ``object`` field of a whole answer.
    :param part: the ``object`` field of a chunk.
    """

    prefix: str
    whole: str
    part: str

    def choice(self, index: int, text: str, logged: Sequence[Logged] | None, reason: str) -> dict[str, Any]:
        """Return a finished answer."""
        ...

    def opening(self, index: int) -> dict[str, Any] | None:
        """Return the chunk before an answer's text, if the format has one."""
        ...

    def delta(self, index: int, text: str, logged: Sequence[Logged] | None) -> dict[str, Any] | None:
        """Return a chunk of text; ``None`` while the text may still become a tool call."""
        ...

    def closing(self, index: int, text: str, reason: str) -> dict[str, Any]:
        """Return the last chunk of an answer, given its whole text."""
        ...


class TokenDecoder:
    """Decodes single tokens for clients.

    :param tokenizer: the base's tokenizer; its vocabulary is read with the first request for log-probabilities.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    @cached_property
    def _pieces(self) -> tuple[bytes, ...]:
        return vocabulary_of(self._tokenizer).pieces

    def data(self, token: int) -> bytes:
        """Return a token's bytes."""
        return self._pieces[token] if token < len(self._pieces) else b""

    def text(self, token: int) -> str:
        """Return a token's text; an incomplete character becomes a replacement character."""
        return self.data(token).decode(errors="replace")


class ChatFormat:
    """The format of ``chat.completion``.

    :param calls: whether an answer that begins with a brace may be tool calls.
    """

    prefix, whole, part = "chatcmpl-", "chat.completion", "chat.completion.chunk"

    def __init__(self, decoder: TokenDecoder, *, calls: bool) -> None:
        self._decoder, self._calls = decoder, calls
        self._first: dict[int, str] = {}

    def choice(self, index: int, text: str, logged: Sequence[Logged] | None, reason: str) -> dict[str, Any]:
        """Return a finished answer."""
        message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
        if self._calls and (calls := openai_calls(text)):
            message |= {"content": None, "tool_calls": calls}
            reason = "tool_calls"
        return {"index": index, "message": message, "logprobs": self._logprobs(logged), "finish_reason": reason}

    def opening(self, index: int) -> dict[str, Any] | None:
        """Return the chunk with the assistant's role."""
        return self._chunk(index, {"role": "assistant", "content": ""})

    def delta(self, index: int, text: str, logged: Sequence[Logged] | None) -> dict[str, Any] | None:
        """Return a chunk of text; tool calls come complete with the last chunk."""
        if self._calls and self._first.setdefault(index, text[:1]) in {"", "{"}:
            if not text and not self._first[index]:
                del self._first[index]
            return None if logged is None else self._chunk(index, {}, logged)
        return self._chunk(index, {"content": text}, logged)

    def closing(self, index: int, text: str, reason: str) -> dict[str, Any]:
        """Return the last chunk of an answer, with its calls."""
        if not (self._calls and text.startswith("{")):
            return self._chunk(index, {}, reason=reason)
        if (calls := openai_calls(text)) is None:  # the answer was cut
            return self._chunk(index, {"content": text}, reason=reason)
        return self._chunk(
            index, {"tool_calls": [{"index": n} | call for n, call in enumerate(calls)]}, reason="tool_calls"
        )

    def _chunk(
        self, index: int, delta: dict[str, Any], logged: Sequence[Logged] | None = None, reason: str | None = None
    ) -> dict[str, Any]:
        return {"index": index, "delta": delta, "logprobs": self._logprobs(logged), "finish_reason": reason}

    def _logprobs(self, logged: Sequence[Logged] | None) -> dict[str, Any] | None:
        if logged is None:
            return None
        content = [
            self._one(token.id, token.log_prob) | {"top_logprobs": [self._one(*other) for other in token.top]}
            for token in logged
        ]
        return {"content": content, "refusal": None}

    def _one(self, token: int, log_prob: float) -> dict[str, Any]:
        decoder = self._decoder
        return {"token": decoder.text(token), "logprob": max(log_prob, LEAST), "bytes": list(decoder.data(token))}


class TextFormat:
    """The format of ``text_completion``."""

    prefix, whole, part = "cmpl-", "text_completion", "text_completion"

    def __init__(self, decoder: TokenDecoder) -> None:
        self._decoder = decoder
        self._offsets: dict[int, int] = {}

    def choice(self, index: int, text: str, logged: Sequence[Logged] | None, reason: str) -> dict[str, Any]:
        """Return a finished answer."""
        return {"index": index, "text": text, "logprobs": self._logprobs(index, logged), "finish_reason": reason}

    def opening(self, index: int) -> dict[str, Any] | None:
        """Return ``None``: the first chunk has text."""
        return None

    def delta(self, index: int, text: str, logged: Sequence[Logged] | None) -> dict[str, Any]:
        """Return a chunk of text."""
        return {"index": index, "text": text, "logprobs": self._logprobs(index, logged), "finish_reason": None}

    def closing(self, index: int, text: str, reason: str) -> dict[str, Any]:
        """Return the last chunk of an answer."""
        return {"index": index, "text": "", "logprobs": None, "finish_reason": reason}

    def _logprobs(self, index: int, logged: Sequence[Logged] | None) -> dict[str, Any] | None:
        if logged is None:
            return None
        decoder, offsets = self._decoder, []
        for token in logged:
            offsets.append(self._offsets.get(index, 0))
            self._offsets[index] = offsets[-1] + len(decoder.text(token.id))
        return {
            "tokens": [decoder.text(token.id) for token in logged],
            "token_logprobs": [max(token.log_prob, LEAST) for token in logged],
            "top_logprobs": [{decoder.text(i): max(value, LEAST) for i, value in token.top} for token in logged],
            "text_offset": offsets,
        }
