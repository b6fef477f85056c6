"""The bundled losses are divergences: zero on the same, positive otherwise, finite everywhere."""

import mlx.core as mx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conch_dna.errors import ConfigError
from conch_dna.plugin.manager import load_plugins

LOSSES = ["forward_kl", "reverse_kl", "jsd", "skewed_kl", "skewed_reverse_kl", "total_variation"]
MIXED = ["jsd", "skewed_kl", "skewed_reverse_kl"]
CATALOG = load_plugins(strict=True, block=[]).catalog


def distribution(seed, spread):
    x = np.random.default_rng(seed).normal(size=(4, 6)) * spread
    return mx.array((x - np.logaddexp.reduce(x, axis=-1, keepdims=True)).astype(np.float32))


def value(loss, student, teacher, beta=0.5):
    return np.array(CATALOG.get("losses", loss)(student, teacher, beta=beta), np.float64)


def test_all_are_registered_and_no_others():
    assert set(CATALOG.names("losses")) == set(LOSSES)


@settings(max_examples=60, deadline=None)
@given(
    loss=st.sampled_from(LOSSES), seed=st.integers(0, 2**31), spread=st.floats(0.1, 30), beta=st.floats(0.001, 0.999)
)
def test_none_is_negative_and_the_same_is_at_no_distance(loss, seed, spread, beta):
    student, teacher = distribution(seed, spread), distribution(seed + 1, spread)
    found = value(loss, student, teacher, beta)
    assert found.shape == (4,)
    assert (found > -1e-4).all()
    assert np.abs(value(loss, teacher, teacher, beta)).max() < 1e-5


def kl(p, q):
    return sum(a * np.log(a / b) for a, b in zip(p, q, strict=True))


P, Q = (0.75, 0.25), (0.5, 0.5)
MOSTLY_P, MOSTLY_Q = (0.7, 0.3), (0.55, 0.45)  # 0.8 of one, 0.2 of the other


@pytest.mark.parametrize(
    ("loss", "beta", "expected"),
    [
        ("forward_kl", 0.8, kl(P, Q)),
        ("reverse_kl", 0.8, kl(Q, P)),
        ("jsd", 0.5, 0.5 * kl(P, (0.625, 0.375)) + 0.5 * kl(Q, (0.625, 0.375))),
        ("jsd", 0.8, 0.8 * kl(P, MOSTLY_P) + 0.2 * kl(Q, MOSTLY_P)),
        ("skewed_kl", 0.8, kl(P, MOSTLY_P)),
        ("skewed_kl", 0.2, kl(P, MOSTLY_Q)),
        ("skewed_reverse_kl", 0.8, kl(Q, MOSTLY_Q)),
        ("skewed_reverse_kl", 0.2, kl(Q, MOSTLY_P)),
        ("total_variation", 0.8, 0.25),
    ],
)
def test_the_direction_is_the_one_the_name_says(loss, beta, expected):
    """Teacher P, student Q."""
    student, teacher = mx.log(mx.array([Q])), mx.log(mx.array([P]))
    assert abs(value(loss, student, teacher, beta)[0] - expected) < 1e-6


@pytest.mark.parametrize("far", [-300.0, -1e4])
@pytest.mark.parametrize("loss", LOSSES)
def test_what_neither_side_would_ever_say_is_no_fault(loss, far):
    """Log-probabilities whose exponential is zero in float32."""
    student, teacher = mx.array([[0.0, far, -200.0]]), mx.array([[0.0, -200.0, far]])
    found, grad = mx.value_and_grad(lambda s: CATALOG.get("losses", loss)(s, teacher, beta=0.5).sum())(student)
    assert abs(found.item()) < 1e-6
    assert np.isfinite(np.array(grad)).all()


@pytest.mark.parametrize("loss", LOSSES)
def test_what_one_side_is_sure_of_and_the_other_rules_out_is_finite(loss):
    student, teacher = mx.array([[0.0, -1e4]]), mx.array([[-1e4, 0.0]])
    found, grad = mx.value_and_grad(lambda s: CATALOG.get("losses", loss)(s, teacher, beta=0.5).sum())(student)
    largest = {"forward_kl": 1e4, "reverse_kl": 1e4, "total_variation": 1.0}.get(loss, np.log(2))
    assert abs(found.item() - largest) < 1e-6 * largest
    assert np.isfinite(np.array(grad)).all()


@pytest.mark.parametrize("beta", [0.1, 0.5, 0.9])
def test_a_mixture_bounds_a_divergence(beta):
    apart = mx.array([[0.0, -40.0]]), mx.array([[-40.0, 0.0]])
    assert value("jsd", *apart, beta)[0] <= np.log(2) + 1e-6
    for loss in ("skewed_kl", "skewed_reverse_kl"):
        assert value(loss, *apart, beta)[0] <= -np.log(beta) + 1e-6


@pytest.mark.parametrize(
    ("loss", "beta", "scale", "limit"),
    [
        ("jsd", 1e-3, 1e3, "forward_kl"),
        ("jsd", 1 - 1e-3, 1e3, "reverse_kl"),
        ("skewed_kl", 1e-3, 1.0, "forward_kl"),
        ("skewed_reverse_kl", 1e-3, 1.0, "reverse_kl"),
    ],
)
def test_near_an_end_a_mixed_loss_is_the_one_its_error_names(loss, beta, scale, limit):
    student, teacher = distribution(1, 1.0), distribution(2, 1.0)
    assert np.allclose(scale * value(loss, student, teacher, beta), value(limit, student, teacher), rtol=0.02)


@pytest.mark.parametrize("beta", [0.0, 1.0, -0.5, float("nan")])
@pytest.mark.parametrize("loss", MIXED)
def test_a_mixture_with_nothing_of_one_side_is_refused(loss, beta):
    student, teacher = distribution(1, 1.0), distribution(2, 1.0)
    with pytest.raises(ConfigError, match=r"beta: .* got .*; allowed: 0 < beta < 1\..* (forward|reverse)_kl"):
        value(loss, student, teacher, beta)


@pytest.mark.parametrize("loss", sorted(set(LOSSES) - set(MIXED)))
def test_a_loss_without_a_mixture_ignores_beta(loss):
    student, teacher = distribution(1, 1.0), distribution(2, 1.0)
    assert np.array_equal(value(loss, student, teacher, 0.0), value(loss, student, teacher, 0.7))
