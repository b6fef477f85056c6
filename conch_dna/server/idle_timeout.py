"""How long a connection may take to ask something; uvicorn itself waits for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

HEAD_SECONDS = 10.0  # for a request's head to arrive, and for what is left of a body when it has been refused


class IdleTimeout(H11Protocol):
    """A connection that is closed when no whole request comes; who sends a byte now and then gains nothing."""

    _watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn itself
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        if self._watch is not None:
            self._watch.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        self._wait()
        super().on_response_complete()

    def _wait(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        self._watch = self.loop.call_later(HEAD_SECONDS, self._look)

    def _look(self) -> None:
        theirs, ours = self.conn.their_state, self.conn.our_state
        if theirs is h11.SEND_BODY and ours in {h11.SEND_RESPONSE, h11.SEND_BODY}:
            self._wait()  # the guard limits the time of a body that is read
        elif theirs in {h11.IDLE, h11.SEND_BODY}:  # it has asked nothing, or goes on after the answer
            self.transport.abort()
