"""The figures of API calls, as they are written and shown."""

import json

import pytest

from conch_dna.teachers.api.ledger import Ledger
from conch_dna.teachers.api.metrics import Metrics
from conch_dna.teachers.api.money import to_nano
from conch_dna.teachers.api.prices import Usage


@pytest.fixture
def metrics():
    made = Metrics()
    for tenths in range(1, 21):
        made.answered(tenths / 10, Usage(input=10, cached_input=5, output=3), 6_000_000)
    made.count(retries=2, cached=7)
    return made


def test_a_snapshot_has_counts_latencies_tokens_and_the_exact_cost(metrics):
    assert metrics.snapshot() == {
        "calls": 20, "retries": 2, "failures": 0, "cached": 7, "latency_p50": 1.1, "latency_p95": 2.0,
        "input_tokens": 300, "cached_input_tokens": 100, "output_tokens": 60, "cost": "0.120000000",
    }  # fmt: skip


def test_before_the_first_answer_there_is_no_latency():
    assert Metrics().snapshot()["latency_p95"] is None
    assert Metrics().text() == "$0.00 · 0 calls"


def test_the_progress_line_tells_what_was_spent_of_the_budget(metrics, tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl", to_nano("5"))
    ledger.settle(ledger.reserve("a", to_nano("1"), "openai:tiny"), to_nano("0.12"), Usage(input=1))
    assert metrics.text(ledger) == "$0.12 of $5.00 · 20 calls · 7 cached · 2 retries · p95 2.0 s"
    assert metrics.text() == "$0.12 · 20 calls · 7 cached · 2 retries · p95 2.0 s"


def test_the_figures_become_a_line_of_metrics_jsonl(metrics, tmp_path):
    metrics.append(tmp_path / "metrics.jsonl")
    assert json.loads((tmp_path / "metrics.jsonl").read_text()) == {"api": metrics.snapshot()}
