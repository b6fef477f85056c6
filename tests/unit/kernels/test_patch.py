"""The patch installs the CPU kernels for a block, changes results only slightly, and is undone at the end."""

import contextlib
import sys

import mlx.core as mx
import pytest
from mlx_lm.models import activations, base

from conch_dna.kernels import exp as fastmath
from conch_dna.kernels.patch import fast_ops

NAMES = ("swiglu", "scaled_dot_product_attention")


@pytest.fixture
def home(tiny_model):
    """The module of the tiny model's architecture."""
    return sys.modules[type(tiny_model.model).__module__]


@pytest.mark.parametrize("fault", [None, KeyboardInterrupt])
def test_an_architecture_gets_its_own_operations_back(tiny_model, home, fault):
    own = [getattr(home, name) for name in NAMES]
    ids = mx.array([list(range(1, 80))])
    before = tiny_model.model(ids)
    with contextlib.suppress(KeyboardInterrupt), fast_ops(tiny_model.model):
        for name, function in zip(NAMES, own, strict=True):
            assert (getattr(home, name) is not function) == fastmath.pays()
        inside = tiny_model.model(ids)
        assert mx.allclose(inside, before, rtol=1e-4, atol=1e-4)
        assert mx.array_equal(inside, before) != fastmath.pays()
        if fault:
            raise fault
    assert [getattr(home, name) for name in NAMES] == own
    assert mx.array_equal(tiny_model.model(ids), before)


def test_blocks_may_be_nested(tiny_model, home):
    own = home.swiglu
    with fast_ops(tiny_model.model), fast_ops(tiny_model.model):
        pass
    assert home.swiglu is own


def test_where_it_does_not_pay_the_architecture_keeps_its_own(tiny_model, home, monkeypatch):
    monkeypatch.setenv("CONCH_ACCEL", "0")
    own = home.swiglu
    with fast_ops(tiny_model.model):
        assert home.swiglu is own


def test_a_function_that_is_not_mlx_lms_stays(tiny_model, home, monkeypatch):
    monkeypatch.setattr(home, "swiglu", lambda gate, x: gate * x)
    own = home.swiglu
    with fast_ops(tiny_model.model):
        assert home.swiglu is own


@pytest.mark.parametrize("cached", [False, True])
def test_decoding_with_a_cache_gives_the_same_logits(tiny_model, cached):
    from mlx_lm.models.cache import make_prompt_cache

    ids = mx.array([[1, 2, 3, 4]])
    with fast_ops(tiny_model.model, cached=cached):
        whole = tiny_model.model(ids)
        cache = make_prompt_cache(tiny_model.model)
        steps = mx.concatenate([tiny_model.model(ids[:, i : i + 1], cache=cache) for i in range(4)], axis=1)
    assert mx.allclose(whole, steps, rtol=1e-4, atol=1e-4)


def test_what_it_does_not_compute_goes_to_the_native_operation(tiny_model, home):
    q = mx.random.normal((1, 2, 8, 16))
    half = q.astype(mx.float16)
    plain = {"cache": None, "scale": 0.25, "mask": "causal"}
    sinks = {**plain, "sinks": mx.array([1.0, 2.0])}
    with fast_ops(tiny_model.model):
        rough = home.scaled_dot_product_attention(half, half, half, **plain)
        sunk = home.scaled_dot_product_attention(q, q, q, **sinks)
        activation = home.swiglu(half, half)
    assert mx.array_equal(rough, base.scaled_dot_product_attention(half, half, half, **plain))
    assert mx.array_equal(sunk, base.scaled_dot_product_attention(q, q, q, **sinks))
    assert mx.array_equal(activation, activations.swiglu(half, half))
