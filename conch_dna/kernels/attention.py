"""Attention on a CPU, faster than MLX's, which computes a slow softmax over the full square.

:func:`causal_attention` is for training and :func:`cached_attention` for decoding. Each block of queries is multiplied
only with the keys it may see (about half of the square of a causal mask), the exponentials are
:func:`conch_dna.kernels.exp.polynomial_exp`, and queries that share a key head (GQA) use one matmul. Scores are
transposed, keys by queries, because MLX reduces over the second-to-last axis in a fifth of the time.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import mlx.core as mx

from conch_dna.kernels.exp import compiled, polynomial_exp

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCK = 64  # queries that share a range of keys; the fastest of 32, 64 and 128 at 256 tokens
HIDDEN = -1e9  # a masked score; finite, because inf - inf is NaN


@functools.cache
def _kernels() -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return exp(scores - top) and the scores' gradient e * (de - delta), compiled."""
    return (
        compiled(lambda s, top: polynomial_exp(s - top)),
        compiled(lambda e, de, delta: e * (de - delta)),
    )


def blocks_of(length: int) -> list[tuple[int, int]]:
    """Return (start, end) of each block of queries; a block attends to the keys before its end."""
    return [(start, min(start + BLOCK, length)) for start in range(0, length, BLOCK)]


def _queries(x_BHTD: mx.array, key_heads: int, start: int, end: int) -> mx.array:
    """Return positions ``start`` to ``end`` as (B, key heads, heads per key head * positions, D)."""
    batch, heads, length, width = x_BHTD.shape
    grouped = x_BHTD.reshape(batch, key_heads, heads // key_heads, length, width)
    return grouped[..., start:end, :].reshape(batch, key_heads, -1, width)


def _joined(blocks: list[mx.array], shape: tuple[int, ...], key_heads: int) -> mx.array:
    """Return the blocks of :func:`_queries`, joined to (B, H, T, D)."""
    batch, heads, length, _ = shape
    group = heads // key_heads
    parts = [b.reshape(batch, key_heads, group, -1, b.shape[-1]) for b in blocks]
    return mx.concatenate(parts, axis=-2).reshape(batch, heads, length, -1)


def _added(mask: mx.array | str, start: int, end: int, offset: int, group: int) -> mx.array:
    """Return what is added to the scores of :func:`_queries`, keys by queries: 0, or :data:`HIDDEN` for a hidden key.

    :param mask: see :func:`cached_attention`.
    :param offset: the number of keys before the first query.
    """
    if isinstance(mask, str):
        added = mx.arange(offset + end)[:, None] <= mx.arange(offset + start, offset + end)[None]
    else:
        added = mask[..., start:end, :].swapaxes(-1, -2)
    if added.dtype == mx.bool_:
        added = mx.where(added, 0.0, HIDDEN)
    return mx.tile(added, (group,))


@functools.cache
def causal_attention(scale: float) -> Callable[[mx.array, mx.array, mx.array], mx.array]:
    """Return attention of q (B, H, T, D), k (B, K, T, D) and v (B, K, T, E), float32, to (B, H, T, E).

    Softmax of ``scale * q k'`` over the keys up to the query's own position; H is a multiple of K. The exponentials are
    kept for the backward pass, about 5/8 of the bytes that MLX keeps at 256 tokens: recomputing them would take a third
    of that pass. With e the exponentials, l their sum, o the output and g = do / l, the gradients are
    dv = e'g and ds = e * (g v' - sum(g * o)) (Dao et al. 2022, appendix B.2, with the division by l moved to do).
    """
    exp_minus, score_gradient = _kernels()

    @mx.custom_function
    def attention(q: mx.array, k: mx.array, v: mx.array) -> tuple[mx.array, ...]:
        heads = k.shape[1]
        scaled = q * scale
        outs, sums, exps = [], [], []
        for start, end in blocks_of(q.shape[2]):
            scores = k[..., :end, :] @ _queries(scaled, heads, start, end).swapaxes(-1, -2)
            scores = scores + _added("causal", start, end, 0, q.shape[1] // heads)
            exps.append(exp_minus(scores, scores.max(axis=-2, keepdims=True)))
            sums.append(exps[-1].sum(axis=-2, keepdims=True).swapaxes(-1, -2))
            outs.append((exps[-1].swapaxes(-1, -2) @ v[..., :end, :]) / sums[-1])
        return _joined(outs, q.shape, heads), *sums, *exps

    @attention.vjp
    def attention_vjp(primals: Any, cotangents: Any, outputs: Any) -> tuple[mx.array, ...]:
        q, k, v = primals
        heads, blocks = k.shape[1], blocks_of(q.shape[2])
        sums, exps = outputs[1 : 1 + len(blocks)], outputs[1 + len(blocks) :]
        scaled, delta = q * scale, (cotangents[0] * outputs[0]).sum(axis=-1, keepdims=True)
        dq, dk, dv = [], mx.zeros_like(k), mx.zeros_like(v)
        for (start, end), total, e in zip(blocks, sums, exps, strict=True):
            g = _queries(cotangents[0], heads, start, end) / total
            shift = (_queries(delta, heads, start, end) / total).swapaxes(-1, -2)
            ds = score_gradient(e, v[..., :end, :] @ g.swapaxes(-1, -2), shift)
            dq.append(ds.swapaxes(-1, -2) @ k[..., :end, :])
            dk = dk.at[..., :end, :].add(ds @ _queries(scaled, heads, start, end))
            dv = dv.at[..., :end, :].add(e @ g)
        return _joined(dq, q.shape, heads) * scale, dk, dv

    return lambda q, k, v: attention(q, k, v)[0]  # type: ignore[index]  # mlx types it like the wrapped function


def cached_attention(q: mx.array, k: mx.array, v: mx.array, scale: float, mask: mx.array | str | None) -> mx.array:
    """Return attention of q (B, H, T, D) to the keys k (B, K, S, D) and values v (B, K, S, E) of a cache: (B, H, T, E).

    All are float32. The result must not be differentiated.

    :param mask: ``causal``, where the queries are the last T of S positions; a bool array, broadcast to (B, 1, T, S),
        that is true where a query may see a key; an array of that shape that is added to the scores; or ``None``.
    """
    exp_minus, _ = _kernels()
    scaled, heads, offset = q * scale, k.shape[1], k.shape[2] - q.shape[2]
    outs = []
    for start, end in blocks_of(q.shape[2]):
        seen = offset + end if isinstance(mask, str) else k.shape[2]
        scores = k[..., :seen, :] @ _queries(scaled, heads, start, end).swapaxes(-1, -2)
        if mask is not None:
            scores = scores + _added(mask, start, end, offset, q.shape[1] // heads)
        e = exp_minus(scores, scores.max(axis=-2, keepdims=True))
        outs.append((e.swapaxes(-1, -2) @ v[..., :seen, :]) / e.sum(axis=-2, keepdims=True).swapaxes(-1, -2))
    return _joined(outs, q.shape, heads)


def fits(q: mx.array, k: mx.array, v: mx.array, cache: Any, mask: Any) -> bool:
    """Return whether :func:`causal_attention` supports this call: float32, no cache, the plain causal mask."""
    causal = isinstance(mask, str) and mask == "causal"
    return _single(q, k, v) and cache is None and causal and q.shape[2] == k.shape[2]


def fits_cached(q: mx.array, k: Any, v: Any, cache: Any, mask: Any) -> bool:
    """Return whether :func:`cached_attention` supports this call: float32, a cache, and one mask for all heads."""
    if cache is None or not _single(q, k, v):
        return False
    if isinstance(mask, mx.array):
        return mask.shape[-2:] == (q.shape[2], k.shape[2]) and (mask.ndim < 3 or mask.shape[-3] == 1)
    return mask is None or mask == "causal"


def _single(*arrays: Any) -> bool:
    return all(isinstance(x, mx.array) and x.dtype == mx.float32 for x in arrays)
