"""The threads that run an engine's steps: the caller that waits for a result, or the engine's own thread."""

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
    """The threads of one engine; one step runs at a time.

    Any thread except the computing one may call a method, unless the method says otherwise.

    :param work: runs one step; returns whether work is left.
    :param end: runs last, in the computing thread.
    :param where: the base's reference, for error messages.
    """

    def __init__(self, work: Callable[[], bool], end: Callable[[], None], where: str) -> None:
        self._work, self._finish, self._where = work, end, where
        self._inbox: deque[Callable[[], None]] = deque()
        self._lock, self._wake = threading.Lock(), threading.Event()
        # All computation runs in one thread: MLX cannot continue in one thread what another began.
        self._worker, self._looper = Worker(), Worker()
        self._thread = self._worker.run(threading.get_ident).result()
        self._loop: Future[Any] | None = None
        self._shared: Future[Any] | None = None
        self._stopping = self._closed = self._ended = False
        _drivers.add(self)

    @property
    def pending(self) -> int:
        """The number of posted callables that have not run yet."""
        return len(self._inbox)

    @property
    def running(self) -> bool:
        """True while the engine's own thread runs the steps."""
        return self._loop is not None and not self._loop.done()

    def step(self) -> bool:
        """Run one step; return whether work is left."""
        self._check_outside()
        return bool(self._worker.run(self._step).result())

    def start(self) -> None:
        """Run steps in a separate thread until :meth:`stop`.

        :raises ModelError: the engine is closed.
        """
        with self._lock:
            self._check_open()
            if not self.running:
                self._stopping = False
                self._loop = self._looper.run(self._run)

    def stop(self) -> None:
        """Stop the thread after its current step."""
        self._check_outside()
        self._stopping = True
        self._wake.set()
        if self._loop is not None:
            self._loop.result()
        self._worker.run(threading.get_ident).result()  # waits for a step whose caller was interrupted

    def close(self) -> None:
        """Stop permanently and run what was posted; closing again does nothing."""
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
        """Run a callable in the computing thread before the next step; callable from any thread.

        :raises ModelError: the engine is closed.
        """
        with self._lock:
            self._check_open()
            self._inbox.append(run)
        self._wake.set()

    def noted(self, run: Callable[[], Any]) -> Future[Any]:
        """Run a callable as :meth:`post` does; return a future of its result."""
        done: Future[Any] = Future()

        def command() -> None:
            try:
                done.set_result(run())
            except Exception as error:  # noqa: BLE001 - the caller receives it
                done.set_exception(error)

        self.post(command)
        return done

    def command(self, run: Callable[[], Any]) -> Any:
        """Run a callable as :meth:`post` does, wait for it and return its result."""
        self._check_outside()
        done = self.noted(run)
        self.drive(done, None)
        return done.result()

    def drive(self, future: Future[Any], timeout: float | None) -> None:
        """Wait until a future is done, at most ``timeout`` seconds; run steps if no other thread does."""
        if not future.done():
            self._check_outside()
        ends = None if timeout is None else time.monotonic() + timeout
        while not future.done() and (ends is None or time.monotonic() < ends):
            going = self._going()
            # Wait for the whole step, so that nothing computes any more when the last answer is returned.
            what = [future, going] if going is self._loop else [going]
            wait(what, None if ends is None else ends - time.monotonic(), FIRST_COMPLETED)
            if going.done() and not future.done():
                going.result()  # raises the error that ended it

    def _check_open(self) -> None:
        if self._closed:
            raise ModelError("the engine is closed", where=self._where)

    def _check_outside(self) -> None:
        if threading.get_ident() == self._thread:
            raise ModelError("the engine cannot wait for itself", next_step="Wait outside the engine's callbacks.")

    def _going(self) -> Future[Any]:
        """Return the running loop, or one step shared by all waiting threads."""
        with self._lock:
            if self._loop is not None and not self._loop.done():
                return self._loop
            if self._shared is None or self._shared.done():
                self._shared = self._worker.run(self._step)
            return self._shared

    def _run(self) -> None:
        """Run steps while work is left; otherwise sleep."""
        while True:
            self._wake.clear()  # cleared before checking for work, so that no wake-up is lost
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
os.register_at_fork(after_in_child=_drivers.clear)  # a forked child does not have their threads


@atexit.register
def _stop_all() -> None:
    """Stop every engine before the interpreter exits: MLX aborts a process that exits while it computes."""
    for driver in list(_drivers):
        driver.stop()
