"""Each schedule starts and ends at the given values, and stays in its range at every step."""

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


def test_linear_decay_is_even_and_cosine_decay_is_not():
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


@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 50), st.integers(0, 60), st.sampled_from(["linear", "cosine"]))
@settings(max_examples=100, deadline=None, database=None)
def test_a_ramp_stays_between_its_start_and_its_end(start, end, steps, ramp_steps, ramp):
    config = DistillConfig(steps=steps, ramp=ramp, ramp_steps=ramp_steps, alpha_end=end)
    values = [between(config, start, end, step) for step in range(steps)]
    if steps > 1:
        assert values[0] == pytest.approx(end if ramp_steps == 1 else start)
        assert np.allclose(values[min(ramp_steps or steps, steps) - 1 :], end)
    else:
        assert values == [start]
    assert all(min(start, end) - 1e-12 <= value <= max(start, end) + 1e-12 for value in values)
    assert np.all(np.diff(values) * np.sign(end - start) >= -1e-12)
    assert between(config, start, None, steps - 1) == start


def test_a_ramp_is_linear_or_half_a_cosine_and_then_constant():
    config = DistillConfig(steps=8, ramp_steps=5, alpha_end=1.0)
    assert [between(config, 0.0, 1.0, step) for step in range(8)] == pytest.approx([0, 0.25, 0.5, 0.75, 1, 1, 1, 1])
    cosine = config.model_copy(update={"ramp": "cosine"})
    wanted = [0, 0.5 - 0.5**1.5, 0.5, 0.5 + 0.5**1.5, 1, 1, 1, 1]
    assert [between(cosine, 0.0, 1.0, step) for step in range(8)] == pytest.approx(wanted)
