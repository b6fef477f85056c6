"""The outer ASGI layer: request ids, keys, body limits, one log line per request, and the last error handler."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog

from conch_dna.server.faults import ApiFault, as_fault, stopping
from conch_dna.server.keys import KEY, scope_of
from conch_dna.util.network import is_loopback

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from conch_dna.server.keys import Keys
    from conch_dna.server.metrics import Metrics
    from conch_dna.server.settings import ServerSettings

log = structlog.get_logger()

REQUEST_ID = re.compile(rb"[A-Za-z0-9_.-]{1,64}")
BODY_SECONDS = 30.0  # limit for receiving a body
OTHER = "other"


class Guard:
    """An ASGI app that wraps another.

    :param paths: paths that the log may name; other paths are not logged, because they may hold anything, even a key.

    A request's id is the client's ``X-Request-Id`` if it is a plain word; every log line and the response carry it.
    """

    def __init__(
        self, app: ASGIApp, settings: ServerSettings, keys: Keys, metrics: Metrics, paths: Collection[str] = ()
    ) -> None:
        self._app, self._settings, self._keys, self._metrics, self._paths = app, settings, keys, metrics, paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = _header(scope, b"x-request-id")
        request_id = given.decode() if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        seen: dict[str, Any] = {"status": None}

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
            await send(message)

        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._admit(scope, receive, sending)
            except asyncio.CancelledError:
                if seen["status"] is None:
                    await stopping().response()(scope, receive, sending)
                raise
            except Exception as error:  # noqa: BLE001 - the last handler: no error may stop the server
                fault = as_fault(error)
                if seen["status"] is None:
                    await fault.response()(scope, receive, sending)
            finally:
                self._metrics.responses.labels(str(seen["status"])).inc()
                log.info(
                    "request_answered", method=scope["method"][:16], path=self._known_path(scope["path"]),
                    status=seen["status"],
                    seconds=round(time.perf_counter() - started, 4),
                )  # fmt: skip

    def _known_path(self, path: str) -> str:
        """Return the API path that a request path equals or begins with, else ``other``."""
        begun = (known for known in self._paths if "{" in known and path.startswith(known.partition("{")[0]))
        return path if path in self._paths else next(begun, OTHER)

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check the key, read the body, and pass the request on with it.

        :raises ApiFault: 400, the body has two lengths; 403, the request names another host or comes from another
            site's page; 413 or 408, the body is
            too long or too slow; and as :meth:`Keys.check` does.
        """
        if _header(scope, b"transfer-encoding") and _header(scope, b"content-length"):
            # Request smuggling: a proxy that uses the other length would read the rest as a new request.
            raise ApiFault(400, "A body must have one length: Content-Length or chunks.", "bad_request",
                           headers={"Connection": "close"})  # fmt: skip
        if not self._keys and not is_loopback(_host(scope)):
            # DNS rebinding: another site may point its name here, and a browser would let it read the answers.
            raise ApiFault(403, "Without keys this server accepts requests for localhost only.", "host_not_allowed")
        if not self._keys and _from_another_site(scope):
            # A page of any site may let the user's browser send requests here, for example to change an alias.
            raise ApiFault(403, "Without keys this server accepts no request of another site's page.",
                           "origin_not_allowed")  # fmt: skip
        if (wanted := scope_of(scope["path"])) is not None:
            key = self._keys.check(_header(scope, b"authorization"), wanted)
            if key is not None:
                structlog.contextvars.bind_contextvars(key=key.name)
                scope = {**scope, KEY: key}
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _read(receive, _header(scope, b"content-length"), self._settings.max_body)
        except TimeoutError as fault:
            raise ApiFault(408, "The body took too long to arrive.", "timeout") from fault
        if body is None:
            return
        waiting = [body]

        async def replayed() -> Message:
            if waiting:
                return {"type": "http.request", "body": waiting.pop(), "more_body": False}
            return await receive()

        await self._app(scope, replayed, send)


async def _read(receive: Receive, length: bytes, limit: int) -> bytes | None:
    """Return a request's body; ``None`` if the client disconnected before the end."""
    too_long = ApiFault(413, f"The body is longer than {limit} bytes.", "body_too_long")
    if length.isdigit() and int(length[:20]) > limit:
        raise too_long
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise too_long
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _from_another_site(scope: Scope) -> bool:
    """Return whether a browser says that the page of another site or port makes the request."""
    site, origin = _header(scope, b"sec-fetch-site"), _header(scope, b"origin").decode("latin-1")
    own = _header(scope, b"host").decode("latin-1").casefold()
    return site not in {b"", b"none", b"same-origin"} or (origin != "" and origin.partition("://")[2].casefold() != own)


def _host(scope: Scope) -> str:
    """Return the host in the request's ``Host`` header, without port and IPv6 brackets."""
    try:
        return urlsplit(f"//{_header(scope, b'host').decode('latin-1')}").hostname or ""
    except ValueError:  # unclosed brackets
        return ""


def _header(scope: Scope, name: bytes) -> bytes:
    found: bytes = dict(scope["headers"]).get(name, b"")
    return found
