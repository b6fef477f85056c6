"""The fused linear objective: cross-entropy and a teacher's signal from hidden states, without all logits at once.

Positions are processed in chunks: a chunk's logits, loss and gradient are computed together, then its logits are freed;
the backward pass only scales the stored gradients. Under LoRA these are gradients in the hidden states and in the few
weights of a head that is tied to an embedding with an adapter. The vocabulary is exponentiated once per chunk, for any
loss and temperature.

Shape suffixes: N positions, C positions of one chunk, D hidden size, V vocabulary, k the teacher's ids, K = k + 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import mlx.core as mx
from mlx import nn
from mlx.utils import tree_flatten, tree_map

from conch_dna.kernels.exp import exp_of_nonpositive

if TYPE_CHECKING:
    from collections.abc import Callable

    from conch_dna.plugin.protocols import Divergence, LogitLoss

    Buckets = tuple[mx.array, mx.array, mx.array]
    Signal = Buckets | LogitLoss | None
    ChunkSignal = Buckets | Callable[[mx.array], mx.array] | None
    Logits = Callable[[mx.array, Any], mx.array]

CHUNK = 128  # positions whose logits exist at the same time
LOWEST = -1e4  # log-probability of an impossible event; finite, to avoid inf - inf and 0 * inf
TAIL_FLOOR = -30.0  # a stored tail without mass is below float32's resolution, not impossible


class Sums(NamedTuple):
    """The entries of the vector of :func:`loss_sums`, in order: ``Sums(*vector.tolist())``.

    :param combined: the sum of the weighted loss; the only differentiable entry.
    :param ce: the sum of the cross-entropy, in nats.
    :param kd: the sum of the divergence or the :class:`~conch_dna.plugin.protocols.LogitLoss`, before its weight.
    :param entropy: the sum of the student's entropy over the whole vocabulary at temperature 1, in nats.
    :param agreed: positions at which the student's likeliest token is the teacher's; bucket targets only.
    :param kd_max: the largest divergence of one position; a maximum, so combine two with :meth:`joined`.
    :param margin, reward, pairs: for preferences only, see :func:`conch_dna.losses.dpo.pair_sums`.
    """

    combined: float
    ce: float
    kd: float
    entropy: float
    agreed: float
    kd_max: float
    margin: float = 0.0
    reward: float = 0.0
    pairs: float = 0.0

    def joined(self, other: Sums) -> Sums:
        """Return the figures of both sets of positions combined."""
        added = Sums._make(mine + theirs for mine, theirs in zip(self, other, strict=True))
        return added._replace(kd_max=max(self.kd_max, other.kd_max))

    def units(self, tokens: int) -> float:
        """Return the number that the loss is averaged over: pairs if there are any, otherwise tokens."""
        return self.pairs or tokens


@dataclass(frozen=True)
class Objective:
    """``alpha * T^2 * D(teacher, student) + (1 - alpha) * CE``, summed over positions.

    :param divergence: over (N, k+1) bucketed log-probabilities; without one, bucket targets are ignored.
    :param temperature: T of the divergence, applied to both sides. A ``LogitLoss`` applies its own.
    :param t_squared: whether the divergence is multiplied by T^2 (Hinton, Vinyals and Dean 2015, section 2).
    :param alpha: weight of the divergence or ``LogitLoss``.
    :param beta: the mixture weight passed to the divergence.
    """

    divergence: Divergence | None = None
    temperature: float = 1.0
    t_squared: bool = True
    alpha: float = 0.0
    beta: float = 0.5

    def weights(self, targets: Signal | ChunkSignal) -> tuple[float, float]:
        """Return the weights of the cross-entropy and of the teacher's signal for such targets.

        Without a signal the cross-entropy has weight 1. T^2 compensates for the smaller gradient of a tempered
        divergence, so it applies to bucket targets only.
        """
        bucketed = isinstance(targets, tuple)
        if targets is None or (bucketed and self.divergence is None):
            return 1.0, 0.0
        scale = self.temperature**2 if bucketed and self.t_squared else 1.0
        return 1.0 - self.alpha, self.alpha * scale


def temper(log_probs_NK: mx.array, tail_N: mx.array, temperature: float) -> mx.array:
    """Return (N, k+1) log-probabilities of the k ids and the tail at ``temperature``, normalised.

    All k+1 are divided by T, the tail as one bucket, because the distribution of its mass is not stored. The student's
    are tempered in the same way, so that the distance of a model from itself is 0 at any T.
    """
    ids_NK, tail_N1 = mx.maximum(log_probs_NK, LOWEST), mx.maximum(tail_N, TAIL_FLOOR)[:, None]
    return _normalised(mx.concatenate([ids_NK, tail_N1], axis=-1) / temperature)


def bucket(logits_CV: mx.array, ids_CK: mx.array) -> mx.array:
    """Return (C, k+1) log-probabilities of the ids and of all other ids together."""
    return _normalised(_softmax_parts(logits_CV, ids_CK).scores_CK)


def _normalised(scores_CK: mx.array) -> mx.array:
    return scores_CK - mx.logsumexp(scores_CK, axis=-1, keepdims=True)


class _Parts(NamedTuple):
    """A softmax in two parts: single ids, and the rest with a maximum of its own.

    The rest is not computed by subtracting the ids from the whole, so it keeps its precision even for a tiny mass.

    :param scores_CK: (C, k+1) the ids' logits and the rest's log-sum-exp, less the row's largest logit.
    :param top_C1: the row's largest logit.
    :param shifted_CV: the rest's logits less their own maximum; far below 0 at the ids.
    :param e_CV: its exponential.
    :param sum_C1: the sum of that.
    """

    scores_CK: mx.array
    top_C1: mx.array
    shifted_CV: mx.array
    e_CV: mx.array
    sum_C1: mx.array


def _softmax_parts(logits_CV: mx.array, ids_CK: mx.array | None) -> _Parts:
    """Compute the parts of the softmax with one exp per logit; without ids, the rest is everything."""
    if ids_CK is None:
        tops_CK = rest_top_C1 = logits_CV.max(axis=-1, keepdims=True)
        shifted_CV = logits_CV - rest_top_C1
    else:
        at_ids_CK = mx.take_along_axis(logits_CV, ids_CK, axis=-1)
        low_CK = mx.broadcast_to(at_ids_CK.max(axis=-1, keepdims=True) + LOWEST, ids_CK.shape)
        rest_CV = mx.put_along_axis(logits_CV, ids_CK, low_CK, axis=-1)
        rest_top_C1 = rest_CV.max(axis=-1, keepdims=True)
        tops_CK = mx.concatenate([at_ids_CK, rest_top_C1], axis=-1)
        shifted_CV = rest_CV - rest_top_C1
    e_CV = exp_of_nonpositive()(shifted_CV)
    sum_C1 = e_CV.sum(axis=-1, keepdims=True)
    top_C1 = tops_CK.max(axis=-1, keepdims=True)
    scores_CK = tops_CK - top_C1  # before any addition: near the maximum this difference is exact
    rest_C1 = scores_CK[:, -1:] + mx.log(sum_C1)
    scores_CK = rest_C1 if ids_CK is None else mx.concatenate([scores_CK[:, :-1], rest_C1], axis=-1)
    return _Parts(scores_CK, top_C1, shifted_CV, e_CV, sum_C1)


def loss_sums(
    hidden_ND: mx.array,
    head: Callable[[mx.array], mx.array],
    labels_N: mx.array,
    targets: Signal,
    objective: Objective,
) -> mx.array:
    """Return float32 (6,): sums over the N positions, named by :class:`Sums`.

    Only the first is differentiable, in ``hidden_ND`` and in the trainable parameters of a head that is an
    ``nn.Module``. Arrays that another kind of head closes over get no gradient.

    :param hidden_ND: hidden states that predict the labels.
    :param head: maps (C, D) hidden states to (C, V) finite logits, of any float type; the loss is taken in float32.
    :param labels_N: int32 token ids.
    :param targets: ids (N, k), most probable first, log-probs (N, k) and tail (N,); or a loss of the logits; or
        ``None`` for cross-entropy alone.
    """
    logits, trained = _functional(head)

    @mx.custom_function
    def fused(hidden: mx.array, weights: Any) -> tuple[mx.array, mx.array, Any]:
        sums: list[mx.array] = []
        grads: list[mx.array] = []
        total: Any = None
        for part in _parts(targets, hidden.shape[0]):
            rows = hidden[part]
            if grads:  # a chunk must not start before the previous one has freed its logits
                (rows,) = mx.depends([rows], [sums[-1], grads[-1], *_arrays(total)])
            chunk_sums, grad, of_weights = _chunk(rows, weights, logits, labels_N[part], _at(targets, part), objective)
            sums.append(chunk_sums)
            grads.append(grad)
            total = of_weights if total is None else tree_map(mx.add, total, of_weights)
        all_M6 = mx.stack(sums)
        joined_6 = mx.concatenate([all_M6[:, :-1].sum(axis=0), all_M6[:, -1:].max(axis=0)])
        return joined_6, mx.concatenate(grads), total

    @fused.vjp
    def fused_vjp(_: Any, cotangents: Any, outputs: Any) -> Any:
        return tree_map(lambda grad: cotangents[0][0].astype(grad.dtype) * grad, outputs[1:])

    outputs: Any = fused(hidden_ND, trained)
    sums: mx.array = outputs[0]
    return sums


def token_log_probs(hidden_ND: mx.array, head: Callable[[mx.array], mx.array], labels_N: mx.array) -> mx.array:
    """Return float32 (N,): the log-probability of each label, in nats; not differentiable."""
    hidden_ND = mx.stop_gradient(hidden_ND)
    found: list[mx.array] = []
    for part in _parts(None, hidden_ND.shape[0]):
        rows = hidden_ND[part]
        if found:  # as in loss_sums: one chunk's logits at a time
            (rows,) = mx.depends([rows], [found[-1]])
        found.append(label_log_probs(head(rows).astype(mx.float32), labels_N[part]))
    return mx.stop_gradient(mx.concatenate(found))  # the head may have trainable weights


def label_log_probs(logits_CV: mx.array, labels_C: mx.array) -> mx.array:
    """Return (C,): the log-probabilities of the labels."""
    at_labels_C1 = mx.take_along_axis(logits_CV, labels_C[:, None], axis=-1)
    return at_labels_C1[:, 0] - mx.logsumexp(logits_CV, axis=-1)


def _parts(targets: Signal, count: int) -> list[slice]:
    """Return the chunks of ``count`` positions; a loss whose positions depend on each other chooses its own."""
    chunks = getattr(targets, "chunks", None)
    return chunks(CHUNK) if chunks else [slice(i, min(i + CHUNK, count)) for i in range(0, count, CHUNK)]


def _functional(head: Callable[[mx.array], mx.array]) -> tuple[Logits, Any]:
    """Return the head as a function of hidden states and of its trainable weights, and the tree of the weights."""
    if not isinstance(head, nn.Module):
        return lambda hidden_CD, _: head(hidden_CD), {}
    module: Any = head
    own = module.trainable_parameters()

    def logits(hidden_CD: mx.array, weights: Any) -> mx.array:
        module.update(weights)
        try:
            logits_CV: mx.array = module(hidden_CD)
        finally:
            module.update(own)  # the body may share these layers; tracing it must find the original arrays
        return logits_CV

    return logits, own


def _arrays(tree: Any) -> list[mx.array]:
    """Return the arrays of a tree of parameters."""
    leaves: Any = tree_flatten(tree)
    return [leaf for _, leaf in leaves]


def _at(targets: Signal, part: slice) -> ChunkSignal:
    """Return the targets of these positions."""
    if targets is None:
        return None
    if isinstance(targets, tuple):
        ids_NK, log_probs_NK, tail_N = targets
        return ids_NK[part], log_probs_NK[part], tail_N[part]
    return lambda logits_CV: targets(logits_CV, part)


def _chunk(
    hidden_CD: mx.array, weights: Any, logits: Logits, labels_C: mx.array, targets: ChunkSignal, objective: Objective
) -> tuple[mx.array, mx.array, Any]:
    """Return the sums of one chunk and the gradients of the first in the hidden states, (C, D), and in the weights.

    The head is differentiated in the graph that computed the logits, so a soft-cap is computed once.
    """

    @mx.custom_function
    def of_logits(logits_CV: mx.array) -> tuple[mx.array, mx.array, mx.array]:
        sums, d_CV = _sums(logits_CV, labels_C, targets, objective)
        return sums[0], sums, d_CV

    @of_logits.vjp
    def of_logits_vjp(_: Any, __: Any, outputs: Any) -> Any:
        return outputs[2]  # the cotangent of the sum is 1 here

    def of_head(rows_CD: mx.array, given: Any) -> tuple[mx.array, mx.array]:
        outputs: Any = of_logits(logits(rows_CD, given).astype(mx.float32))
        return outputs[0], outputs[1]

    (_, sums), (grad_CD, of_weights) = mx.value_and_grad(of_head, argnums=(0, 1))(hidden_CD, weights)
    return sums, grad_CD, of_weights


def _sums(
    logits_CV: mx.array, labels_C: mx.array, targets: ChunkSignal, objective: Objective
) -> tuple[mx.array, mx.array]:
    """Return the six sums of one chunk and the gradient (C, V) of the first in the logits.

    Gradients are first computed in the scores of the k+1 buckets. The last bucket's score is the log-sum-exp of the
    rest, so its gradient is distributed over the rest by their softmax. This never divides by the rest's mass, which
    may be tiny.
    """
    ce_weight, kd_weight = objective.weights(targets)
    parts = _softmax_parts(logits_CV, targets[0] if isinstance(targets, tuple) else None)
    log_q_CK = _normalised(parts.scores_CK)
    q_CK = mx.exp(log_q_CK)
    at_labels_C1 = mx.take_along_axis(logits_CV, labels_C[:, None], axis=-1) - parts.top_C1
    ce_C = (mx.logsumexp(parts.scores_CK, axis=-1, keepdims=True) - at_labels_C1)[:, 0]
    kd_C = agreed_C = mx.zeros_like(ce_C)
    d_CK = ce_weight * q_CK
    if isinstance(targets, tuple):
        agreed_C = parts.scores_CK[:, 0] >= 0  # relative to the row's largest logit, so 0 is the largest
        if objective.divergence is not None:
            kd_C, kd_d_CK = _divergence(objective.divergence, log_q_CK, targets, objective)
            d_CK = d_CK + kd_weight * kd_d_CK
    d_CV = parts.e_CV * (d_CK[:, -1:] / parts.sum_C1)
    if isinstance(targets, tuple):
        d_CV = mx.put_along_axis(d_CV, targets[0], d_CK[:, :-1], axis=-1)
    elif targets is not None:
        (kd_C,), (kd_d_CV,) = mx.vjp(targets, [logits_CV], [mx.full(labels_C.shape, kd_weight)])
        d_CV = d_CV + kd_d_CV
    d_CV = d_CV.at[mx.arange(labels_C.shape[0]), labels_C].add(-ce_weight)
    ce, kd = ce_C.sum(), kd_C.sum()
    total = ce_weight * ce + kd_weight * kd
    return mx.stack([total, ce, kd, _entropy(parts, log_q_CK).sum(), agreed_C.sum(), kd_C.max()]), d_CV


def _divergence(
    divergence: Divergence, log_q_CK: mx.array, targets: Buckets, objective: Objective
) -> tuple[mx.array, mx.array]:
    """Return the divergence (C,) and its gradient (C, k+1) in the student's scores, both before its weight.

    With g = dD/dlog q over the tempered buckets and G = sum(g), that gradient is (g_b - q_b * G) / T.
    """
    _, log_probs_CK, tail_C = targets
    teacher_CK = temper(log_probs_CK, tail_C, objective.temperature)
    student_CK = _normalised(log_q_CK / objective.temperature)

    def of_student(log_probs: mx.array) -> mx.array:
        return divergence(log_probs, teacher_CK, beta=objective.beta)

    (kd_C,), (g_CK,) = mx.vjp(of_student, [student_CK], [mx.ones(tail_C.shape)])
    return kd_C, (g_CK - mx.exp(student_CK) * g_CK.sum(axis=-1, keepdims=True)) / objective.temperature


def _entropy(parts: _Parts, log_q_CK: mx.array) -> mx.array:
    """Return the entropy (C,) over the whole vocabulary: that of the buckets plus the rest's own, by its mass."""
    q_CK = mx.exp(log_q_CK)
    within_C1 = mx.log(parts.sum_C1) - (parts.e_CV * parts.shifted_CV).sum(axis=-1, keepdims=True) / parts.sum_C1
    return (q_CK[:, -1:] * within_C1)[:, 0] - (q_CK * log_q_CK).sum(axis=-1)
