"""The loss as its formulas say it: float64, the whole vocabulary at once, each slope by hand."""

from typing import NamedTuple

import mlx.core as mx
import numpy as np

from conch_dna.losses.fused import Sums, loss_sums

LOSSES = ("forward_kl", "reverse_kl", "jsd", "skewed_kl", "skewed_reverse_kl", "total_variation")


def log_softmax(x):
    return x - np.logaddexp.reduce(x, axis=-1, keepdims=True)


def bucketed(log_q_NV, ids_NK):
    """Float64 (N, k+1): the ids and the log-sum of all the rest, none of it by subtraction.

    What is left out is exp(-1e4) times as likely as the likeliest, not impossible: it matters where k is V alone.
    """
    rest = log_q_NV.copy()
    np.put_along_axis(rest, ids_NK, log_q_NV.max(-1, keepdims=True) - 1e4, axis=-1)
    tail = np.logaddexp.reduce(rest, axis=-1, keepdims=True)
    return np.concatenate([np.take_along_axis(log_q_NV, ids_NK, axis=-1), tail], axis=-1)


def divergence_and_slope(loss, log_q, log_p, beta):
    """The divergence, float64 (N,), and its derivative in log q, (N, k+1)."""
    q, p = np.exp(log_q), np.exp(log_p)

    def log_mixture(weight_of_p):
        return np.logaddexp(np.log(weight_of_p) + log_p, np.log(1 - weight_of_p) + log_q)

    if loss == "forward_kl":
        return (p * (log_p - log_q)).sum(-1), -p
    if loss == "reverse_kl":
        return (q * (log_q - log_p)).sum(-1), q * (log_q - log_p + 1)
    if loss == "total_variation":
        return 0.5 * np.abs(p - q).sum(-1), 0.5 * np.sign(q - p) * q
    if loss == "skewed_reverse_kl":
        log_m = log_mixture(1 - beta)
        return (q * (log_q - log_m)).sum(-1), q * (log_q - log_m + 1 - beta * np.exp(log_q - log_m))
    log_m = log_mixture(beta)
    if loss == "skewed_kl":
        return (p * (log_p - log_m)).sum(-1), -(1 - beta) * q * np.exp(log_p - log_m)
    value = (beta * p * (log_p - log_m) + (1 - beta) * q * (log_q - log_m)).sum(-1)
    return value, (1 - beta) * q * (log_q - log_m)


class Dense(NamedTuple):
    """The six sums, the gradient in the logits, and the size of the terms that this gradient is a difference of."""

    sums: Sums
    grad: np.ndarray
    terms: float = 1.0


def dense(logits, labels, targets, loss, objective):
    """All in float64 over the full vocabulary.

    The gradient is the chain rule in the order of the formula: the divergence in the tempered buckets, these in the
    buckets at temperature 1, these in the logits.
    """
    logits = np.asarray(logits, np.float64)
    rows = np.arange(len(labels))
    log_q = log_softmax(logits)
    q = np.exp(log_q)
    ce = -log_q[rows, labels]
    entropy = -(q * log_q).sum()
    d_ce = q.copy()
    d_ce[rows, labels] -= 1
    if targets is None:
        return Dense(Sums(ce.sum(), ce.sum(), 0.0, entropy, 0.0, 0.0), d_ce)
    ids, log_probs, tail = targets
    parts = np.concatenate([np.maximum(log_probs, -1e4), np.maximum(tail, -30.0)[:, None]], axis=-1)
    log_p = log_softmax(parts.astype(np.float64) / objective.temperature)
    buckets = bucketed(log_q, ids)
    tempered = log_softmax(buckets / objective.temperature)
    kd, slope = divergence_and_slope(loss, tempered, log_p, objective.beta)
    terms = np.abs(slope).max() / objective.temperature
    slope = (slope - np.exp(tempered) * slope.sum(-1, keepdims=True)) / objective.temperature
    # Each tail token's share of the tail's slope; the ids are none of it.
    inside = np.exp(np.minimum(log_q - buckets[:, -1:], 0)) * slope[:, -1:]
    np.put_along_axis(inside, ids, slope[:, :-1], axis=-1)
    d_kd = inside - q * slope.sum(-1, keepdims=True)
    ce_weight = 1 - objective.alpha
    kd_weight = objective.alpha * (objective.temperature**2 if objective.t_squared else 1.0)
    agreed = (logits[rows, ids[:, 0]] == logits.max(-1)).sum()
    total = kd_weight * kd.sum() + ce_weight * ce.sum()
    sums = Sums(total, ce.sum(), kd.sum(), entropy, agreed, kd.max())
    return Dense(sums, kd_weight * d_kd + ce_weight * d_ce, kd_weight * terms)


def case(seed, positions, vocabulary, k, spread=2.0):
    """Random float32 logits, labels and targets."""
    rng = np.random.default_rng(seed)
    logits = (rng.normal(size=(positions, vocabulary)) * spread).astype(np.float32)
    labels = rng.integers(0, vocabulary, positions).astype(np.int32)
    return logits, labels, top_k(log_softmax(rng.normal(size=(positions, vocabulary)) * 2), k)


def top_k(teacher_NV, k):
    """The targets of float64 log-probabilities."""
    ids = np.argsort(-teacher_NV, axis=-1)[:, :k].astype(np.int32)
    parts = bucketed(teacher_NV, ids).astype(np.float32)
    return ids, parts[:, :-1], parts[:, -1]


def extreme_student(kind, logits, labels):
    """Logits of that kind, or those given."""
    if kind == "huge":
        return np.random.default_rng(labels).uniform(-1000, 1000, logits.shape).astype(np.float32)
    if kind == "saturated":
        return np.where(logits > 0, np.float32(50), np.float32(-50))
    if kind == "certain":
        return np.where(np.arange(logits.shape[1]) == labels[:, None], np.float32(1000), np.float32(-1000))
    return logits


def extreme_teacher(kind, ids, log_probs, tail):
    """Targets of that kind, or those given."""
    nothing = np.full_like(tail, -np.inf)
    if kind == "one id":
        return ids, np.where(np.arange(ids.shape[1]) == 0, np.float32(0), np.float32(-np.inf)) + 0 * log_probs, nothing
    if kind == "only the tail":
        return ids, np.full_like(log_probs, -1e4), np.zeros_like(tail)
    if kind == "no tail":
        return ids, log_probs, nothing
    return ids, log_probs, tail


def fused(hidden, head, labels, targets, objective):
    """The sums and the gradient in the hidden states; targets as NumPy arrays, a function or nothing."""
    some = tuple(map(mx.array, targets)) if isinstance(targets, tuple) else targets

    def loss(h):
        sums = loss_sums(h, head, mx.array(labels), some, objective)
        return sums[0], sums

    (_, sums), grad = mx.value_and_grad(loss)(mx.array(hidden))
    return Sums(*sums.tolist()), np.array(grad.astype(mx.float32), np.float64)


def assert_same(ours, theirs, tolerance=1e-5):
    """Compare (sums, gradient) with a :class:`Dense`, each relative to its scale."""
    for name, got, expected, scale in (
        *((field, getattr(ours[0], field), getattr(theirs.sums, field), 1.0) for field in Sums._fields),
        ("gradient", ours[1], theirs.grad, theirs.terms),
    ):
        assert np.isfinite(got).all(), name
        error = np.abs(got - expected).max()
        assert error <= tolerance * max(1.0, scale, np.abs(expected).max()), (name, error)
