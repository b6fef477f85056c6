"""Metrics of API calls (counts, latencies, tokens, cost) for ``metrics.jsonl`` and the progress line."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

from conch_dna.records import to_json_line
from conch_dna.teachers.api.money import exact, usd
from conch_dna.teachers.api.prices import Usage
from conch_dna.util.files import append

if TYPE_CHECKING:
    from pathlib import Path

    from conch_dna.teachers.api.ledger import Ledger


@dataclass
class Metrics:
    """Counters of API calls; shared by any number of threads.

    :param calls: answered calls.
    :param retries: requests beyond the first of each call.
    :param failures: calls that failed permanently.
    :param cached: answers from disk, which cost nothing.
    :param usage: tokens of the answered calls.
    :param cost: nano-USD, the settled cost of the answered calls.
    """

    calls: int = 0
    retries: int = 0
    failures: int = 0
    cached: int = 0
    usage: Usage = field(default_factory=Usage)
    cost: int = 0
    _latencies: list[float] = field(default_factory=list, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def answered(self, seconds: float, usage: Usage, cost: int) -> None:
        """Count an answer.

        :param seconds: from the answered request to the end of its answer.
        :param cost: nano-USD.
        """
        with self._lock:
            self.calls += 1
            self.usage += usage
            self.cost += cost
            self._latencies.append(seconds)

    def count(self, *, retries: int = 0, failures: int = 0, cached: int = 0) -> None:
        """Count retries, calls that failed permanently, and answers from disk."""
        with self._lock:
            self.retries += retries
            self.failures += failures
            self.cached += cached

    def latency(self, share: float) -> float | None:
        """Return the latency quantile ``share`` in seconds; ``None`` before the first answer."""
        with self._lock:
            ordered = sorted(self._latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None

    def snapshot(self) -> dict[str, Any]:
        """Return the metrics: seconds, tokens, and decimal USD as text."""
        latencies = {f"latency_p{round(100 * share)}": self.latency(share) for share in (0.5, 0.95)}
        with self._lock:
            return {
                "calls": self.calls, "retries": self.retries, "failures": self.failures, "cached": self.cached,
                **{name: seconds if seconds is None else round(seconds, 4) for name, seconds in latencies.items()},
                "input_tokens": self.usage.all_input, "cached_input_tokens": self.usage.cached_input,
                "output_tokens": self.usage.output, "cost": exact(self.cost),
            }  # fmt: skip

    def append(self, path: Path) -> None:
        """Append the metrics to a domain's ``metrics.jsonl``, as a line ``{"api": {...}}``."""
        append(path, to_json_line({"api": self.snapshot()}))

    def text(self, ledger: Ledger | None = None) -> str:
        """Return the metrics for the progress line: ``$0.12 of $5.00 · 34 calls · 2 retries · p95 1.8 s``.

        :param ledger: the project's; its total and cap are then shown, otherwise the cost of these calls.
        """
        spent = usd(self.cost if ledger is None else ledger.spent)
        parts = [spent if ledger is None or ledger.cap is None else f"{spent} of {usd(ledger.cap)}"]
        counts = {"calls": self.calls, "cached": self.cached, "retries": self.retries, "failures": self.failures}
        parts += [f"{count} {name}" for name, count in counts.items() if count or name == "calls"]
        slowest = self.latency(0.95)
        return " · ".join(parts if slowest is None else [*parts, f"p95 {slowest:.1f} s"])
