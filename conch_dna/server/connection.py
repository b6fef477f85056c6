"""Connections: their number is bounded, and one that sends or reads nothing is closed; uvicorn waits forever."""

from __future__ import annotations

import resource
from collections import Counter
from typing import TYPE_CHECKING

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

HEAD_SECONDS = 10.0  # limit for a request's head, and for the rest of a refused body
WRITE_SECONDS = 30.0  # limit for a client to read what waits for it
MOST = 1000  # connections
BACKLOG = 128  # connections that are accepted at once, before they are counted
LEAST = 64  # connections, however few files may be open
FILES = 256  # other open files of the process


def make_room() -> None:
    """Let this process open as many files as its connections need, as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST + 2 * BACKLOG + FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def most_connections() -> int:
    """Return the number of connections that this process may have."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if soft == resource.RLIM_INFINITY else max(LEAST, min(MOST, soft - 2 * BACKLOG - FILES))


class Connection(H11Protocol):
    """One connection.

    - It is closed if no complete request head arrives in time; single bytes do not extend the time.
    - It is aborted if its client does not read what it asked for.
    - If there are too many, one without a request is closed for it: of the address with the most of these, the oldest.
    """

    _watch: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn itself
        """Start the timer for the first request, and close another connection if there are too many."""
        super().connection_made(transport)
        self.opened = self.loop.time()
        self._wait()
        self._make_way()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timers."""
        for timer in (self._watch, self._unread):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Start the timer for the next request."""
        self._wait()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Start the timer for the client to read."""
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(WRITE_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Cancel that timer: the client has read most of what waited."""
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    @property
    def idle(self) -> bool:
        """True before the head of a request is complete."""
        return self.conn.their_state is h11.IDLE

    def _make_way(self) -> None:
        """If there are too many connections, close one for this one, or this one if all others have requests."""
        most = most_connections()
        if len(self.connections) <= most:
            return
        others = [one for one in self.connections if isinstance(one, Connection) and not one.transport.is_closing()]
        if len(others) <= most:
            return
        idle = [one for one in others if one.idle and one is not self]
        by_address = Counter(one.address for one in idle)
        min(idle, key=lambda one: (-by_address[one.address], one.opened), default=self).transport.abort()

    @property
    def address(self) -> str:
        """The client's address, without its port."""
        return self.client[0] if self.client else ""

    def _wait(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        self._watch = self.loop.call_later(HEAD_SECONDS, self._look)

    def _look(self) -> None:
        theirs, ours = self.conn.their_state, self.conn.our_state
        if theirs is h11.SEND_BODY and ours in {h11.SEND_RESPONSE, h11.SEND_BODY}:
            self._wait()  # the guard limits the time for a body that is being read
        elif theirs in {h11.IDLE, h11.SEND_BODY}:  # no request, or a body that continues after the response
            self.transport.abort()
