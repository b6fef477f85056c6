"""Limits hold, and abandoned requests release their slots."""

import asyncio
import json
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import httpx
import pytest
from projects import here
from serving import LENGTH, LONG, until

from conch_dna.server.settings import ServerSettings

STREAM = {**LONG, "stream": True}
SHORT = {**LONG, "max_tokens": 2}
CHAT = {"model": "base", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 2}
WAIT = 5.0  # seconds for a short answer beside the reading of many long bodies, on a busy machine
ENDLESS = {**LONG, "n": 16, "max_tokens": 3900}  # far longer than the grace


@pytest.fixture(scope="module")
def narrow(start, published):
    """A server with room for one answer."""
    return start(published, "--batch", 1, "--queue", 0)


def free(server):
    return server.post(body=SHORT).status_code == 200


def test_a_full_queue_refuses_requests_with_a_retry_time(narrow):
    with httpx.stream("POST", narrow.url + "/completions", json=STREAM, timeout=60) as running:
        lines = running.iter_lines()  # to let go of it would close the connection
        next(lines)
        refused = narrow.post(body=SHORT)
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "1"
        assert refused.json()["error"]["code"] == "queue_full"
    assert narrow.post(body={**SHORT, "n": 2}).status_code == 400  # there never is room for two
    until(lambda: free(narrow))


@pytest.mark.parametrize("body", [LONG, STREAM], ids=["whole", "stream"])
def test_a_disconnected_client_releases_its_slot(narrow, body):
    until(lambda: free(narrow))
    started = time.monotonic()
    whole = narrow.post(body=LONG)
    taken = time.monotonic() - started
    assert whole.json()["usage"]["completion_tokens"] == LENGTH  # it is long enough to be left
    text = json.dumps(body)
    host, port = narrow.root.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as raw:
        raw.sendall(f"POST /v1/completions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
                    f"Content-Length: {len(text)}\r\n\r\n{text}".encode())  # fmt: skip
        until(lambda: narrow.post(body=SHORT).status_code == 429)
    left = time.monotonic()
    until(lambda: free(narrow))
    assert time.monotonic() - left < taken / 2


def test_an_answer_that_takes_too_long_is_ended(start, published):
    server = start(published, "--timeout", 0.3, "--batch", 1, "--queue", 0)
    late = server.post()
    assert (late.status_code, late.json()["error"]["code"]) == (504, "timeout")
    until(lambda: free(server))
    lines = [line for line in server.post(body=STREAM).text.splitlines() if line]
    assert json.loads(lines[-1].removeprefix("data: "))["error"]["code"] == "timeout"
    assert len(lines) > 1
    until(lambda: free(server))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopping_server_finishes_its_answers(start, published, number):
    server = start(published)
    answers = []
    caller = threading.Thread(target=lambda: answers.append(server.post()))
    caller.start()
    time.sleep(0.5)  # it has arrived by then, and takes seconds
    assert server.stop(number) == 0
    caller.join(30)
    assert answers[0].json()["usage"]["completion_tokens"] == LENGTH
    assert [line["event"] for line in server.log][-1] == "server_stopped"


def test_answers_that_outlast_the_grace_are_ended(start, published):
    server = start(published, "--grace", 1, "--batch", 64, "--max-tokens", 3900)
    body = {**ENDLESS, "stream": True}
    with httpx.stream("POST", server.url + "/completions", json=body, timeout=60) as running:
        lines = running.iter_lines()  # to let go of it would close the connection
        next(lines)
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 10


def test_a_whole_answer_that_outlasts_the_grace_gets_an_error(start, published):
    server = start(published, "--grace", 1, "--batch", 64, "--max-tokens", 3900)
    answers = []
    caller = threading.Thread(target=lambda: answers.append(server.post(body=ENDLESS)))
    caller.start()
    time.sleep(0.5)
    assert server.stop() == 0
    caller.join(30)
    assert (answers[0].status_code, answers[0].json()["error"]["code"]) == (503, "stopping")


def test_another_host_without_keys_is_refused(tmp_path):
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.org"):  # noqa: S104 - what is refused
        done = here(tmp_path, "serve", "--host", host)
        assert done.exit_code == 2
        assert "needs keys" in done.stderr


def test_a_port_in_use_is_a_one_line_error(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = here(tmp_path, "serve", "--port", taken.getsockname()[1])
    assert done.exit_code == 2
    assert "cannot listen" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_oversized_prompts_are_refused_unread_and_delay_no_one(start, published):
    server = start(published)
    texts = {"one turn": "a b " * 975_000, "no words": "x" * 3_900_000}
    bodies = [{**CHAT, "messages": [{"role": "user", "content": text}]} for text in texts.values()]
    described = {"type": "function", "function": {"name": "f", "description": "word " * 700_000}}
    bodies += [{**CHAT, "tools": [described]}, {**LONG, "prompt": "a b " * 975_000}]
    before = server.memory()
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(server.post, path_of(body), body) for body in bodies * 2]
        waits = []
        while not all(answer.done() for answer in answers):
            began = time.monotonic()
            assert server.post(body=SHORT).status_code == 200
            waits.append(time.monotonic() - began)
    for answer in answers:
        refused = answer.result()
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "context_length_exceeded")
    assert max(waits) < WAIT, "those who asked for little waited for it"
    assert server.memory() - before < 200 << 20


def test_prompts_wait_for_a_tokenizer_with_a_deadline(published, monkeypatch):
    """In this process, where the limit can be made short and one encoding long."""
    from conch_dna.server import service as module
    from conch_dna.server.faults import ApiFault

    monkeypatch.setattr(module, "ENCODE_SECONDS", 0.2)
    waiting = threading.Event()

    async def ask(service):
        slow = asyncio.ensure_future(service.encoded(lambda: waiting.wait(10) and [[1]]))
        await asyncio.sleep(0)  # it begins
        with pytest.raises(ApiFault) as late:
            await service.encoded(lambda: [[2]])
        with pytest.raises(ApiFault):
            await slow
        waiting.set()
        return late.value, await service.encoded(lambda: [[3]])

    late, after = asyncio.run(ask(module.Service(Unread(), published, ServerSettings())))
    assert (late.status, late.code, late.headers) == (503, "overloaded", {"Retry-After": "1"})
    assert after == [[3]]


class Unread:
    """An engine of which a service only knows the base."""

    base_model = SimpleNamespace(digest="sha256:0")
    tokenizer = SimpleNamespace(eos_token_ids=(), decode=str)


def path_of(body):
    return "/v1/completions" if "prompt" in body else "/v1/chat/completions"


def test_a_slow_body_times_out(published, monkeypatch):
    """In this process, where the limit can be made short."""
    from conch_dna.server import guard
    from conch_dna.server.keys import Keys
    from conch_dna.server.metrics import Metrics

    monkeypatch.setattr(guard, "BODY_SECONDS", 0.05)
    sent = []

    async def receive():
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def send(message):
        sent.append(message)

    async def never(*_):
        raise AssertionError

    scope = {"type": "http", "method": "POST", "path": "/v1/completions", "headers": [(b"host", b"localhost:8000")]}
    asyncio.run(guard.Guard(never, ServerSettings(), Keys({}), Metrics())(scope, receive, send))
    assert sent[0]["status"] == 408
