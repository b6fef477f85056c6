"""The polynomial stands in for exp: as exact as it says, on a CPU only, and off when told so."""

import mlx.core as mx
import numpy as np
import pytest

from conch_dna.train import fastmath

on_cpu = pytest.mark.skipif(mx.default_device() != mx.Device(mx.cpu), reason="the CPU's way")


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
    got = np.array(fastmath._exp_of_nonpositive(mx.array(x)), np.float64)
    assert np.abs(got / expected - 1).max() < 1e-5


def test_small_values_stay_small_and_finite():
    x = np.array([-20, -40, -79, -80, -81, -1e4, -np.inf], np.float32)
    got = np.array(fastmath._exp_of_nonpositive(mx.array(x)), np.float64)
    assert np.isfinite(got).all()
    assert np.abs(got - np.exp(x.astype(np.float64))).max() < 1e-11


def test_the_greatest_logit_counts_exactly_one():
    assert fastmath.exp_of_nonpositive()(mx.array([0.0])).item() == 1.0


@pytest.mark.parametrize("setting", [{"CONCH_ACCEL": "0"}, {"MLX_DISABLE_COMPILE": "1"}], ids=["off", "uncompiled"])
def test_the_native_exp_is_taken_when_asked_for(choose, setting):
    assert choose(**setting) is mx.exp


def test_the_native_exp_is_taken_without_a_compiler(choose, tmp_path):
    assert choose(PATH=str(tmp_path)) is mx.exp
