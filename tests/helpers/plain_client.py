"""A client of the test server by nothing but the standard library: what it asks, as calls for a caller."""

import http.client
import json
from decimal import Decimal
from urllib.parse import urlsplit

import pytest
from fake_model import pieces

from conch_dna.teachers.api.call import Call, Reply
from conch_dna.teachers.api.calls import Caller
from conch_dna.teachers.api.faults import CallFault, fault_of_status
from conch_dna.teachers.api.limits import Limits, Pace, RateLimit
from conch_dna.teachers.api.metrics import Metrics
from conch_dna.teachers.api.prices import Price, Usage

PRICE = Price(input=Decimal(1), output=Decimal(4))
QUICK = {"backoff": 0.01, "timeout": 2.0}
OVERHEAD = 32  # tokens of ChatML around a prompt, at most


def ask(server, prompt, most=32):
    """Return a call that asks the server for one chat completion."""
    body = {"model": "tiny", "max_tokens": most, "messages": [{"role": "user", "content": prompt}]}
    return Call(prompt, len(pieces(prompt)) + OVERHEAD, most, lambda timeout: post(server, body, timeout))


def post(server, body, timeout):
    """Send one request; every way in which it may fail becomes a fault."""
    parts = urlsplit(server.openai_url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    try:
        connection.connect()
    except OSError as error:
        raise CallFault("no connection") from error
    try:
        connection.request("POST", f"{parts.path}/chat/completions", json.dumps(body))
        reply = connection.getresponse()
        raw = reply.read()
        if reply.status != 200:
            raise fault_of_status(reply.status, "refused", reply.getheader("retry-after"))
        returned = json.loads(raw)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise CallFault(type(error).__name__, charged=True) from error
    finally:
        connection.close()
    usage = returned.get("usage")
    used = usage and Usage(input=usage["prompt_tokens"], output=usage["completion_tokens"])
    return Reply(returned["choices"][0]["message"]["content"], used, rate_limit(reply))


def rate_limit(reply):
    def number(name):
        value = reply.getheader(f"x-ratelimit-{name}")
        return None if value is None else int(value)

    return RateLimit(
        requests=number("limit-requests"),
        tokens=number("limit-tokens"),
        requests_left=number("remaining-requests"),
        tokens_left=number("remaining-tokens"),
    )


def caller(ledger=None, pace=None, **limits):
    """Return a caller that is quick to try again."""
    chosen = Limits(**{**QUICK, **limits})
    return Caller(PRICE, ledger, chosen, pace or Pace(chosen), Metrics(), "openai:tiny")


def charged(server):
    """Return what the server charged for, in nano-USD."""
    used = server.used()
    return PRICE.cost(Usage(input=used["input"], output=used["output"]))


def questions(server, count, most=32):
    return [ask(server, f"What comes after number {i}", most) for i in range(count)]


def worst(call):
    return PRICE.worst(call.input_tokens, call.output_tokens)


def drained(answers, error):
    """Return the keys that came before the error."""
    found = []
    with pytest.raises(error) as raised:
        found.extend(call.key for call, _ in answers)
    return found, raised.value


def lost(server, keys):
    """Return the prompts that were answered and did not come through."""
    return set(server.delivered()) - set(keys)
