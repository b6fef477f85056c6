"""Intervals of shares and of paired differences."""

import random

import pytest

from conch_dna.util.intervals import Z, paired_difference, wilson


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


def test_the_interval_of_a_difference_is_the_published_one():
    # Bonett and Price add one to each of the two counts of questions that only one model answers.
    low, high = paired_difference(9, 1, 20)
    up, down = 10 / 22, 2 / 22
    half = Z * ((up + down - (up - down) ** 2) / 22) ** 0.5
    assert (low, high) == pytest.approx((up - down - half, up - down + half))


@pytest.mark.parametrize(("gained", "lost", "sign"), [(40, 2, 1), (2, 40, -1), (5, 4, 0), (0, 0, 0)])
def test_an_interval_leaves_out_zero_if_one_model_is_clearly_better(gained, lost, sign):
    low, high = paired_difference(gained, lost, 100)
    assert (low > 0) - (high < 0) == sign
    assert -1 <= low <= (gained - lost) / 100 <= high <= 1


def test_the_interval_of_a_difference_covers_the_truth_as_often_as_it_says():
    draw, covered = random.Random(0), 0
    for _ in range(1000):
        pairs = draw.choices([1, -1, 0], weights=[0.3, 0.1, 0.6], k=60)
        low, high = paired_difference(pairs.count(1), pairs.count(-1), 60)
        covered += low <= 0.2 <= high
    assert 930 <= covered <= 980
