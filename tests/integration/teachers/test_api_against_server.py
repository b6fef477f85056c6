"""The test server: the official SDKs understand its answers, and raise the right error for each of its faults."""

import json
import math
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import anthropic
import openai
import pytest
from checkout import ROOT
from fake_limits import RateLimits, span
from fake_model import PIECE, FakeModel, pieces, recorded
from injected_faults import FAULTS, Faults

from conch_dna.util.files import bundled_dir

QUESTION = "Which tree is it?"
ANSWER = "It is a maple 🍁, 12 metres high."
ANSWERS = {QUESTION: ANSWER}
TURNS = [{"role": "user", "content": QUESTION}]
KEY = "sk-test-1234567890"


@pytest.fixture
def ask(serve):
    """Return a server and a client of each SDK without retries; keywords are those of the server."""
    clients = []

    def make(answers=ANSWERS, *, timeout=10.0, key=KEY, **behaviour):
        server = serve(answers, **behaviour)
        about = {"api_key": key, "max_retries": 0, "timeout": timeout}
        clients.append(openai.OpenAI(base_url=server.openai_url, **about))
        clients.append(anthropic.Anthropic(base_url=server.url, **about))
        return server, *clients[-2:]

    yield make
    for client in clients:
        client.close()


def chat(client, **more):
    return client.chat.completions.create(model="tiny", messages=TURNS, **more)


def message(client, **more):
    return client.messages.create(**{"model": "tiny", "messages": TURNS, "max_tokens": 64, **more})


def test_openai_returns_an_answer_its_usage_and_the_choices_of_its_tokens_as_bytes(ask):
    server, client, _ = ask()
    reply = chat(client, logprobs=True, top_logprobs=5, max_tokens=64)
    choice = reply.choices[0]
    assert (choice.message.content, choice.finish_reason) == (ANSWER, "stop")
    assert b"".join(bytes(token.bytes) for token in choice.logprobs.content) == ANSWER.encode()
    assert [c.token for c in choice.logprobs.content][4:6] == [" ", "\\xf0\\x9f"]
    for token in choice.logprobs.content:
        assert token.top_logprobs[0].bytes == token.bytes
        assert sum(math.exp(top.logprob) for top in token.top_logprobs) < 1
    assert reply.usage.completion_tokens == len(pieces(ANSWER))
    assert reply.usage.prompt_tokens > len(pieces(QUESTION))
    assert server.used() == {"input": reply.usage.prompt_tokens, "output": reply.usage.completion_tokens}
    assert server.charged() == server.delivered() == {QUESTION: 1}
    assert chat(client).choices[0].logprobs is None


def test_openai_ends_an_answer_at_max_tokens(ask):
    _, client, _ = ask()
    reply = chat(client, max_tokens=3)
    assert (reply.choices[0].message.content, reply.choices[0].finish_reason) == ("It is a", "length")


def test_openai_streams_the_same_answer_with_its_usage_at_the_end(ask):
    server, client, _ = ask()
    with chat(client, stream=True, logprobs=True, stream_options={"include_usage": True}) as chunks:
        *parts, last = chunks
    assert "".join(part.choices[0].delta.content or "" for part in parts) == ANSWER
    returned = [t for part in parts if part.choices[0].logprobs for t in part.choices[0].logprobs.content]
    assert b"".join(bytes(t.bytes) for t in returned) == ANSWER.encode()
    assert parts[-1].choices[0].finish_reason == "stop"
    assert (last.choices, last.usage.completion_tokens) == ([], len(pieces(ANSWER)))
    assert server.delivered() == {QUESTION: 1}


def forced(client, answer, count=4):
    """Return the log-probabilities of an answer's tokens from an echo."""
    prompt = f"<|im_start|>user\n{QUESTION}<|im_end|>\n<|im_start|>assistant\n"
    reply = client.completions.create(model="tiny", prompt=prompt + answer, echo=True, max_tokens=0, logprobs=count)
    returned = reply.choices[0].logprobs
    assert reply.choices[0].text == prompt + answer
    assert (returned.token_logprobs[0], returned.top_logprobs[0], returned.text_offset[0]) == (None, None, 0)
    return returned.token_logprobs[returned.text_offset.index(len(prompt)) :]


def test_an_echo_scores_a_given_text_as_the_model_scores_its_own(ask):
    _, client, _ = ask()
    own = [token.logprob for token in chat(client, logprobs=True).choices[0].logprobs.content]
    assert forced(client, ANSWER) == own
    assert sum(forced(client, "No.")) < sum(own)


def test_prompt_logprobs_equal_those_of_an_echo(ask):
    _, client, _ = ask()
    turns = [*TURNS, {"role": "assistant", "content": ANSWER}]
    extra = {"prompt_logprobs": 3, "add_generation_prompt": False, "continue_final_message": True}
    reply = client.chat.completions.create(model="tiny", messages=turns, max_tokens=1, extra_body=extra)
    first, *returned = reply.prompt_logprobs
    assert first is None
    own = [next(iter(each.values()))["logprob"] for each in returned][-len(pieces(ANSWER)) :]
    assert own == forced(client, ANSWER)
    assert all(len(each) in {3, 4} for each in returned)
    assert {1, 2, 3} <= {c["rank"] for c in returned[-1].values()}


def test_a_raw_completion_continues_a_text(ask):
    _, client, _ = ask()
    reply = client.completions.create(model="tiny", prompt=[QUESTION, QUESTION + ANSWER[:5]], max_tokens=32, logprobs=2)
    assert [choice.text for choice in reply.choices] == [ANSWER, ANSWER[5:]]
    assert reply.choices[0].logprobs.tokens[4:6] == [" ", "bytes:\\xf0\\x9f"]
    assert len(reply.choices[0].logprobs.top_logprobs[0]) == 2


@pytest.mark.parametrize(
    ("kind", "holds"),
    [
        ("zero", lambda log_probs, _: set(log_probs) == {0.0}),
        ("constant", lambda log_probs, _: set(log_probs) == {-1.0}),
        ("over_one", lambda _, mass: mass > 1),
    ],
    ids=["zero", "constant", "over_one"],
)
def test_the_server_can_return_meaningless_log_probs(ask, kind, holds):
    _, client, _ = ask(model=FakeModel(ANSWERS, kind=kind))
    tokens = chat(client, logprobs=True, top_logprobs=5).choices[0].logprobs.content
    mass = max(sum(math.exp(top.logprob) for top in token.top_logprobs) for token in tokens)
    assert holds([token.logprob for token in tokens], mass)


def test_log_probs_can_be_ignored_or_refused(ask):
    server, client, _ = ask(logprobs="ignored", echo="ignored", prompt_logprobs="ignored")
    assert chat(client, logprobs=True).choices[0].logprobs is None
    reply = client.completions.create(model="tiny", prompt=QUESTION, echo=True, max_tokens=4, logprobs=1)
    assert (reply.choices[0].text, reply.choices[0].logprobs) == ("It is a maple"[:13], None)
    assert chat(client, extra_body={"prompt_logprobs": 1}).prompt_logprobs is None
    server.logprobs, server.echo, server.prompt_logprobs = "refused", "refused", "unknown"
    with pytest.raises(openai.PermissionDeniedError):
        chat(client, logprobs=True)
    with pytest.raises(openai.BadRequestError, match="echo"):
        client.completions.create(model="tiny", prompt=QUESTION, echo=True, max_tokens=4)
    with pytest.raises(openai.BadRequestError, match="prompt_logprobs"):
        chat(client, extra_body={"prompt_logprobs": 1})


def test_both_list_their_models(ask):
    _, one, two = ask()
    assert [m.id for m in one.models.list()] == [m.id for m in two.models.list()]
    assert one.models.retrieve("tiny").id == two.models.retrieve("tiny").id == "tiny"


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"model": "huge"}, openai.NotFoundError),
        ({"messages": []}, openai.BadRequestError),
        ({"max_tokens": 0}, openai.BadRequestError),
        ({"temperature": 3}, openai.BadRequestError),
        ({"top_logprobs": 3}, openai.BadRequestError),
        ({"logprobs": True, "top_logprobs": 21}, openai.BadRequestError),
        ({"extra_body": {"cache_prompt": True}}, openai.BadRequestError),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_openai_refuses_wrong_requests(ask, more, fault):
    server, client, _ = ask()
    with pytest.raises(fault) as caught:
        client.chat.completions.create(**{"model": "tiny", "messages": TURNS, **more})
    assert caught.value.body["type"] == "invalid_request_error"
    assert caught.value.request_id.startswith("req_")
    assert server.charged() == {}


@pytest.mark.parametrize(
    "more",
    [
        {"max_tokens": 0},
        {"extra_body": {"temperature": 1.0}},
        {"extra_body": {"temperature": 1.5}, "extra_headers": {"anthropic-version": "2023-06-01"}},
        {"extra_headers": {"anthropic-version": "1999-01-01"}},
        {"messages": [{"role": "system", "content": "Be brief."}]},
        {"messages": [{"role": "assistant", "content": "Well?"}]},
        {"extra_body": {"seed": 1}},
    ],
    ids=["max_tokens", "temperature", "hot", "version", "system", "assistant", "seed"],
)
def test_anthropic_refuses_wrong_requests(ask, more):
    server, _, client = ask()
    with pytest.raises(anthropic.BadRequestError) as caught:
        message(client, **more)
    assert caught.value.body["error"]["type"] == "invalid_request_error"
    assert server.charged() == {}


def test_keys_are_checked_and_not_shown(ask):
    server, one, two = ask(key="sk-another-key")
    server.key = KEY
    with pytest.raises(openai.AuthenticationError) as first:
        chat(one)
    with pytest.raises(anthropic.AuthenticationError) as second:
        message(two)
    assert "another" not in f"{first.value} {second.value}"
    server.key = "sk-another-key"
    assert chat(one).choices[0].message.content == message(two).content[0].text == ANSWER


def test_anthropic_returns_an_answer_and_its_usage(ask):
    server, _, client = ask()
    reply = message(client, system="Be brief.")
    assert (reply.content[0].text, reply.stop_reason) == (ANSWER, "end_turn")
    counted = client.messages.count_tokens(model="tiny", messages=TURNS, system="Be brief.").input_tokens
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (counted, len(pieces(ANSWER)))
    assert message(client, max_tokens=3).stop_reason == "max_tokens"
    older = {"extra_body": {"temperature": 1.0}, "extra_headers": {"anthropic-version": "2023-06-01"}}
    assert message(client, **older).stop_reason == "end_turn"
    assert server.charged() == {QUESTION: 3}


def test_anthropic_streams_the_same_message(ask):
    server, _, client = ask()
    with client.messages.stream(model="tiny", messages=TURNS, max_tokens=64) as stream:
        assert "".join(stream.text_stream) == ANSWER
        last = stream.get_final_message()
    assert (last.stop_reason, last.usage.output_tokens) == ("end_turn", len(pieces(ANSWER)))
    assert server.delivered() == {QUESTION: 1}


def test_anthropic_caches_the_text_before_a_mark(ask):
    server, _, client = ask(cache_from=20)
    system = [{"type": "text", "text": "Be brief. " * 20, "cache_control": {"type": "ephemeral"}}]
    first, second = (message(client, system=system).usage for _ in range(2))
    size = len(pieces("Be brief. " * 20))
    assert (first.cache_creation_input_tokens, first.cache_read_input_tokens) == (size, 0)
    assert (second.cache_creation_input_tokens, second.cache_read_input_tokens) == (0, size)
    assert first.input_tokens == second.input_tokens > 0
    assert server.used()["cached_input"] == server.used()["cache_write"] == size


def test_openai_caches_a_long_prefix_without_a_mark(ask):
    _, client, _ = ask(cache_from=128)
    turns = [{"role": "system", "content": "Be brief. " * 100}, *TURNS]
    returned = [client.chat.completions.create(model="tiny", messages=turns).usage for _ in range(2)]
    assert [u.prompt_tokens_details.cached_tokens % 128 for u in returned] == [0, 0]
    assert returned[0].prompt_tokens_details.cached_tokens == 0 < returned[1].prompt_tokens_details.cached_tokens
    assert returned[0].prompt_tokens == returned[1].prompt_tokens


def openai_batch(client, body):
    """Submit two requests, the second of them wrong; return the batch."""
    rows = [
        {"custom_id": str(i), "method": "POST", "url": "/v1/chat/completions", "body": {**body, "max_tokens": i}}
        for i in (9, 0)
    ]
    raw = "".join(json.dumps(row) + "\n" for row in rows).encode()
    file = client.files.create(file=("in.jsonl", raw), purpose="batch")
    return client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")


def test_an_openai_batch_is_answered_after_its_polls(ask):
    server, client, _ = ask(polls=2)
    batch = openai_batch(client, {"model": "tiny", "messages": TURNS})
    states = [client.batches.retrieve(batch.id).status for _ in range(3)]
    assert states == ["in_progress", "in_progress", "completed"]
    batch = client.batches.retrieve(batch.id)
    assert (batch.request_counts.completed, batch.request_counts.failed) == (1, 1)
    (line,) = map(json.loads, client.files.content(batch.output_file_id).text.splitlines())
    assert (line["custom_id"], line["response"]["status_code"]) == ("9", 200)
    assert ANSWER.startswith(line["response"]["body"]["choices"][0]["message"]["content"])
    (failed,) = map(json.loads, client.files.content(batch.error_file_id).text.splitlines())
    assert (failed["custom_id"], failed["response"]["status_code"]) == ("0", 400)
    assert server.charged() == {QUESTION: 1}
    assert [b.id for b in client.batches.list()] == [batch.id]
    assert client.batches.cancel(openai_batch(client, {"model": "tiny"}).id).status == "cancelled"
    assert client.files.delete(batch.output_file_id).deleted


def test_an_anthropic_batch_is_answered_after_its_polls(ask):
    server, _, client = ask()
    rows = [
        {"custom_id": name, "params": {"model": "tiny", "messages": TURNS, "max_tokens": most}}
        for name, most in (("good", 64), ("bad", 0))
    ]
    batch = client.messages.batches.create(requests=rows)
    states = [client.messages.batches.retrieve(batch.id).processing_status for _ in range(2)]
    assert states == ["in_progress", "ended"]
    found = {line.custom_id: line.result for line in client.messages.batches.results(batch.id)}
    assert found["good"].message.content[0].text == ANSWER
    assert (found["bad"].type, found["bad"].error.error.type) == ("errored", "invalid_request_error")
    assert server.charged() == {QUESTION: 1}
    assert [b.id for b in client.messages.batches.list()] == [batch.id]
    other = client.messages.batches.create(requests=rows)
    assert client.messages.batches.cancel(other.id).request_counts.canceled == 2


RAISED = {
    "rate_limited": "RateLimitError", "rate_limited_date": "RateLimitError", "rate_limited_bare": "RateLimitError",
    "insufficient_quota": "RateLimitError", "error_500": "InternalServerError", "error_502": "InternalServerError",
    "error_503": "InternalServerError", "error_529": "InternalServerError", "key_echoed": "InternalServerError",
    "key_refused": "AuthenticationError",
    "bad_request": "BadRequestError", "forbidden": "PermissionDeniedError", "not_found": "NotFoundError",
    "reset": "APIConnectionError", "reset_late": None, "hang": "APITimeoutError", "truncated": None,
    "half_json": None,
}  # fmt: skip


@pytest.mark.parametrize("name", RAISED)
@pytest.mark.parametrize("provider", [openai, anthropic], ids=["openai", "anthropic"])
def test_the_sdk_raises_the_right_error_for_each_fault(ask, provider, name):
    server, one, two = ask(timeout=0.5, faults=Faults(script=[name]))
    # What breaks within a body is not wrapped by the SDKs: it is an error of httpx, or of json.
    fault = getattr(provider, RAISED[name]) if RAISED[name] else Exception
    with pytest.raises(fault) as caught:
        chat(one) if provider is openai else message(two)
    assert server.faced() == {name: 1}
    assert bool(server.charged()) == FAULTS[name].charged
    assert server.delivered() == {}
    assert ("key_" in name) == (KEY in str(caught.value))
    if name == "rate_limited":
        assert float(caught.value.response.headers["retry-after"]) == 1
    assert (chat(one) if provider is openai else message(two)) is not None
    assert server.delivered() == {QUESTION: 1}


@pytest.mark.parametrize("name", ["drip", "empty", "usage_missing", "usage_zero", "usage_over"])
def test_a_faulty_answer_that_arrives_is_charged(ask, name):
    server, client, _ = ask(faults=Faults(script=[name]))
    began = time.monotonic()
    reply = chat(client)
    assert reply.choices[0].message.content == ("" if name == "empty" else ANSWER)
    assert (time.monotonic() - began > server.drips) == (name == "drip")
    returned = reply.usage and reply.usage.completion_tokens
    used = len(pieces(ANSWER))
    assert returned == {"empty": 0, "usage_missing": None, "usage_zero": 0, "usage_over": used * 1000}.get(name, used)
    assert server.used()["output"] == (0 if name == "empty" else used)


def test_a_page_instead_of_an_answer_is_no_answer(ask):
    server, client, _ = ask(faults=Faults(script=["page"]))
    assert not hasattr(chat(client), "choices")
    assert (server.charged(), server.delivered()) == ({QUESTION: 1}, {})


def test_a_storm_refuses_everything_until_it_is_over(ask):
    server, client, _ = ask()
    server.faults.storm(0.3)
    with pytest.raises(openai.RateLimitError) as caught:
        chat(client)
    wait = float(caught.value.response.headers["retry-after"])
    assert 0 < wait <= 0.3
    time.sleep(wait + 0.01)
    assert chat(client).choices


def test_chance_depends_on_the_prompt_and_the_attempt_and_not_on_the_order():
    names = [f"prompt {i}" for i in range(100)]

    def faced(order, seed=1):
        faults = Faults(seed=seed, share=0.4)
        return {name: [faults.next(name) for _ in range(4)] for name in order}

    first = faced(names)
    assert faced(names[::-1]) == first != faced(names, 2)
    assert all(found[3] == "none" for found in first.values())
    count = Counter(kind != "none" for found in first.values() for kind in found[:3])
    assert 0.3 < count[True] / 300 < 0.5


@pytest.mark.parametrize("style", ["bucket", "window"])
def test_limits_are_enforced_and_reported(ask, style):
    server, one, two = ask(limits=RateLimits(3, 10_000, minute=0.6, style=style))
    raw = one.chat.completions.with_raw_response.create(model="tiny", messages=TURNS, max_tokens=9)
    assert raw.headers["x-ratelimit-limit-requests"] == "3"
    assert raw.headers["x-ratelimit-remaining-requests"] == "2"
    assert raw.headers["x-ratelimit-reset-requests"].endswith("ms")
    assert int(raw.headers["x-ratelimit-remaining-tokens"]) < 10_000
    other = two.messages.with_raw_response.create(model="tiny", messages=TURNS, max_tokens=9)
    assert other.headers["anthropic-ratelimit-requests-remaining"] == "1"
    assert other.headers["anthropic-ratelimit-tokens-reset"].endswith("Z")
    assert chat(one).choices
    with pytest.raises(openai.RateLimitError, match="on requests per min") as caught:
        chat(one)
    time.sleep(float(caught.value.response.headers["retry-after"]) + 0.01)
    assert chat(one).choices
    assert server.faced()["limit"] == 1


@pytest.mark.parametrize(("counts", "left"), [("used", 64), ("asked", 100)])
def test_unused_tokens_are_returned_if_the_provider_does_so(counts, left):
    limits = RateLimits(tokens_per_minute=1000, minute=3600, counts=counts)
    assert limits.admit(100) == (0.0, "")
    limits.give_back(36)
    assert 1000 - limits.state()["tokens"][1] == left


def test_concurrent_calls_are_served_at_once_and_each_is_counted(serve):
    server = serve(latency=0.1)
    with openai.OpenAI(base_url=server.openai_url, api_key=KEY, max_retries=0) as client, ThreadPoolExecutor(8) as pool:

        def one(i):
            turns = [{"role": "user", "content": f"Say the word {i}"}]
            return client.chat.completions.create(model="tiny", messages=turns).choices[0].message.content

        assert list(pool.map(one, range(24))) == [f"word {i}" for i in range(24)]
    assert 1 < server.most_at_once <= 8
    assert server.delivered() == {f"Say the word {i}": 1 for i in range(24)}


def test_a_recording_answers_the_prompts_of_its_domain():
    answers = recorded(bundled_dir("domains") / "task")
    assert len(answers) > 50
    assert all(len(b"".join(PIECE.findall(text.encode()))) == len(text.encode()) for text in answers.values())


@pytest.mark.parametrize(
    ("seconds", "returned"), [(0.0124, "12ms"), (1.5, "1.5s"), (2, "2s"), (360, "6m0s"), (75, "1m15s")]
)
def test_times_are_written_as_openai_does(seconds, returned):
    assert span(seconds) == returned


def test_the_server_can_be_started_by_hand():
    command = [sys.executable, str(ROOT / "tests/helpers/server.py"), "--key", KEY, "--share", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        url = process.stdout.readline().strip()
        try:
            with openai.OpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=0) as client:
                assert chat(client).choices[0].message.content == "is it?"
                books = client.get("/../books", cast_to=dict)
            assert (books["charged"], books["faced"]) == ({QUESTION: 1}, {"none": 1})
        finally:
            process.send_signal(signal.SIGINT)
    assert process.returncode == 0
