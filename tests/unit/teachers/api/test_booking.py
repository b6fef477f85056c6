"""The money of calls in flight: whatever becomes of them, the ledger holds what they cost or may have cost."""

import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_client import PRICE

from conch_dna.errors import BudgetReached
from conch_dna.teachers.api.booking import Booking
from conch_dna.teachers.api.call import Call, Reply
from conch_dna.teachers.api.faults import CallFault, NotSent
from conch_dna.teachers.api.ledger import Ledger
from conch_dna.teachers.api.prices import Usage

ENDS = {
    "answered": Usage(input=3, output=2),
    "not_told": None,
    "refused": CallFault("429"),
    "broken": CallFault("cut off", charged=True),
    "a fault of ours": ZeroDivisionError(),
}


def call(most=10):
    return Call("prompt", 20, most, lambda _: Reply("text"))


def booking(ledger, stopped=lambda: False):
    return Booking(PRICE, ledger, "openai:tiny", stopped, pytest.fail)


def attempt(booked, asked, end):
    """Book one attempt that ends so; return what it cost, or ``None`` where it was not answered."""
    try:
        with booked.reserved(asked) as reservation:
            if isinstance(ENDS[end], Exception):
                raise ENDS[end]
            return booked.settle(asked, reservation, Reply("text", ENDS[end]))[1]
    except (CallFault, ZeroDivisionError):
        return None


@settings(max_examples=15, deadline=None)
@given(ends=st.lists(st.sampled_from(sorted(ENDS)), max_size=24), threads=st.integers(1, 6))
def test_in_any_order_of_ends_the_books_agree(ends, threads):
    worst = PRICE.worst(20, 10)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(threads) as pool:
        ledger = Ledger(Path(folder) / "ledger.jsonl")
        booked = booking(ledger)
        costs = list(pool.map(lambda end: attempt(booked, call(), end), ends))
        assert ledger.spent == sum(cost for cost in costs if cost is not None)
        assert ledger.spent == ends.count("answered") * PRICE.cost(ENDS["answered"]) + ends.count("not_told") * worst
        assert ledger.reserved == (ends.count("broken") + ends.count("a fault of ours")) * worst
        assert booked.in_flight == 0


def test_without_a_ledger_nothing_is_written_and_costs_are_returned():
    assert attempt(booking(None), call(), "answered") == PRICE.cost(ENDS["answered"])


def test_a_call_that_does_not_fit_waits_for_one_in_flight_and_no_longer(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl", PRICE.worst(20, 10))
    booked, sent = booking(ledger), threading.Event()

    def second():
        sent.wait()
        with booked.reserved(call()):
            return booked.in_flight

    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(second)
        with booked.reserved(call()) as reservation:
            sent.set()
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.3)
            booked.settle(call(), reservation, Reply("text", Usage(input=0, cached_input=1)))
        with pytest.raises(BudgetReached):  # a little was spent, and none is in flight that could make room
            waiting.result(timeout=2)


def test_a_call_that_waits_for_budget_stops_with_the_run(tmp_path):
    ledger, stopped = Ledger(tmp_path / "ledger.jsonl", PRICE.worst(20, 10)), threading.Event()
    booked = booking(ledger, stopped.is_set)

    def second():
        with booked.reserved(call()):
            pytest.fail("it was sent")

    with ThreadPoolExecutor() as pool, booked.reserved(call()):
        waiting = pool.submit(second)
        stopped.set()
        with pytest.raises(NotSent):
            waiting.result(timeout=2)
