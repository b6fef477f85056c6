"""Prometheus metrics per neuron; labels are registry versions, never text from a request."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from conch_dna.registry.aliases import BASE
from conch_dna.runtime.neuron_cache import Version

if TYPE_CHECKING:
    from collections.abc import Collection

    from conch_dna.runtime.engine import Stats
    from conch_dna.runtime.request import Request

SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
LORA = ("max_lora", "running_lora_adapters", "waiting_lora_adapters")


class Metrics:
    """The metrics of one server."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self.responses = Counter("conch_http_responses", "HTTP responses.", ["status"], registry=registry)
        self._answers = Counter("conch_answers", "Answers that ended.", ["neuron", "reason"], registry=registry)
        self._tokens = Counter("conch_tokens", "Tokens of ended answers.", ["neuron", "kind"], registry=registry)
        self._seconds = Histogram(
            "conch_answer_seconds", "From the request to the answer's end.", ["neuron"], buckets=SECONDS,
            registry=registry,
        )  # fmt: skip
        self._requests = Gauge("conch_requests", "Answers that run or wait now.", ["state"], registry=registry)
        self._bytes = Gauge("conch_bytes", "Bytes in memory.", ["what"], registry=registry)
        self._lora = Gauge(
            "conch_lora_requests_info", "Neurons that run and wait; the value is the time.", LORA, registry=registry
        )

    def ended(self, request: Request, seconds: float) -> None:
        """Count an answer that has ended, for any reason."""
        neuron, failed = label(request), request.future.exception() is not None
        reason = "failed" if failed else request.future.result().finish_reason
        self._answers.labels(neuron, reason).inc()
        self._seconds.labels(neuron).observe(seconds)
        if not failed:
            answer = request.future.result()
            self._tokens.labels(neuron, "prompt").inc(answer.prompt_tokens)
            self._tokens.labels(neuron, "cached").inc(answer.cached_tokens)
            self._tokens.labels(neuron, "completion").inc(len(answer.tokens))

    def page(self, live: Collection[Request], stats: Stats, slots: int) -> bytes:
        """Return all metrics in Prometheus' text format.

        :param live: the engine's requests that have not ended.
        :param slots: maximum number of neurons that run at once.
        """
        running = [request for request in live if request.slot is not None]
        waiting = [request for request in live if request.slot is None]
        self._requests.labels("running").set(len(running))
        self._requests.labels("waiting").set(len(waiting))
        # "pack" is the label of the stacks since version 0.1; dashboards select it by this name.
        held = {"neuron": stats.neuron_bytes, "pack": stats.stack_bytes, "prompt_cache": stats.prompt_cache_bytes}
        for what, nbytes in held.items():
            self._bytes.labels(what).set(nbytes)
        self._lora.clear()
        self._lora.labels(str(slots), _names(running), _names(waiting)).set(time.time())
        return generate_latest(self._registry)


def label(request: Request) -> str:
    """Return the reference of the version that a request runs with."""
    wanted = request.wanted
    return wanted.entry.ref if isinstance(wanted, Version) and wanted.entry is not None else BASE


def _names(requests: Collection[Request]) -> str:
    return ",".join(sorted({label(request) for request in requests} - {BASE}))
