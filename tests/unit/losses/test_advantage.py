"""The sampled-token form of on-policy distillation: its gradient is that of the reverse KL."""

import mlx.core as mx
import numpy as np
import pytest

from conch_dna.losses import fused as objective
from conch_dna.losses.fused import Objective, loss_sums
from conch_dna.train.rollout_source import Advantage, reverse_kl


def softmax(logits):
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


class TestAdvantage:
    """The sampled-token form."""

    def sample(self, count=11, vocabulary=7, seed=3):
        rng = np.random.default_rng(seed)
        logits_NV, old_NV, teacher_NV = (rng.normal(size=(count, vocabulary)) * 2 for _ in range(3))
        tokens_N = rng.integers(0, vocabulary, count)
        rows = np.arange(count)
        return logits_NV, tokens_N, np.log(softmax(old_NV))[rows, tokens_N], np.log(softmax(teacher_NV))[rows, tokens_N]

    def test_its_gradient_is_the_reinforce_estimate(self, monkeypatch):
        """In float64: -r * A * (onehot - p); through the fused objective, chunk by chunk."""
        monkeypatch.setattr(objective, "CHUNK", 4)
        logits_NV, tokens_N, sampler_N, teacher_N = self.sample()
        p_NV = softmax(logits_NV)
        rows = np.arange(len(tokens_N))
        log_p_N = np.log(p_NV[rows, tokens_N])
        ratio_N, advantage_N = np.exp(log_p_N - sampler_N), teacher_N - log_p_N
        wanted_NV = (-ratio_N * advantage_N)[:, None] * (np.eye(p_NV.shape[1])[tokens_N] - p_NV)
        loss = Advantage(
            mx.array(tokens_N.astype(np.int32)),
            mx.array(sampler_N.astype(np.float32)),
            mx.array(teacher_N.astype(np.float32)),
        )
        only = Objective(alpha=1.0)

        def total(hidden_NV):
            return loss_sums(hidden_NV, lambda h: h, loss.tokens_N, loss, only)[0]

        value, grad_NV = mx.value_and_grad(total)(mx.array(logits_NV.astype(np.float32)))
        assert value.item() == pytest.approx((-ratio_N * advantage_N).sum(), rel=1e-4)
        assert np.allclose(np.array(grad_NV), wanted_NV, atol=1e-5)

    @pytest.mark.parametrize("stale", [False, True], ids=["fresh samples", "old samples"])
    def test_over_all_samples_its_gradient_is_that_of_the_reverse_kl(self, stale):
        """Every token of a tiny vocabulary, weighted by the sampler's probability of drawing it."""
        rng = np.random.default_rng(0)
        logits_V, old_V, teacher_V = (rng.normal(size=5) for _ in range(3))
        q_V, teacher_V = softmax(old_V if stale else logits_V), np.log(softmax(teacher_V))
        count = len(logits_V)
        loss = Advantage(
            mx.arange(count), mx.array(np.log(q_V).astype(np.float32)), mx.array(teacher_V.astype(np.float32))
        )

        def expected(row_V):
            rows_VV = mx.broadcast_to(row_V, (count, count))
            return (mx.array(q_V.astype(np.float32)) * loss(rows_VV, slice(0, count))).sum()

        def divergence(row_V):
            log_p_V = row_V - mx.logsumexp(row_V)
            return (mx.exp(log_p_V) * (log_p_V - loss.teacher_N)).sum()

        row_V = mx.array(logits_V.astype(np.float32))
        (value, grad_V), (wanted, wanted_V) = (mx.value_and_grad(f)(row_V) for f in (expected, divergence))
        assert value.item() == pytest.approx(wanted.item(), abs=1e-5)
        assert np.allclose(np.array(grad_V), np.array(wanted_V), atol=1e-5)
        assert np.abs(np.array(wanted_V)).max() > 0.05

    def test_estimators_of_the_reverse_kl_are_right_on_average(self):
        rng = np.random.default_rng(1)
        p_V, t_V = softmax(rng.normal(size=9)), softmax(rng.normal(size=9))
        k1_V, k3_V = reverse_kl(np.log(p_V), np.log(t_V))
        wanted = (p_V * np.log(p_V / t_V)).sum()
        assert (p_V * k1_V).sum() == pytest.approx(wanted)
        assert (p_V * k3_V).sum() == pytest.approx(wanted)
        assert (k3_V >= 0).all()
        assert (k1_V < 0).any()
