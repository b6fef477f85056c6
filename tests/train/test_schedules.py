"""Each schedule begins and ends where it should, and leaves its range at no step."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conch_dna.config import DistillConfig
from conch_dna.train.schedules import between, learning_rate


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_the_rate_warms_up_and_falls_to_its_share(schedule):
    config = DistillConfig(steps=10, warmup=3, learning_rate=0.8, final_rate=0.25, schedule=schedule)
    rates = [learning_rate(config, step) for step in range(11)]
    assert np.allclose(rates[:4], [0.2, 0.4, 0.6, 0.8])
    assert all(a > b for a, b in itertools.pairwise(rates[3:]))
    assert math.isclose(rates[10], 0.2)


def test_a_line_falls_evenly_and_a_cosine_does_not():
    config = DistillConfig(steps=9, warmup=1, learning_rate=1.0, final_rate=0.0, schedule="linear")
    falls = np.diff([learning_rate(config, step) for step in range(1, 10)])
    assert np.allclose(falls, -1 / 8)
    cosine = config.model_copy(update={"schedule": "cosine"})
    assert np.ptp(np.diff([learning_rate(cosine, step) for step in range(1, 10)])) > 0.1


def test_a_constant_rate_stays_at_the_peak():
    config = DistillConfig(steps=9, warmup=2, learning_rate=0.3, schedule="constant", final_rate=0.0)
    assert [learning_rate(config, step) for step in (0, 2, 5, 8)] == pytest.approx([0.1, 0.3, 0.3, 0.3])


@pytest.mark.parametrize("schedule", ["cosine", "linear", "constant"])
@pytest.mark.parametrize(("warmup", "steps"), [(0, 1), (5, 5), (9, 3)])
def test_the_rate_is_positive_for_any_warm_up(warmup, steps, schedule):
    config = DistillConfig(steps=steps, warmup=warmup, schedule=schedule)
    assert all(0 < learning_rate(config, step) <= config.learning_rate for step in range(steps))


@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 50))
@settings(max_examples=60, deadline=None, database=None)
def test_a_line_goes_from_its_start_to_its_end_and_never_beyond(start, end, steps):
    values = [between(start, end, step, steps) for step in range(steps)]
    assert values[0] == start
    if steps > 1:
        assert values[-1] == pytest.approx(end)
    assert all(min(start, end) - 1e-12 <= value <= max(start, end) + 1e-12 for value in values)
    assert between(start, None, steps - 1, steps) == start
