"""The sending side of the test server: HTTP replies, streams, and the effect of a fault on both."""

import json
import socket
import struct
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from fake_http import Request, new_id
from injected_faults import FAULTS

PAGE = b"<html><head><title>502 Bad Gateway</title></head><body>upstream closed the connection</body></html>"


class Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        """Say nothing of clients that go away."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    api: Any

    def log_message(self, *_):
        """Keep quiet."""

    def do_POST(self):
        """Answer a request of any method."""
        host, port = self.server.server_address[:2]
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        raw = self.rfile.read(int(headers.get("content-length", 0)))
        request = Request(self.command, parts.path, headers, raw, f"http://{host}:{port}")
        reply, fault, call = self.api.answer(request)
        if call is not None:  # noted before the last byte is out, since whoever got it may look into the books at once
            call.delivered = reply.status == 200 and FAULTS.get(fault, FAULTS["none"]).delivered
        try:
            self.send(reply, fault)
        except ConnectionError:
            self.close_connection = True
            if call is not None:
                call.delivered = False

    do_GET = do_DELETE = do_POST

    def send(self, reply, fault):
        """Send a reply as its fault will have it."""
        if fault == "hang":
            self.api.stopping.wait(self.api.hangs)
        if fault in {"hang", "reset"}:
            self.reset()
            return
        if isinstance(reply.body, list):
            parts = [event(one) for one in reply.body]
        else:
            parts = [reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()]
        whole = b"".join(parts)
        if fault == "page":
            reply.kind = "text/html"
        parts = spoilt(parts, whole, fault)
        self.head(reply, None if isinstance(reply.body, list) else sum(map(len, parts)))
        if fault in {"truncated", "reset_late"}:
            self.wfile.write(whole[: len(whole) // 2])
            self.close_connection = True
            if fault == "reset_late":
                self.reset()
            return
        for part in parts:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part) if isinstance(reply.body, list) else part)
            if fault == "drip":
                self.api.stopping.wait(self.api.drips / len(parts))
        if isinstance(reply.body, list):
            self.wfile.write(b"0\r\n\r\n")

    def head(self, reply, length):
        """Send the head of a reply; without a length the body comes in chunks."""
        self.send_response(reply.status)
        self.send_header("content-type", reply.kind)
        self.send_header(*(("transfer-encoding", "chunked") if length is None else ("content-length", str(length))))
        anthropic = self.path.startswith("/v1/messages")
        self.send_header("request-id" if anthropic else "x-request-id", new_id("req_"))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()

    def reset(self):
        """Break the connection off, so that the client gets ECONNRESET rather than an end of file."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True


def spoilt(parts, whole, fault):
    """Return what is sent of a body in its place."""
    half = [whole[: len(whole) // 2]]
    drops = [whole[i : i + 1] for i in range(len(whole))] if fault == "drip" else []
    return {"page": [PAGE], "half_json": half, "drip": drops}.get(fault, parts)


def event(named):
    """Return a server-sent event."""
    name, data = named
    text = data if isinstance(data, str) else json.dumps(data)
    return (f"event: {name}\n" if name else "").encode() + f"data: {text}\n\n".encode()
