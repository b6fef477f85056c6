"""Many calls to one endpoint: paced, reserved before they are sent, settled when they are answered, none of them lost.

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
LONG = 10.0  # seconds: shorter holds are not worth a line in the log, nor is more than one line of retries in them
MOMENT = 1.0  # seconds within which Ctrl-C is the same one
PATIENCE = 20  # refusals for haste or overload that one call puts up with, beside its attempts
log = structlog.get_logger()


@dataclass
class Caller:
    """Asks one model of one endpoint.

    :param price: of the model.
    :param ledger: the project's, or ``None`` where nothing costs anything.
    :param pace: of the endpoint, shared by all who ask there.
    :param note: ``PROVIDER:MODEL``, as the ledger counts.
    :param url: the endpoint's.
    :param official: the provider's own.
    :ivar failed: the calls that failed for good and were left out.
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
        """Return the error that says so of the endpoint, and what may be done."""
        provider = self.note.partition(":")[0]
        return TeacherError(what, where=self.where, got=fault.reason.removesuffix("."),
                            next_step=advice(fault.status, provider, self.url, self.official))  # fmt: skip

    def run(self, calls: Sequence[Call]) -> Iterator[Answer]:
        """Yield each call with its reply as soon as it is there, in any order.

        A call that fails for good is left out. Where no more may be sent, because of an error or Ctrl-C, those in
        flight are awaited and yielded before that is raised: what was answered is never lost. A second Ctrl-C does not
        wait; what is in flight then counts at its worst case.

        :raises BudgetReached: the worst case of the next call does not fit, with none of ours in flight.
        :raises TeacherError: more than ``max_failed`` of the calls failed, or the endpoint refuses all of them.
        """
        course = _CallRun(self, len(calls))
        with _deferred_interrupt(course.stopped) as raise_interrupt:
            yield from course.answers(iter(calls))
        raise_interrupt()
        if course.error is not None:
            raise course.error


class _CallRun:
    """One run of a caller: what its threads share."""

    def __init__(self, caller: Caller, calls: int) -> None:
        self.caller, self.calls = caller, calls
        self.stopped = threading.Event()
        self.error: BaseException | None = None
        self._lock = threading.Lock()
        self._failures = self._answered = 0
        self._paced = False
        self._retries_told = -LONG  # when a line of the log last told of one
        self._booking = Booking(caller.price, caller.ledger, caller.note, self.stopped.is_set, self._stop)

    def answers(self, calls: Iterator[Call]) -> Iterator[Answer]:
        """Yield what the threads bring, until all calls are done or those in flight when the course was stopped."""
        workers = self.caller.limits.concurrency
        pool = ThreadPoolExecutor(workers, thread_name_prefix=self.caller.note)
        jobs: set[Future[Answer | None]] = set()
        told, patient = False, True
        try:
            while True:
                # One more call for each thread waits, so that none rests while the one who asked stores an answer.
                while not self.stopped.is_set() and len(jobs) < 2 * workers and (call := next(calls, None)):
                    jobs.add(pool.submit(self._answer, call))
                if not jobs:
                    break
                done, jobs = wait(jobs, timeout=STEP, return_when=FIRST_COMPLETED)
                yield from filter(None, (job.result() for job in done))
                if self.stopped.is_set() and jobs and not told:
                    told = True
                    log.warning("requests_stopped", model=self.caller.note, awaited=self._booking.in_flight)
        except KeyboardInterrupt:  # the second one
            patient = False
            raise
        finally:
            # Whoever asked may have gone: what is in flight is settled all the same.
            self.stopped.set()
            pool.shutdown(wait=patient, cancel_futures=True)

    def _answer(self, call: Call) -> Answer | None:
        """Return a call with its reply, or ``None`` where there is none; runs in a thread."""
        try:
            reply = self._persist(call)
        except NotSent:
            return None
        except CallFault as fault:
            self._failed(call, fault)
            return None
        except BaseException as error:  # noqa: BLE001 - it is raised to whoever asked
            self._stop(error)
            return None
        with self._lock:
            self._answered += 1
        return call, reply

    def _stop(self, error: BaseException) -> None:
        """Send nothing more; the first error is the one that is raised."""
        with self._lock:
            self.error = self.error or error
        self.stopped.set()

    def _failed(self, call: Call, fault: CallFault) -> None:
        """Leave a call out, unless that are too many now."""
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
                "too many calls failed for good", where=caller.where, allowed=f"{most} (max_failed)",
                got=f"{failures} of {self.calls}, the last one by {fault.reason}",
                next_step="What was answered is kept: run the same command again once the endpoint is well",
            ))  # fmt: skip
            return  # the error says it
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
        """Count an attempt that failed, and hold everybody where all were too fast."""
        fault = _fault(state)
        seconds = state.upcoming_sleep if fault.retry_after is None else fault.retry_after
        if fault.throttled:
            self.caller.pace.pause(seconds)
            if seconds >= LONG:
                log.warning("requests_held", model=self.caller.note, seconds=round(seconds), reason=fault.reason)
        self.caller.metrics.count(retries=1)
        # One that is mended by the second attempt is not worth a line, and eight threads tell the same.
        tell = log.warning if state.attempt_number > 1 and not fault.throttled and self._retries_due() else log.debug
        tell("call_retried", model=self.caller.note, reason=fault.reason, seconds=round(seconds, 2))

    def _retries_due(self) -> bool:
        """Tell whether the last line about a retry was long ago."""
        with self._lock:
            now = time.monotonic()
            due = now - self._retries_told >= LONG
            self._retries_told = now if due else self._retries_told
            return due

    def _pace(self, limit: str) -> None:
        """Tell once that a limit holds the calls, and how many are to come."""
        with self._lock:
            told, self._paced = self._paced, True
            left = self.calls - self._answered - self._failures
        if not told:
            log.info("requests_paced", model=self.caller.note, limit=limit, left=left)

    def _attempt(self, call: Call) -> Reply:
        """Send a call once, when its turn has come and its worst case is reserved on the disk."""
        pace = self.caller.pace
        slot = pace.wait(call.input_tokens + call.output_tokens, self.stopped.is_set, self._pace)
        if slot is None:
            raise NotSent
        counted: int | None = 0
        told = None
        try:
            with self._booking.reserved(call) as reservation:
                counted = None  # nobody knows, until the provider has told
                started = time.perf_counter()
                reply = self._send(call)
                seconds = time.perf_counter() - started
                usage, cost = self._booking.settle(call, reservation, reply)
            counted, told = counted_tokens(pace.counts, call, usage), reply.limit
        finally:
            pace.finish(slot, counted, told)
        self.caller.metrics.answered(seconds, usage, cost)
        return reply

    def _send(self, call: Call) -> Reply:
        if self.stopped.is_set():  # to reserve may have taken long
            raise NotSent
        return call.send(self.caller.limits.timeout)


def counted_tokens(counts: str, call: Call, usage: Usage) -> int:
    """Return how much of a token limit an answered call took; input from a cache is free where use is counted."""
    if counts == "used":
        return usage.input + usage.cache_write + usage.output
    return usage.all_input + call.output_tokens


def allowed_failures(share: float, calls: int) -> int:
    """Return how many of the calls may fail for good: a share, but one at least of more than ten."""
    return max(int(share * calls), int(calls > 10 and share > 0))


def _fault(state: RetryCallState) -> CallFault:
    """Return the fault of an attempt that is made again."""
    fault = state.outcome.exception() if state.outcome else None
    if not isinstance(fault, CallFault):
        raise TypeError(fault)
    return fault


@contextlib.contextmanager
def _deferred_interrupt(stopped: threading.Event) -> Iterator[Callable[[], None]]:
    """Let the first Ctrl-C of a block set ``stopped`` and nothing else; a second one is as ever.

    The block may be left by ``yield``: Ctrl-C while whoever asked is storing an answer must not lose those in flight.
    What comes within a moment is no second one: terminals and the programs between may pass the same one on twice.
    Python handles signals in the main thread alone, so in any other there is nothing to do.

    :returns: raises what the first one would have raised, where there was one.
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
