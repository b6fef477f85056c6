"""The cores for threads, and worker threads for models, which are reused and never ended.

MLX has separate streams for each thread: an array that one thread has not evaluated cannot be evaluated by another, and
ending a thread destroys its streams, which can abort the process.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    Calls: TypeAlias = queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]]]


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


_idle: list[Calls] = []
os.register_at_fork(after_in_child=_idle.clear)


class Worker:
    """A daemon thread for exclusive use until it is given back."""

    def __init__(self) -> None:
        try:
            self._calls = _idle.pop()
        except IndexError:
            self._calls = queue.SimpleQueue()
            threading.Thread(target=_serve, args=(self._calls,), name="worker", daemon=True).start()

    def run(self, work: Callable[[], Any]) -> Future[Any]:
        """Queue ``work`` after the earlier calls and return the future of its result."""
        future: Future[Any] = Future()
        self._calls.put((future, work))
        return future

    def give_back(self) -> None:
        """Return the thread for reuse; do not call :meth:`run` after this."""
        _idle.append(self._calls)


def _serve(calls: Calls) -> None:
    while True:
        future, work = calls.get()
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - the waiting caller handles it
            future.set_exception(error)
        del future, work  # they may refer to a whole model
