"""Job of one HTTP request: submits its answers to the engine, follows them, and cancels them if the client is gone."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from conch_dna.records import Sampling
from conch_dna.runtime.samplers import sequence_seed
from conch_dna.server.faults import ApiFault, stopping

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
    from concurrent.futures import Future

    from conch_dna.runtime.engine import Engine
    from conch_dna.runtime.grammar import Constraint
    from conch_dna.runtime.request import Answer, Request, Token
    from conch_dna.server.metrics import Metrics


MOST_EVENTS = 4096  # that wait for a client to read; 10 MB with 20 log-probabilities each


class ClientGone(Exception):
    """The client closed its connection before the answer was complete."""


class Logged(NamedTuple):
    """A token with its natural log-probability at temperature 1 and the most likely tokens at its position."""

    id: int
    log_prob: float
    top: tuple[tuple[int, float], ...]


class Piece(NamedTuple):
    """The text that one token adds to an answer; ``logged`` if log-probabilities were requested."""

    place: int
    text: str
    logged: Logged | None


class End(NamedTuple):
    """The end of an answer."""

    place: int
    answer: Answer


Event: TypeAlias = Piece | End


@dataclass(frozen=True)
class Order:
    """The answers that an HTTP request needs from the engine.

    :param prompts: token ids of each prompt.
    :param n: number of answers to each prompt.
    :param top: number of most likely tokens to report per token; ``None`` for no log-probabilities.
    :param pieces: whether the answers are streamed.
    :param constrain: makes the constraint of one answer.
    :param sharing: the name of the keys that share cached prompts and seats.
    """

    model: str
    prompts: Sequence[Sequence[int]]
    n: int
    sampling: Sampling
    stop: tuple[str, ...]
    top: int | None
    pieces: bool
    constrain: Callable[[], Constraint] | None = None
    sharing: str = ""

    @property
    def count(self) -> int:
        """The number of answers."""
        return len(self.prompts) * self.n


@dataclass
class AdmissionLimit:
    """The limit of answers that run and wait together.

    One of several parties may hold as many seats as it leaves free (Choudhury and Hahne 1998, dynamic thresholds): half
    of them alone, a third beside another such party, and never all.

    :param shared: whether several parties share the seats.
    :ivar held: number of admitted answers by party.
    :ivar requests: the engine's requests among them.
    """

    limit: int
    shared: bool = False
    held: Counter[str] = field(default_factory=Counter, init=False)
    requests: set[Request] = field(default_factory=set, init=False)

    def enter(self, count: int, party: str) -> None:
        """Admit a number of answers.

        :raises ApiFault: 429, the queue or the party's share is full; 400, the number exceeds what that can be.
        """
        most = max(1, self.limit // 2) if self.shared else self.limit
        if count > most:
            raise ApiFault(400, f"More answers than the server has room for: {count} of {most}.", "invalid_value", "n")
        free = self.limit - self.held.total() - count  # after it
        if free < 0 or (self.shared and self.held[party] + count > max(1, free)):
            whose = "The server's queue" if free < 0 else "This key's share of the server's queue"
            raise ApiFault(429, f"{whose} is full.", "queue_full", headers={"Retry-After": "1"})
        self.held[party] += count

    def leave(self, count: int, party: str) -> None:
        """Release a number of answers."""
        self.held[party] -= count
        if not self.held[party]:
            del self.held[party]

    @contextmanager
    def entered(self, count: int, party: str) -> Iterator[None]:
        """Admit a number of answers, and release them if the block, which prepares their job, fails.

        :raises ApiFault: as :meth:`enter` does.
        """
        self.enter(count, party)
        try:
            yield
        except BaseException:
            self.leave(count, party)
            raise


class Job:
    """The engine's requests of one HTTP request. Only ``_submit`` and its callbacks run outside the event loop.

    :param timeout: seconds until :meth:`events` raises ``TimeoutError`` and the requests are cancelled.

    :ivar requests: one for each answer, those of the first prompt first.
    """

    def __init__(self, engine: Engine, limit: AdmissionLimit, order: Order, metrics: Metrics, timeout: float) -> None:
        self.order = order
        self.requests: list[Request] = []
        self._engine, self._limit, self._metrics = engine, limit, metrics
        self._began = time.perf_counter()
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[Event | BaseException] = asyncio.Queue()
        self._over = False
        self._listener: asyncio.Task[None] | None = None
        self._timer = self._loop.call_later(timeout, self.abort, TimeoutError())

    async def start(self) -> None:
        """Submit all requests, which are admitted already.

        :raises ConchError: as :meth:`Engine.submit` does.
        """
        try:
            await asyncio.to_thread(self._submit)
        except BaseException:
            self.close()
            raise

    async def events(self) -> AsyncIterator[Event]:
        """Yield pieces and ends as they come, until all answers have ended.

        :raises ConchError, TimeoutError: the error of the first answer that failed.
        """
        left = self.order.count
        while left:
            event = await self._queue.get()
            if isinstance(event, BaseException):
                raise event
            if isinstance(event, End):
                left -= 1
                if event.answer.finish_reason == "cancelled":
                    raise stopping()
            yield event

    def follow(self, receive: Callable[[], Awaitable[Any]]) -> None:
        """Abort the job when the client disconnects.

        :param receive: returns the next ASGI message after the body.
        """

        async def listen() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            self.abort(ClientGone())

        self._listener = self._loop.create_task(listen())

    def abort(self, reason: BaseException) -> None:
        """Cancel all requests and let :meth:`events` raise ``reason``."""
        self._queue.put_nowait(reason)
        self.close()

    def _put(self, event: Event) -> None:
        """Keep an event for the client; abort if too many wait for it already."""
        if self._queue.qsize() < MOST_EVENTS:
            self._queue.put_nowait(event)
        elif not self._over:
            self.abort(ApiFault(408, "The client read too slowly.", "timeout"))

    def close(self) -> None:
        """Cancel the running requests; closing again does nothing."""
        self._over = True
        self._timer.cancel()
        if self._listener is not None:
            self._listener.cancel()
        for request in self.requests:
            request.cancel()

    def _submit(self) -> None:
        """Submit all requests, in a separate thread because names are looked up on disk."""
        order, left = self.order, self.order.count
        try:
            for index in range(order.count):
                prompt, place = order.prompts[index // order.n], index % order.n
                sampling = order.sampling
                if place:  # the first answer is the one that the engine itself gives for this seed
                    sampling = sampling.model_copy(update={"seed": sequence_seed(sampling.seed, place)})
                constraints = () if order.constrain is None else (order.constrain(),)
                on_token = self._on_token(index)
                for constraint in constraints:  # fails only its own answer when it stops working
                    on_token = constraint.checked(on_token)
                request = self._engine.submit(
                    prompt, order.model, sampling, order.stop, on_token, constraints, sharing=order.sharing
                )
                left -= 1
                self.requests.append(request)
                self._loop.call_soon_threadsafe(self._limit.requests.add, request)
                request.future.add_done_callback(partial(self._ended, index, request))
                if self._over:  # closed meanwhile, perhaps before this request was in the list
                    request.cancel()
                    break
        finally:
            if left:
                self._loop.call_soon_threadsafe(self._limit.leave, left, order.sharing)

    def _on_token(self, index: int) -> Callable[[Token], None] | None:
        """Return the engine's token callback; ``None`` if no piece or log-probability is needed."""
        top, pieces = self.order.top, self.order.pieces
        if top is None and not pieces:
            return None
        ends = self._engine.tokenizer.eos_token_ids

        def take(token: Token) -> None:
            known = None if top is None or token.id in ends else logged(token, top)
            if token.text or known:
                self._loop.call_soon_threadsafe(self._put, Piece(index, token.text, known))

        return take

    def _ended(self, index: int, request: Request, future: Future[Answer]) -> None:
        self._loop.call_soon_threadsafe(self._end, index, request, future)

    def _end(self, index: int, request: Request, future: Future[Answer]) -> None:
        self._limit.leave(1, self.order.sharing)
        self._limit.requests.discard(request)
        self._metrics.ended(request, time.perf_counter() - self._began)
        error = future.exception()
        self._queue.put_nowait(End(index, future.result()) if error is None else error)


def logged(token: Token, top: int) -> Logged:
    """Return a token with the most likely tokens at its position."""
    log_probs_V: np.ndarray[Any, Any] = np.asarray(token.log_probs_V)
    top = min(top, len(log_probs_V))
    best = np.argpartition(-log_probs_V, top - 1)[:top] if top else np.empty(0, int)
    best = best[np.argsort(-log_probs_V[best], kind="stable")]
    return Logged(token.id, token.log_prob, tuple((int(i), float(log_probs_V[i])) for i in best))
