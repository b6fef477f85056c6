"""Wilson's interval of a share."""

import pytest

from conch_dna.util.intervals import Z, wilson


@pytest.mark.parametrize(
    ("right", "count", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (15, 148, 0.0624, 0.1605)],
    ids=["none", "all", "half", "few of many"],
)
def test_the_interval_is_that_of_the_tables(right, count, low, high):
    assert wilson(right, count) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


@pytest.mark.parametrize(("right", "count"), [(1, 7), (24, 48), (199, 200)])
def test_its_ends_are_the_shares_whose_score_test_just_rejects(right, count):
    for end in wilson(right, count):
        error = (end * (1 - end) / count) ** 0.5
        assert abs(right / count - end) / error == pytest.approx(Z)
