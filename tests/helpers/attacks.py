"""Helpers for attack tests: a server, raw connections to it, and the check that it is unharmed."""

import json
import socket
import time

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families
from serving import until

CHAT, TEXT = "/v1/chat/completions", "/v1/completions"
HELLO = [{"role": "user", "content": "hello"}]
ASKED = {"model": "action@1", "messages": HELLO, "max_tokens": 6}
# Bytes that the server may grow in one group: the first schemas add 310 MiB, and three more rounds added 25.
GROWTH = 512 << 20
IN_TIME = 10.0  # seconds, on a machine under other load


def post(server, path, body, **more):
    """Post JSON that may contain lone surrogates, which httpx does not write."""
    content = json.dumps(body) if isinstance(body, dict) else body
    headers = {"Content-Type": "application/json"} | more
    return httpx.post(server.root + path, content=content, headers=headers, timeout=60)


def figure(server, name, **labels):
    families = text_string_to_metric_families(httpx.get(server.root + "/metrics", timeout=30).text)
    return sum(s.value for f in families for s in f.samples if s.name == name and labels.items() <= s.labels.items())


def answer_of(server):
    done = post(server, CHAT, ASKED)
    assert done.status_code == 200, done.text
    return done.json()["choices"][0]["message"]["content"]


def refused(answer, *statuses):
    """Return whether an answer is an error in OpenAI's format with one of the statuses and without local paths."""
    if answer.status_code not in statuses:
        return False
    error = answer.json()["error"]
    return set(error) == {"message", "type", "param", "code"} and "/tmp" not in answer.text and len(answer.text) < 9000


def judged(about, cases, holds):
    """Check all cases; print the number of failures and name them."""
    failed = []
    for case in cases:
        began = time.monotonic()
        held = holds(case)
        if not held or time.monotonic() - began > IN_TIME:
            failed.append((ascii(case)[:200], f"{time.monotonic() - began:.1f} s"))
    print(f"{about}: {len(cases)} tried, {len(failed)} failed")
    assert not failed, failed


@pytest.fixture(scope="module")
def target(start, published):
    return start(published)


@pytest.fixture(scope="module")
def process(target):
    return psutil.Process(target.process.pid)


@pytest.fixture
def unharmed(target, process):
    """Check after each group: the same answer, no running request, no server error, no memory growth."""
    answer, memory, logged = answer_of(target), process.memory_info().rss, len(target.lines)
    yield
    assert answer_of(target) == answer
    until(lambda: figure(target, "conch_requests") == 0)
    grown = process.memory_info().rss - memory
    print(f"memory: {grown / 2**20:+.0f} MiB")
    assert grown < GROWTH
    log = target.log[logged:]
    assert not [line for line in log if line["event"] == "request_broke" or line.get("status") == 500]
    assert max((len(line) for line in target.lines[logged:]), default=0) < 20_000


def raw(server, content, *, wait=5.0, half=False):
    """Send bytes; return what the server sends until it closes or is silent for a while."""
    host, port = server.root.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=wait) as connection:
        found = b""
        try:
            connection.sendall(content)
            if half:
                connection.shutdown(socket.SHUT_WR)
            while got := connection.recv(65_536):
                found += got
        except (TimeoutError, ConnectionError):
            pass
        return found


def head(method, path, *lines, close=True):
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *(["Connection: close"] if close else []), *lines, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def statuses(found):
    """Return the statuses of the responses in a connection's data."""
    return [int(part[:3]) for part in found.split(b"HTTP/1.1 ")[1:]]
