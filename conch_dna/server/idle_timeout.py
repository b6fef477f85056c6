"""Timeout of connections that send no complete request; uvicorn itself waits forever."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

HEAD_SECONDS = 10.0  # limit for a request's head, and for the rest of a refused body


class IdleTimeout(H11Protocol):
    """A connection that is closed if no complete request head arrives in time; single bytes do not extend the time."""

    _watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn itself
        """Start the timer for the first request."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timer."""
        if self._watch is not None:
            self._watch.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Start the timer for the next request."""
        self._wait()
        super().on_response_complete()

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
