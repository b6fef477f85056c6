"""Attention by blocks equals MLX's to five digits, with its gradients and with a cache, and is deterministic."""

import mlx.core as mx
import numpy as np
import pytest

from conch_dna.kernels.attention import BLOCK, cached_attention, causal_attention, fits, fits_cached


def draw(shape, seed, size=1.0):
    return mx.array((np.random.default_rng(seed).normal(size=shape) * size).astype(np.float32))


def inputs(length, heads=4, key_heads=2, width=16, value_width=16, size=1.0):
    return (
        draw((2, heads, length, width), 0, size),
        draw((2, key_heads, length, width), 1, size),
        draw((2, key_heads, length, value_width), 2),
    )


def exact(q, k, v, scale, weight):
    """Attention and the gradients of its sum under ``weight``, in float64."""
    group = q.shape[1] // k.shape[1]
    q, k, v, weight = (np.array(x, np.float64) for x in (q, k, v, weight))
    wide_k, wide_v = (np.repeat(x, group, axis=1) for x in (k, v))
    scores = scale * q @ wide_k.swapaxes(-1, -2)
    scores = np.where(np.tril(np.ones(scores.shape[-2:], bool)), scores, -np.inf)
    p = np.exp(scores - scores.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    dp = weight @ wide_v.swapaxes(-1, -2)
    ds = p * (dp - (dp * p).sum(-1, keepdims=True))

    def gathered(x):
        return x.reshape(x.shape[0], k.shape[1], group, *x.shape[2:]).sum(2)

    dk, dv = gathered(scale * ds.swapaxes(-1, -2) @ q), gathered(p.swapaxes(-1, -2) @ weight)
    return p @ wide_v, scale * ds @ wide_k, dk, dv


def outcome(function, arrays, weight):
    (out,), grads = mx.vjp(function, list(arrays), [weight])
    return out, *grads


@pytest.mark.parametrize("length", [2, BLOCK, BLOCK + 1, 3 * BLOCK - 7])
@pytest.mark.parametrize("heads", [(4, 4), (4, 2), (6, 1)], ids=["each its own", "shared by 2", "shared by all"])
def test_output_and_gradients_are_those_of_the_formula(length, heads):
    arrays = inputs(length, *heads)
    weight = draw((2, heads[0], length, 16), 3)
    expected = exact(*arrays, 0.25, weight)
    for got, value in zip(outcome(causal_attention(0.25), arrays, weight), expected, strict=True):
        assert np.abs(np.array(got, np.float64) - value).max() < 1e-5 * np.abs(value).max()


def test_it_is_no_further_from_the_native_operation():
    arrays, weight = inputs(100), draw((2, 4, 100, 16), 3)

    def native(q, k, v):
        return mx.fast.scaled_dot_product_attention(q, k, v, scale=0.25, mask="causal")

    for got, value in zip(
        outcome(causal_attention(0.25), arrays, weight), outcome(native, arrays, weight), strict=True
    ):
        assert mx.abs(got - value).max().item() < 1e-5 * mx.abs(value).max().item()


def test_scores_in_the_hundreds_stay_finite():
    arrays = inputs(2 * BLOCK, size=12.0)
    weight = draw((2, 4, 2 * BLOCK, 16), 3)
    expected = exact(*arrays, 0.5, weight)
    for got, value in zip(outcome(causal_attention(0.5), arrays, weight), expected, strict=True):
        assert np.abs(np.array(got, np.float64) - value).max() < 1e-4 * np.abs(value).max()


def test_values_may_be_of_another_width():
    arrays = inputs(20, value_width=8)
    weight = draw((2, 4, 20, 8), 3)
    got = outcome(causal_attention(0.25), arrays, weight)
    assert np.abs(np.array(got[3]) - exact(*arrays, 0.25, weight)[3]).max() < 1e-4


def test_a_later_key_changes_nothing():
    q, k, v = inputs(BLOCK + 10)
    cut = BLOCK + 3
    later = mx.concatenate([k[..., :cut, :], k[..., cut:, :] + 5], axis=-2)
    before, after = (causal_attention(0.25)(q, keys, v)[..., :cut, :] for keys in (k, later))
    assert mx.array_equal(before, after)


def test_it_comes_out_the_same_every_time():
    arrays, weight = inputs(150), draw((2, 4, 150, 16), 3)
    first, again = (outcome(causal_attention(0.25), arrays, weight) for _ in range(2))
    assert all(mx.array_equal(a, b) for a, b in zip(first, again, strict=True))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, True),
        ({"mask": None}, False),
        ({"mask": mx.zeros((20, 20))}, False),
        ({"cache": object()}, False),
        ({"q": draw((2, 4, 1, 16), 0)}, False),
        ({"v": draw((2, 2, 20, 16), 0).astype(mx.bfloat16)}, False),
    ],
    ids=["causal", "no mask", "an array", "a cache", "one query", "half precision"],
)
def test_only_the_plain_case_is_taken(change, expected):
    q, k, v = inputs(20)
    assert fits(**{"q": q, "k": k, "v": v, "cache": None, "mask": "causal", **change}) is expected


def masks(length, seen):
    """Masks of ``length`` queries at the end of ``seen`` keys, by name; the second row has three keys of padding."""
    causal = mx.arange(seen)[None] <= mx.arange(seen - length, seen)[:, None]
    padded = causal & (mx.array([0, 3])[:, None, None, None] <= mx.arange(seen))
    return {
        "none": None,
        "causal": "causal",
        "padded": padded,
        "added": mx.where(causal, 0.0, -1e9),
        "distances": -0.1 * mx.abs(mx.arange(seen - length, seen)[:, None] - mx.arange(seen)[None]),
    }


@pytest.mark.parametrize("heads", [(4, 4), (6, 2)], ids=["each its own", "shared by 3"])
@pytest.mark.parametrize(("length", "seen"), [(1, 90), (5, 5), (BLOCK + 9, BLOCK + 9), (BLOCK + 9, 150)])
@pytest.mark.parametrize("mask", ["none", "causal", "padded", "added", "distances"])
def test_with_a_cache_it_equals_the_native_operation(length, seen, mask, heads):
    q, k, v = draw((2, heads[0], length, 16), 0), draw((2, heads[1], seen, 16), 1), draw((2, heads[1], seen, 8), 2)
    chosen = masks(length, seen)[mask]
    assert fits_cached(q, k, v, object(), chosen)
    got = cached_attention(q, k, v, 0.25, chosen)
    native = mx.fast.scaled_dot_product_attention(q, k, v, scale=0.25, mask=chosen)
    visible = slice(3, None) if mask == "padded" and length == seen else slice(None)  # padding sees nothing
    assert mx.abs(got - native)[..., visible, :].max().item() < 1e-5
    assert mx.isfinite(got).all()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, True),
        ({"mask": None}, True),
        ({"mask": mx.zeros((2, 1, 5, 20))}, True),
        ({"mask": mx.zeros((2, 4, 5, 20))}, False),
        ({"mask": mx.zeros((2, 1, 1, 20))}, False),
        ({"cache": None}, False),
        ({"k": (draw((2, 2, 20, 16), 1),) * 3}, False),
        ({"v": draw((2, 2, 20, 16), 0).astype(mx.bfloat16)}, False),
    ],
    ids=["causal", "no mask", "an array", "a mask a head", "one row", "no cache", "quantised", "half precision"],
)
def test_only_one_mask_for_all_heads_is_taken_with_a_cache(change, expected):
    q, k, v = draw((2, 4, 5, 16), 0), draw((2, 2, 20, 16), 1), draw((2, 2, 20, 16), 2)
    given = {"q": q, "k": k, "v": v, "cache": object(), "mask": "causal", **change}
    assert fits_cached(**given) is expected
