"""One request to the engine: what was asked, what has come so far, and how it ended."""

from __future__ import annotations

import math
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from conch_dna.data.alora import split_at_invocation
from conch_dna.errors import NeuronRefused
from conch_dna.runtime.generate import AnswerText

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import mlx.core as mx

    from conch_dna.records import Sampling
    from conch_dna.runtime.neuron_cache import Asked, Blend, Version

# From the tokens so far, prompt and answer (T,), and the logits (1, V) to what is normalised and sampled, (1, V).
Processor: TypeAlias = "Callable[[mx.array, mx.array], mx.array]"
Reason = Literal["stop", "length", "cancelled"]


class Token(NamedTuple):
    """One generated token.

    :param text: what may be shown after it; less than its own text while a stop string might begin.
    :param log_prob: natural, at temperature 1.
    :param log_probs_V: float32, those of all tokens.
    """

    id: int
    text: str
    log_prob: float
    log_probs_V: mx.array


@dataclass(frozen=True)
class Answer:
    """How a request ended.

    :param tokens: without the end-of-turn token.
    :param text: up to the end of the turn, or to the first stop string.
    :param digest: of the adapter that gave it, ``None`` for the base.
    :param prompt_tokens: in the prompt.
    :param cached_tokens: of these taken from the prompt cache.
    """

    tokens: tuple[int, ...]
    text: str
    finish_reason: Reason
    digest: str | None
    prompt_tokens: int
    cached_tokens: int


class Request:
    """A request in the engine; what :meth:`Engine.submit` returns.

    :param asked: the neuron by name, or a blend.
    :param wanted: what that meant when it was submitted, and means to the end.
    :param stop: strings that end the answer.
    :param on_token: called by the engine's thread with each token; if it raises, the request fails with that error.
    :param processors: change the logits before each token; what one of them raises ends all that share its batch.
    :param drive: runs the engine until a future is done, at most so many seconds.

    :ivar context: how many of the prompt's first tokens the base alone reads.
    :raises DataError: the neuron acts from its invocation tokens on, and the prompt has none.
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
    ) -> None:
        self.prompt, self.asked, self.wanted, self.sampling = list(prompt), asked, wanted, sampling
        self.processors = tuple(processors)
        self.context = _context(self.prompt, wanted)
        self.slot: int | None = None
        self.cached_tokens = 0
        self.passed_by = 0
        self._on_token, self._drive = on_token, drive
        self._answer = AnswerText(tokenizer, stop)
        self._cancelled = threading.Event()
        self.future: Future[Answer] = Future()
        self.future.set_running_or_notify_cancel()  # it is ended by the engine alone

    @property
    def digest(self) -> str | None:
        """The content digest of the adapter, ``None`` for the base."""
        return None if self.wanted is None else self.wanted.digest

    @property
    def activated(self) -> bool:
        """Whether its neuron shares the base's context."""
        return self.wanted is not None and bool(self.wanted.invocation_tokens)

    def done(self) -> bool:
        """Tell whether it has ended, in whatever way."""
        return self.future.done()

    def cancel(self) -> None:
        """Ask the engine to end it before the next token; what has come so far is its answer."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """Whether it was asked to end."""
        return self._cancelled.is_set()

    def result(self, timeout: float | None = None) -> Answer:
        """Wait for the answer; without a thread of its own the engine is run meanwhile.

        :raises TimeoutError: it has not ended after ``timeout`` seconds.
        :raises ConchError: what it failed with.
        """
        self._drive(self.future, timeout)
        return self.future.result(timeout=0)

    def take(self, token: int, log_prob: float, log_probs_V: mx.array, reason: str | None) -> Reason | None:
        """Add a token; return why the answer has ended with it, if it has.

        :param reason: why mlx-lm ended the sequence, if it did.
        :raises NeuronRefused: the log-probability is not finite, so none of them are.
        """
        if not math.isfinite(log_prob):
            raise NeuronRefused("gave logits that are not finite", where=self.asked)
        shown, ended = self._answer.add(token, reason)
        if self._on_token is not None:
            self._on_token(Token(token, shown, log_prob, log_probs_V))
        return ended

    def end(self, reason: Reason) -> None:
        """Let the answer be known."""
        self.future.set_result(
            Answer(
                tuple(self._answer.tokens), self._answer.text, reason, self.digest, len(self.prompt), self.cached_tokens
            )
        )

    def fail(self, error: BaseException) -> None:
        """Let the error be known."""
        self.future.set_exception(error)


def _context(prompt: list[int], wanted: Version | Blend | None) -> int:
    """Return how many of a prompt's first tokens the base alone reads; of its own prompts it leaves one to compute."""
    if wanted is None:
        return len(prompt) - 1
    return len(split_at_invocation(prompt, wanted.invocation_tokens)[0]) if wanted.invocation_tokens else 0
