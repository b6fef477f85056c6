"""Requests of one party are served in order of arrival, several parties in turn."""

from hypothesis import given, settings
from hypothesis import strategies as st

from conch_dna.runtime.waiting_line import WaitingLine


class Waiting:
    """What the line reads of a request."""

    def __init__(self, party, number=0):
        self.sharing, self.number = party, number


def filled(parties):
    line = WaitingLine()
    for number, party in enumerate(parties):
        line.append(Waiting(party, number))
    return line


def served(line, batch=1):
    """Return the parties and numbers in the order of service, where a place is freed by the oldest."""
    running, order = [], []
    while line:
        taken = line.take(running)
        order.append((taken.sharing, taken.number))
        running = [*running, taken][-batch:]
    return order


def test_a_single_party_is_served_in_order():
    assert [number for _, number in served(filled("aaaa"))] == [0, 1, 2, 3]


def test_a_party_with_many_requests_does_not_delay_another():
    assert [party for party, _ in served(filled("aaaaaabb"), batch=2)] == list("ababaaaa")


def test_a_party_without_running_requests_comes_first():
    line = filled("aab")
    assert line.take([Waiting("a", 9), Waiting("a", 8)]).sharing == "b"


@given(st.text("abc", max_size=30), st.integers(1, 5))
@settings(deadline=None, database=None)
def test_all_are_served_once_and_each_party_in_its_order(parties, batch):
    order = served(filled(parties), batch)
    assert sorted(number for _, number in order) == list(range(len(parties)))
    for party in set(parties):
        own = [number for name, number in order if name == party]
        assert own == sorted(own)


@given(st.text("abc", min_size=1, max_size=20), st.data())
@settings(deadline=None, database=None)
def test_requests_that_are_put_back_keep_their_places(parties, data):
    line, other = filled(parties), filled(parties)
    taken = [line.take(()) for _ in range(data.draw(st.integers(0, len(parties))))]
    line.put_back(taken)
    assert len(line) == len(other)
    for party in set(parties):
        assert [r.number for r in line if r.sharing == party] == [r.number for r in other if r.sharing == party]


def test_removed_requests_are_gone():
    line = WaitingLine()
    first, second, third = Waiting("a"), Waiting("a"), Waiting("b")
    for one in (first, second, third):
        line.append(one)
    line.remove({first, third})
    assert list(line) == [second]
    line.remove({second})
    assert not line
