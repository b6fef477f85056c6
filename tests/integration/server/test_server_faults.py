"""Errors are answered in OpenAI's format, and invalid input never reaches the disk."""

import socket

import httpx
import openai
import pytest
from serving import until

HELLO = [{"role": "user", "content": "hello"}]
CHAT = "/v1/chat/completions"


def fault_of(response):
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert "/tmp" not in error["message"]
    return error


def test_an_unknown_model_is_reported_with_the_valid_ones(client):
    for model in ("nobody", "action@9", "action@nope", "../../etc/passwd", "/etc/passwd", "action:1", "a\0b", "ACTION"):
        with pytest.raises(openai.NotFoundError) as caught:
            client.chat.completions.create(model=model, messages=HELLO)
        assert caught.value.code == "model_not_found"
        assert "action@prod, action@1, action@2, thinking" in caught.value.message
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nobody")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": HELLO}, "model"),
        ({"model": "base"}, "messages"),
        ({"model": "base", "messages": []}, "messages"),
        ({"model": "base", "messages": [{"role": "robot", "content": "x"}]}, "messages.0.role"),
        ({"model": "base", "messages": HELLO, "temperature": 9}, "temperature"),
        ({"model": "base", "messages": HELLO, "n": 0}, "n"),
        ({"model": "base", "messages": HELLO, "stop": ""}, "stop"),
        ({"model": "base", "messages": HELLO, "max_tokens": 1025}, "max_tokens"),
        ({"model": "base", "messages": HELLO, "top_logprobs": 2}, "top_logprobs"),
        ({"model": "base", "messages": HELLO, "frequency_penalty": 0.5}, "frequency_penalty"),
        ({"model": "base", "messages": HELLO, "adapters": "/etc"}, "adapters"),
        ({"model": 3, "messages": HELLO}, "model"),
        ([1], None),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_an_invalid_field_is_named(server, body, param):
    answer = server.post(CHAT, body)
    error = fault_of(answer)
    assert (answer.status_code, error["type"], error["param"]) == (400, "invalid_request_error", param)


@pytest.mark.parametrize(
    "content",
    [b"{", b"", b'{"model": "\xff"}', b"[" * 100_000, b'{"a":' * 30_000, b"null"],
    ids=["cut", "empty", "utf8", "arrays", "objects", "null"],
)
def test_a_body_that_is_not_json_is_refused(server, content):
    answer = httpx.post(server.root + CHAT, content=content, headers={"Content-Type": "application/json"}, timeout=30)
    assert answer.status_code == 400
    assert fault_of(answer)["type"] == "invalid_request_error"


def test_a_lone_surrogate_is_refused(server):
    content = b'{"model": "base", "messages": [{"role": "user", "content": "\\ud800"}]}'
    answer = httpx.post(server.root + CHAT, content=content, headers={"Content-Type": "application/json"}, timeout=30)
    assert answer.status_code == 400
    fault_of(answer)


def test_a_body_that_is_too_long_is_refused_whatever_it_says_of_its_length(server):
    for content in (b"x" * 300_000, (b"x" * 1000 for _ in range(300))):
        answer = httpx.post(server.root + CHAT, content=content, timeout=30)
        assert (answer.status_code, fault_of(answer)["code"]) == (413, "body_too_long")


def test_a_prompt_that_exceeds_the_context_is_refused(client):
    with pytest.raises(openai.BadRequestError) as caught:
        client.completions.create(model="base", prompt=[5] * 4000, max_tokens=200)
    assert caught.value.code == "context_length_exceeded"
    with pytest.raises(openai.BadRequestError):
        client.completions.create(model="base", prompt="", max_tokens=2)
    with pytest.raises(openai.BadRequestError):
        client.completions.create(model="base", prompt=[10_000], max_tokens=2)


def test_unknown_paths_and_methods_are_errors_in_openais_format(server):
    for method, path, status in (("GET", "/v1/nothing", 404), ("GET", CHAT, 405), ("POST", "/../adapters", 404)):
        answer = httpx.request(method, server.root + path)
        assert answer.status_code == status
        fault_of(answer)


def test_a_server_without_keys_refuses_other_host_names(server):
    port = server.root.rsplit(":", 1)[1]
    hosts = [(f"localhost:{port}", 200), ("[::1]:1", 200)]
    hosts += [(host, 403) for host in ("example.org", "127.0.0.1.example.org", "[", "")]
    for host, status in hosts:
        answer = httpx.get(server.url + "/models", headers={"Host": host})
        assert answer.status_code == status, host
        if status == 403:
            assert fault_of(answer)["code"] == "host_not_allowed"


def test_a_server_without_keys_refuses_requests_of_other_sites(server):
    host = server.root.removeprefix("http://")
    own = [{}, {"Origin": f"http://{host}"}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}]
    other = [
        {"Origin": text} for text in ("http://example.org", "null", f"http://{host}0", f"http://{host}.example.org")
    ]
    other += [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}]
    body = {"alias": "prod", "model": "action@1"}
    for headers in own:
        assert httpx.get(server.url + "/models", headers=headers).status_code == 200, headers
    for headers in other:
        for answer in (
            httpx.get(server.url + "/models", headers=headers),
            httpx.post(server.root + "/admin/promote", json=body, headers=headers),
        ):
            assert (answer.status_code, fault_of(answer)["code"]) == (403, "origin_not_allowed"), headers


def test_a_request_that_is_not_http_is_logged_as_json(server):
    host, port = server.root.removeprefix("http://").split(":")
    for raw in (b"\0\0\r\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n"):
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(raw)
            assert connection.recv(100).startswith(b"HTTP/1.1 400")
    until(lambda: "library_warned" in [line["event"] for line in server.log])


def test_a_half_closed_connection_affects_no_other(server):
    host, port = server.root.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""
    assert httpx.get(server.root + "/ready").status_code == 200


def test_a_damaged_neuron_is_refused_and_others_answer(start, published, tmp_path):
    import shutil

    from conch_dna.registry.store import Registry

    shutil.copytree(published.root, tmp_path / "adapters")
    damaged = tmp_path / "adapters" / "thinking" / "1" / "adapters.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-8] + b"\xff" * 8)
    server = start(Registry(tmp_path / "adapters"))
    answer = server.post(CHAT, {"model": "thinking", "messages": HELLO, "stream": True})
    assert (answer.status_code, fault_of(answer)["code"]) == (422, "neuron_refused")
    assert server.post(CHAT, {"model": "action", "messages": HELLO, "max_tokens": 2}).status_code == 200


def test_every_answer_has_a_request_id_that_is_in_the_log(server):
    given = httpx.get(server.url + "/models", headers={"X-Request-Id": "mine-1"})
    made = httpx.get(server.url + "/models", headers={"X-Request-Id": "not ours\t{}"})
    assert given.headers["x-request-id"] == "mine-1"
    assert len(made.headers["x-request-id"]) == 32
    ids = {given.headers["x-request-id"], made.headers["x-request-id"]}
    until(lambda: ids <= {line.get("request_id") for line in server.log})
