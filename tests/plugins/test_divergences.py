"""The bundled losses are divergences: zero on the same, positive otherwise, finite everywhere."""

import mlx.core as mx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conch_dna.plugins import load_plugins

LOSSES = ["forward_kl", "reverse_kl", "jsd", "jsd_0.1", "jsd_0.9"]
CATALOG = load_plugins(strict=True, block=[]).catalog


def distribution(seed, spread):
    x = np.random.default_rng(seed).normal(size=(4, 6)) * spread
    return mx.array((x - np.logaddexp.reduce(x, axis=-1, keepdims=True)).astype(np.float32))


def value(loss, student, teacher):
    return np.array(CATALOG.get("losses", loss)(student, teacher), np.float64)


def test_all_are_registered_and_no_others():
    assert set(CATALOG.names("losses")) >= set(LOSSES)


@settings(max_examples=60, deadline=None)
@given(loss=st.sampled_from(LOSSES), seed=st.integers(0, 2**31), spread=st.floats(0.1, 30))
def test_none_is_negative_and_the_same_is_at_no_distance(loss, seed, spread):
    student, teacher = distribution(seed, spread), distribution(seed + 1, spread)
    found = value(loss, student, teacher)
    assert found.shape == (4,)
    assert (found > -1e-4).all()
    assert np.abs(value(loss, teacher, teacher)).max() < 1e-5


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("forward_kl", 0.75 * np.log(0.75 / 0.5) + 0.25 * np.log(0.25 / 0.5)),
        ("reverse_kl", 0.5 * np.log(0.5 / 0.75) + 0.5 * np.log(0.5 / 0.25)),
        ("jsd", 0.5 * (0.75 * np.log(0.75 / 0.625) + 0.25 * np.log(0.25 / 0.375))
            + 0.5 * (0.5 * np.log(0.5 / 0.625) + 0.5 * np.log(0.5 / 0.375))),
        ("jsd_0.1", 0.1 * (0.75 * np.log(0.75 / 0.525) + 0.25 * np.log(0.25 / 0.475))
            + 0.9 * (0.5 * np.log(0.5 / 0.525) + 0.5 * np.log(0.5 / 0.475))),
    ],
)  # fmt: skip
def test_the_direction_is_the_one_the_name_says(loss, expected):
    """Teacher (3/4, 1/4), student (1/2, 1/2)."""
    student, teacher = mx.log(mx.array([[0.5, 0.5]])), mx.log(mx.array([[0.75, 0.25]]))
    assert abs(value(loss, student, teacher)[0] - expected) < 1e-6


@pytest.mark.parametrize("loss", LOSSES)
def test_what_neither_side_would_ever_say_is_no_fault(loss):
    """Log-probabilities whose exponential is zero in float32."""
    student, teacher = mx.array([[0.0, -300.0, -200.0]]), mx.array([[0.0, -200.0, -300.0]])
    found, grad = mx.value_and_grad(lambda s: CATALOG.get("losses", loss)(s, teacher).sum())(student)
    assert abs(found.item()) < 1e-6
    assert np.isfinite(np.array(grad)).all()


@pytest.mark.parametrize("loss", ["jsd", "jsd_0.1", "jsd_0.9"])
def test_the_jensen_shannon_divergences_are_bounded(loss):
    apart = mx.array([[0.0, -40.0]]), mx.array([[-40.0, 0.0]])
    assert value(loss, *apart)[0] <= np.log(2) + 1e-6
