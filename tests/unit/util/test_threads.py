"""A thread belongs to one worker at a time, keeps the order of its calls, and is reused."""

import threading

import mlx.core as mx
import pytest

from conch_dna.util.threads import Worker


@pytest.fixture
def worker():
    lent = Worker()
    yield lent
    lent.give_back()


def test_what_is_run_returns_and_raises_where_it_is_waited_for(worker):
    assert worker.run(lambda: 7).result(10) == 7
    with pytest.raises(ZeroDivisionError):
        worker.run(lambda: 1 / 0).result(10)


def test_work_keeps_its_order_and_its_thread(worker):
    seen = []
    for n in range(5):
        last = worker.run(lambda n=n: seen.append((n, threading.current_thread())))
    last.result(10)
    assert [n for n, _ in seen] == list(range(5))
    assert len({thread for _, thread in seen}) == 1
    assert seen[0][1].daemon


def test_a_thread_is_lent_to_one_at_a_time_and_used_again(worker):
    other = Worker()
    threads = [lent.run(threading.current_thread).result(10) for lent in (worker, other)]
    assert threads[0] is not threads[1]
    other.give_back()
    third = Worker()
    assert third.run(threading.current_thread).result(10) is threads[1]
    third.give_back()


def test_what_was_begun_in_a_worker_is_gone_on_with_there(worker):
    begun = worker.run(lambda: mx.ones(4) + 1).result(10)
    assert worker.run(lambda: mx.sum(begun).item()).result(10) == 8
