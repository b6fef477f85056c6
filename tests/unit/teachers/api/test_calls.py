"""Many calls through a server that misbehaves: none is lost, none is paid for twice, and the books agree."""

import threading
import time
from collections import Counter
from dataclasses import replace

import pytest
from injected_faults import FAULTS, STORMY, Faults
from plain_client import ask, caller, charged, drained, lost, questions, worst
from structlog.testing import capture_logs

from conch_dna.errors import BudgetReached, LedgerError, TeacherError
from conch_dna.teachers.api.call import Call, Reply
from conch_dna.teachers.api.calls import PATIENCE, allowed_failures, counted_tokens
from conch_dna.teachers.api.faults import CallFault
from conch_dna.teachers.api.ledger import Ledger
from conch_dna.teachers.api.prices import Usage

pytestmark = pytest.mark.integration  # each test has an HTTP server

# Answers.


def test_every_call_is_yielded_with_its_reply_and_booked_at_its_cost(serve, ledger):
    server = serve({})
    asked = caller(ledger)
    found = {call.key: reply.value for call, reply in asked.run(questions(server, 40))}
    assert found == {f"What comes after number {i}": f"number {i}" for i in range(40)}
    assert (ledger.spent, ledger.reserved) == (charged(server), 0)
    assert asked.metrics.snapshot()["calls"] == 40
    assert asked.metrics.cost == ledger.spent


def test_a_slow_answer_holds_no_other_up(serve):
    server = serve({}, drips=1.0, faults=Faults(by_prompt={"What comes after number 0": ["drip"]}))
    order = [call.key for call, _ in caller(concurrency=2).run(questions(server, 10))]
    assert order[-1] == "What comes after number 0"


def test_no_more_requests_are_under_way_than_is_allowed(serve):
    server = serve({}, latency=0.02)
    assert len(list(caller(concurrency=3).run(questions(server, 20)))) == 20
    assert server.most_at_once == 3


def test_calls_are_made_only_as_their_answers_are_taken(serve):
    server = serve({})
    answers = caller(concurrency=2).run(questions(server, 40))
    next(answers)
    time.sleep(0.3)
    assert len(server.calls) <= 6
    answers.close()


# Faults.


@pytest.mark.parametrize("fault", [*STORMY, "rate_limited_date", "page"])
def test_another_attempt_is_made_and_only_what_may_be_charged_stays_reserved(serve, ledger, fault):
    prompt = "Is it a maple"
    server = serve({}, retry_after=0.01, faults=Faults(by_prompt={prompt: [fault]}))
    asked = caller(ledger)
    assert [reply.value for _, reply in asked.run([ask(server, prompt)])] == ["a maple"]
    again = not FAULTS[fault].delivered
    assert server.delivered() == {prompt: 1}
    assert asked.metrics.retries == again
    certain = FAULTS[fault].status in {429, 503, 529}
    assert ledger.reserved == (0 if certain or not again else worst(ask(server, prompt)))
    assert charged(server) <= ledger.spent + ledger.reserved


def test_a_hang_is_given_up_at_the_timeout(serve):
    server = serve({}, hangs=5.0, faults=Faults(script=["hang"]))
    begin = time.monotonic()
    assert len(list(caller(timeout=0.2).run(questions(server, 1)))) == 1
    assert time.monotonic() - begin < 2


@pytest.mark.parametrize("seed", range(3))
def test_through_a_storm_of_faults_nothing_answered_is_lost_or_asked_again(serve, ledger, seed):
    server = serve({}, retry_after=0.02, faults=Faults(seed=seed, share=0.4))
    asked = caller(ledger)
    found = Counter(call.key for call, _ in asked.run(questions(server, 80)))
    assert found == server.delivered() == Counter({f"What comes after number {i}": 1 for i in range(80)})
    assert asked.metrics.retries == len(server.calls) - 80 > 10
    assert charged(server) <= ledger.spent + ledger.reserved


@pytest.mark.parametrize("fault", ["bad_request"])
def test_a_call_that_is_wrong_in_itself_is_asked_once_and_left_out(serve, ledger, fault):
    server = serve({}, faults=Faults(by_prompt={"What comes after number 5": [fault] * 9}))
    asked = caller(ledger)
    assert len(list(asked.run(questions(server, 20)))) == 19
    assert [failure.key for failure in asked.failed] == ["What comes after number 5"]
    assert len(server.calls) == 20
    assert ledger.reserved == 0
    assert asked.metrics.failures == 1


@pytest.mark.parametrize("fault", ["key_refused", "forbidden", "not_found"])
def test_a_refusal_that_all_calls_would_meet_stops_the_run_at_once(serve, ledger, fault):
    server = serve({}, faults=Faults(by_prompt={"What comes after number 3": [fault]}), latency=0.02)
    asked = caller(ledger, concurrency=2)
    keys, error = drained(asked.run(questions(server, 100)), TeacherError)
    assert str(FAULTS[fault].status) in str(error)
    assert len(server.calls) < 10
    assert not lost(server, keys)
    assert ledger.reserved == 0


def test_attempts_end_and_the_reason_of_the_last_one_is_kept(serve):
    server = serve({}, faults=Faults(by_prompt={"What comes after number 5": ["error_500"] * 9}))
    asked = caller(attempts=3)
    assert len(list(asked.run(questions(server, 20)))) == 19
    assert len(server.calls) == 22
    assert "500" in asked.failed[0].reason


@pytest.mark.parametrize(("failing", "stops"), [(4, False), (5, True)])
def test_a_share_of_the_calls_may_fail_for_good(serve, failing, stops):
    wrong = {f"What comes after number {i}": ["bad_request"] for i in range(failing)}
    server = serve({}, faults=Faults(by_prompt=wrong))
    answers = caller(max_failed=0.1).run(questions(server, 40))
    if not stops:
        assert len(list(answers)) == 36
        return
    keys, error = drained(answers, TeacherError)
    assert "5 of 40" in str(error)
    assert not lost(server, keys)


@pytest.mark.parametrize(
    ("share", "calls", "most"),
    [(0.02, 10, 0), (0.02, 11, 1), (0.02, 100, 2), (0.02, 149, 2), (0, 1000, 0), (0.5, 2, 1)],
)
def test_the_share_that_may_fail_is_one_call_at_least_of_more_than_ten(share, calls, most):
    assert allowed_failures(share, calls) == most


# Haste.


def test_a_retry_after_holds_everybody(serve):
    server = serve({}, retry_after=0.6, latency=0.01)
    answers = caller(concurrency=4, backoff=0.01).run(questions(server, 60))
    for _ in range(8):
        next(answers)
    server.faults.script.append("rate_limited")
    assert len(list(answers)) == 52
    refused = next(call for call in server.calls if call.status == 429)
    in_time = [call.at - refused.at for call in server.calls if call.at > refused.at]
    assert not [t for t in in_time if 0.1 < t < 0.55]
    assert max(in_time) > 0.6


def test_a_refusal_without_a_retry_after_holds_everybody_for_the_back_off(serve):
    server = serve({}, latency=0.01, faults=Faults(script=["none"] * 8 + ["rate_limited_bare"]))
    assert len(list(caller(concurrency=4, backoff=0.4).run(questions(server, 40)))) == 40
    refused = next(call for call in server.calls if call.status == 429)
    assert not [c for c in server.calls if 0.1 < c.at - refused.at < 0.35]


def test_refusals_for_haste_use_up_no_attempts(serve):
    server = serve({}, retry_after=0.0, faults=Faults(by_prompt={"Is it": ["rate_limited"] * 5 + ["error_500"]}))
    assert len(list(caller(attempts=2, backoff=0.001).run([ask(server, "Is it")]))) == 1


def test_patience_with_refusals_for_haste_ends_too():
    sent = []

    def send(timeout):
        sent.append(timeout)
        raise CallFault("429", throttled=True, retry_after=0)

    asked = caller(backoff=1e-6)
    drained(asked.run([Call("a", 1, 1, send)]), TeacherError)
    assert len(sent) == PATIENCE


# Money.


def test_the_cap_is_never_passed_and_what_was_answered_is_not_paid_for_again(serve, tmp_path):
    server = serve({}, latency=0.01)
    calls = questions(server, 60)
    cap = 10 * worst(calls[-1])
    ledger = Ledger(tmp_path / "ledger.jsonl", cap)
    keys, _ = drained(caller(ledger).run(calls), BudgetReached)
    assert charged(server) == ledger.spent <= cap
    assert ledger.reserved == 0
    assert not lost(server, keys)
    rest = [call for call in calls if call.key not in keys]
    more = Ledger(tmp_path / "ledger.jsonl", 100 * cap)
    keys += [call.key for call, _ in caller(more).run(rest)]
    assert Counter(keys) == server.charged() == Counter(call.key for call in calls)


def test_worst_cases_in_flight_do_not_end_a_run_that_has_money_left(serve, tmp_path):
    """Eight at once do not fit, one does: the others wait until it turns out to be cheap."""
    server = serve({}, latency=0.01)
    calls = questions(server, 30, most=3000)
    cap = int(1.5 * worst(calls[-1]))
    ledger = Ledger(tmp_path / "ledger.jsonl", cap)
    assert len(list(caller(ledger).run(calls))) == 30
    assert ledger.spent == charged(server) < cap


@pytest.mark.parametrize("seed", range(4))
def test_under_a_cap_and_faults_the_books_bound_what_was_charged_and_a_larger_cap_finishes(serve, tmp_path, seed):
    kinds = tuple(set(STORMY) - {"usage_over"})
    server = serve({}, retry_after=0.01, faults=Faults(seed=seed, share=0.3, kinds=kinds))
    calls = questions(server, 40)
    first = (4 + 2 * seed) * worst(calls[-1])
    cap, keys = first, []
    path = tmp_path / "ledger.jsonl"
    while len(keys) < 40:
        ledger = Ledger(path, cap)
        rest = [call for call in calls if call.key not in keys]
        try:
            keys.extend(call.key for call, _ in caller(ledger, attempts=9).run(rest))
        except BudgetReached:
            cap *= 2
        assert charged(server) <= ledger.spent + ledger.reserved <= cap
        assert Counter(keys) == server.delivered()
    assert cap > first


def test_a_budget_that_does_not_hold_one_call_sends_nothing(serve, tmp_path):
    server = serve({})
    calls = questions(server, 5)
    ledger = Ledger(tmp_path / "ledger.jsonl", worst(calls[0]) - 1)
    assert drained(caller(ledger).run(calls), BudgetReached)[0] == []
    assert server.calls == []


@pytest.mark.parametrize("fault", ["usage_missing", "usage_zero"])
def test_an_answer_without_a_usage_is_settled_at_its_worst_case(serve, ledger, fault):
    server = serve({}, faults=Faults(script=[fault]))
    call = ask(server, "Is it a maple")
    assert len(list(caller(ledger).run([call]))) == 1
    assert (ledger.spent, ledger.reserved) == (worst(call), 0)


def test_a_provider_that_charges_more_than_the_worst_case_stops_the_run(serve, ledger):
    server = serve({}, latency=0.01, faults=Faults(by_prompt={"What comes after number 4": ["usage_over"]}))
    keys, _ = drained(caller(ledger, concurrency=2).run(questions(server, 40)), BudgetReached)
    assert len(server.calls) < 12
    assert not lost(server, keys)


def test_a_ledger_that_takes_no_line_any_more_loses_no_answer(serve, ledger):
    server = serve({})
    call = ask(server, "Is it a maple")

    def send(timeout):
        reply = call.send(timeout)
        ledger.path.write_bytes(ledger.path.read_bytes() + b"damage\n")
        return reply

    keys, _ = drained(caller(ledger).run([replace(call, send=send)]), LedgerError)
    assert keys == ["Is it a maple"]


def test_it_runs_in_any_thread(serve, ledger):
    server = serve({})
    found = []
    thread = threading.Thread(target=lambda: found.extend(caller(ledger).run(questions(server, 5))))
    thread.start()
    thread.join()
    assert len(found) == 5


def test_nothing_to_ask_is_nothing_to_do():
    assert list(caller().run([])) == []


def test_the_limits_of_tokens_count_what_the_provider_counts():
    call, usage = Call("a", 100, 50, lambda _: Reply(None)), Usage(input=20, cached_input=30, output=7)
    assert counted_tokens("asked", call, usage) == 100
    assert counted_tokens("used", call, usage) == 27


def test_repeated_failures_are_logged_once_while_they_are_retried(serve):
    server = serve({}, faults=Faults(script=["error_500"] * 12))
    with capture_logs() as logs:
        assert len(list(caller(concurrency=4, attempts=9).run(questions(server, 4)))) == 4
    returned = [line for line in logs if line["event"] == "call_retried" and line["log_level"] == "warning"]
    assert len(returned) == 1, "one line for all of them"
    assert returned[0]["reason"].startswith("500")
