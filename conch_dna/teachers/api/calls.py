"""Concurrent calls to one endpoint: paced, reserved before sending, settled when answered, none lost.

Needs tenacity (extra ``api``).
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog
from tenacity import Retrying, retry_if_exception, sleep_using_event, wait_exponential, wait_random

from conch_dna.errors import TeacherError
from conch_dna.teachers.api.booking import Booking
from conch_dna.teachers.api.call import Call, Failure, Reply
from conch_dna.teachers.api.faults import CallFault, NotSent, advice
from conch_dna.teachers.api.limits import STEP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType

    from tenacity import RetryCallState

    from conch_dna.teachers.api.ledger import Ledger
    from conch_dna.teachers.api.limits import Limits, Pace
    from conch_dna.teachers.api.metrics import Metrics
    from conch_dna.teachers.api.prices import Price, Usage

    Answer = tuple["Call", "Reply"]

LONGEST = 60.0  # seconds of back-off
LONG = 10.0  # seconds: shorter pauses are not logged, and retries at most once per such interval
MOMENT = 1.0  # seconds within which a second Ctrl-C counts as the same one
PATIENCE = 20  # rate-limit or overload refusals per call, not counted as attempts
log = structlog.get_logger()


@dataclass
class Caller:
    """Sends calls to one model of one endpoint.

    :param price: the prices of the model.
    :param ledger: the project's, or ``None`` if the calls are free.
    :param pace: of the endpoint, shared by all its callers.
    :param note: ``PROVIDER:MODEL``, as in the ledger.
    :param url: the endpoint's URL.
    :param official: the provider's own URL.
    :ivar failed: the calls that failed permanently and were left out.
    """

    price: Price
    ledger: Ledger | None
    limits: Limits
    pace: Pace
    metrics: Metrics
    note: str
    url: str = ""
    official: str = ""
    failed: list[Failure] = field(default_factory=list)

    @property
    def where(self) -> str:
        """The model and its endpoint, for errors."""
        return f"{self.note} at {self.url}" if self.url else self.note

    def refused(self, what: str, fault: CallFault) -> TeacherError:
        """Return the error for calls that the endpoint refuses, with advice."""
        provider = self.note.partition(":")[0]
        return TeacherError(what, where=self.where, got=fault.reason.removesuffix("."),
                            next_step=advice(fault.status, provider, self.url, self.official))  # fmt: skip

    def run(self, calls: Sequence[Call]) -> Iterator[Answer]:
        """Yield each call with its reply as soon as it arrives, in any order.

        A call that fails permanently is left out. After an error or Ctrl-C nothing more is sent; calls in flight are
        awaited and yielded before the error is raised, so that no answer is lost. A second Ctrl-C does not wait; calls
        in flight then count at their worst case.

        :raises BudgetReached: the worst case of the next call exceeds the budget, with none of ours in flight.
        :raises TeacherError: more than ``max_failed`` of the calls failed, or the endpoint refuses all of them.
        """
        run = _CallRun(self, len(calls))
        with _deferred_interrupt(run.stopped) as raise_interrupt:
            yield from run.answers(iter(calls))
        raise_interrupt()
        if run.error is not None:
            raise run.error


class _CallRun:
    """State that the threads of one :meth:`Caller.run` share."""

    def __init__(self, caller: Caller, calls: int) -> None:
        self.caller, self.calls = caller, calls
        self.stopped = threading.Event()
        self.error: BaseException | None = None
        self._lock = threading.Lock()
        self._failures = self._answered = 0
        self._paced = False
        self._retries_logged = -LONG  # time of the last log line about a retry
        self._booking = Booking(caller.price, caller.ledger, caller.note, self.stopped.is_set, self._stop)

    def answers(self, calls: Iterator[Call]) -> Iterator[Answer]:
        """Yield replies until all calls are done, or, after a stop, those in flight."""
        workers = self.caller.limits.concurrency
        pool = ThreadPoolExecutor(workers, thread_name_prefix=self.caller.note)
        jobs: set[Future[Answer | None]] = set()
        reported, patient = False, True
        try:
            while True:
                # Queue one more call per thread, so that no thread is idle while the caller stores an answer.
                while not self.stopped.is_set() and len(jobs) < 2 * workers and (call := next(calls, None)):
                    jobs.add(pool.submit(self._answer, call))
                if not jobs:
                    break
                done, jobs = wait(jobs, timeout=STEP, return_when=FIRST_COMPLETED)
                yield from filter(None, (job.result() for job in done))
                if self.stopped.is_set() and jobs and not reported:
                    reported = True
                    log.warning("requests_stopped", model=self.caller.note, awaited=self._booking.in_flight)
        except KeyboardInterrupt:  # the second one
            patient = False
            raise
        finally:
            # The caller may have stopped iterating; calls in flight are settled all the same.
            self.stopped.set()
            pool.shutdown(wait=patient, cancel_futures=True)

    def _answer(self, call: Call) -> Answer | None:
        """Return a call with its reply, or ``None`` if it got none; runs in a thread."""
        try:
            reply = self._persist(call)
        except NotSent:
            return None
        except CallFault as fault:
            self._failed(call, fault)
            return None
        except BaseException as error:  # noqa: BLE001 - run() raises it
            self._stop(error)
            return None
        with self._lock:
            self._answered += 1
        return call, reply

    def _stop(self, error: BaseException) -> None:
        """Stop sending; run() raises the first error."""
        with self._lock:
            self.error = self.error or error
        self.stopped.set()

    def _failed(self, call: Call, fault: CallFault) -> None:
        """Leave a call out; stop if too many have failed."""
        caller = self.caller
        caller.metrics.count(failures=1)
        if fault.kind == "fatal_run":
            self._stop(caller.refused("refuses the calls", fault))
            return
        with self._lock:
            self._failures += 1
            caller.failed.append(Failure(call.key, fault.reason))
            failures = self._failures
        most = allowed_failures(caller.limits.max_failed, self.calls)
        if failures > most:
            self._stop(TeacherError(
                "too many calls failed permanently", where=caller.where, allowed=f"{most} (max_failed)",
                got=f"{failures} of {self.calls}, the last one by {fault.reason}",
                next_step="Answers so far are kept: run the same command again when the endpoint works",
            ))  # fmt: skip
            return  # the error reports it
        log.warning("call_failed", model=caller.note, key=call.key[:12], reason=fault.reason)

    def _persist(self, call: Call) -> Reply:
        """Send a call until it is answered or its attempts are used up."""
        limits, throttled = self.caller.limits, 0

        def enough(state: RetryCallState) -> bool:
            nonlocal throttled
            throttled += _fault(state).throttled
            return throttled >= PATIENCE or state.attempt_number - throttled >= limits.attempts

        retrying = Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, CallFault) and error.kind == "retry"),
            stop=enough,
            wait=wait_exponential(multiplier=limits.backoff, max=LONGEST) + wait_random(0, limits.backoff),
            before_sleep=self._before_next,
            sleep=sleep_using_event(self.stopped),
            reraise=True,
        )
        return retrying(self._attempt, call)

    def _before_next(self, state: RetryCallState) -> None:
        """Count a failed attempt, and pause all calls if the provider throttles."""
        fault = _fault(state)
        seconds = state.upcoming_sleep if fault.retry_after is None else fault.retry_after
        if fault.throttled:
            self.caller.pace.pause(seconds)
            if seconds >= LONG:
                log.warning("requests_held", model=self.caller.note, seconds=round(seconds), reason=fault.reason)
        self.caller.metrics.count(retries=1)
        # Success on the second attempt needs no log line, and concurrent threads meet the same fault.
        report = log.warning if state.attempt_number > 1 and not fault.throttled and self._retries_due() else log.debug
        report("call_retried", model=self.caller.note, reason=fault.reason, seconds=round(seconds, 2))

    def _retries_due(self) -> bool:
        """Return whether the last log line about a retry is at least :data:`LONG` ago."""
        with self._lock:
            now = time.monotonic()
            due = now - self._retries_logged >= LONG
            self._retries_logged = now if due else self._retries_logged
            return due

    def _pace(self, limit: str) -> None:
        """Log once that a limit delays the calls, and how many are left."""
        with self._lock:
            reported, self._paced = self._paced, True
            left = self.calls - self._answered - self._failures
        if not reported:
            log.info("requests_paced", model=self.caller.note, limit=limit, left=left)

    def _attempt(self, call: Call) -> Reply:
        """Send a call once, after its turn has come and its worst case is reserved on disk."""
        pace = self.caller.pace
        slot = pace.wait(call.input_tokens + call.output_tokens, self.stopped.is_set, self._pace)
        if slot is None:
            raise NotSent
        counted: int | None = 0
        limit = None
        try:
            with self._booking.reserved(call) as reservation:
                counted = None  # unknown until the provider reports it
                started = time.perf_counter()
                reply = self._send(call)
                seconds = time.perf_counter() - started
                usage, cost = self._booking.settle(call, reservation, reply)
            counted, limit = counted_tokens(pace.counts, call, usage), reply.limit
        finally:
            pace.finish(slot, counted, limit)
        self.caller.metrics.answered(seconds, usage, cost)
        return reply

    def _send(self, call: Call) -> Reply:
        if self.stopped.is_set():  # the reservation may have taken long
            raise NotSent
        return call.send(self.caller.limits.timeout)


def counted_tokens(counts: str, call: Call, usage: Usage) -> int:
    """Return the tokens of an answered call that count against a limit; under ``used``, cached input does not."""
    if counts == "used":
        return usage.input + usage.cache_write + usage.output
    return usage.all_input + call.output_tokens


def allowed_failures(share: float, calls: int) -> int:
    """Return how many calls may fail permanently: the share, but at least one of more than ten."""
    return max(int(share * calls), int(calls > 10 and share > 0))


def _fault(state: RetryCallState) -> CallFault:
    """Return the fault of an attempt that is retried."""
    fault = state.outcome.exception() if state.outcome else None
    if not isinstance(fault, CallFault):
        raise TypeError(fault)
    return fault


@contextlib.contextmanager
def _deferred_interrupt(stopped: threading.Event) -> Iterator[Callable[[], None]]:
    """Make the first Ctrl-C in a block set ``stopped`` and nothing else; a second one acts as usual.

    The block may ``yield``: Ctrl-C while the caller stores an answer must not lose those in flight. A repeat within a
    moment is not a second one, because terminals and wrappers may forward the same signal twice. Python handles signals
    in the main thread only, so in any other thread this does nothing.

    :returns: a function that raises what the first Ctrl-C would have raised, if there was one.
    """
    usual = signal.getsignal(signal.SIGINT)
    came: list[float] = []

    def hear(number: int, frame: FrameType | None) -> None:
        if came and time.monotonic() - came[0] > MOMENT and callable(usual):
            usual(number, frame)
        came.append(time.monotonic())
        stopped.set()

    def raise_interrupt() -> None:
        if came and callable(usual):
            usual(signal.SIGINT, None)

    if threading.current_thread() is not threading.main_thread() or not callable(usual):
        yield raise_interrupt
        return
    signal.signal(signal.SIGINT, hear)
    try:
        yield raise_interrupt
    finally:
        signal.signal(signal.SIGINT, usual)
