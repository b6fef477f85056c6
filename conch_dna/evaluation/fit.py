"""Fit of a model to given texts, without training: bits of the texts, and divergence from soft targets."""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING, NamedTuple, cast

import mlx.core as mx
import numpy as np

from conch_dna.data.batches import collate
from conch_dna.losses.fused import CHUNK, bucket, temper

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from conch_dna.data.batches import Batch
    from conch_dna.data.tokens import Example
    from conch_dna.plugin.protocols import Targets

    Function = Callable[[mx.array], mx.array]
    Over = Callable[[Batch], AbstractContextManager[None]]

ROWS = 8  # conversations in one forward pass


class Fit(NamedTuple):
    """Figures of one text under one model.

    :param bits: total bits of its trained tokens.
    :param tokens: number of trained tokens.
    :param divergence: forward KL from the teacher over the k+1 buckets, summed, in nats; 0 without targets.
    :param agreements: tokens at which teacher and student have the same top-1 id; 0 without targets.
    """

    bits: float
    tokens: int
    divergence: float
    agreements: int


def everywhere(_: Batch) -> AbstractContextManager[None]:
    """Return a context in which a neuron acts on every token of a batch."""
    return contextlib.nullcontext()


def fits(
    body: Function,
    head: Function,
    examples: Sequence[Example],
    targets: Sequence[Targets] | None = None,
    over: Over = everywhere,
) -> list[Fit]:
    """Return the fit to each example's last assistant turn, in order.

    :param over: a context for the forward pass of each batch; it sets the tokens on which a neuron acts.
    """
    found: dict[int, Fit] = {}
    by_length = sorted(range(len(examples)), key=lambda i: len(examples[i].ids))
    for start in range(0, len(by_length), ROWS):
        picks = by_length[start : start + ROWS]
        batch = collate(examples, picks, targets, last_turn=True)
        with over(batch):
            hidden_BTD = body(mx.array(batch.ids_BT))
        hidden_ND = hidden_BTD[mx.array(batch.rows_N), mx.array(batch.cols_N)]
        joined = cast("Targets | None", batch.targets)  # collate keeps the type
        figures_3N = _figures(hidden_ND, head, batch.labels_N, joined)
        for row, pick in enumerate(picks):
            nats, divergence, agreements = figures_3N[:, batch.rows_N == row].sum(axis=1)
            tokens = int((batch.rows_N == row).sum())
            found[pick] = Fit(float(nats) / math.log(2), tokens, float(divergence), int(agreements))
    return [found[i] for i in range(len(examples))]


def _figures(hidden_ND: mx.array, head: Function, labels_N: np.ndarray, targets: Targets | None) -> np.ndarray:
    """Return float64 (3, N): cross-entropy, divergence, agreement at each position, chunk by chunk."""
    parts = []
    for start in range(0, len(labels_N), CHUNK):
        part = slice(start, start + CHUNK)
        logits_CV = head(hidden_ND[part]).astype(mx.float32)
        lse_C1 = mx.logsumexp(logits_CV, axis=-1, keepdims=True)
        labels_C1 = mx.array(labels_N[part])[:, None]
        ce_C = (lse_C1 - mx.take_along_axis(logits_CV, labels_C1, axis=-1))[:, 0]
        kl_C = same_C = mx.zeros_like(ce_C)
        if targets is not None:
            ids_CK = mx.array(targets.ids[part])
            teacher_CK = temper(mx.array(targets.log_probs[part]), mx.array(targets.tail[part]), 1.0)
            student_CK = bucket(logits_CV, ids_CK)
            kl_C = (mx.exp(teacher_CK) * (teacher_CK - student_CK)).sum(axis=-1)
            same_C = (logits_CV.argmax(axis=-1) == ids_CK[:, 0]).astype(mx.float32)
        parts.append(np.array(mx.stack([ce_C, kl_C, same_C])).astype(np.float64))
    return np.concatenate(parts, axis=1)
