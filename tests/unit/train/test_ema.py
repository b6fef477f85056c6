"""The moving average is the bias-corrected weighted mean of the weights."""

import mlx.core as mx
import numpy as np
import pytest

from conch_dna.train.ema import Ema


@pytest.mark.parametrize("decay", [0.5, 0.99])
def test_the_average_is_the_corrected_exponential_mean(decay):
    rng = np.random.default_rng(0)
    seen, average = rng.normal(size=(7, 4)).astype(np.float32), Ema(decay)
    for weights in seen:
        average.update({"a": mx.array(weights)})
    shares = decay ** np.arange(6, -1, -1)
    expected = (shares[:, None] * seen).sum(axis=0) / shares.sum()
    got = average.weights({"a": mx.array(seen[-1])})["a"]
    assert np.allclose(np.array(got), expected, atol=1e-5)
    assert average.steps == 7


def test_the_first_average_equals_the_first_weights():
    average = Ema(0.999)
    average.update({"a": mx.array([4.0])})
    assert average.weights({"a": mx.array([0.0])})["a"].item() == pytest.approx(4.0, rel=1e-4)


def test_without_updates_the_given_weights_are_returned():
    like = {"a": mx.array([1.0, 2.0])}
    assert Ema(0.9).weights(like) == like


def test_a_restored_average_continues_and_has_the_dtype_of_the_weights():
    one = Ema(0.9)
    one.update({"a": mx.array([1.0])})
    other = Ema(0.9)
    other.restore(1, one.arrays())
    for average in (one, other):
        average.update({"a": mx.array([3.0])})
    like = {"a": mx.array([0.0], mx.float16)}
    assert one.weights(like)["a"].item() == other.weights(like)["a"].item()
    assert one.weights(like)["a"].dtype == mx.float16
