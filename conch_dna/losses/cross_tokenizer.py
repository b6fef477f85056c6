"""Soft targets in a teacher's own tokens, and the parts that losses between two tokenizers share.

The losses themselves are plug-ins (hook ``register_cross_tokenizer_losses``).

Shape suffixes: N trained student positions, C positions of one chunk, R teacher positions, K teacher buckets (k ids and
the tail), L student ids of all sets of a row, V the student's vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import mlx.core as mx
import numpy as np

from conch_dna.align.aligned_targets import NONE, collate_aligned
from conch_dna.losses.fused import LOWEST, temper
from conch_dna.plugin.protocols import CrossTokenizerInput, Plugins

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conch_dna.align.vocabulary_map import Members, VocabularyMap
    from conch_dna.config import DistillConfig
    from conch_dna.plugin.protocols import Aligned, CrossTokenizerLoss, Divergence, LogitLoss

KIND = "cross_tokenizer_losses"  # in the catalog


@dataclass(frozen=True)
class CrossTargets:
    """Soft targets in a teacher's own tokens, for a loss that compares across tokenizers.

    :param kind: the name of the loss in the catalog.
    :param aligned: one per example.
    """

    kind: str
    aligned: Sequence[Aligned]
    between: VocabularyMap

    def loss_of(
        self, loss: CrossTokenizerLoss, divergence: Divergence, config: DistillConfig
    ) -> Callable[[Sequence[int]], LogitLoss]:
        """Return a function from picked examples to their loss.

        :param loss: the plug-in's, registered as ``kind``.
        """

        def of(picks: Sequence[int]) -> LogitLoss:
            return loss.build(
                CrossTokenizerInput(
                    collate_aligned([self.aligned[i] for i in picks]), self.between, divergence,
                    config.temperature, config.beta, config.t_squared,
                )
            )  # fmt: skip

        return of


def registered_loss(host: Plugins, name: str) -> CrossTokenizerLoss:
    """Return the loss that a plug-in registered under ``name``; a fault in it names the plug-in.

    :raises UnknownName: no plug-in provides it.
    """
    found: CrossTokenizerLoss = host.catalog.get(KIND, name)

    def build(given: CrossTokenizerInput) -> LogitLoss:
        with host.blaming(KIND, name):
            return _Guarded(host, name, found.build(given))

    return replace(found, build=build)


class _Guarded:
    """A plug-in's loss of one batch whose faults name the plug-in."""

    def __init__(self, host: Plugins, name: str, loss: LogitLoss) -> None:
        self._host, self._name, self._loss = host, name, loss
        chunks = getattr(loss, "chunks", None)
        if chunks is not None:  # without the attribute, the positions are independent
            self.chunks = chunks

    def __call__(self, logits_CV: mx.array, part: slice) -> mx.array:
        """Return float32 (C,)."""
        with self._host.blaming(KIND, self._name):
            value_C = self._loss(logits_CV, part)
            if (shape := getattr(value_C, "shape", None)) != logits_CV.shape[:1]:
                raise TypeError(f"a loss of shape {shape} instead of {logits_CV.shape[:1]}, one value per position")
            return value_C


def tempered(aligned: Aligned, temperature: float) -> np.ndarray:
    """Return the teacher's distributions at ``temperature``, float64 (R, k+1) log-probabilities."""
    targets = aligned.targets
    return np.array(temper(mx.array(targets.log_probs), mx.array(targets.tail), temperature), np.float64)


def merged(keys_RK: np.ndarray, log_probs_RK: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sum the probabilities of equal keys of a row into the first of them, and those of key -1 into the tail.

    :param keys_RK: int (R, k).
    :param log_probs_RK: float64 (R, k+1), the tail last.
    :returns: the keys, -1 for a column that is empty after the sum, and the log-probabilities, ``LOWEST`` there.
    """
    rows, columns = np.indices(keys_RK.shape)
    order = np.argsort(keys_RK, axis=1, kind="stable")
    sorted_RK = np.take_along_axis(keys_RK, order, axis=1)
    begins = np.diff(sorted_RK, axis=1, prepend=-2) != 0
    run_RK = np.maximum.accumulate(np.where(begins, columns, 0), axis=1)
    first_RK = np.empty_like(columns)
    np.put_along_axis(first_RK, order, np.take_along_axis(order, run_RK, axis=1), axis=1)
    into_RK = np.where(keys_RK < 0, keys_RK.shape[1], first_RK)
    summed = np.full(log_probs_RK.shape, LOWEST)
    summed[:, -1] = log_probs_RK[:, -1]
    np.logaddexp.at(summed, (rows, into_RK), log_probs_RK[:, :-1])
    return np.where(into_RK == columns, keys_RK, NONE), summed


def spread(rows_P: np.ndarray, at_P: np.ndarray, like_N: np.ndarray, fill: float) -> np.ndarray:
    """Return (N, ...): ``rows_P`` at the indices ``at_P``, and ``fill`` elsewhere."""
    filled = np.full((len(like_N), *rows_P.shape[1:]), fill, rows_P.dtype)
    filled[at_P] = rows_P
    return filled


def bucketed(scores_CV: mx.array, ids_CL: mx.array, columns_CL: mx.array, count: int) -> mx.array:
    """Return (C, count + 1) log-probabilities of sets of ids, and of all other ids together.

    :param ids_CL: the ids of all sets; an id occurs twice in a row only as padding.
    :param columns_CL: the set of each id; ``count`` for padding. The result of a set without ids is ``LOWEST``.
    """
    at_ids_CL = mx.take_along_axis(scores_CV, ids_CL, axis=-1)
    rest_CV = mx.put_along_axis(scores_CV, ids_CL, mx.array(LOWEST), axis=-1)
    rows_C1 = mx.arange(scores_CV.shape[0])[:, None]
    # One log-sum-exp per column: each subtracts its own maximum, so no column underflows.
    nothing = mx.full((scores_CV.shape[0], count + 1), LOWEST)
    top_CK = nothing.at[rows_C1, columns_CL].maximum(mx.stop_gradient(at_ids_CL))
    shifted_CL = mx.exp(at_ids_CL - top_CK[rows_C1, columns_CL])
    sums_CK = mx.zeros_like(top_CK).at[rows_C1, columns_CL].add(shifted_CL)[:, :count]
    sets_CK = mx.where(sums_CK > 0, top_CK[:, :count] + mx.log(mx.maximum(sums_CK, 1e-30)), LOWEST)
    all_CK = mx.concatenate([sets_CK, mx.logsumexp(rest_CV, axis=-1, keepdims=True)], axis=-1)
    return all_CK - mx.logsumexp(all_CK, axis=-1, keepdims=True)


def largest(probs_CV: mx.array, count: int) -> mx.array:
    """Return the (C, count) largest probabilities, largest first, padded with zeros."""
    most = min(count, probs_CV.shape[-1])
    if not most:
        return mx.zeros((probs_CV.shape[0], count))
    ids_CK = mx.stop_gradient(mx.argpartition(-probs_CV, most - 1, axis=-1)[:, :most])
    found_CK = mx.take_along_axis(probs_CV, ids_CK, axis=-1)
    order_CK = mx.stop_gradient(mx.argsort(-found_CK, axis=-1))
    return mx.pad(mx.take_along_axis(found_CK, order_CK, axis=-1), [(0, 0), (0, count - most)])


class BucketLoss:
    """A divergence between sets of student ids and the teacher's k buckets, at the tokens that start at the same byte.

    :param keys_RK: int, the set of student ids for each of the teacher's buckets, -1 for an empty bucket.
    :param teacher_RK: float64 (R, k+1) log-probabilities.
    :param members: the student's ids of each set.
    :param width: how many ids of the student's distribution are used; ``None`` is all.
    """

    def __init__(
        self,
        given: CrossTokenizerInput,
        keys_RK: np.ndarray,
        teacher_RK: np.ndarray,
        members: Members,
        width: int | None = None,
    ) -> None:
        aligned = given.aligned
        at, rows = aligned.groups.starts_P2.T
        self._given, self._members, self._width = given, members, width
        self._keys_NK = spread(keys_RK[rows], at, aligned.labels_N, NONE)
        self._teacher_NK = spread(teacher_RK[rows], at, aligned.labels_N, 0.0).astype(np.float32)
        self._weight_N = np.asarray((self._keys_NK >= 0).any(axis=1), np.float32)

    def __call__(self, logits_CV: mx.array, part: slice) -> mx.array:
        """Return float32 (C,)."""
        ids_CL, columns_CL = map(mx.array, self._members.of_rows(self._keys_NK[part]))
        scores_CV = logits_CV[:, : self._width] / self._given.temperature
        student_CK = bucketed(scores_CV, ids_CL, columns_CL, self._keys_NK.shape[1])
        value_C = self._given.weighted(student_CK, mx.array(self._teacher_NK[part]))
        return value_C * mx.array(self._weight_N[part])
