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
LEAST_TAIL = 1e-7  # float32's resolution of 1 - sum(p)


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


def bucket(logits_CV: mx.array, ids_CK: mx.array, lse_C1: mx.array) -> mx.array:
    """Return (C, k+1) log-probabilities of the ids and of all the rest together."""
    log_q_CK = mx.take_along_axis(logits_CV, ids_CK, axis=-1) - lse_C1
    tail_C1 = 1.0 - mx.exp(log_q_CK).sum(axis=-1, keepdims=True)
    return mx.concatenate([log_q_CK, mx.log(mx.maximum(tail_C1, LEAST_TAIL))], axis=-1)


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
            chunk_sums, grad = _chunk(hidden[part], head, labels_N[part], some, objective)
            if grads:  # a chunk must not start before the last one let go of its logits
                grad, chunk_sums = mx.depends([grad, chunk_sums], [grads[-1]])
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
    labels_C1 = labels_C[:, None]
    e_CV, sum_C1, lse_C1 = _softmax_parts(logits_CV)
    ce_C1 = lse_C1 - mx.take_along_axis(logits_CV, labels_C1, axis=-1)
    ce_weight = mx.full(ce_C1.shape, objective.ce_weight)
    kd_sum = mx.zeros(())
    if targets is None or objective.divergence is None:
        d_CV = e_CV * (ce_weight / sum_C1)
    else:
        same = objective.temperature == 1.0
        tempered_CV = logits_CV if same else logits_CV / objective.temperature
        eT_CV, sumT_C1, lseT_C1 = (e_CV, sum_C1, lse_C1) if same else _softmax_parts(tempered_CV)
        kd_sum, dense_C1, at_ids_CK = _divergence(objective.divergence, tempered_CV, lseT_C1, targets, objective)
        d_CV = e_CV * (ce_weight / sum_C1) + eT_CV * (dense_C1 / sumT_C1)
        rows_C1 = mx.arange(labels_C.shape[0])[:, None]
        d_CV = d_CV.at[rows_C1, targets[0]].add(at_ids_CK)
    d_CV = d_CV.at[mx.arange(labels_C.shape[0]), labels_C].add(-ce_weight[:, 0])
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
    divergence: Divergence, tempered_CV: mx.array, lse_C1: mx.array, targets: tuple[mx.array, ...], objective: Objective
) -> tuple[mx.array, mx.array, mx.array]:
    """Return the divergence's sum, and its weighted gradient in the logits in two parts.

    With g = dD/dlog q over the k+1 buckets, q = softmax(z/T) and G = sum(g):
    dD/dz_j = (1/T) * (q_j * (g_tail/q_tail - G) + [j is id i] * (g_i - q_j * g_tail/q_tail)).
    The first term is dense with one coefficient a row; the second touches the k ids only.
    """
    ids_CK, log_probs_CK, tail_C = targets
    teacher_CK = temper(log_probs_CK, tail_C, objective.temperature)
    student_CK = bucket(tempered_CV, ids_CK, lse_C1)
    (sum_,), (g_CK,) = mx.vjp(lambda s: divergence(s, teacher_CK).sum(), [student_CK], [mx.array(1.0)])
    weight = objective.kd_weight / objective.temperature
    slope_C1 = g_CK[:, -1:] / mx.exp(student_CK[:, -1:])
    dense_C1 = weight * (slope_C1 - g_CK.sum(axis=-1, keepdims=True))
    at_ids_CK = weight * (g_CK[:, :-1] - mx.exp(student_CK[:, :-1]) * slope_C1)
    return sum_, dense_C1, at_ids_CK
