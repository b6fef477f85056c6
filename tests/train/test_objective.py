"""The fused objective is the dense formula, in value and gradient, without the dense formula's memory."""

import math

import mlx.core as mx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny import write_tiny_model

from conch_dna.train import lora
from conch_dna.train.objective import CHUNK, Objective, bucket, loss_sums, temper

BETAS = {"jsd": 0.5, "jsd_0.1": 0.1, "jsd_0.9": 0.9}


def log_softmax(x):
    return x - np.logaddexp.reduce(x, axis=-1, keepdims=True)


def bucketed(log_q_NV, ids_NK):
    """Float64 (N, k+1): the ids and the log-sum of all the rest, none of it by subtraction."""
    rest = log_q_NV.copy()
    np.put_along_axis(rest, ids_NK, -np.inf, axis=-1)
    nothing_left = ids_NK.shape[1] == rest.shape[1]
    tail = np.full((len(rest), 1), -1e4) if nothing_left else np.logaddexp.reduce(rest, axis=-1, keepdims=True)
    return np.concatenate([np.take_along_axis(log_q_NV, ids_NK, axis=-1), tail], axis=-1)


def divergence_and_slope(loss, log_q, log_p):
    """The divergence, float64 (N,), and its derivative in log q, (N, k+1)."""
    q, p = np.exp(log_q), np.exp(log_p)
    if loss == "forward_kl":
        return (p * (log_p - log_q)).sum(-1), -p
    if loss == "reverse_kl":
        return (q * (log_q - log_p)).sum(-1), q * (log_q - log_p + 1)
    beta = BETAS[loss]
    log_m = np.logaddexp(np.log(beta) + log_p, np.log(1 - beta) + log_q)
    value = (beta * p * (log_p - log_m) + (1 - beta) * q * (log_q - log_m)).sum(-1)
    return value, (1 - beta) * q * (log_q - log_m)


def dense(logits, labels, targets, loss, temperature, t_squared, alpha):
    """The three sums and the gradient of the first in the logits, all in float64 over the full vocabulary."""
    rows = np.arange(len(labels))
    log_q = log_softmax(logits)
    ce = -log_q[rows, labels]
    d_ce = np.exp(log_q)
    d_ce[rows, labels] -= 1
    if targets is None:
        return np.array([ce.sum(), ce.sum(), 0.0]), d_ce
    ids, log_probs, tail = targets
    parts = np.concatenate([log_probs, np.maximum(tail, -30.0)[:, None]], axis=-1).astype(np.float64)
    log_p = log_softmax(parts / temperature)
    log_q_T = log_softmax(logits / temperature)
    buckets = bucketed(log_q_T, ids)
    kd, slope = divergence_and_slope(loss, buckets, log_p)
    left = ids.shape[1] < logits.shape[1]
    # Each tail token's share of the tail's slope.
    inside = np.exp(log_q_T - buckets[:, -1:]) * slope[:, -1:] if left else np.zeros_like(log_q_T)
    np.put_along_axis(inside, ids, slope[:, :-1], axis=-1)
    d_kd = (inside - np.exp(log_q_T) * slope.sum(-1, keepdims=True)) / temperature
    weight = alpha * (temperature**2 if t_squared else 1.0)
    total = weight * kd.sum() + (1 - alpha) * ce.sum()
    return np.array([total, ce.sum(), kd.sum()]), weight * d_kd + (1 - alpha) * d_ce


def case(seed, positions, vocabulary, k, spread=2.0):
    """Random float32 logits, labels and targets."""
    rng = np.random.default_rng(seed)
    logits = (rng.normal(size=(positions, vocabulary)) * spread).astype(np.float32)
    labels = rng.integers(0, vocabulary, positions).astype(np.int32)
    teacher = log_softmax(rng.normal(size=(positions, vocabulary)) * 2)
    ids = np.argsort(-teacher, axis=-1)[:, :k].astype(np.int32)
    parts = bucketed(teacher, ids).astype(np.float32)
    return logits, labels, (ids, parts[:, :-1], parts[:, -1])


def fused(hidden, head, labels, targets, objective):
    """The three sums and the gradient in the hidden states."""
    some = None if targets is None else tuple(map(mx.array, targets))

    def loss(h):
        sums = loss_sums(h, head, mx.array(labels), some, objective)
        return sums[0], sums

    (_, sums), grad = mx.value_and_grad(loss)(mx.array(hidden))
    return np.array(sums, np.float64), np.array(grad, np.float64)


def assert_same(ours, theirs, tolerance=1e-5):
    for got, expected in zip(ours, theirs, strict=True):
        assert np.isfinite(got).all()
        scale = max(1.0, np.abs(expected).max())
        assert np.abs(got - expected).max() <= tolerance * scale


def test_the_dense_reference_is_its_own_finite_difference():
    logits, labels, targets = case(0, 3, 12, 4)
    logits = logits.astype(np.float64)
    for loss in ("forward_kl", "reverse_kl", "jsd_0.1"):
        _, grad = dense(logits, labels, targets, loss, 2.0, True, 0.7)
        for place in ((0, 0), (1, 5), (2, labels[2]), (2, targets[0][2, 0])):
            step = np.zeros_like(logits)
            step[place] = 1e-6
            up, down = (dense(logits + s, labels, targets, loss, 2.0, True, 0.7)[0][0] for s in (step, -step))
            assert abs((up - down) / 2e-6 - grad[place]) < 1e-7


@pytest.mark.parametrize("positions", [1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 44])
def test_cross_entropy_alone_is_the_dense_formula(positions):
    logits, labels, _ = case(1, positions, 60, 4)
    expected = dense(logits.astype(np.float64), labels, None, "", 1, False, 0)
    assert_same(fused(logits, lambda x: x, labels, None, Objective()), expected)


@pytest.mark.parametrize("t_squared", [True, False], ids=["t-squared", "plain"])
@pytest.mark.parametrize("temperature", [1.0, 2.0, 4.0])
@pytest.mark.parametrize("loss", ["forward_kl", "reverse_kl", *BETAS])
def test_mixes_with_a_divergence_are_the_dense_formula(host, loss, temperature, t_squared):
    for seed, (positions, k, alpha) in enumerate([(CHUNK + 37, 8, 0.7), (5, 1, 1.0), (9, 39, 0.2), (3, 40, 0.5)]):
        logits, labels, targets = case(seed, positions, 40, k)  # k = V, where nothing is left, among them
        objective = Objective(host.catalog.get("losses", loss), temperature, t_squared, alpha)
        expected = dense(logits.astype(np.float64), labels, targets, loss, temperature, t_squared, alpha)
        assert_same(fused(logits, lambda x: x, labels, targets, objective), expected)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**31),
    vocabulary=st.sampled_from([2, 17, 64]),
    share=st.floats(0, 1),
    loss=st.sampled_from(["forward_kl", "reverse_kl", *BETAS]),
    temperature=st.sampled_from([1.0, 2.0, 4.0]),
    t_squared=st.booleans(),
    alpha=st.floats(0, 1),
    extreme=st.booleans(),
)
def test_any_case_is_the_dense_formula(host, seed, vocabulary, share, loss, temperature, t_squared, alpha, extreme):
    k = 1 + round(share * (vocabulary - 2))  # 1 ... V - 1
    logits, labels, targets = case(seed, 6, vocabulary, k, spread=5.0)
    if extreme:
        logits = np.where(logits > 0, np.float32(50), np.float32(-50))
    objective = Objective(host.catalog.get("losses", loss), temperature, t_squared, alpha)
    expected = dense(logits.astype(np.float64), labels, targets, loss, temperature, t_squared, alpha)
    assert_same(fused(logits, lambda x: x, labels, targets, objective), expected)


def test_a_student_that_is_sure_still_gets_an_exact_gradient(host):
    """A tail far below float32's resolution of 1 - sum(p) is summed, not subtracted."""
    logits, labels, targets = case(3, 4, 30, 3)
    np.put_along_axis(logits, targets[0], np.float32(18), axis=-1)
    objective = Objective(host.catalog.get("losses", "forward_kl"), 1.0, True, 1.0)
    expected = dense(logits.astype(np.float64), labels, targets, "forward_kl", 1.0, True, 1.0)
    assert_same(fused(logits, lambda x: x, labels, targets, objective), expected, 1e-6)


@pytest.mark.parametrize(
    ("tied", "bits"),
    [(True, None), (False, None), (True, 4), (False, 4)],
    ids=["tied", "untied", "tied-quantised", "untied-quantised"],
)
def test_every_kind_of_head_gives_the_dense_gradient_in_chunks(host, tmp_path, tied, bits):
    from mlx_lm.utils import load as stock_load

    model, _ = stock_load(str(write_tiny_model(tmp_path / "m", tied=tied, bits=bits)))
    model.freeze()
    _, head = lora.split(model)
    inside = model.model.embed_tokens if tied else model.lm_head
    weight = mx.dequantize(inside.weight, inside.scales, inside.biases, 32, bits) if bits else inside.weight
    weight = np.array(weight, np.float64)
    rows = []

    def watched(hidden):
        rows.append(hidden.shape[0])
        return head(hidden)

    positions = 2 * CHUNK + 5
    _, labels, targets = case(5, positions, weight.shape[0], 16)
    hidden = np.random.default_rng(6).normal(size=(positions, weight.shape[1])).astype(np.float32)
    objective = Objective(host.catalog.get("losses", "forward_kl"), 2.0, True, 0.7)
    sums, d_logits = dense(hidden.astype(np.float64) @ weight.T, labels, targets, "forward_kl", 2.0, True, 0.7)
    assert_same(fused(hidden, watched, labels, targets, objective), (sums, d_logits @ weight))
    assert max(rows) == CHUNK
    assert sum(rows) <= 2 * positions  # once for the loss, once for its gradient at most


@pytest.mark.parametrize("loss", [None, "forward_kl"], ids=["text", "soft targets"])
def test_memory_for_logits_does_not_grow_with_the_positions(host, loss):
    vocabulary, width = 4096, 8
    weight = mx.random.normal((vocabulary, width), key=mx.random.key(0))
    objective = Objective(host.catalog.get("losses", loss), 2.0, True, 0.7) if loss else Objective()

    def peak(chunks):
        _, labels, targets = case(7, chunks * CHUNK, 50, 4)
        hidden = np.random.default_rng(8).normal(size=(chunks * CHUNK, width)).astype(np.float32)
        mx.eval(weight)
        mx.reset_peak_memory()
        before = mx.get_active_memory()
        fused(hidden, lambda x: x @ weight.T, labels, targets if loss else None, objective)
        return mx.get_peak_memory() - before

    peak(1)
    few, many = peak(12), peak(48)
    assert many < 1.5 * few
    assert many < 48 * CHUNK * vocabulary * 4 / 2, "the logits alone would take twice that"


def test_no_cotangent_but_the_first_reaches_the_hidden_states():
    logits, labels, _ = case(2, 3, 10, 2)

    def only_reported(h):
        return loss_sums(h, lambda x: x, mx.array(labels), None, Objective())[1]

    assert not np.array(mx.grad(only_reported)(mx.array(logits))).any()


@pytest.mark.parametrize("temperature", [1.0, 2.0, 4.0])
def test_tempered_buckets_sum_to_one(temperature):
    _, _, (_, log_probs, tail) = case(4, 20, 50, 7)
    tail[:3] = -np.inf  # all mass on the ids
    mass = np.exp(np.array(temper(mx.array(log_probs), mx.array(tail), temperature), np.float64)).sum(axis=-1)
    assert np.abs(mass - 1).max() < 1e-6


def test_buckets_at_temperature_one_are_exact():
    _, _, (_, log_probs, tail) = case(4, 20, 50, 7)
    tempered = np.array(temper(mx.array(log_probs), mx.array(tail), 1.0))
    assert np.abs(tempered - np.concatenate([log_probs, tail[:, None]], axis=-1)).max() < 2e-6


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**31), k=st.integers(1, 29), spread=st.floats(0.1, 20))
def test_the_divergence_of_buckets_is_a_lower_bound_of_the_full_one(seed, k, spread):
    logits, _, (ids, log_probs, tail) = case(seed, 4, 30, k, spread)
    rng = np.random.default_rng(seed)
    rng.normal(size=(4, 30)), rng.integers(0, 30, 4)
    teacher = log_softmax(rng.normal(size=(4, 30)) * 2)
    full = (np.exp(teacher) * (teacher - log_softmax(logits.astype(np.float64)))).sum(-1)
    ours = np.array(bucket(mx.array(logits), mx.array(ids)), np.float64)
    assert np.abs(np.exp(ours).sum(-1) - 1).max() < 1e-5
    theirs = np.concatenate([log_probs, tail[:, None]], axis=-1).astype(np.float64)
    merged = (np.exp(theirs) * (theirs - ours)).sum(-1)
    assert (merged <= full + 1e-5 * np.maximum(1, full)).all()
    assert (merged >= -1e-5).all()


def test_weights_follow_alpha_and_t_squared():
    def loss(student, teacher):
        return student

    assert (Objective().ce_weight, Objective().kd_weight) == (1.0, 0.0)
    assert math.isclose(Objective(loss, 3.0, True, 0.4).kd_weight, 3.6)
    assert math.isclose(Objective(loss, 3.0, False, 0.4).kd_weight, 0.4)
    assert math.isclose(Objective(loss, 3.0, False, 0.4).ce_weight, 0.6)
