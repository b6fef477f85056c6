"""The losses ``p_kl``, ``gold`` and ``uld``; imported with mlx when one of them is built.

Shape suffixes: N trained student positions, C positions of one chunk, R teacher positions, P pairs of positions,
G groups, K teacher buckets, M earlier tokens of a group, V the student's vocabulary, U the ids that the teacher lacks.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import mlx.core as mx
import numpy as np

from conch_dna.align.aligned_targets import NONE
from conch_dna.align.vocabulary_map import Members
from conch_dna.losses.cross_tokenizer import BucketLoss, bucketed, largest, merged, spread, tempered
from conch_dna.losses.fused import LOWEST, TAIL_FLOOR

if TYPE_CHECKING:
    from conch_dna.plugin.protocols import Aligned, CrossTokenizerInput


class ClassLoss(BucketLoss):
    """X-Token's P-KL: the divergence over the classes of both vocabularies, at the tokens that start at the same byte.

    The student's probabilities are summed over each class (see ``VocabularyMap``), the teacher's over the k ids of each
    class. The tail is the rest, including the teacher's ids without a class. Mass in the teacher's tail that belongs to
    a class among the k is unknown and stays in the tail.
    """

    def __init__(self, given: CrossTokenizerInput) -> None:
        aligned, between = given.aligned, given.between
        targets = aligned.targets
        known = targets.ids < len(between.teacher_classes_V)
        classes_RK = np.where(known, between.teacher_classes_V[np.where(known, targets.ids, 0)], NONE)
        super().__init__(given, *merged(classes_RK, tempered(aligned, given.temperature)), between.members)


class SortedLoss:
    """ULD (Boizard et al. 2024) over k ranks and a tail, at the tokens that start at the same byte.

    With q and p sorted in descending order: ``sum(|q_r - p_r| for r <= k) + |tail_q - tail_p|``, where a tail is the
    mass beyond rank k. Summing a tail before taking the absolute value can only lower the distance, so this is a lower
    bound of the full sorted L1 distance. The published form compares the t-th tokens of both sides.
    """

    def __init__(self, given: CrossTokenizerInput) -> None:
        aligned = given.aligned
        at, rows = aligned.groups.starts_P2.T
        teacher_RK = np.exp(tempered(aligned, given.temperature))
        self._temperature = given.temperature
        self._teacher_NK = spread(teacher_RK[rows], at, aligned.labels_N, 0.0).astype(np.float32)
        self._weight_N = spread(np.ones(len(at), np.float32), at, aligned.labels_N, 0.0)

    def __call__(self, logits_CV: mx.array, part: slice) -> mx.array:
        """Return float32 (C,)."""
        teacher_CK = mx.array(self._teacher_NK[part])
        largest_CK = largest(mx.softmax(logits_CV / self._temperature, axis=-1), teacher_CK.shape[1] - 1)
        tail_C1 = 1 - largest_CK.sum(axis=-1, keepdims=True)
        student_CK = mx.concatenate([largest_CK, tail_C1], axis=-1)
        return mx.abs(student_CK - teacher_CK).sum(axis=-1) * mx.array(self._weight_N[part])


class GoldLoss:
    """GOLD: groups of the same text, summed by the chain rule; a divergence on matches, sorted L1 on the rest.

    A group's distribution is that of its last token times the probabilities of the earlier ones, an event for each last
    token, and one more for all else (an earlier token could have been another). The divergence is between the events
    that read the same on both sides and, as a last bucket, all others. Taking the first token's distribution instead
    would compare, say, what may follow "un" with what may follow nothing.

    Groups of one token on each side add ``sum(|q_r - p_r|)`` over the sorted probabilities of those of the teacher's k
    ids that are no token of the student's, and as many of the student's largest that are no token of the teacher's. In
    longer groups such events are not of one kind: what the teacher says instead of a word, the student says instead of
    its first half.

    A group's value stands at its last token and hangs on the logits of all of them: see :meth:`chunks`. Groups are left
    out where the probability of one of the teacher's earlier tokens is not known.
    """

    def __init__(self, given: CrossTokenizerInput) -> None:
        aligned, between = given.aligned, given.between
        chain_G = _chain(aligned, given.temperature)
        known = np.isfinite(chain_G)
        student_G2, teacher_G2, matches_GK, single_G, chain_G = (
            part[known] for part in (aligned.groups.student_G2, aligned.groups.teacher_G2, aligned.matches_GK,
                                     aligned.single_G, chain_G)
        )  # fmt: skip
        teacher_GK = tempered(aligned, given.temperature)[teacher_G2[:, 1] - 1]
        keys_GK, merged_GK = merged(matches_GK, teacher_GK)
        joint_GK = merged_GK + chain_G[:, None]
        left_G = np.where(chain_G < 0, np.log(-np.expm1(np.minimum(chain_G, -1e-12))), LOWEST)
        joint_GK[:, -1] = np.logaddexp(left_G, joint_GK[:, -1])
        alone_GK = np.where((matches_GK < 0) & single_G[:, None], np.exp(teacher_GK[:, :-1]), 0.0)
        at, labels = student_G2[:, 1] - 1, aligned.labels_N
        self._given, self._labels_N = given, labels
        self._keys_NK = spread(keys_GK, at, labels, NONE)
        self._teacher_NK = spread(joint_GK, at, labels, 0.0).astype(np.float32)
        self._earlier_NM = spread(_earlier(student_G2), at, labels, NONE)
        self._alone_NK = spread(-np.sort(-alone_GK, axis=1), at, labels, 0.0).astype(np.float32)
        self._single_N = spread(single_G.astype(np.float32), at, labels, 0.0)
        self._weight_N = spread(np.ones(len(at), np.float32), at, labels, 0.0)
        self._ids = Members(np.arange(len(between.student.pieces), dtype=np.int32),
                            np.arange(len(between.student.pieces) + 1))  # fmt: skip
        self._unshared_U = mx.array(np.flatnonzero(~between.shared).astype(np.int32))

    def chunks(self, most: int) -> list[slice]:
        """Return slices of at most ``most`` positions on which the loss may be called; none splits a group."""
        whole_N = np.ones(len(self._labels_N) + 1, bool)
        whole_N[self._earlier_NM[self._earlier_NM >= 0] + 1] = False
        starts = [0]
        while starts[-1] < len(self._labels_N):
            stop = min(starts[-1] + most, len(self._labels_N))
            starts.append(max(cut for cut in range(starts[-1] + 1, stop + 1) if whole_N[cut]))
        return [slice(a, b) for a, b in pairwise(starts)]

    def __call__(self, logits_CV: mx.array, part: slice) -> mx.array:
        """Return float32 (C,).

        :raises ValueError: ``part`` begins in the middle of a group.
        """
        scores_CV = logits_CV / self._given.temperature
        ids_CL, columns_CL = map(mx.array, self._ids.of_rows(self._keys_NK[part]))
        last_CK = bucketed(scores_CV, ids_CL, columns_CL, self._keys_NK.shape[1])
        chain_C1, left_C1 = self._student_chain(scores_CV, part)
        rest_C1 = mx.logaddexp(left_C1, last_CK[:, -1:] + chain_C1)
        joint_CK = mx.concatenate([last_CK[:, :-1] + chain_C1, rest_C1], axis=-1)
        value_C = self._given.weighted(joint_CK, mx.array(self._teacher_NK[part]))
        return value_C * mx.array(self._weight_N[part]) + self._apart(scores_CV, part)

    def _student_chain(self, scores_CV: mx.array, part: slice) -> tuple[mx.array, mx.array]:
        """Return (C, 1) log-probabilities of each group's earlier tokens, and of anything else in their place.

        The second is summed over the earlier tokens (the tokens before it, then a different one), never subtracted from
        1: a subtraction would lose the digits of a small mass.
        """
        here_CM = self._earlier_NM[part]
        earlier_CM = here_CM - part.start
        if (earlier_CM[here_CM >= 0] < 0).any():
            raise ValueError("a chunk begins in the middle of a group; use the slices of GoldLoss.chunks")
        labels_C1 = mx.array(self._labels_N[part])[:, None]
        own_C2 = bucketed(scores_CV, labels_C1, mx.zeros_like(labels_C1), 1)
        there_CM, at_CM = mx.array(here_CM >= 0), mx.array(np.maximum(earlier_CM, 0))
        said_CM = mx.where(there_CM, own_C2[:, 0][at_CM], 0.0)
        other_CM = mx.where(there_CM, own_C2[:, 1][at_CM], LOWEST)
        before_CM = mx.cumsum(said_CM, axis=1, inclusive=False)
        return said_CM.sum(axis=1, keepdims=True), mx.logsumexp(before_CM + other_CM, axis=1, keepdims=True)

    def _apart(self, scores_CV: mx.array, part: slice) -> mx.array:
        """Return (C,) sorted L1 distances between the tokens that only one side has."""
        whole_C1 = mx.logsumexp(scores_CV, axis=-1, keepdims=True)
        probs_CU = mx.exp(mx.take(scores_CV, self._unshared_U, axis=-1) - whole_C1)
        alone_CK = mx.array(self._alone_NK[part])
        distance_C = mx.abs(largest(probs_CU, alone_CK.shape[1]) - alone_CK).sum(axis=-1)
        return distance_C * mx.array(self._single_N[part])


def _chain(aligned: Aligned, temperature: float) -> np.ndarray:
    """Return float64 (G,) log-probabilities of the teacher's tokens before the last of each group, NaN if unknown."""
    targets = aligned.targets
    parts_RK = np.concatenate([targets.log_probs, np.maximum(targets.tail, TAIL_FLOOR)[:, None]], axis=1)
    whole_R = np.logaddexp.reduce(parts_RK.astype(np.float64) / temperature, axis=1)
    earlier_GM = _earlier(aligned.groups.teacher_G2)
    said_GM = np.where(earlier_GM >= 0, (aligned.said_R / temperature - whole_R)[earlier_GM], 0.0)
    chain_G: np.ndarray = said_GM.sum(axis=1)
    return chain_G


def _earlier(ranges_G2: np.ndarray) -> np.ndarray:
    """Return int64 (G, M): the indices of each range without its last, padded with -1; M is at least 1."""
    most = int((np.diff(ranges_G2)[:, 0] - 1).max(initial=1))
    indices_GM = ranges_G2[:, :1] + np.arange(max(1, most))
    return np.where(indices_GM < ranges_G2[:, 1:] - 1, indices_GM, NONE)
