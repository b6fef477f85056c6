"""The figures of API calls: how many, how fast, how many tokens, at what cost; for ``metrics.jsonl`` and the screen."""

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
    """Counts what calls come to; shared by any number of threads.

    :param calls: answered ones.
    :param retries: requests beyond the first of each call.
    :param failures: calls that failed for good.
    :param cached: answers that cost nothing, because they were on disk.
    :param usage: tokens of the answered calls.
    :param cost: nano-USD that the answered calls were settled at.
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

        :param seconds: from the request that was answered to the end of its answer.
        :param cost: nano-USD.
        """
        with self._lock:
            self.calls += 1
            self.usage += usage
            self.cost += cost
            self._latencies.append(seconds)

    def count(self, *, retries: int = 0, failures: int = 0, cached: int = 0) -> None:
        """Count requests sent once more, calls that failed for good, and answers that were on disk."""
        with self._lock:
            self.retries += retries
            self.failures += failures
            self.cached += cached

    def latency(self, share: float) -> float | None:
        """Return the time in seconds within which ``share`` of the answers came; ``None`` before the first."""
        with self._lock:
            ordered = sorted(self._latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None

    def snapshot(self) -> dict[str, Any]:
        """Return the figures: seconds, tokens, and decimal USD as a text."""
        latencies = {f"latency_p{round(100 * share)}": self.latency(share) for share in (0.5, 0.95)}
        with self._lock:
            return {
                "calls": self.calls, "retries": self.retries, "failures": self.failures, "cached": self.cached,
                **{name: seconds if seconds is None else round(seconds, 4) for name, seconds in latencies.items()},
                "input_tokens": self.usage.all_input, "cached_input_tokens": self.usage.cached_input,
                "output_tokens": self.usage.output, "cost": exact(self.cost),
            }  # fmt: skip

    def append(self, path: Path) -> None:
        """Add the figures to a domain's ``metrics.jsonl``, as a line ``{"api": {...}}``."""
        append(path, to_json_line({"api": self.snapshot()}))

    def text(self, ledger: Ledger | None = None) -> str:
        """Return the figures for the progress line: ``$0.12 of $5.00 · 34 calls · 2 retries · p95 1.8 s``.

        :param ledger: the project's, whose sum is then shown with its cap; else what these calls cost.
        """
        spent = usd(self.cost if ledger is None else ledger.spent)
        parts = [spent if ledger is None or ledger.cap is None else f"{spent} of {usd(ledger.cap)}"]
        counts = {"calls": self.calls, "cached": self.cached, "retries": self.retries, "failures": self.failures}
        parts += [f"{count} {name}" for name, count in counts.items() if count or name == "calls"]
        slowest = self.latency(0.95)
        return " · ".join(parts if slowest is None else [*parts, f"p95 {slowest:.1f} s"])
