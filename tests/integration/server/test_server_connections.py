"""Connections are bounded, and a client that reads or sends nothing does not keep one."""

import asyncio
import contextlib
import logging
import resource
import socket
import threading
import time

import httpx
import pytest
import structlog
import uvicorn
from serving import until

from conch_dna.server import connection
from conch_dna.server.connection import BACKLOG, Connection, make_room
from conch_dna.server.run import _ToLog

FLOOD = 2300


class App:
    """Answers ``/`` at once; streams for ever on any other path. Counts streams that run."""

    def __init__(self):
        self.streams = 0

    async def __call__(self, scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["path"] == "/":
            await send({"type": "http.response.body", "body": b"here"})
            return
        self.streams += 1
        gone = asyncio.ensure_future(disconnected(receive))
        try:
            while not gone.done():
                await send({"type": "http.response.body", "body": b"x" * 10_000, "more_body": True})
                await asyncio.sleep(0)
        finally:
            gone.cancel()
            self.streams -= 1


async def disconnected(receive):
    while (await receive())["type"] != "http.disconnect":
        pass


@pytest.fixture
def app():
    return App()


@pytest.fixture
def port(app):
    """A server in this process, in a thread of its own."""
    opened = socket.create_server(("127.0.0.1", 0), backlog=512)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", ws="none", http=Connection, loop="asyncio",
        backlog=BACKLOG, timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [opened]})
    thread.start()
    yield opened.getsockname()[1]
    server.should_exit = True
    thread.join(20)
    assert not thread.is_alive()


def asked(port, path):
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.connect(("127.0.0.1", port))
    made.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return made


def test_a_client_that_never_reads_is_let_go(app, port, monkeypatch):
    monkeypatch.setattr(connection, "WRITE_SECONDS", 0.3)
    with asked(port, "/stream"):
        until(lambda: app.streams == 1, 20)
        until(lambda: app.streams == 0, 20)


def test_a_client_that_reads_is_not_let_go(app, port, monkeypatch):
    monkeypatch.setattr(connection, "WRITE_SECONDS", 0.5)
    with asked(port, "/stream") as made:
        ends = time.monotonic() + 2
        while time.monotonic() < ends:
            assert made.recv(1 << 20)
        assert app.streams == 1
    until(lambda: app.streams == 0, 20)


def test_a_flood_of_idle_connections_keeps_no_one_out(app, port, monkeypatch):
    """Neither the server nor this test runs out of open files, and requests that run go on."""
    monkeypatch.setattr(connection, "MOST", 200)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(FLOOD, (hard if hard != resource.RLIM_INFINITY else FLOOD * 3) // 2 - 500)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(3 * FLOOD, hard) if hard > 0 else 3 * FLOOD, hard))
    try:
        with contextlib.ExitStack() as stack, asked(port, "/stream") as running:
            assert running.recv(100)
            took = []
            for n in range(count):
                stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
                if n % 100 == 99:
                    began = time.monotonic()
                    assert httpx.get(f"http://127.0.0.1:{port}/", timeout=20).text == "here"
                    took.append(time.monotonic() - began)
            assert max(took) < 5
            assert app.streams == 1
            assert running.recv(100)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_limit_of_open_files_is_raised_or_bounds_the_connections(monkeypatch):
    limits = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 4096))
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: limits.append(pair))
    make_room()
    assert limits == [(1512, 4096)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 1024))
    make_room()
    assert limits[-1] == (1024, 1024)
    assert connection.most_connections() == 512


def test_a_library_repeats_itself_once_a_second():
    handler, record = _ToLog(), logging.LogRecord("asyncio", 40, "f", 1, "out of system resource", None, None)
    with structlog.testing.capture_logs() as lines:
        for _ in range(1000):
            handler.emit(record)
        handler.emit(logging.LogRecord("asyncio", 40, "f", 1, "something else", None, None))
        record.created += 1.5
        handler.emit(record)
    assert [line["text"] for line in lines] == ["out of system resource", "something else", "out of system resource"]
