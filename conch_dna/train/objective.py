"""The fused linear objective: cross-entropy and divergence from hidden states, never all logits at once.

Base and head are frozen under LoRA, so only the gradient of the hidden states is needed. Positions are walked in
chunks: each chunk's logits, loss and gradient are computed together and its logits dropped; the backward pass only
scales what is there already.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import mlx.core as mx

from conch_dna.train.fastmath import exp_of_nonpositive

if TYPE_CHECKING:
    from collections.abc import Callable

    from conch_dna.interfaces import Divergence

CHUNK = 128  # positions whose logits exist at one time
LOWEST = -1e4  # a logit that is left out; finite, so that nothing becomes inf - inf where the k ids are all there are


@dataclass(frozen=True)
class Objective:
    """``alpha * T^2 * D(teacher, student) + (1 - alpha) * CE``, summed over positions.

    :param divergence: over (N, k+1) bucketed log-probabilities, or ``None`` for cross-entropy alone.
    :param temperature: T of the divergence; both sides are tempered.
    :param t_squared: whether the divergence is multiplied by T^2 (Hinton, Vinyals and Dean 2015, section 2).
    :param alpha: weight of the divergence.
    """

    divergence: Divergence | None = None
    temperature: float = 1.0
    t_squared: bool = True
    alpha: float = 0.0

    @property
    def kd_weight(self) -> float:
        """What the divergence is multiplied by."""
        if self.divergence is None:
            return 0.0
        return self.alpha * (self.temperature**2 if self.t_squared else 1.0)

    @property
    def ce_weight(self) -> float:
        """What the cross-entropy is multiplied by."""
        return 1.0 if self.divergence is None else 1.0 - self.alpha


def temper(log_probs_NK: mx.array, tail_N: mx.array, temperature: float) -> mx.array:
    """Return (N, k+1) log-probabilities of the k ids and the tail at ``temperature``, normalised.

    The ids' log-probabilities are divided by T. The tail is tempered as one bucket, which is exact at T = 1 only: how
    its mass is spread is not stored.
    """
    scores = mx.concatenate([log_probs_NK, mx.maximum(tail_N, -30.0)[:, None]], axis=-1) / temperature
    return scores - mx.logsumexp(scores, axis=-1, keepdims=True)


def bucket(logits_CV: mx.array, ids_CK: mx.array) -> mx.array:
    """Return (C, k+1) log-probabilities of the ids and of all the rest together."""
    rest_C1 = mx.logsumexp(_without(logits_CV, ids_CK), axis=-1, keepdims=True)
    return _normalised(mx.take_along_axis(logits_CV, ids_CK, axis=-1), rest_C1)


def _without(logits_CV: mx.array, ids_CK: mx.array) -> mx.array:
    """Return the logits with those of the ids so low that they count for nothing."""
    return mx.put_along_axis(logits_CV, ids_CK, mx.array(LOWEST), axis=-1)


def _normalised(at_ids_CK: mx.array, rest_C1: mx.array) -> mx.array:
    scores = mx.concatenate([at_ids_CK, rest_C1], axis=-1)
    return scores - mx.logsumexp(scores, axis=-1, keepdims=True)


def loss_sums(
    hidden_ND: mx.array,
    head: Callable[[mx.array], mx.array],
    labels_N: mx.array,
    targets: tuple[mx.array, mx.array, mx.array] | None,
    objective: Objective,
) -> mx.array:
    """Return float32 (3,): the sums over N positions of the combined loss, the cross-entropy and the divergence.

    Only the first is differentiable, and only in ``hidden_ND``; the head must be frozen.

    :param hidden_ND: hidden states that predict the labels.
    :param head: maps (C, D) hidden states to (C, V) logits.
    :param labels_N: int32 token ids.
    :param targets: ids (N, k), log-probs (N, k) and tail (N,), or ``None``.
    """

    @mx.custom_function
    def fused(hidden: mx.array) -> tuple[mx.array, mx.array]:
        sums: list[mx.array] = []
        grads: list[mx.array] = []
        for start in range(0, hidden.shape[0], CHUNK):
            part = slice(start, start + CHUNK)
            some = None if targets is None else tuple(t[part] for t in targets)
            rows = hidden[part]
            if grads:  # a chunk must not start before the last one let go of its logits
                (rows,) = mx.depends([rows], [sums[-1], grads[-1]])
            chunk_sums, grad = _chunk(rows, head, labels_N[part], some, objective)
            sums.append(chunk_sums)
            grads.append(grad)
        return mx.stack(sums).sum(axis=0), mx.concatenate(grads)

    @fused.vjp
    def fused_vjp(_: Any, cotangents: Any, outputs: Any) -> Any:
        return cotangents[0][0] * outputs[1]

    outputs: Any = fused(hidden_ND)
    sums: mx.array = outputs[0]
    return sums


def _chunk(
    hidden_CD: mx.array,
    head: Callable[[mx.array], mx.array],
    labels_C: mx.array,
    targets: tuple[mx.array, ...] | None,
    objective: Objective,
) -> tuple[mx.array, mx.array]:
    """Return the three sums of one chunk and the gradient (C, D) of the first in the hidden states."""
    logits_CV = head(hidden_CD).astype(mx.float32)
    e_CV, sum_C1, lse_C1 = _softmax_parts(logits_CV)
    ce_C1 = lse_C1 - mx.take_along_axis(logits_CV, labels_C[:, None], axis=-1)
    d_CV = e_CV * (objective.ce_weight / sum_C1)
    d_CV = d_CV.at[mx.arange(labels_C.shape[0]), labels_C].add(-objective.ce_weight)
    kd_sum = mx.zeros(())
    if targets is not None and objective.divergence is not None:
        kd_sum, kd_d_CV = _divergence(objective.divergence, logits_CV, targets, objective)
        d_CV = d_CV + kd_d_CV
    _, (grad_CD,) = mx.vjp(head, [hidden_CD], [d_CV.astype(hidden_CD.dtype)])
    total = objective.ce_weight * ce_C1.sum() + objective.kd_weight * kd_sum
    return mx.stack([total, ce_C1.sum(), kd_sum]), grad_CD


def _softmax_parts(logits_CV: mx.array) -> tuple[mx.array, mx.array, mx.array]:
    """Return exp(z - max), its sum and the log of the sum of exp(z): one pass of exp for loss and gradient."""
    top_C1 = logits_CV.max(axis=-1, keepdims=True)
    e_CV = exp_of_nonpositive()(logits_CV - top_C1)
    sum_C1 = e_CV.sum(axis=-1, keepdims=True)
    return e_CV, sum_C1, top_C1 + mx.log(sum_C1)


def _divergence(
    divergence: Divergence, logits_CV: mx.array, targets: tuple[mx.array, ...], objective: Objective
) -> tuple[mx.array, mx.array]:
    """Return the divergence's sum, and its weighted gradient (C, V) in the logits.

    With g = dD/dlog q over the k+1 buckets and G = sum(g), the gradient in a bucket's score is (g_b - q_b * G) / T. The
    tail's score is the log-sum-exp of the tempered logits outside the k ids, so its share is spread over these by
    their softmax among themselves: nothing is divided by the tail's mass, however small.
    """
    ids_CK, log_probs_CK, tail_C = targets
    tempered_CV = logits_CV / objective.temperature
    e_CV, sum_C1, rest_C1 = _softmax_parts(_without(tempered_CV, ids_CK))
    student_CK = _normalised(mx.take_along_axis(tempered_CV, ids_CK, axis=-1), rest_C1)
    teacher_CK = temper(log_probs_CK, tail_C, objective.temperature)
    (sum_,), (g_CK,) = mx.vjp(lambda s: divergence(s, teacher_CK).sum(), [student_CK], [mx.array(1.0)])
    weight = objective.kd_weight / objective.temperature
    d_CK = weight * (g_CK - mx.exp(student_CK) * g_CK.sum(axis=-1, keepdims=True))
    d_CV = e_CV * (d_CK[:, -1:] / sum_C1)
    return sum_, mx.put_along_axis(d_CV, ids_CK, d_CK[:, :-1], axis=-1)
