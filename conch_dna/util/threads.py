"""Threads that run models, lent and given back but never ended.

MLX gives each thread streams of its own: what one thread has not computed to the end no other can go on with, and
taking a thread's streams down can abort the process.
"""

from __future__ import annotations

import os
import queue
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    Calls: TypeAlias = queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]]]

_idle: list[Calls] = []
os.register_at_fork(after_in_child=_idle.clear)


class Worker:
    """A daemon thread of one's own, until it is given back."""

    def __init__(self) -> None:
        try:
            self._calls = _idle.pop()
        except IndexError:
            self._calls = queue.SimpleQueue()
            threading.Thread(target=_serve, args=(self._calls,), name="worker", daemon=True).start()

    def run(self, work: Callable[[], Any]) -> Future[Any]:
        """Run something after all that was given before; return what it will have returned."""
        future: Future[Any] = Future()
        self._calls.put((future, work))
        return future

    def give_back(self) -> None:
        """Let the thread be lent to the next one; it must not be given work after this."""
        _idle.append(self._calls)


def _serve(calls: Calls) -> None:
    while True:
        future, work = calls.get()
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - it is the caller's, who is waiting
            future.set_exception(error)
        del future, work  # what they hold may be a whole model
