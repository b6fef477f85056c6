"""A request to the engine: its input, its progress and its result."""

from __future__ import annotations

import math
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from conch_dna.data.alora import split_at_invocation
from conch_dna.errors import NeuronRefused
from conch_dna.runtime.answer_text import AnswerText

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import mlx.core as mx

    from conch_dna.records import Sampling
    from conch_dna.runtime.neuron_cache import Asked, Blend, Version

# Maps the tokens so far, prompt and answer (T,), and the logits (1, V) to the logits (1, V) that are sampled.
Processor: TypeAlias = "Callable[[mx.array, mx.array], mx.array]"
Reason = Literal["stop", "length", "cancelled"]


class Token(NamedTuple):
    """One generated token.

    :param text: the text that may be shown after it; shorter than its own text while a stop string may have begun.
    :param log_prob: natural, at temperature 1.
    :param log_probs_V: float32 log-probabilities of all tokens.
    """

    id: int
    text: str
    log_prob: float
    log_probs_V: mx.array


@dataclass(frozen=True)
class Answer:
    """The result of a request.

    :param tokens: the tokens without the end-of-turn token.
    :param text: the text up to the end of the turn or the first stop string.
    :param digest: digest of the adapter, ``None`` for the base.
    :param prompt_tokens: number of tokens in the prompt.
    :param cached_tokens: number of prompt tokens taken from the prompt cache.
    """

    tokens: tuple[int, ...]
    text: str
    finish_reason: Reason
    digest: str | None
    prompt_tokens: int
    cached_tokens: int


class Request:
    """A submitted request, as :meth:`Engine.submit` returns it.

    :param asked: the neuron's reference, or a blend.
    :param wanted: the version or blend that was resolved at submission.
    :param stop: strings that end the answer.
    :param on_token: called by the engine's thread with each token; if it raises, the request fails with that error.
    :param processors: change the logits before each token; an error in one of them ends all requests of the batch.
    :param drive: runs the engine until a future is done or the given seconds have passed.
    :param sharing: the name of the party whose requests may reuse its keys and values, and share its turn.

    :ivar context: the number of first tokens of the prompt that the base alone reads.
    :raises DataError: the neuron acts from its invocation tokens, and the prompt has none.
    """

    def __init__(
        self,
        prompt: Sequence[int],
        asked: Asked,
        wanted: Version | Blend | None,
        sampling: Sampling,
        stop: Sequence[str],
        on_token: Callable[[Token], None] | None,
        tokenizer: Any,
        drive: Callable[[Future[Any], float | None], None],
        processors: Sequence[Processor] = (),
        sharing: str = "",
    ) -> None:
        self.prompt, self.asked, self.wanted, self.sampling = list(prompt), asked, wanted, sampling
        self.processors, self.sharing = tuple(processors), sharing
        self.context = _context(self.prompt, wanted)
        self.slot: int | None = None
        self.cached_tokens = 0
        self.passed_by = 0
        self._on_token, self._drive = on_token, drive
        self._answer = AnswerText(tokenizer, stop)
        self._cancelled = threading.Event()
        self.future: Future[Answer] = Future()
        self.future.set_running_or_notify_cancel()  # only the engine ends it

    @property
    def digest(self) -> str | None:
        """The content digest of the adapter, ``None`` for the base."""
        return None if self.wanted is None else self.wanted.digest

    @property
    def activated(self) -> bool:
        """True if its neuron shares the base's context."""
        return self.wanted is not None and bool(self.wanted.invocation_tokens)

    def done(self) -> bool:
        """Return whether the request has ended, for any reason."""
        return self.future.done()

    def cancel(self) -> None:
        """Ask the engine to end the request before the next token; the answer so far is its result."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """True after :meth:`cancel` was called."""
        return self._cancelled.is_set()

    def result(self, timeout: float | None = None) -> Answer:
        """Wait for the answer; runs the engine meanwhile if its thread is not started.

        :raises TimeoutError: the request has not ended after ``timeout`` seconds.
        :raises ConchError: the error of the request.
        """
        self._drive(self.future, timeout)
        return self.future.result(timeout=0)

    def take(self, token: int, log_prob: float, log_probs_V: mx.array, reason: str | None) -> Reason | None:
        """Add a token; return why the answer ends with it, if it does.

        :param reason: why mlx-lm ended the sequence, if it did.
        :raises NeuronRefused: the log-probability is not finite; then none of them is.
        """
        if not math.isfinite(log_prob):
            raise NeuronRefused("gave logits that are not finite", where=self.asked)
        shown, ended = self._answer.add(token, reason)
        if self._on_token is not None:
            self._on_token(Token(token, shown, log_prob, log_probs_V))
        return ended

    def end(self, reason: Reason) -> None:
        """Set the result."""
        self.future.set_result(
            Answer(
                tuple(self._answer.tokens), self._answer.text, reason, self.digest, len(self.prompt), self.cached_tokens
            )
        )

    def fail(self, error: BaseException) -> None:
        """Set the error."""
        self.future.set_exception(error)


def _context(prompt: list[int], wanted: Version | Blend | None) -> int:
    """Return the number of first tokens that the base alone reads; for the base, all but the last."""
    if wanted is None:
        return len(prompt) - 1
    return len(split_at_invocation(prompt, wanted.invocation_tokens)[0]) if wanted.invocation_tokens else 0
