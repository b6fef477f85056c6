"""The polynomial replaces exp: it has the stated error, runs only on CPUs, and can be switched off."""

import re

import mlx.core as mx
import numpy as np
import pytest

from conch_dna.kernels import exp as fastmath


def silu(x):
    return x / (1 + np.exp(-x))


@pytest.fixture
def choose(monkeypatch):
    """Choose anew, under an environment."""

    def chosen(**environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        fastmath.exp_of_nonpositive.cache_clear()
        return fastmath.exp_of_nonpositive()

    yield chosen
    fastmath.exp_of_nonpositive.cache_clear()


def test_it_is_exp_to_five_digits():
    x = np.concatenate([np.linspace(-20, 0, 20_001), -np.logspace(-8, 0, 500)]).astype(np.float32)
    expected = np.exp(x.astype(np.float64))
    got = np.array(fastmath.polynomial_exp(mx.array(x)), np.float64)
    assert np.abs(got / expected - 1).max() < 1e-5


def test_small_values_stay_small_and_finite():
    x = np.array([-20, -40, -79, -80, -81, -1e4, -np.inf], np.float32)
    got = np.array(fastmath.polynomial_exp(mx.array(x)), np.float64)
    assert np.isfinite(got).all()
    assert np.abs(got - np.exp(x.astype(np.float64))).max() < 1e-11


def test_the_greatest_logit_counts_exactly_one():
    assert fastmath.exp_of_nonpositive()(mx.array([0.0])).item() == 1.0


@pytest.mark.parametrize("setting", [{"CONCH_ACCEL": "0"}, {"MLX_DISABLE_COMPILE": "1"}], ids=["off", "uncompiled"])
def test_the_native_exp_is_taken_when_asked_for(choose, setting):
    assert choose(**setting) is mx.exp


def test_the_native_exp_is_taken_without_a_compiler(choose, tmp_path):
    assert choose(PATH=str(tmp_path)) is mx.exp


def test_swiglu_is_silu_times_its_argument():
    rng = np.random.default_rng(0)
    gate, x = (rng.normal(size=(3, 50)) * scale for scale in (8, 2))
    gate[0, :4] = [100, -100, 0, -40]
    got = np.array(fastmath.swiglu()(*(mx.array(a.astype(np.float32)) for a in (gate, x))), np.float64)
    assert np.abs(got - silu(gate) * x).max() < 1e-5 * np.abs(gate * x).max()


def test_the_gradients_of_swiglu_are_those_of_the_formula():
    rng = np.random.default_rng(1)
    gate, x, weight = (rng.normal(size=(2, 40)) * 4 for _ in range(3))
    s = 1 / (1 + np.exp(-gate))
    expected = weight * x * s * (1 + gate * (1 - s)), weight * gate * s
    fused = fastmath.swiglu()
    single = [mx.array(a.astype(np.float32)) for a in (gate, x, weight)]
    got = mx.grad(lambda g, v: (fused(g, v) * single[2]).sum(), argnums=(0, 1))(*single[:2])
    for ours, theirs in zip(got, expected, strict=True):
        assert np.abs(np.array(ours, np.float64) - theirs).max() < 1e-5 * np.abs(theirs).max()


def test_a_nan_stays_one():
    assert np.isnan(fastmath.polynomial_exp(mx.array([float("nan")])).item())


def kernels(*outputs, folder):
    """Count the compiled kernels and all operations in a graph."""
    mx.export_to_dot(str(folder / "graph.dot"), *outputs)
    labels = re.findall(r'label ="(\w+)"', (folder / "graph.dot").read_text())
    return sum(label.startswith("Compiled") for label in labels), labels.count("Multiply")


@pytest.mark.skipif(not fastmath.pays(), reason="nothing is compiled here")
def test_kernels_stay_whole_inside_a_gradient(tmp_path):
    a, b = mx.array(np.ones((3, 4), np.float32)), mx.array(np.ones((3, 4), np.float32))
    found = mx.grad(lambda x, y: fastmath.swiglu()(x, y).sum(), argnums=(0, 1))(a, b)
    compiled, multiplications = kernels(*found, folder=tmp_path)
    assert compiled > 0
    assert multiplications == 0


@pytest.mark.skipif(not fastmath.pays(), reason="nothing is compiled here")
def test_a_fault_inside_a_kernel_reaches_the_caller():
    with pytest.raises(ValueError, match="broadcast"):
        fastmath.compiled(lambda x, y: x + y)(mx.ones((2,)), mx.ones((3,)))
