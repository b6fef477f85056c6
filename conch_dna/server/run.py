"""Run a server in this process: open its socket, serve, and stop on a signal."""

from __future__ import annotations

import logging
import signal
import socket
from typing import TYPE_CHECKING

import click
import structlog
import uvicorn

from conch_dna.errors import ConfigError
from conch_dna.server.connection import BACKLOG, Connection, make_room

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from conch_dna.server.settings import ServerSettings

QUIET_SECONDS = 1.0  # between two records of one kind
KIND, KINDS = 100, 1000  # first characters that make a kind, and kinds that are remembered
log = structlog.get_logger()


class _ToLog(logging.Handler):
    """Forwards log records of libraries to structlog, so that every log line has the selected format.

    A record like an earlier one is left out for a second: a client can cause some of them at will.
    """

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, str], float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Forward one record."""
        kind = (record.name, str(record.msg)[:KIND])
        if record.created - self._last.get(kind, 0.0) < QUIET_SECONDS:
            return
        if len(self._last) >= KINDS:
            self._last.clear()
        self._last[kind] = record.created
        log.log(
            record.levelno, "library_warned", library=record.name, text=record.getMessage(), exc_info=record.exc_info
        )


def listen(settings: ServerSettings) -> socket.socket:
    """Open the socket to serve on.

    :raises ConfigError: the address is not available.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=512)
    except OSError as fault:
        where = f"{settings.host}:{settings.port}"
        raise ConfigError(
            f"cannot listen: {fault.strerror}", where=where, next_step="Choose another --port."
        ) from fault


def run(app: ASGIApp, settings: ServerSettings, opened: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM, then accept no more requests and give running ones ``grace`` seconds."""
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, lifespan="on", ws="none", http=Connection,
        loop="asyncio", timeout_graceful_shutdown=settings.grace, backlog=BACKLOG,
    )  # fmt: skip
    make_room()
    host, port = opened.getsockname()[:2]
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}/v1"
    # uvicorn raises the signal again after it has stopped; a requested stop must not exit with an error.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    logging.basicConfig(handlers=[_ToLog()], level=logging.WARNING, force=True)
    theirs = logging.getLogger("transformers")  # its own handler writes plain lines
    theirs.handlers.clear()
    theirs.propagate = True
    log.info("server_started", url=url)
    click.echo(f"listening on {url}")
    uvicorn.Server(config).run(sockets=[opened])
    log.info("server_stopped", url=url)
