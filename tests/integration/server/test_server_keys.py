"""Keys are required, limited by scope and rate, and never shown."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import openai
import pytest
from projects import here
from serving import until

from conch_dna.errors import ConfigError
from conch_dna.server.faults import ApiFault
from conch_dna.server.keys import read_keys, scope_of

SECRET, ADMIN = "sk-test-infer-0123456789", "sk-test-admin-9876543210"
HELLO = [{"role": "user", "content": "hello"}]


def line(name, secret, scopes="infer", rate=""):
    return f"{name} sha256:{hashlib.sha256(secret.encode()).hexdigest()} {scopes} {rate}"


@pytest.fixture(scope="module")
def keyed(start, published, tmp_path_factory):
    """A server for all hosts, with a key in a file and one in the environment."""
    file = tmp_path_factory.mktemp("keys") / "keys"
    file.write_text("# ours\n\n" + line("laptop", SECRET) + "  # mine\n")
    return start(published, "--host", "0.0.0.0", "--keys", file, CONCH_KEYS=line("ops", ADMIN, "admin"))  # noqa: S104


def reached(server, secret):
    url = server.url.replace("0.0.0.0", "127.0.0.1")  # noqa: S104
    return openai.OpenAI(base_url=url, api_key=secret, max_retries=0)


def test_only_a_key_with_the_scope_is_accepted(keyed):
    with reached(keyed, SECRET) as client:
        assert client.chat.completions.create(model="action", messages=HELLO, max_tokens=2).choices
    with reached(keyed, SECRET + "x") as client, pytest.raises(openai.AuthenticationError) as caught:
        client.models.list()
    assert caught.value.code == "invalid_api_key"
    with reached(keyed, ADMIN) as client, pytest.raises(openai.PermissionDeniedError):
        client.models.list()
    for headers in ({}, {"Authorization": f"Basic {SECRET}"}, {"Authorization": SECRET}, {"Authorization": "Bearer"}):
        answer = httpx.get(keyed.url.replace("0.0.0.0", "127.0.0.1") + "/models", headers=headers)  # noqa: S104
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


def test_the_log_names_keys_without_their_text(keyed):
    with reached(keyed, SECRET) as client:
        client.models.list()
    with reached(keyed, "sk-wrong-555555") as client, pytest.raises(openai.AuthenticationError):
        client.models.list()
    until(lambda: any(entry.get("key") == "laptop" for entry in keyed.log))
    until(lambda: any(entry.get("status") == 401 for entry in keyed.log))
    for secret in (SECRET, ADMIN, "sk-wrong-555555"):
        assert secret not in keyed.text
        assert hashlib.sha256(secret.encode()).hexdigest() not in keyed.text


def test_a_key_cannot_find_out_what_another_asked(start, published):
    """The tokens that a prompt shares with one in the cache would tell a secret piece by piece."""
    secret = [{"role": "user", "content": "My number is 4 8 1 5 1 6 2 3 4 2, remember it well please. " * 2}]
    own, shared = line("own", SECRET), "cache=team"
    keys = [own, line("other", ADMIN), *(line(name, name * 9, rate=shared) for name in ("ann", "bob"))]
    server = start(published, CONCH_KEYS=";".join(keys))

    def cached(key):
        with reached(server, key) as client:
            usage = client.chat.completions.create(model="action", messages=secret, max_tokens=2).usage
        return usage.prompt_tokens_details.cached_tokens

    assert cached(SECRET) == 0
    assert cached(ADMIN) == 0
    assert cached("ann" * 9) == 0
    whole = cached(SECRET)
    assert whole > 16
    assert (cached(ADMIN), cached("bob" * 9)) == (whole, whole)


def test_the_name_of_a_shared_cache_is_not_that_of_a_key():
    keys = read_keys(None, f"{line('a', SECRET)}; {line('b', ADMIN, rate='9 cache=a')}", None)
    assert [key.sharing for key in keys._by_hash.values()] == ["key a", "a"]


def test_a_keys_bucket_holds_a_minutes_requests_and_refills_evenly():
    keys = read_keys(None, f"{line('a', SECRET)}; {line('b', ADMIN, 'infer', 2)}", 60)
    first = keys._by_hash[hashlib.sha256(SECRET.encode()).hexdigest()]
    second = keys._by_hash[hashlib.sha256(ADMIN.encode()).hexdigest()]
    assert (first.rate, second.rate) == (60, 2)
    second.spend(100.0)
    second.spend(100.0)
    with pytest.raises(ApiFault) as caught:
        second.spend(101.0)
    assert caught.value.status == 429
    wait = int(caught.value.headers["Retry-After"])
    assert 29 <= wait <= 30
    second.spend(101.0 + wait)


def test_a_rate_counts_answers(start, published):
    server = start(published, CONCH_KEYS=line("slow", SECRET, rate=6))
    with reached(server, SECRET) as client:
        many = client.completions.create(model="base", prompt=["a", "b"], n=2, max_tokens=1)
        assert len(many.choices) == 4
        with pytest.raises(openai.RateLimitError) as caught:
            client.completions.create(model="base", prompt="a", n=3, max_tokens=1)
        assert caught.value.code == "rate_limit_exceeded"
        with pytest.raises(openai.BadRequestError, match="7 of 6"):
            client.completions.create(model="base", prompt="a", n=8, max_tokens=1)


def test_a_key_that_asks_for_much_leaves_room_and_turns_to_another(start, published):
    keys = [line("much", SECRET), line("little", ADMIN)]
    server = start(published, "--batch", 2, "--queue", 14, CONCH_KEYS=";".join(keys))
    asked = {"model": "base", "prompt": "a", "max_tokens": 400, "temperature": 1.0}
    with reached(server, SECRET) as much, reached(server, ADMIN) as little, ThreadPoolExecutor(1) as pool:
        with pytest.raises(openai.BadRequestError, match="9 of 8"):
            much.completions.create(**asked, n=9)
        running = pool.submit(much.completions.create, **asked, n=8)
        until(lambda: 'conch_requests{state="running"} 2.0' in metrics(server, ADMIN))
        with pytest.raises(openai.RateLimitError, match="share"):
            much.completions.create(**asked)
        assert little.completions.create(model="base", prompt="a", max_tokens=1, n=4).choices
        assert not running.done()
        assert len(running.result(timeout=120).choices) == 8


def metrics(server, secret):
    url = server.url.replace("0.0.0.0", "127.0.0.1").removesuffix("/v1")  # noqa: S104
    return httpx.get(f"{url}/metrics", headers={"Authorization": f"Bearer {secret}"}).text


def test_a_rate_limit_is_reported_to_the_client(start, published):
    server = start(published, "--rate-limit", 1, CONCH_KEYS=line("slow", SECRET))
    with reached(server, SECRET) as client:
        client.models.list()
        with pytest.raises(openai.RateLimitError) as caught:
            client.models.list()
    assert caught.value.code == "rate_limit_exceeded"
    assert 1 <= int(caught.value.response.headers["retry-after"]) <= 60


@pytest.mark.parametrize(
    "text",
    [SECRET, line("a", SECRET, "root"), line("a", SECRET) + "\n" + line("a", ADMIN), line("a", SECRET, "infer", "-1"),
     line("a", SECRET) + ";" + line("b", SECRET)],
    ids=["bare", "scope", "name twice", "rate", "hash twice"],
)  # fmt: skip
def test_an_invalid_key_line_is_refused_and_not_quoted(text):
    with pytest.raises(ConfigError) as caught:
        read_keys(None, text, None)
    assert SECRET not in str(caught.value)


def test_a_file_without_keys_is_refused(tmp_path):
    for content in (None, "", "# none\n"):
        file = tmp_path / "keys"
        if content is not None:
            file.write_text(content)
        done = here(tmp_path, "serve", "--host", "0.0.0.0", "--keys", file)  # noqa: S104
        assert done.exit_code == 2
        assert "key" in done.stderr


def test_paths_have_their_scopes():
    paths = ("/v1", "/v1/models", "/admin/load", "/metrics", "/health", "/ready", "/v10")
    assert [scope_of(path) for path in paths] == ["infer", "infer", "admin", "any", None, None, None]


def test_the_log_is_json(keyed):
    assert all(json.loads(entry) for entry in keyed.lines)
