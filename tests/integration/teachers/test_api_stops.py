"""After Ctrl-C or an error amid many calls, no more calls are sent and no answer is lost."""

import os
import signal
import threading
import time
from collections import Counter

import pytest
from filelock import FileLock
from injected_faults import Faults
from plain_client import PRICE, caller, charged, drained, lost, questions

from conch_dna.teachers.api.call import Call


@pytest.fixture
def listening():
    """Receive Ctrl-C even if the tests run in the background of a shell, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press_after(*seconds):
    """Press Ctrl-C after each of these numbers of seconds."""
    for each in seconds:
        threading.Timer(each, os.kill, (os.getpid(), signal.SIGINT)).start()


def interrupted_after(count, answers):
    """Yield the answers; press Ctrl-C after the first ``count``."""
    for number, answer in enumerate(answers, 1):
        yield answer
        if number == count:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.usefixtures("listening")
def test_at_ctrl_c_the_calls_in_flight_are_yielded_and_no_more_are_sent(serve, ledger):
    server = serve({}, latency=0.3)
    begin = time.monotonic()
    answers = caller(ledger, concurrency=4).run(questions(server, 100))
    keys, _ = drained(interrupted_after(1, answers), KeyboardInterrupt)
    assert time.monotonic() - begin < 2
    assert Counter(keys) == server.delivered()
    assert 4 <= len(keys) <= 8
    assert (ledger.spent, ledger.reserved) == (charged(server), 0)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("listening")
def test_ctrl_c_is_raised_while_all_calls_are_in_flight(serve, ledger):
    server = serve({}, latency=0.4)
    press_after(0.2)
    keys, _ = drained(caller(ledger, concurrency=3).run(questions(server, 50)), KeyboardInterrupt)
    assert len(keys) == 3
    assert Counter(keys) == server.delivered()


@pytest.mark.usefixtures("listening")
def test_ctrl_c_does_not_wait_for_a_back_off_or_a_hold(serve):
    server = serve({}, retry_after=60, faults=Faults(script=["rate_limited", "error_500"]))
    asked = caller(concurrency=2, backoff=60)
    press_after(0.3)
    begin = time.monotonic()
    drained(asked.run(questions(server, 20)), KeyboardInterrupt)
    assert time.monotonic() - begin < 2
    assert asked.failed == []


@pytest.mark.usefixtures("listening")
def test_ctrl_c_while_another_process_holds_the_ledger_sends_nothing(serve, ledger):
    server = serve({})
    other = FileLock(ledger.path.with_name(f".{ledger.path.name}.lock"), thread_local=False)
    other.acquire()
    press_after(0.2)
    threading.Timer(0.5, other.release).start()
    keys, _ = drained(caller(ledger, concurrency=3).run(questions(server, 20)), KeyboardInterrupt)
    assert (keys, server.calls) == ([], [])
    assert ledger.reserved == 0


@pytest.mark.usefixtures("listening")
def test_a_second_ctrl_c_does_not_wait(serve, ledger):
    server = serve({}, hangs=4.0, faults=Faults(script=["hang"] * 2))
    press_after(0.2, 1.4)
    begin = time.monotonic()
    drained(caller(ledger, concurrency=2, timeout=5).run(questions(server, 9)), KeyboardInterrupt)
    assert time.monotonic() - begin < 3
    assert ledger.reserved > 0


@pytest.mark.usefixtures("listening")
def test_a_ctrl_c_that_is_delivered_twice_counts_once(serve):
    server = serve({}, latency=0.5)
    press_after(0.2, 0.25)
    keys, _ = drained(caller(concurrency=3).run(questions(server, 50)), KeyboardInterrupt)
    assert Counter(keys) == server.delivered()
    assert len(keys) == 3


@pytest.mark.usefixtures("listening")
def test_an_error_of_the_caller_leaves_no_call_unsettled(serve, ledger):
    server = serve({}, latency=0.1)
    answers = caller(ledger, concurrency=4).run(questions(server, 50))
    next(answers)
    answers.close()
    assert (ledger.spent, ledger.reserved) == (charged(server), 0)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_unexpected_error_is_raised_after_the_answers(serve, ledger):
    server = serve({}, latency=0.05)

    def send(timeout):
        raise ZeroDivisionError

    calls = questions(server, 30)
    keys, _ = drained(caller(ledger, concurrency=4).run([*calls[:3], Call("wrong", 9, 9, send), *calls]),
                      ZeroDivisionError)  # fmt: skip
    assert not lost(server, keys)
    assert ledger.reserved == PRICE.worst(9, 9)  # it may have been charged


def test_an_ignored_ctrl_c_stays_ignored(serve):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        answers = caller().run(questions(serve({}), 20))
        assert len(list(interrupted_after(1, answers))) == 20
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
