"""Losses between a student and a teacher that do not share a tokenizer."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import mlx.core as mx
import numpy as np

from conch_dna.align.aligned_targets import NONE, collate_aligned
from conch_dna.align.vocabulary_map import Members
from conch_dna.errors import ConfigError
from conch_dna.losses.fused import LOWEST, TAIL_FLOOR, temper

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conch_dna.align.aligned_targets import Aligned
    from conch_dna.align.vocabulary_map import VocabularyMap
    from conch_dna.config import DistillConfig
    from conch_dna.plugin.protocols import Divergence, LogitLoss


@dataclass(frozen=True)
class Terms:
    """What all of these losses are given.

    :param divergence: between two bucketed distributions.
    :param temperature: T; both sides' log-probabilities are divided by it and normalised again, the teacher's tail as
        one bucket.
    :param beta: the divergence's mixture weight.
    :param t_squared: whether a divergence is multiplied by T^2; an L1 distance never is.
    """

    divergence: Divergence
    temperature: float
    beta: float
    t_squared: bool

    def between(self, student_CK: mx.array, teacher_CK: mx.array) -> mx.array:
        """Return the weighted divergence at each position."""
        weight = self.temperature**2 if self.t_squared else 1.0
        return weight * self.divergence(student_CK, teacher_CK, beta=self.beta)


def cross_loss(
    kind: str,
    aligned: Aligned,
    between: VocabularyMap,
    *,
    divergence: Divergence,
    temperature: float = 1.0,
    beta: float = 0.5,
    t_squared: bool = False,
) -> LogitLoss:
    """Return the loss of one batch.

    Each is 0 at positions that no place of the teacher's corresponds to.

    - ``p_kl``: see :func:`p_kl`; ``truncate``, ``project``: the same by ids, see :func:`by_id`.
    - ``uld``: see :class:`SortedLoss`.
    - ``gold``: see :class:`GoldLoss`.

    :raises ConfigError: an unknown kind.
    :raises ConchError: ``truncate`` or ``project`` of tokenizers that disagree on ids.
    """
    terms = Terms(divergence, temperature, beta, t_squared)
    kinds: dict[str, Callable[[], LogitLoss]] = {
        "p_kl": lambda: p_kl(aligned, between, terms),
        "gold": lambda: GoldLoss(aligned, between, terms),
        "uld": lambda: SortedLoss(aligned, terms),
        "truncate": lambda: by_id(aligned, between, terms, cut=True),
        "project": lambda: by_id(aligned, between, terms, cut=False),
    }
    if kind not in kinds:
        raise ConfigError("unknown loss between tokenizers", got=kind, allowed=", ".join(kinds))
    return kinds[kind]()


def p_kl(aligned: Aligned, between: VocabularyMap, terms: Terms) -> LogitLoss:
    """Return X-Token's P-KL: the divergence over the classes of both vocabularies, where both start a token.

    Student probabilities are summed over each class (see ``VocabularyMap``), teacher probabilities over the k ids
    of each; the tail is all the rest, on the teacher's side the ids without a class included. Mass of the teacher's
    tail that belongs to a class among the k is not known and stays in the tail.
    """
    targets = aligned.targets
    teacher_RK = _tempered(aligned, terms.temperature)
    known = targets.ids < len(between.teacher_classes_V)
    classes_RK = np.where(known, between.teacher_classes_V[np.where(known, targets.ids, 0)], NONE)
    return BucketLoss(aligned, *_merged(classes_RK, teacher_RK), between.members, terms)


def by_id(aligned: Aligned, between: VocabularyMap, terms: Terms, *, cut: bool) -> LogitLoss:
    """Return the divergence between vocabularies whose ids mean the same as far as both go.

    :param cut: ``truncate``: both distributions are cut to the ids that both vocabularies have and normalised again.
        Without it, ``project``: nothing is cut, and what the other side has no id for is part of the tail.
    :raises ConchError: the tokenizers disagree on an id.
    """
    width = between.common_width
    ids_RK = np.where(aligned.targets.ids < width, aligned.targets.ids, NONE)
    teacher_RK = _tempered(aligned, terms.temperature)
    if cut:
        teacher_RK[:, :-1][ids_RK < 0] = LOWEST
        teacher_RK -= np.logaddexp.reduce(teacher_RK, axis=1, keepdims=True)
    one_each = Members(np.arange(width, dtype=np.int32), np.arange(width + 1))
    return BucketLoss(aligned, *_merged(ids_RK, teacher_RK), one_each, terms, width if cut else None)


def _tempered(aligned: Aligned, temperature: float) -> np.ndarray:
    """Return the teacher's distributions, float64 (R, k+1) log-probabilities."""
    targets = aligned.targets
    return np.array(temper(mx.array(targets.log_probs), mx.array(targets.tail), temperature), np.float64)


def _merged(keys_RK: np.ndarray, log_probs_RK: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Add up the probabilities of equal keys of a row in the first of them, and those of key -1 in the tail.

    :param keys_RK: int (R, k).
    :param log_probs_RK: float64 (R, k+1), the tail last.
    :returns: the keys, -1 where a column is empty now, and the log-probabilities, ``LOWEST`` there.
    """
    rows, columns = np.indices(keys_RK.shape)
    order = np.argsort(keys_RK, axis=1, kind="stable")
    sorted_RK = np.take_along_axis(keys_RK, order, axis=1)
    begins = np.diff(sorted_RK, axis=1, prepend=-2) != 0
    run_RK = np.maximum.accumulate(np.where(begins, columns, 0), axis=1)
    first_RK = np.empty_like(columns)
    np.put_along_axis(first_RK, order, np.take_along_axis(order, run_RK, axis=1), axis=1)
    into_RK = np.where(keys_RK < 0, keys_RK.shape[1], first_RK)
    merged = np.full(log_probs_RK.shape, LOWEST)
    merged[:, -1] = log_probs_RK[:, -1]
    np.logaddexp.at(merged, (rows, into_RK), log_probs_RK[:, :-1])
    return np.where(into_RK == columns, keys_RK, NONE), merged


def _spread(rows_P: np.ndarray, at_P: np.ndarray, like_N: np.ndarray, fill: float) -> np.ndarray:
    """Return (N, ...) rows, of which those at ``at_P`` are ``rows_P`` and the others are ``fill``."""
    spread = np.full((len(like_N), *rows_P.shape[1:]), fill, rows_P.dtype)
    spread[at_P] = rows_P
    return spread


def _bucketed(scores_CV: mx.array, ids_CL: mx.array, columns_CL: mx.array, count: int) -> mx.array:
    """Return (C, count + 1) log-probabilities of sets of ids, and of all the rest together.

    :param ids_CL: the ids of all sets; no id twice in a row but as padding.
    :param columns_CL: the set of each; ``count`` for padding. A set without ids comes out as ``LOWEST``.
    """
    at_ids_CL = mx.take_along_axis(scores_CV, ids_CL, axis=-1)
    rest_CV = mx.put_along_axis(scores_CV, ids_CL, mx.array(LOWEST), axis=-1)
    rows_C1 = mx.arange(scores_CV.shape[0])[:, None]
    # A log-sum-exp by column: nothing underflows, since each has a maximum of its own.
    nothing = mx.full((scores_CV.shape[0], count + 1), LOWEST)
    top_CK = nothing.at[rows_C1, columns_CL].maximum(mx.stop_gradient(at_ids_CL))
    shifted_CL = mx.exp(at_ids_CL - top_CK[rows_C1, columns_CL])
    sums_CK = mx.zeros_like(top_CK).at[rows_C1, columns_CL].add(shifted_CL)[:, :count]
    sets_CK = mx.where(sums_CK > 0, top_CK[:, :count] + mx.log(mx.maximum(sums_CK, 1e-30)), LOWEST)
    all_CK = mx.concatenate([sets_CK, mx.logsumexp(rest_CV, axis=-1, keepdims=True)], axis=-1)
    return all_CK - mx.logsumexp(all_CK, axis=-1, keepdims=True)


def _largest(probs_CV: mx.array, count: int) -> mx.array:
    """Return (C, count) largest probabilities in falling order; zeros where there are no more."""
    most = min(count, probs_CV.shape[-1])
    if not most:
        return mx.zeros((probs_CV.shape[0], count))
    ids_CK = mx.stop_gradient(mx.argpartition(-probs_CV, most - 1, axis=-1)[:, :most])
    found_CK = mx.take_along_axis(probs_CV, ids_CK, axis=-1)
    order_CK = mx.stop_gradient(mx.argsort(-found_CK, axis=-1))
    return mx.pad(mx.take_along_axis(found_CK, order_CK, axis=-1), [(0, 0), (0, count - most)])


class BucketLoss:
    """A divergence between sets of student ids and the teacher's k buckets, at the tokens that both start together.

    :param keys_RK: int, the set of student ids for each of the teacher's buckets, -1 for an empty one.
    :param teacher_RK: float64 (R, k+1) log-probabilities.
    :param members: the student's ids of each set.
    :param width: the student's distribution is cut to so many ids; ``None`` is all.
    """

    def __init__(
        self, aligned: Aligned, keys_RK: np.ndarray, teacher_RK: np.ndarray, members: Members, terms: Terms,
        width: int | None = None,
    ) -> None:  # fmt: skip
        at, rows = aligned.groups.starts_P2.T
        self._terms, self._members, self._width = terms, members, width
        self._keys_NK = _spread(keys_RK[rows], at, aligned.labels_N, NONE)
        self._teacher_NK = _spread(teacher_RK[rows], at, aligned.labels_N, 0.0).astype(np.float32)
        self._weight_N = np.asarray((self._keys_NK >= 0).any(axis=1), np.float32)

    def __call__(self, logits_CV: mx.array, part: slice) -> mx.array:
        """Return float32 (C,)."""
        ids_CL, columns_CL = map(mx.array, self._members.of_rows(self._keys_NK[part]))
        scores_CV = logits_CV[:, : self._width] / self._terms.temperature
        student_CK = _bucketed(scores_CV, ids_CL, columns_CL, self._keys_NK.shape[1])
        value_C = self._terms.between(student_CK, mx.array(self._teacher_NK[part]))
        return value_C * mx.array(self._weight_N[part])


class SortedLoss:
    """ULD (Boizard et al. 2024) over k places and a tail, at the tokens that both start together.

    With q and p sorted in falling order, ``sum(|q_r - p_r| for r <= k) + |tail_q - tail_p|``, tails being the mass
    beyond place k. Summing a tail before taking the absolute value can only lower the distance, so this is a lower
    bound of the whole sorted L1 distance. The published form compares the t-th tokens of both; here they start at the
    same byte.
    """

    def __init__(self, aligned: Aligned, terms: Terms) -> None:
        at, rows = aligned.groups.starts_P2.T
        teacher_RK = np.exp(_tempered(aligned, terms.temperature))
        self._temperature = terms.temperature
        self._teacher_NK = _spread(teacher_RK[rows], at, aligned.labels_N, 0.0).astype(np.float32)
        self._weight_N = _spread(np.ones(len(at), np.float32), at, aligned.labels_N, 0.0)

    def __call__(self, logits_CV: mx.array, part: slice) -> mx.array:
        """Return float32 (C,)."""
        teacher_CK = mx.array(self._teacher_NK[part])
        largest_CK = _largest(mx.softmax(logits_CV / self._temperature, axis=-1), teacher_CK.shape[1] - 1)
        tail_C1 = 1 - largest_CK.sum(axis=-1, keepdims=True)
        student_CK = mx.concatenate([largest_CK, tail_C1], axis=-1)
        return mx.abs(student_CK - teacher_CK).sum(axis=-1) * mx.array(self._weight_N[part])


class GoldLoss:
    """GOLD: groups of the same text, merged by the chain rule; a divergence on matches, sorted L1 on the rest.

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

    def __init__(self, aligned: Aligned, between: VocabularyMap, terms: Terms) -> None:
        chain_G = _chain(aligned, terms.temperature)
        known = np.isfinite(chain_G)
        student_G2, teacher_G2, matches_GK, single_G, chain_G = (
            part[known] for part in (aligned.groups.student_G2, aligned.groups.teacher_G2, aligned.matches_GK,
                                     aligned.single_G, chain_G)
        )  # fmt: skip
        teacher_GK = _tempered(aligned, terms.temperature)[teacher_G2[:, 1] - 1]
        keys_GK, merged_GK = _merged(matches_GK, teacher_GK)
        joint_GK = merged_GK + chain_G[:, None]
        left_G = np.where(chain_G < 0, np.log(-np.expm1(np.minimum(chain_G, -1e-12))), LOWEST)
        joint_GK[:, -1] = np.logaddexp(left_G, joint_GK[:, -1])
        alone_GK = np.where((matches_GK < 0) & single_G[:, None], np.exp(teacher_GK[:, :-1]), 0.0)
        at, labels = student_G2[:, 1] - 1, aligned.labels_N
        self._terms, self._labels_N = terms, labels
        self._keys_NK = _spread(keys_GK, at, labels, NONE)
        self._teacher_NK = _spread(joint_GK, at, labels, 0.0).astype(np.float32)
        self._earlier_NM = _spread(_earlier(student_G2), at, labels, NONE)
        self._alone_NK = _spread(-np.sort(-alone_GK, axis=1), at, labels, 0.0).astype(np.float32)
        self._single_N = _spread(single_G.astype(np.float32), at, labels, 0.0)
        self._weight_N = _spread(np.ones(len(at), np.float32), at, labels, 0.0)
        self._ids = Members(np.arange(len(between.student.pieces), dtype=np.int32),
                            np.arange(len(between.student.pieces) + 1))  # fmt: skip
        self._unshared_U = mx.array(np.flatnonzero(~between.shared).astype(np.int32))

    def chunks(self, most: int) -> list[slice]:
        """Return the parts of at most ``most`` positions to which the loss may be applied: none cuts a group in two."""
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
        scores_CV = logits_CV / self._terms.temperature
        ids_CL, columns_CL = map(mx.array, self._ids.of_rows(self._keys_NK[part]))
        last_CK = _bucketed(scores_CV, ids_CL, columns_CL, self._keys_NK.shape[1])
        chain_C1, left_C1 = self._student_chain(scores_CV, part)
        rest_C1 = mx.logaddexp(left_C1, last_CK[:, -1:] + chain_C1)
        joint_CK = mx.concatenate([last_CK[:, :-1] + chain_C1, rest_C1], axis=-1)
        value_C = self._terms.between(joint_CK, mx.array(self._teacher_NK[part]))
        return value_C * mx.array(self._weight_N[part]) + self._apart(scores_CV, part)

    def _student_chain(self, scores_CV: mx.array, part: slice) -> tuple[mx.array, mx.array]:
        """Return (C, 1) log-probabilities of each group's earlier tokens, and of anything else in their place.

        The second is a sum over the earlier tokens, of those before it and then another, and no subtraction.
        """
        here_CM = self._earlier_NM[part]
        earlier_CM = here_CM - part.start
        if (earlier_CM[here_CM >= 0] < 0).any():
            raise ValueError("a chunk begins in the middle of a group; take those of GoldLoss.chunks")
        labels_C1 = mx.array(self._labels_N[part])[:, None]
        own_C2 = _bucketed(scores_CV, labels_C1, mx.zeros_like(labels_C1), 1)
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
        distance_C = mx.abs(_largest(probs_CU, alone_CK.shape[1]) - alone_CK).sum(axis=-1)
        return distance_C * mx.array(self._single_N[part])


def _chain(aligned: Aligned, temperature: float) -> np.ndarray:
    """Return float64 (G,) log-probabilities of the teacher's tokens before the last of each group, NaN if not known."""
    targets = aligned.targets
    parts_RK = np.concatenate([targets.log_probs, np.maximum(targets.tail, TAIL_FLOOR)[:, None]], axis=1)
    whole_R = np.logaddexp.reduce(parts_RK.astype(np.float64) / temperature, axis=1)
    earlier_GM = _earlier(aligned.groups.teacher_G2)
    said_GM = np.where(earlier_GM >= 0, (aligned.said_R / temperature - whole_R)[earlier_GM], 0.0)
    chain_G: np.ndarray = said_GM.sum(axis=1)
    return chain_G


def _earlier(ranges_G2: np.ndarray) -> np.ndarray:
    """Return int64 (G, M): the indices of each range but its last, -1 where there are no more; M is at least 1."""
    most = int((np.diff(ranges_G2)[:, 0] - 1).max(initial=1))
    indices_GM = ranges_G2[:, :1] + np.arange(max(1, most))
    return np.where(indices_GM < ranges_G2[:, 1:] - 1, indices_GM, NONE)


@dataclass(frozen=True)
class CrossTargets:
    """Soft targets in a teacher's own tokens, for a loss that compares across tokenizers.

    :param kind: the loss: ``p_kl``, ``gold``, ``uld``, ``truncate`` or ``project``.
    :param aligned: one an example.
    """

    kind: str
    aligned: Sequence[Aligned]
    between: VocabularyMap

    def loss_of(self, divergence: Divergence, config: DistillConfig) -> Callable[[Sequence[int]], LogitLoss]:
        """Return a function from picked examples to their loss."""

        def of(picks: Sequence[int]) -> LogitLoss:
            return cross_loss(
                self.kind, collate_aligned([self.aligned[i] for i in picks]), self.between, divergence=divergence,
                temperature=config.temperature, beta=config.beta, t_squared=config.t_squared,
            )  # fmt: skip

        return of
