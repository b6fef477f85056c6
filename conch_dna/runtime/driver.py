"""Who runs an engine's steps: whoever waits for a result, or a thread of the engine's own; one step at a time."""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import TYPE_CHECKING, Any

from conch_dna.errors import ModelError
from conch_dna.util.threads import Worker

if TYPE_CHECKING:
    from collections.abc import Callable


class Driver:
    """The threads of one engine. All of it may be called by any thread but the one that computes, unless it says so.

    :param work: one step, which returns whether there is anything left to do.
    :param end: what is run last, in the thread that computes.
    :param where: whose engine it is, for errors.
    """

    def __init__(self, work: Callable[[], bool], end: Callable[[], None], where: str) -> None:
        self._work, self._finish, self._where = work, end, where
        self._inbox: deque[Callable[[], None]] = deque()
        self._lock, self._wake = threading.Lock(), threading.Event()
        # All that computes runs in one thread, whoever calls: MLX cannot go on in one with what another began.
        self._worker, self._looper = Worker(), Worker()
        self._thread = self._worker.run(threading.get_ident).result()
        self._loop: Future[Any] | None = None
        self._shared: Future[Any] | None = None
        self._stopping = self._closed = self._ended = False
        _drivers.add(self)

    @property
    def pending(self) -> int:
        """How much was posted that no step has taken yet."""
        return len(self._inbox)

    @property
    def running(self) -> bool:
        """Whether it runs in a thread of its own."""
        return self._loop is not None and not self._loop.done()

    def step(self) -> bool:
        """Run one step; return whether there is anything left to do."""
        self._check_outside()
        return bool(self._worker.run(self._step).result())

    def start(self) -> None:
        """Run steps in a thread of its own until :meth:`stop`.

        :raises ModelError: it is closed.
        """
        with self._lock:
            self._check_open()
            if not self.running:
                self._stopping = False
                self._loop = self._looper.run(self._run)

    def stop(self) -> None:
        """Let the thread go after its step."""
        self._check_outside()
        self._stopping = True
        self._wake.set()
        if self._loop is not None:
            self._loop.result()
        self._worker.run(threading.get_ident).result()  # a step whose caller was interrupted comes to its end

    def close(self) -> None:
        """Stop for good, and end what was posted; closing again does nothing."""
        self._check_outside()
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self.stop()
        _drivers.discard(self)
        self._worker.run(self._end).result()
        self._worker.give_back()
        self._looper.give_back()

    def post(self, run: Callable[[], None]) -> None:
        """Have something run before the next step, in the thread that computes; any thread may ask.

        :raises ModelError: it is closed.
        """
        with self._lock:
            self._check_open()
            self._inbox.append(run)
        self._wake.set()

    def noted(self, run: Callable[[], Any]) -> Future[Any]:
        """Have something run as :meth:`post` does; return what it will have returned."""
        done: Future[Any] = Future()

        def command() -> None:
            try:
                done.set_result(run())
            except Exception as error:  # noqa: BLE001 - who asked gets it
                done.set_exception(error)

        self.post(command)
        return done

    def command(self, run: Callable[[], Any]) -> Any:
        """Have something run as :meth:`post` does, and wait for it; return what it returns."""
        self._check_outside()
        done = self.noted(run)
        self.drive(done, None)
        return done.result()

    def drive(self, future: Future[Any], timeout: float | None) -> None:
        """Wait until a future is done, at most ``timeout`` seconds, running steps if nobody else does."""
        if not future.done():
            self._check_outside()
        ends = None if timeout is None else time.monotonic() + timeout
        while not future.done() and (ends is None or time.monotonic() < ends):
            going = self._going()
            # A step is waited for to its end: nothing computes any more when the last answer is there.
            what = [future, going] if going is self._loop else [going]
            wait(what, None if ends is None else ends - time.monotonic(), FIRST_COMPLETED)
            if going.done() and not future.done():
                going.result()  # raises what ended it

    def _check_open(self) -> None:
        if self._closed:
            raise ModelError("the engine is closed", where=self._where)

    def _check_outside(self) -> None:
        if threading.get_ident() == self._thread:
            raise ModelError("the engine cannot wait for itself", next_step="Wait outside of what it calls.")

    def _going(self) -> Future[Any]:
        """Return what is going on: the engine's own thread, or one step for all who wait."""
        with self._lock:
            if self._loop is not None and not self._loop.done():
                return self._loop
            if self._shared is None or self._shared.done():
                self._shared = self._worker.run(self._step)
            return self._shared

    def _run(self) -> None:
        """Step while there is something to do, and sleep while there is not."""
        while True:
            self._wake.clear()  # before the look at what a wake-up may be for
            if self._stopping:
                return
            if not self.step():
                self._wake.wait()

    def _step(self) -> bool:
        if self._ended:
            return False
        self._take_inbox()
        return self._work() or bool(self._inbox)

    def _end(self) -> None:
        self._ended = True
        self._take_inbox()
        self._finish()

    def _take_inbox(self) -> None:
        while self._inbox:
            self._inbox.popleft()()


_drivers: weakref.WeakSet[Driver] = weakref.WeakSet()
os.register_at_fork(after_in_child=_drivers.clear)  # whose threads a child does not have


@atexit.register
def _stop_all() -> None:
    """Stop every engine before the interpreter ends: MLX aborts a process that ends while it computes."""
    for driver in list(_drivers):
        driver.stop()
