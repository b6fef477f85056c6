"""Malformed or endless HTTP affects no other client: each group is counted and leaves the server unharmed."""

import contextlib
import json
import socket
import struct
import time

import pytest
from attacks import ASKED, CHAT, IN_TIME, TEXT, answer_of, figure, head, judged, raw, statuses
from serving import LONG, until

pytestmark = pytest.mark.usefixtures("unharmed")
HIDDEN = head("GET", "/health", close=False)  # must not be taken for a request of its own
FRAMES = {
    "TE and CL": head("POST", CHAT, "Transfer-Encoding: chunked", "Content-Length: 4") + b"0\r\n\r\n" + HIDDEN,
    "CL and TE": head("POST", CHAT, "Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n" + HIDDEN,
    "CL 0 and TE": head("POST", CHAT, "Content-Length: 0", "Transfer-Encoding: chunked") + b"0\r\n\r\n" + HIDDEN,
    "two CL": head("POST", CHAT, "Content-Length: 2", "Content-Length: 60") + b"{}" + HIDDEN,
    "CL list": head("POST", CHAT, "Content-Length: 2, 60") + b"{}" + HIDDEN,
    "CL +2": head("POST", CHAT, "Content-Length: +2") + b"{}",
    "CL -1": head("POST", CHAT, "Content-Length: -1") + b"{}",
    "CL 0x2": head("POST", CHAT, "Content-Length: 0x2") + b"{}",
    "CL arabic": head("POST", CHAT, "Content-Length: \xb2") + b"{}",
    "CL endless": head("POST", CHAT, "Content-Length: " + "9" * 30) + b"{}",
    "CL longer": head("POST", CHAT, "Content-Length: " + "9" * 5000) + b"{}",
    "TE x": head("POST", CHAT, "Transfer-Encoding: xchunked") + b"0\r\n\r\n" + HIDDEN,
    "TE gzip": head("POST", CHAT, "Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n" + HIDDEN,
    "TE identity": head("POST", CHAT, "Transfer-Encoding: identity") + b"{}" + HIDDEN,
    "TE space": head("POST", CHAT, "Transfer-Encoding : chunked") + b"0\r\n\r\n" + HIDDEN,
    "TE tab": head("POST", CHAT, "Transfer-Encoding:\x0bchunked") + b"0\r\n\r\n" + HIDDEN,
    "chunk of minus": head("POST", CHAT, "Transfer-Encoding: chunked") + b"-1\r\n{}\r\n0\r\n\r\n",
    "chunk overflow": head("POST", CHAT, "Transfer-Encoding: chunked") + b"F" * 21 + b"\r\n{}\r\n",
    "chunk of no size": head("POST", CHAT, "Transfer-Encoding: chunked") + b"zz\r\n{}\r\n0\r\n\r\n",
    "chunk cut": head("POST", CHAT, "Transfer-Encoding: chunked") + b"1\r\n{}\r\n0\r\n\r\n",
    "chunk extension": head("POST", CHAT, "Transfer-Encoding: chunked") + b"2;" + b"a" * 200_000 + b"\r\n{}\r\n",
    "trailer bomb": head("POST", CHAT, "Transfer-Encoding: chunked") + b"0\r\n" + b"a: b\r\n" * 100_000 + b"\r\n",
    "folded": head("GET", "/health", "X: a", " Transfer-Encoding: chunked"),
    "two hosts": head("GET", "/v1/models", "Host: example.org"),
    "no host": b"GET /v1/models HTTP/1.1\r\n\r\n",
    "host of HTTP/1.0": b"GET /v1/models HTTP/1.0\r\n\r\n",
    "other host": head("GET", "/v1/models").replace(b"localhost", b"localhost@example.org"),
    "absolute": head("GET", "http://example.org/v1/models"),
    "NUL in a header": head("GET", "/health", "X: a\0b"),
    "NUL in a name": head("GET", "/health", "X\0: a"),
    "bare LF": b"GET /health HTTP/1.1\nHost: localhost\nX\n: y\n\n",
    "old": b"GET /health\r\n\r\n",
    "new": b"GET /health HTTP/3.0\r\nHost: localhost\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\r\n" * 40,
    "many headers": head("GET", "/health", *(f"X-{n}: y" for n in range(20_000))),
    "long header": head("GET", "/health", "X: " + "y" * 1_000_000),
    "long path": head("GET", "/" + "a" * 1_000_000),
    "long method": head("A" * 1_000_000, "/health"),
    "path of 60 KB": head("GET", "/v1/models/" + "a" * 60_000),
    "method of 60 KB": head("A" * 60_000, "/health"),
    "connect": head("CONNECT", "localhost:22"),
    "trace": head("TRACE", "/health"),
    "websocket": head("GET", "/v1/nothing", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
    "garbage": bytes(range(256)) * 40,
}  # fmt: skip


# What h11 reads: a folded header is one header, and a version that is not known is answered in its own.
READ = {"folded": [200], "new": [200], "HTTP/2": [403, 400]}


def test_malformed_http_is_refused_and_nothing_is_smuggled(target):
    def holds(name):
        found = statuses(raw(target, FRAMES[name], wait=2.0))
        return found == READ[name] if name in READ else len(found) == 1 and found[0] in {*range(400, 500), 501}

    judged("frames", list(FRAMES), holds)


def test_requests_in_one_piece_are_answered_in_order(target):
    some = [
        ("/health", 200),
        ("/nothing", 404),
        ("/v1/models/base", 200),
        ("/ready", 200),
        ("/v1/models/%00", 404),
    ] * 20
    content = b"".join(head("GET", path, close=False) for path, _ in some) + head("GET", "/health")
    assert statuses(raw(target, content, wait=IN_TIME)) == [status for _, status in some] + [200]
    text = json.dumps(ASKED).encode()
    lines = ("Content-Type: application/json", f"Content-Length: {len(text)}")
    asked = head("POST", CHAT, *lines, close=False) + text
    assert statuses(raw(target, asked * 5 + b"garbage\r\n\r\n", wait=IN_TIME)) == [200] * 5 + [400]
    for length, expected in ((len(text) - 1, [400]), (len(text) + 1, [])):  # a wrong Content-Length
        shape = head("POST", CHAT, lines[0], f"Content-Length: {length}", close=False) + text
        assert statuses(raw(target, shape, half=not expected, wait=2.0)) == expected


def test_five_hundred_idle_and_slow_connections_delay_no_other(target):
    host, port = target.root.removeprefix("http://").split(":")
    begun = [b"", b"GET", b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: ", head("POST", TEXT, "Content-Length: 99")]
    idle = []
    try:
        for n in range(650):
            idle.append(socket.create_connection((host, int(port)), timeout=IN_TIME))
            idle[-1].sendall(begun[0 if n < 500 else 1 + n % 3])
        began = time.monotonic()
        for _ in range(5):
            answer_of(target)
            for connection in idle[500:]:
                with contextlib.suppress(OSError):
                    connection.sendall(b"x")
        assert time.monotonic() - began < IN_TIME
    finally:
        for connection in idle:
            connection.close()


def test_a_connection_without_a_request_is_closed(target):
    """Heads that never end, drop by drop, and a body that goes on after it was refused."""
    host, port = target.root.removeprefix("http://").split(":")
    endless = head("POST", TEXT, "Transfer-Encoding: chunked", close=False) + b"7FFFFFFF\r\n"
    with contextlib.ExitStack() as stack:
        made = [stack.enter_context(socket.create_connection((host, int(port)), timeout=20)) for _ in range(51)]
        made[0].sendall(endless)
        began, open_ = time.monotonic(), made
        while open_ and time.monotonic() - began < 40:
            open_ = [one for one in open_ if sent(one, b"x" * 100_000 if one is made[0] else b"G")]
            time.sleep(0.05)
        assert not open_
        print(f"heads and bodies without end: {len(made)} tried, let go after {time.monotonic() - began:.0f} s")


def sent(connection, content):
    """Return whether a connection still accepts data."""
    try:
        connection.sendall(content)
    except OSError:
        return False
    return True


def test_resets_and_half_closed_connections_in_the_middle_of_a_stream_leave_nothing(target):
    host, port = target.root.removeprefix("http://").split(":")
    text = json.dumps({**LONG, "stream": True, "model": "thinking"}).encode()
    asked = head("POST", TEXT, "Content-Type: application/json", f"Content-Length: {len(text)}") + text
    for n in range(40):
        with socket.create_connection((host, int(port)), timeout=IN_TIME) as connection:
            connection.sendall(asked[: len(asked) - (n % 4 == 3)])
            if n % 4 < 2:
                connection.recv(10)
            if n % 2:
                connection.shutdown(socket.SHUT_WR)
            else:  # closed with a reset
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    until(lambda: figure(target, "conch_requests") == 0)
    print("resets and half-closed connections: 40 tried")
