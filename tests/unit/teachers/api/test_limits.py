"""The pace of requests: near the limit, never over it, whatever way the provider counts."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from fake_limits import RateLimits
from plain_client import ask, caller, questions
from pydantic import ValidationError
from structlog.testing import capture_logs
from tiers import thin

from conch_dna.teachers.api.limits import BURST, Limits, Pace, RateLimit

pytestmark = pytest.mark.integration  # the pace is measured in real time

LIMIT = 60_000
EACH = 1000  # tokens of a call


def let_go(pace, tokens, seconds, workers=8):
    """Return the times at which requests were let go within so many seconds."""
    times, end = [], time.monotonic() + seconds

    def work():
        while slot := pace.wait(tokens, lambda: time.monotonic() >= end):
            times.append(time.monotonic())
            pace.finish(slot)
            if times[-1] >= end:
                return

    with ThreadPoolExecutor(workers) as pool:
        for _ in range(workers):
            pool.submit(work)
    return sorted(t for t in times if t < end)


@pytest.mark.parametrize(("tokens", "share"), thin([(300, 0.9), (1000, 0.9), (1700, 0.85), (6000, 0.75)], (1000, 0.9)))
def test_no_minute_anywhere_has_more_than_its_limit(tokens, share):
    minute, minutes = 1.5, 2
    times = let_go(Pace(Limits(tokens_per_minute=LIMIT), minute=minute), tokens, minutes * minute)
    for i, begin in enumerate(times):
        assert sum(begin <= t < begin + minute for t in times[i:]) * tokens <= LIMIT
    assert len(times) * tokens >= share * minutes * LIMIT


@pytest.mark.full
@pytest.mark.parametrize(("style", "counts"), [("bucket", "used"), ("window", "asked")])
def test_the_pace_stays_at_95_per_cent_of_the_limit_without_a_429(serve, style, counts):
    minute, minutes, most = 6.0, 1.2, 400
    limits = RateLimits(tokens_per_minute=LIMIT, minute=minute, style=style, counts=counts)
    server = serve({}, limits=limits, latency=0.05)
    server.model.rule = lambda _: "word " * most
    pace = Pace(Limits(tokens_per_minute=LIMIT), counts=counts, minute=minute)
    begin = time.monotonic()
    calls = [ask(server, f"Question {i}", most) for i in range(int(minutes * LIMIT / most))]
    stated = caller(pace=pace)
    answers = stated.run(calls)
    for _ in answers:
        if time.monotonic() - begin > minutes * minute:
            break
    answers.close()
    seconds = time.monotonic() - begin
    assert server.faced()["limit"] == 0
    asked = sum(call.usage["input"] + most for call in server.calls)
    used = sum(call.usage["input"] + call.usage["output"] for call in server.calls)
    assert {"asked": asked, "used": used}[counts] >= 0.95 * LIMIT * seconds / minute


def test_requests_have_a_limit_of_their_own():
    times = let_go(Pace(Limits(requests_per_minute=200), minute=2.0), 10**6, 2.0)
    assert 0.95 * 200 <= len(times) <= 200


def test_a_call_of_more_than_the_whole_limit_is_let_go_and_owed_for():
    pace = Pace(Limits(tokens_per_minute=1000), minute=0.5)
    begin = time.monotonic()
    pace.finish(pace.wait(3000))
    pace.finish(pace.wait(1))
    assert 1.0 <= time.monotonic() - begin <= 4.0


def test_unused_tokens_are_returned_and_wake_a_waiting_call():
    pace = Pace(Limits(tokens_per_minute=1000))
    size = int(BURST * 1000)
    slot = pace.wait(size)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(pace.wait, size - 2)
        time.sleep(0.1)
        assert not waiting.done()
        pace.finish(slot, tokens=0)
        assert waiting.result(timeout=1)


def test_requests_that_look_alike_are_kept_apart():
    pace = Pace(Limits(tokens_per_minute=LIMIT))
    first, second = (pace.wait(0) for _ in range(2))
    first.lowest = second.lowest = [None, 5.0]
    pace.finish(second)
    pace.wait(100)
    pace.finish(first)


def test_a_large_request_is_not_overtaken_by_small_ones():
    pace = Pace(Limits(tokens_per_minute=1000), minute=2.0)
    pace.finish(pace.wait(30))
    order = []

    def go(tokens):
        order.append((pace.wait(tokens), tokens)[1])

    threads = [threading.Thread(target=go, args=(tokens,)) for tokens in (200, 1, 1, 1)]
    for thread in threads:
        thread.start()
        time.sleep(0.02)
    for thread in threads:
        thread.join()
    assert order[0] == 200


def test_a_hold_holds_everybody_and_the_longer_one_counts():
    pace = Pace(Limits())
    pace.pause(0.4)
    pace.pause(0.1)
    begin = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(pace.wait, [1] * 4))
    assert 0.4 <= time.monotonic() - begin < 0.8


def test_a_stopped_call_does_not_wait():
    pace, stopped = Pace(Limits()), threading.Event()
    pace.pause(30)
    begin = time.monotonic()
    threading.Timer(0.1, stopped.set).start()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: pace.wait(1, stopped.is_set), range(8))) == [None] * 8
    assert time.monotonic() - begin < 1.0


def test_a_limit_that_only_the_headers_tell_is_kept():
    pace = Pace(Limits(), minute=1.0)
    pace.finish(pace.wait(10), 10, RateLimit(tokens=LIMIT, tokens_left=LIMIT))
    assert len(let_go(pace, EACH, 1.0)) <= 60


@pytest.mark.full
def test_a_lower_limit_in_the_headers_wins_and_a_higher_one_does_not():
    pace = Pace(Limits(tokens_per_minute=LIMIT), minute=1.0)
    pace.finish(pace.wait(10), 10, RateLimit(tokens=10 * LIMIT))
    assert len(let_go(pace, EACH, 1.0)) <= 60
    pace.finish(pace.wait(10), 10, RateLimit(tokens=LIMIT // 4))
    assert len(let_go(pace, EACH, 1.0)) <= 16


def test_headers_reveal_another_client_under_the_same_limit():
    pace = Pace(Limits(tokens_per_minute=LIMIT), minute=6.0)
    pace.finish(pace.wait(100), 100, RateLimit(tokens_left=0))
    begin = time.monotonic()
    pace.wait(EACH)
    assert time.monotonic() - begin >= 0.09  # a sixtieth of a minute, for the bucket held more


def test_what_our_own_other_requests_took_meanwhile_is_not_taken_for_somebody_else():
    pace = Pace(Limits(tokens_per_minute=LIMIT), minute=6.0)
    slots = [pace.wait(500) for _ in range(3)]
    for slot in slots:  # all of them were there when the first was answered
        pace.finish(slot, 500, RateLimit(tokens_left=310))
    begin = time.monotonic()
    pace.wait(300)
    assert time.monotonic() - begin < 0.02


@pytest.mark.parametrize("wrong", [{"concurrency": 0}, {"timeout": 0}, {"attempts": 0}, {"max_failed": 1}, {"rpm": 5}])
def test_limits_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValidationError):
        Limits(**wrong)


def test_a_limit_with_long_waits_is_reported():
    heard = []
    pace = Pace(Limits(requests_per_minute=20, tokens_per_minute=10**6))
    assert pace.wait(1, paced=heard.append)
    assert (pace.held_by, heard) == ("", [])
    asked = iter([False, True])
    assert pace.wait(1, lambda: next(asked), heard.append) is None
    assert (pace.held_by, heard) == ("20 requests/min", ["20 requests/min"])


@pytest.mark.full
def test_the_log_tells_once_that_calls_are_paced(serve):
    server = serve({})
    limits = Limits(requests_per_minute=40)
    with capture_logs() as logs:
        assert len(list(caller(pace=Pace(limits)).run(questions(server, 4)))) == 4
    paced = [line for line in logs if line["event"] == "requests_paced"]
    assert [(line["limit"], line["model"]) for line in paced] == [("40 requests/min", "openai:tiny")]
    assert 0 < paced[0]["left"] <= 4
