"""A server on loopback that speaks the wire formats of OpenAI and Anthropic, keeps books, and misbehaves on demand.

In a test, through the fixture ``serve``; by hand: ``python tests/helpers/server.py --port 8000``.
"""

import argparse
import contextlib
import re
import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass
from email.utils import formatdate
from functools import partial

import fake_anthropic
import fake_openai
from fake_batches import Batches
from fake_http import Refused, Reply
from fake_limits import RateLimits
from fake_model import FakeModel, asked_in, recorded
from fake_transport import PAGE, Handler, Http
from injected_faults import FAULTS, Faults

from conch_dna.teachers.api.keys import names_of


@dataclass
class Call:
    """One call in the server's books.

    :param prompt: the last turn that is not the model's.
    :param usage: tokens by kind, as they are charged, whatever the client was returned; empty where nothing is charged.
    :param delivered: whether the whole answer went out in a form that the client can use.
    """

    path: str
    prompt: str
    model: str
    at: float
    fault: str = "none"
    status: int = 0
    usage: dict | None = None
    delivered: bool = False
    batch: bool = False


class ApiServer:
    """The server; every attribute may be changed while it runs.

    :param model: the model behind it.
    :param key: the only key that it takes; ``None`` takes none and any.
    :param models: names of the models there are.
    :param faults, limits: see their modules.
    :param latency: seconds that a call takes.
    :param logprobs: ``full``; ``ignored``, where they are asked for in vain; ``refused``.
    :param echo: the same, of raw completions.
    :param prompt_logprobs: ``full`` as vLLM; ``unknown``, refused as a field that OpenAI does not know; ``ignored``.
    :param most_top: most choices of a token that may be asked for.
    :param cache_from: tokens from which on a start that was seen before is cached.
    :param polls: how often a batch is asked for before it is done.
    :param retry_after: seconds that a refusal asks to wait.
    :param hangs, drips: seconds that a fault of that name takes.
    """

    def __init__(self, answers=None, **chosen):
        self.model, self.key = FakeModel(answers), None
        self.models = {"tiny", "gpt-4o-mini", "claude-haiku-4-5"}
        self.faults, self.limits = Faults(), RateLimits()
        self.latency, self.retry_after, self.hangs, self.drips, self.polls = 0.0, 1.0, 30.0, 0.5, 1
        self.logprobs, self.echo, self.prompt_logprobs, self.most_top = "full", "full", "full", 20
        self.cache_from = 1024
        for name, value in chosen.items():
            if not hasattr(self, name):
                raise TypeError(f"the server has no {name}")
            setattr(self, name, value)
        self.calls, self.batches = [], Batches(self)
        self.at_once = self.most_at_once = 0
        self.stopping = threading.Event()
        self._lock, self._seen = threading.RLock(), set()

    # As a server.

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self, port=0):
        """Listen on loopback."""
        handler = type("Handler", (Handler,), {"api": self})
        self._http = Http(("127.0.0.1", port), handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def stop(self):
        """Close; calls that hang come to an end."""
        self.stopping.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def url(self):
        """The base URL for the Anthropic SDK."""
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def openai_url(self):
        """The base URL for the OpenAI SDK."""
        return f"{self.url}/v1"

    @property
    def key_variable(self):
        """The environment variable of its key."""
        return names_of("any", self.url, "https://api.example.org")[0]

    # The books.

    def charged(self):
        """Return how often each prompt was charged for."""
        with self._lock:
            return Counter(call.prompt for call in self.calls if call.usage)

    def delivered(self):
        """Return how often each prompt's answer was delivered whole."""
        with self._lock:
            return Counter(call.prompt for call in self.calls if call.delivered)

    def faced(self):
        """Return how often each fault happened; ``none`` is a call without."""
        with self._lock:
            return Counter(call.fault for call in self.calls)

    def used(self):
        """Return all tokens that were charged, by kind."""
        with self._lock:
            return sum((Counter(call.usage) for call in self.calls if call.usage), Counter())

    def seen(self, prefix):
        """Return whether a start of a request was there before, and take note of it."""
        with self._lock:
            known = prefix in self._seen
            self._seen.add(prefix)
            return known

    # One request.

    def answer(self, request):
        """Return the reply to a request, the fault that it goes out with, and its call, if it is one that costs."""
        try:
            self.check_key(request)
            action, groups = routed(request)
            made = action(self, request, *groups)
        except Refused as refused:
            made = refused.reply(request.provider)
        return made if isinstance(made, tuple) else (made, "none", None)

    def check_key(self, request):
        """Refuse a missing or wrong key, and, for Anthropic, a request without a known version.

        Of a key in both headers Anthropic takes that in ``x-api-key``.
        """
        anthropic, given = request.provider == "anthropic", key_of(request)
        if self.key is not None and given != self.key:
            kind = "authentication_error" if anthropic else "invalid_request_error"
            message = f"Incorrect API key provided: {given[:3]}***." if given else "You didn't provide an API key."
            raise Refused(401, kind, message, code="invalid_api_key" if given else None)
        if anthropic and request.headers.get("anthropic-version") not in fake_anthropic.VERSIONS:
            raise Refused(400, "invalid_request_error", "anthropic-version: is not a valid version")

    def work(self, request, check, prompt, tokens, most, make):
        """Do what costs: note the call, meet its fault, keep the limits, answer, and charge."""
        body = request.json
        check(self, body)
        call = Call(request.path, prompt(body), body["model"], time.monotonic(), self.faults.next(prompt(body)))
        with self._lock:
            self.calls.append(call)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            reply = self.attempt(request, call, body, tokens(body), most(body), make)
        except Refused as refused:
            reply = refused.reply(request.provider)
        finally:
            with self._lock:
                self.at_once -= 1
        reply.headers |= self.limits.headers(request.provider)
        call.status = reply.status
        return reply, call.fault, call

    def attempt(self, request, call, body, tokens, most, make):
        fault = FAULTS[call.fault]
        if fault.status != 200:
            return self.failed(request, call.fault)
        if call.fault == "reset":
            return Reply(b"")
        wait, what = self.limits.admit(tokens + most)
        if wait:
            call.fault = "limit"
            headers = {"retry-after": f"{wait:.3f}", "retry-after-ms": f"{wait * 1000:.0f}"}
            message = f"Rate limit reached for {body['model']} on {what} per min. Please try again in {wait:.3f}s."
            raise Refused(429, "rate_limit_error", message, code="rate_limit_exceeded", headers=headers)
        self.stopping.wait(self.latency)
        reply = make(self, body, empty=call.fault == "empty")
        call.usage = reply.usage
        self.limits.give_back(most - reply.usage["output"])
        return mistold(reply, call.fault)

    def failed(self, request, name):
        """Return the page of HTML with which a gateway fails, or raise the error of another fault."""
        if name == "error_502":
            return Reply(PAGE, 502, kind="text/html")
        wait = self.faults.storm_left or self.retry_after
        ways = {"rate_limited": f"{wait:.3g}", "rate_limited_date": formatdate(time.time() + wait, usegmt=True)}
        return refuse(name, {"retry-after": ways[name]} if name in ways else {}, key_of(request))

    def work_in_batch(self, provider, path, body, check, make):
        """Return the reply to one request of a batch; only what can fail there fails: the request itself."""
        try:
            check(self, body)
            prompt = prompt_of(body)
            fault = self.faults.by_prompt.get(prompt, ["none"])[0]
            call = Call(path, prompt, body["model"], time.monotonic(), fault, batch=True)
            with self._lock:
                self.calls.append(call)
            call.status = FAULTS[fault].status
            refuse(fault, {})
            reply = make(self, body, empty=fault == "empty")
            call.usage, call.delivered = reply.usage, True
        except Refused as refused:
            return refused.reply(provider)
        return mistold(reply, fault)


ERRORS = {
    400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
    429: "rate_limit_error", 500: "api_error", 502: "api_error", 503: "api_error", 529: "overloaded_error",
}  # fmt: skip


def refuse(name, headers, key=""):
    """Raise the error of a fault, if it is one with an error."""
    status = FAULTS[name].status
    if status != 200:
        said = f"The key {key} is not welcome." if name.startswith("key_") else f"This call fails: {name}."
        kind = name if name == "insufficient_quota" else ERRORS[status]
        raise Refused(status, kind, said, code=name, headers=headers)


def key_of(request):
    """Return the key that a request comes with."""
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
    return request.headers.get("x-api-key", bearer)


def mistold(reply, fault):
    """Let a reply tell another usage than is charged, or none."""
    if isinstance(reply.body, dict) and fault.startswith("usage_"):
        returned = reply.body.pop("usage")
        if fault != "usage_missing":
            factor = 0 if fault == "usage_zero" else 1000
            reply.body["usage"] = {k: v * factor if isinstance(v, int) else v for k, v in returned.items()}
    return reply


def prompt_of(body):
    """Return what a call is known by."""
    if "messages" in body:
        return asked_in(body["messages"])
    return "\n".join(fake_openai.prompts_of(body))


def chat(api, request):
    return api.work(
        request, fake_openai.check_chat, prompt_of, fake_openai.chat_tokens, fake_openai.most_of, fake_openai.chat
    )


def text(api, request):
    def most(body):
        return fake_openai.most_of({**body, "max_tokens": body.get("max_tokens") or 16})

    return api.work(request, fake_openai.check_text, prompt_of, fake_openai.text_tokens, most, fake_openai.text)


def messages(api, request):
    def most(body):
        return body["max_tokens"]

    check = partial(fake_anthropic.check, version=request.headers["anthropic-version"])
    return api.work(request, check, prompt_of, fake_anthropic.tokens, most, fake_anthropic.messages)


def count_tokens(api, request):
    body = request.json
    fake_anthropic.check(api, body, version=request.headers["anthropic-version"], counting=True)
    return fake_anthropic.count(body)


def models(api, request, name=None):
    if name and name not in api.models:
        raise Refused(404, "invalid_request_error", f"The model '{name}' does not exist", code="model_not_found")
    reply = (fake_anthropic if request.provider == "anthropic" else fake_openai).models(api)
    return Reply(next(m for m in reply.body["data"] if m["id"] == name)) if name else reply


def books(api, request):
    """Tell a test in another process what was charged."""
    return Reply({"charged": api.charged(), "delivered": api.delivered(), "faced": api.faced(), "used": api.used()})


ROUTES = [
    ("POST", r"/v1/chat/completions", chat),
    ("POST", r"/v1/completions", text),
    ("POST", r"/v1/messages", messages),
    ("POST", r"/v1/messages/count_tokens", count_tokens),
    ("GET", r"/v1/models", models),
    ("GET", r"/v1/models/(.+)", models),
    ("POST", r"/v1/files", lambda api, request: api.batches.upload(request)),
    ("GET", r"/v1/files/([\w-]+)", lambda api, _, file: api.batches.file(file)),
    ("GET", r"/v1/files/([\w-]+)/content", lambda api, _, file: api.batches.file(file, raw=True)),
    ("DELETE", r"/v1/files/([\w-]+)", lambda api, _, file: api.batches.remove_file(file)),
    ("POST", r"/v1/batches", lambda api, request: api.batches.create_openai(request.json)),
    ("GET", r"/v1/batches", lambda api, _: api.batches.listed("batch_")),
    ("GET", r"/v1/batches/(\w+)", lambda api, _, job: api.batches.state(job)),
    ("POST", r"/v1/batches/(\w+)/cancel", lambda api, _, job: api.batches.cancel(job)),
    ("POST", r"/v1/messages/batches", lambda api, request: api.batches.create_anthropic(request)),
    ("GET", r"/v1/messages/batches", lambda api, _: api.batches.listed("msgbatch_")),
    ("GET", r"/v1/messages/batches/(\w+)", lambda api, _, job: api.batches.state(job)),
    ("GET", r"/v1/messages/batches/(\w+)/results", lambda api, _, job: api.batches.results(job)),
    ("POST", r"/v1/messages/batches/(\w+)/cancel", lambda api, _, job: api.batches.cancel(job)),
    ("GET", r"/books", books),
]


def routed(request):
    """Return what serves a request, and the parts of its path that vary."""
    for method, pattern, action in ROUTES:
        found = re.fullmatch(pattern, request.path)
        if method == request.method and found:
            return action, found.groups()
    raise Refused(404, "not_found_error", f"Invalid URL ({request.method} {request.path})")


def main():
    """Serve until Ctrl-C; the address is the first line on stdout."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--key", help="the only key that is taken")
    parser.add_argument("--domain", help="a domain's folder, whose recorded answers are given")
    parser.add_argument("--share", type=float, default=0.0, help="of the calls that fail")
    parser.add_argument("--seed", type=int, default=0, help="of the failures")
    parser.add_argument("--requests-per-minute", type=int, default=0)
    parser.add_argument("--tokens-per-minute", type=int, default=0)
    given = parser.parse_args()
    limits = RateLimits(given.requests_per_minute, given.tokens_per_minute)
    answers = recorded(given.domain) if given.domain else None
    faults = Faults(seed=given.seed, share=given.share)
    server = ApiServer(answers, key=given.key, faults=faults, limits=limits).start(given.port)
    print(server.url, flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()
    server.stop()


if __name__ == "__main__":
    # Whoever starts the tests in the background of a shell has them, and this, ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main()
