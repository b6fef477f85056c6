"""One HTTP request's answers: submitted to the engine, followed in the event loop, let go when nobody wants them."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from conch_dna.records import Sampling
from conch_dna.runtime.generate import sequence_seed
from conch_dna.server.faults import ApiFault, stopping

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from concurrent.futures import Future

    from conch_dna.runtime.engine import Engine
    from conch_dna.runtime.request import Answer, Request, Token
    from conch_dna.server.grammar import Constraint
    from conch_dna.server.metrics import Metrics


class ClientGone(Exception):
    """The client closed its connection before it had its answer."""


class Logged(NamedTuple):
    """A token with its natural log-probability at temperature 1, and the likeliest in its place, likeliest first."""

    id: int
    log_prob: float
    top: tuple[tuple[int, float], ...]


class Piece(NamedTuple):
    """What one token adds to an answer; ``logged`` if that was asked for."""

    place: int
    text: str
    logged: Logged | None


class End(NamedTuple):
    """An answer has ended."""

    place: int
    answer: Answer


Event: TypeAlias = Piece | End


@dataclass(frozen=True)
class Order:
    """What an HTTP request asks the engine for.

    :param prompts: token ids of each prompt.
    :param n: answers to each.
    :param top: likeliest tokens to tell beside each token; ``None`` if no log-probabilities are wanted.
    :param pieces: whether pieces are wanted as they come.
    :param constrain: makes what holds one answer to a form.
    """

    model: str
    prompts: Sequence[Sequence[int]]
    n: int
    sampling: Sampling
    stop: tuple[str, ...]
    top: int | None
    pieces: bool
    constrain: Callable[[], Constraint] | None = None

    @property
    def count(self) -> int:
        """How many answers it will have."""
        return len(self.prompts) * self.n


@dataclass
class AdmissionLimit:
    """How many answers may run and wait together.

    :ivar live: those that do.
    :ivar requests: those of them that the engine has.
    """

    limit: int
    live: int = field(default=0, init=False)
    requests: set[Request] = field(default_factory=set, init=False)

    def enter(self, count: int) -> None:
        """Let so many more in.

        :raises ApiFault: 429, there is no room; 400, there never will be.
        """
        if count > self.limit:
            raise ApiFault(
                400, f"More answers than the server has room for: {count} of {self.limit}.", "invalid_value", "n"
            )
        if self.live + count > self.limit:
            raise ApiFault(429, "The server's queue is full.", "queue_full", headers={"Retry-After": "1"})
        self.live += count

    def leave(self, count: int = 1) -> None:
        """Let so many out."""
        self.live -= count


class Job:
    """The engine's requests of one HTTP request. Everything but ``_submit`` and its callbacks is the event loop's.

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
        """Submit everything.

        :raises ApiFault: the queue is full.
        :raises ConchError: as :meth:`Engine.submit` does.
        """
        try:
            self._limit.enter(self.order.count)
            await asyncio.to_thread(self._submit)
        except BaseException:
            self.close()
            raise

    async def events(self) -> AsyncIterator[Event]:
        """Yield pieces and ends as they come, until all answers have ended.

        :raises ConchError, TimeoutError: what the first answer that failed failed with.
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
        """End everything when the client goes away.

        :param receive: the next ASGI message; the body has been read.
        """

        async def listen() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            self.abort(ClientGone())

        self._listener = self._loop.create_task(listen())

    def abort(self, reason: BaseException) -> None:
        """End everything with an error, whether somebody follows the events or not."""
        self._queue.put_nowait(reason)
        self.close()

    def close(self) -> None:
        """Cancel what still runs; closing again does nothing."""
        self._over = True
        self._timer.cancel()
        if self._listener is not None:
            self._listener.cancel()
        for request in self.requests:
            request.cancel()

    def _submit(self) -> None:
        """Submit everything, in a thread of its own: names are looked up on disk."""
        order, left = self.order, self.order.count
        try:
            for index in range(order.count):
                prompt, place = order.prompts[index // order.n], index % order.n
                sampling = order.sampling
                if place:  # the first answer is the one that the engine gives to this seed
                    sampling = sampling.model_copy(update={"seed": sequence_seed(sampling.seed, place)})
                held = () if order.constrain is None else (order.constrain(),)
                request = self._engine.submit(
                    prompt, order.model, sampling, order.stop, self._on_token(index, *held), held
                )
                left -= 1
                self.requests.append(request)
                self._loop.call_soon_threadsafe(self._limit.requests.add, request)
                request.future.add_done_callback(partial(self._ended, index, request))
                if self._over:  # closed meanwhile, perhaps before it could see this request
                    request.cancel()
                    break
        finally:
            if left:
                self._loop.call_soon_threadsafe(self._limit.leave, left)

    def _on_token(self, index: int, held: Constraint | None = None) -> Callable[[Token], None] | None:
        """Return what the engine calls with each token; nothing where nobody wants to know.

        :param held: fails its answer alone if it can hold it no more.
        """
        top, pieces = self.order.top, self.order.pieces
        if top is None and not pieces and held is None:
            return None
        ends = self._engine.tokenizer.eos_token_ids

        def take(token: Token) -> None:
            if held is not None:
                held.check()
            known = None if top is None or token.id in ends else logged(token, top)
            if token.text or known:
                self._loop.call_soon_threadsafe(self._queue.put_nowait, Piece(index, token.text, known))

        return take

    def _ended(self, index: int, request: Request, future: Future[Answer]) -> None:
        self._loop.call_soon_threadsafe(self._end, index, request, future)

    def _end(self, index: int, request: Request, future: Future[Answer]) -> None:
        self._limit.leave()
        self._limit.requests.discard(request)
        self._metrics.ended(request, time.perf_counter() - self._began)
        error = future.exception()
        self._queue.put_nowait(End(index, future.result()) if error is None else error)


def logged(token: Token, top: int) -> Logged:
    """Return a token with the likeliest in its place."""
    log_probs_V: np.ndarray[Any, Any] = np.asarray(token.log_probs_V)
    top = min(top, len(log_probs_V))
    best = np.argpartition(-log_probs_V, top - 1)[:top] if top else np.empty(0, int)
    best = best[np.argsort(-log_probs_V[best], kind="stable")]
    return Logged(token.id, token.log_prob, tuple((int(i), float(log_probs_V[i])) for i in best))
