"""Which examples make up which step, and their arrays: a pure function of seed and step, so a resume needs no state."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from conch_dna.interfaces import Targets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conch_dna.data.tokens import Example

PAD_TO = 16  # lengths are rounded up to this, to bound the number of shapes


class Batch(NamedTuple):
    """Arrays of B conversations padded to T tokens.

    :param ids_BT: int32 token ids; padding is 0 and never trained.
    :param rows_N, cols_N: int32 places whose hidden state predicts a trained token.
    :param labels_N: int32, that token.
    :param targets: the teacher's distributions at the same N places, or ``None``.
    :param names: which examples these are, for error messages.
    """

    ids_BT: np.ndarray
    rows_N: np.ndarray
    cols_N: np.ndarray
    labels_N: np.ndarray
    targets: Targets | None
    names: tuple[int, ...]


def order(count: int, seed: int, epoch: int) -> np.ndarray:
    """Return the epoch's permutation of ``count`` examples, int64 (count,)."""
    return np.random.default_rng([seed, epoch]).permutation(count)


def step_examples(count: int, per_step: int, seed: int, step: int) -> list[int]:
    """Return the indices of the examples of ``step`` (from 0); epochs follow each other without a gap."""
    places = range(step * per_step, (step + 1) * per_step)
    return [int(order(count, seed, place // count)[place % count]) for place in places]


def collate(examples: Sequence[Example], picks: Sequence[int], targets: Sequence[Targets] | None = None) -> Batch:
    """Pad the picked examples into one batch.

    A token at place t is predicted by the hidden state at t - 1. Soft targets cover the last assistant turn only, so a
    batch that has them trains on that turn alone.
    """
    chosen = [examples[i] for i in picks]
    width = -(-max(len(e.ids) for e in chosen) // PAD_TO) * PAD_TO
    ids = np.zeros((len(chosen), width), np.int32)
    rows, cols, labels = [], [], []
    for row, example in enumerate(chosen):
        ids[row, : len(example.ids)] = example.ids
        first = example.answer_start if targets is not None else 1
        for place in range(max(first, 1), len(example.ids)):
            if example.trained[place]:
                rows.append(row)
                cols.append(place - 1)
                labels.append(example.ids[place])
    joined = None
    if targets is not None:
        parts = [targets[i] for i in picks]
        joined = Targets(
            np.concatenate([p.ids for p in parts]),
            np.concatenate([p.log_probs for p in parts]),
            np.concatenate([p.tail for p in parts]),
        )
    return Batch(
        ids, np.array(rows, np.int32), np.array(cols, np.int32), np.array(labels, np.int32), joined, tuple(picks)
    )
