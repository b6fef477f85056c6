"""The fused objective is the dense formula, in value and gradient, without the dense formula's memory."""

import math

import mlx.core as mx
import numpy as np
import pytest
from dense_losses import (
    LOSSES,
    assert_same,
    bucketed,
    case,
    dense,
    extreme_student,
    extreme_teacher,
    fused,
    log_softmax,
    top_k,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlx import nn
from tiers import thin
from tiny import write_tiny_model

from conch_dna.errors import ConfigError
from conch_dna.losses import fused as module
from conch_dna.losses.fused import CHUNK, Objective, Sums, bucket, loss_sums, temper
from conch_dna.models.head import split

KNOWN = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}


@pytest.fixture
def objective_of(host):
    """Return the objective with a loss of that name: T = 2, T^2, alpha = 0.7, beta = 0.3 unless returned otherwise."""

    def make(loss, **changes):
        values = {"temperature": 2.0, "alpha": 0.7, "beta": 0.3, **changes}
        return Objective(host.catalog.get("losses", loss), **values)

    return make


@pytest.mark.parametrize("loss", LOSSES)
def test_the_dense_reference_is_its_own_finite_difference(objective_of, loss):
    logits, labels, targets = case(0, 3, 12, 4)
    logits = logits.astype(np.float64)
    objective = objective_of(loss, temperature=1.7)
    grad = dense(logits, labels, targets, loss, objective).grad
    for place in ((0, 0), (1, 5), (2, labels[2]), (2, targets[0][2, 0])):
        step = np.zeros_like(logits)
        step[place] = 1e-6
        up, down = (dense(logits + s, labels, targets, loss, objective).sums.combined for s in (step, -step))
        assert abs((up - down) / 2e-6 - grad[place]) < 1e-7


@pytest.mark.parametrize("positions", [1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 44])
def test_cross_entropy_alone_is_the_dense_formula(positions):
    logits, labels, _ = case(1, positions, 60, 4)
    expected = dense(logits, labels, None, "", Objective())
    assert_same(fused(logits, lambda x: x, labels, None, Objective()), expected)


@pytest.mark.parametrize("t_squared", [True, False], ids=["t-squared", "plain"])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0, 10.0])
@pytest.mark.parametrize("loss", LOSSES)
def test_mixes_with_a_divergence_are_the_dense_formula(objective_of, loss, temperature, t_squared):
    for seed, (positions, k, alpha) in enumerate([(CHUNK + 37, 8, 0.7), (5, 1, 1.0), (9, 39, 0.2), (3, 40, 0.5)]):
        logits, labels, targets = case(seed, positions, 40, k)  # k = V, where nothing is left, among them
        objective = objective_of(loss, temperature=temperature, t_squared=t_squared, alpha=alpha)
        expected = dense(logits, labels, targets, loss, objective)
        assert_same(fused(logits, lambda x: x, labels, targets, objective), expected)


@settings(max_examples=150, **KNOWN)
@given(
    seed=st.integers(0, 2**31),
    vocabulary=st.sampled_from([2, 17, 64]),
    share=st.sampled_from([0, 1]) | st.floats(0, 1),
    loss=st.sampled_from(LOSSES),
    temperature=st.sampled_from([0.5, 1.0, 2.0, 10.0]) | st.floats(0.5, 10),
    t_squared=st.booleans(),
    alpha=st.floats(0, 1),
    beta=st.floats(0.05, 0.95),
    student=st.sampled_from(["random", "huge", "saturated", "certain"]),
    teacher=st.sampled_from(["random", "one id", "only the tail", "no tail"]),
)
def test_any_case_is_the_dense_formula(
    objective_of, seed, vocabulary, share, loss, temperature, t_squared, alpha, beta, student, teacher
):
    k = 1 + round(share * (vocabulary - 2))  # 1 ... V - 1
    logits, labels, targets = case(seed, 6, vocabulary, k, spread=5.0)
    logits, targets = extreme_student(student, logits, labels), extreme_teacher(teacher, *targets)
    objective = objective_of(loss, temperature=temperature, t_squared=t_squared, alpha=alpha, beta=beta)
    expected = dense(logits, labels, targets, loss, objective)
    assert_same(fused(logits, lambda x: x, labels, targets, objective), expected)


def test_a_student_that_is_sure_still_gets_an_exact_gradient(objective_of):
    """A tail far below float32's resolution of 1 - sum(p) is summed, not subtracted."""
    logits, labels, targets = case(3, 4, 30, 3)
    np.put_along_axis(logits, targets[0], np.float32(18), axis=-1)
    objective = objective_of("forward_kl", temperature=1.0, alpha=1.0)
    expected = dense(logits, labels, targets, "forward_kl", objective)
    assert_same(fused(logits, lambda x: x, labels, targets, objective), expected, 1e-6)


def test_a_shift_of_all_logits_changes_nothing(objective_of):
    logits, labels, targets = case(3, 4, 30, 5)
    logits = np.round(logits * 64) / 64  # exact after the shift too
    here, there = (
        fused(z, lambda x: x, labels, targets, objective_of("reverse_kl")) for z in (logits, logits - np.float32(3e4))
    )
    assert here[0] == there[0]
    assert np.array_equal(here[1], there[1])


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0, 10.0])
@pytest.mark.parametrize("loss", LOSSES)
def test_a_student_that_is_its_teacher_is_at_no_distance_at_any_temperature(objective_of, loss, temperature):
    """Also where most tokens are in the tail: tempered one by one they would outweigh the teacher's one bucket."""
    logits, labels, _ = case(5, 20, 500, 1)
    targets = top_k(log_softmax(logits.astype(np.float64)), 4)
    sums, grad = fused(logits, lambda x: x, labels, targets, objective_of(loss, temperature=temperature, alpha=1.0))
    assert abs(sums.kd) < 1e-4
    assert sums.agreed == 20
    if loss != "total_variation":  # which has a kink there
        assert np.abs(grad).max() < 1e-5


@pytest.mark.parametrize(
    ("tied", "bits"),
    [(True, None), (False, None), (True, 4), (False, 4)],
    ids=["tied", "untied", "tied-quantised", "untied-quantised"],
)
def test_every_kind_of_head_gives_the_dense_gradient_in_chunks(objective_of, tmp_path, tied, bits):
    from mlx_lm.utils import load as stock_load

    model, _ = stock_load(str(write_tiny_model(tmp_path / "m", tied=tied, bits=bits)))
    model.freeze()
    _, head = split(model)
    inside = model.model.embed_tokens if tied else model.lm_head
    weight = mx.dequantize(inside.weight, inside.scales, inside.biases, 32, bits) if bits else inside.weight
    weight = np.array(weight, np.float64)
    rows = []

    def watched(hidden):
        rows.append(hidden.shape[0])
        return head(hidden)

    positions = 2 * CHUNK + 5
    _, labels, targets = case(5, positions, weight.shape[0] - 3, 16)  # the last rows are padding: no id points there
    hidden = np.random.default_rng(6).normal(size=(positions, weight.shape[1])).astype(np.float32)
    objective = objective_of("forward_kl")
    expected = dense(hidden.astype(np.float64) @ weight.T, labels, targets, "forward_kl", objective)
    ours = fused(hidden, watched, labels, targets, objective)
    assert_same(ours, expected._replace(grad=expected.grad @ weight))
    assert max(rows) == CHUNK
    assert sum(rows) == positions  # once for the loss and its gradient together


@pytest.mark.parametrize(("cap", "scale"), [(30.0, 1.0), (4.0, 1.0), (None, 0.125)], ids=["soft", "hard", "scaled"])
def test_a_capped_or_scaled_head_gives_the_dense_gradient(objective_of, cap, scale):
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(50, 16)).astype(np.float32)
    hidden = (rng.normal(size=(CHUNK + 9, 16)) * 2).astype(np.float32)
    weight_VD = mx.array(weight)

    def head(h):
        logits = h @ weight_VD.T * scale
        return mx.tanh(logits / cap) * cap if cap else logits

    plain = hidden.astype(np.float64) @ weight.astype(np.float64).T * scale
    capped = np.tanh(plain / cap) * cap if cap else plain
    slope = 1 - (capped / cap) ** 2 if cap else 1.0
    _, labels, targets = case(5, len(hidden), 50, 7)
    objective = objective_of("jsd")
    expected = dense(capped, labels, targets, "jsd", objective)
    ours = fused(hidden, head, labels, targets, objective)
    assert_same(ours, expected._replace(grad=(expected.grad * slope) @ weight * scale))


@pytest.mark.parametrize("dtype", [mx.bfloat16, mx.float16], ids=["bf16", "fp16"])
def test_half_precision_weights_cost_no_precision_of_the_loss(objective_of, dtype):
    rng = np.random.default_rng(0)
    weight_VD, hidden_ND = (mx.array(rng.normal(size=s).astype(np.float32)).astype(dtype) for s in ((50, 16), (9, 16)))
    logits, weight = (np.array(x.astype(mx.float32), np.float64) for x in (hidden_ND @ weight_VD.T, weight_VD))
    _, labels, targets = case(5, 9, 50, 7)
    objective = objective_of("forward_kl")
    expected = dense(logits, labels, targets, "forward_kl", objective)

    def head(h):
        return h @ weight_VD.T

    ours = fused(hidden_ND, head, labels, targets, objective)
    assert_same((ours[0], np.zeros(1)), expected._replace(grad=np.zeros(1)))
    assert mx.grad(lambda h: loss_sums(h, head, mx.array(labels), None, objective)[0])(hidden_ND).dtype == dtype
    coarse, wanted = {mx.bfloat16: 2**-8, mx.float16: 2**-11}[dtype], expected.grad @ weight
    assert np.abs(ours[1] - wanted).max() < 4 * coarse * np.abs(wanted).max()


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_nothing_depends_on_the_size_of_a_chunk(objective_of, chunk, monkeypatch):
    logits, labels, targets = case(1, 30, 40, 6)
    objective = objective_of("skewed_kl")
    monkeypatch.setattr(module, "CHUNK", chunk)
    expected = dense(logits, labels, targets, "skewed_kl", objective)
    assert_same(fused(logits, lambda x: x, labels, targets, objective), expected)


@pytest.mark.parametrize("loss", LOSSES)
def test_parts_of_a_batch_join_to_the_whole(objective_of, loss):
    logits, labels, targets = case(1, 30, 40, 6)
    objective = objective_of(loss)
    cuts = slice(0, 11), slice(11, 30)
    parts = [fused(logits[p], lambda x: x, labels[p], tuple(t[p] for t in targets), objective) for p in cuts]
    whole = dense(logits, labels, targets, loss, objective)
    assert_same((parts[0][0].joined(parts[1][0]), np.concatenate([grad for _, grad in parts])), whole)


@pytest.mark.parametrize("loss", thin([None, *LOSSES], None, "forward_kl"))
def test_a_compiled_and_checkpointed_model_learns_the_same(objective_of, loss):
    """The whole of value and gradient under ``mx.compile``, its body under gradient checkpointing."""
    mx.random.seed(0)
    body, head = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 8)), nn.Linear(8, 30, bias=False)
    head.freeze()
    inputs_ND = mx.random.normal((CHUNK + 5, 8))
    _, labels, targets = case(2, CHUNK + 5, 30, 4)
    some = tuple(map(mx.array, targets)) if loss else None
    objective = objective_of(loss) if loss else Objective()

    def run(compiled, checkpointed):
        inside = nn.utils.checkpoint(body) if checkpointed else body

        def of_parameters(parameters, inputs, labels, some):
            body.update(parameters)
            sums = loss_sums(inside(inputs), head, labels, some, objective)
            return sums[0], sums

        step = mx.value_and_grad(of_parameters)
        start = body.parameters()
        (_, sums), grad = (mx.compile(step) if compiled else step)(start, inputs_ND, mx.array(labels), some)
        body.update(start)
        grads = [g for layer in grad["layers"] for g in layer.values()]
        return Sums(*sums.tolist()), np.concatenate([np.array(g).ravel() for g in grads])

    sums, grad = run(False, False)
    logits = np.array(head(body(inputs_ND)), np.float64)
    expected = dense(logits, labels, targets if loss else None, loss, objective)
    assert_same((sums, np.zeros(1)), expected._replace(grad=np.zeros(1)))
    assert np.abs(grad).max() > 0.1
    for how in ((True, False), (False, True), (True, True)):
        again = run(*how)
        assert np.allclose(again[0], sums, rtol=1e-6)
        assert np.allclose(again[1], grad, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_shuffled_teacher_teaches_something_else(objective_of, loss):
    logits, labels, targets = case(1, 30, 40, 6)
    others = tuple(np.roll(t, 1, axis=0) for t in targets)
    right, wrong = (fused(logits, lambda x: x, labels, t, objective_of(loss)) for t in (targets, others))
    assert abs(right[0].kd - wrong[0].kd) > 1e-3
    assert right[0].ce == pytest.approx(wrong[0].ce)
    assert np.abs(right[1] - wrong[1]).max() > 1e-2


@pytest.mark.full
@pytest.mark.parametrize("loss", [None, "forward_kl", "of the logits"], ids=["text", "soft targets", "of the logits"])
def test_memory_for_logits_does_not_grow_with_the_positions(objective_of, loss):
    vocabulary, width = 4096, 8
    weight = mx.random.normal((vocabulary, width), key=mx.random.key(0))

    def peak(chunks):
        _, labels, targets = case(7, chunks * CHUNK, 50, 4)
        hidden = np.random.default_rng(8).normal(size=(chunks * CHUNK, width)).astype(np.float32)
        given = {None: None, "forward_kl": targets}.get(loss, lambda z, _: mx.logsumexp(z, axis=-1) ** 2)
        mx.eval(weight)
        mx.reset_peak_memory()
        before = mx.get_active_memory()
        fused(hidden, lambda x: x @ weight.T, labels, given, objective_of("forward_kl"))
        return mx.get_peak_memory() - before

    peak(1)
    few, many, logits = peak(4), peak(64), CHUNK * vocabulary * 4
    hidden_sized = 64 * CHUNK * (width + 4 + 4 + 2) * 4  # hidden states and targets
    # How many arrays are in flight when the peak is reached is chance: MLX runs ahead of the CPU by ten operations.
    assert many - few < 4 * logits + 4 * hidden_sized
    assert many < 64 * logits / 3, "the logits alone would take three times that"


class Margin:
    """A loss of the logits: how much a wanted token is behind, smoothly; nothing at odd positions."""

    def __init__(self, wanted_N):
        self.wanted_N, self.parts = wanted_N, []

    def __call__(self, logits_CV, part):
        self.parts.append((part.start, part.stop))
        at_C1 = mx.take_along_axis(logits_CV, mx.array(self.wanted_N[part])[:, None], axis=-1)
        loss_C = mx.logaddexp(mx.logsumexp(logits_CV, axis=-1) - at_C1[:, 0], mx.array(0.0))
        return mx.where(mx.arange(part.start, part.stop) % 2 == 0, loss_C, 0.0)

    def dense(self, logits):
        log_q, rows = log_softmax(logits.astype(np.float64)), np.arange(len(logits))
        behind, even = -log_q[rows, self.wanted_N], rows % 2 == 0
        d = np.exp(log_q)
        d[rows, self.wanted_N] -= 1
        slope = even / (1 + np.exp(-behind))
        return np.logaddexp(behind, 0) * even, d * slope[:, None]


@pytest.mark.parametrize("alpha", [0.0, 0.4, 1.0])
def test_a_loss_of_the_logits_is_weighted_by_alpha_alone(alpha):
    positions = 2 * CHUNK + 3
    logits, labels, _ = case(1, positions, 40, 6)
    margin = Margin(case(2, positions, 40, 6)[1])
    ce = dense(logits, labels, None, "", Objective())
    values, d = margin.dense(logits)
    objective = Objective(temperature=3.0, t_squared=True, alpha=alpha)
    expected = ce._replace(
        sums=ce.sums._replace(
            combined=alpha * values.sum() + (1 - alpha) * ce.sums.ce, kd=values.sum(), kd_max=values.max()
        ),
        grad=alpha * d + (1 - alpha) * ce.grad,
    )
    assert_same(fused(logits, lambda x: x, labels, margin, objective), expected)
    assert margin.parts == [(0, CHUNK), (CHUNK, 2 * CHUNK), (2 * CHUNK, positions)]


def test_a_loss_of_the_logits_may_be_negative_as_a_policy_gradient_is():
    logits, labels, _ = case(1, 4, 20, 6)
    objective = Objective(alpha=1.0)
    sums, grad = fused(logits, lambda x: x, labels, lambda z, _: -mx.logsumexp(z, axis=-1), objective)
    z = logits.astype(np.float64)
    assert math.isclose(sums.combined, -np.logaddexp.reduce(z, axis=-1).sum(), rel_tol=1e-5)
    assert np.abs(grad + np.exp(log_softmax(z))).max() < 1e-5


@pytest.mark.parametrize("beta", [0.0, 1.0])
def test_a_fault_of_a_loss_comes_through_the_graph(objective_of, beta):
    logits, labels, targets = case(2, 3, 10, 2)
    with pytest.raises(ConfigError, match=r"forward_kl instead of beta = 0"):
        fused(logits, lambda x: x, labels, targets, objective_of("jsd", beta=beta))


def test_no_cotangent_but_the_first_reaches_the_hidden_states():
    logits, labels, _ = case(2, 3, 10, 2)

    def only_reported(h):
        return loss_sums(h, lambda x: x, mx.array(labels), None, Objective())[1:].sum()

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
    logits = case(seed, 4, 30, k, spread)[0].astype(np.float64)
    teacher = log_softmax(np.random.default_rng(seed + 1).normal(size=(4, 30)) * 2)
    full = (np.exp(teacher) * (teacher - log_softmax(logits))).sum(-1)
    ids, _, _ = top_k(teacher, k)
    ours = np.array(bucket(mx.array(logits.astype(np.float32)), mx.array(ids)), np.float64)
    assert np.abs(np.exp(ours).sum(-1) - 1).max() < 1e-5
    theirs = bucketed(teacher, ids)
    merged = (np.exp(theirs) * (theirs - ours)).sum(-1)
    assert (merged <= full + 1e-5 * np.maximum(1, full)).all()
    assert (merged >= -1e-5).all()


def test_weights_follow_alpha_t_squared_and_the_kind_of_targets():
    def loss(student, teacher, *, beta):
        return student

    buckets = (mx.zeros((1, 1)), mx.zeros((1, 1)), mx.zeros(1))
    assert Objective().weights(buckets) == (1.0, 0.0)
    assert Objective(loss, 3.0, True, 0.4).weights(None) == (1.0, 0.0)
    assert Objective(loss, 3.0, True, 0.4).weights(buckets) == pytest.approx((0.6, 3.6))
    assert Objective(loss, 3.0, False, 0.4).weights(buckets) == pytest.approx((0.6, 0.4))
    assert Objective(loss, 3.0, True, 0.4).weights(Margin([])) == pytest.approx((0.6, 0.4))
