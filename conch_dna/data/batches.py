"""Batches: the examples of each step and their arrays. Both follow from seed and step, so a resume needs no state."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from conch_dna.errors import ConfigError
from conch_dna.plugin.protocols import Targets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from conch_dna.config import DistillConfig
    from conch_dna.data.tokens import Example
    from conch_dna.losses.dpo import Pairs
    from conch_dna.plugin.protocols import LogitLoss

    SoftTargets = Sequence[Targets] | Callable[[Sequence[int]], LogitLoss | Pairs]

WINDOW = 16  # forward passes whose examples are sorted by length
PAD_TO = 16  # lengths are rounded up to this, to bound the number of shapes


class Batch(NamedTuple):
    """Arrays of B conversations, padded to T tokens.

    :param ids_BT: int32 token ids; padding is 0 and never trained.
    :param rows_N, cols_N: int32 positions whose hidden state predicts a trained token.
    :param labels_N: int32, the trained tokens.
    :param targets: at the same N positions, the teacher's distributions or a loss of the logits; or pairs of
        preferred and rejected rows; or ``None``.
    :param names: indices of the examples, for error messages.
    :param answers_B: int32, the index of the first token of each last assistant turn.
    :param on_policy: whether the labels are the student's own samples, to which no cross-entropy applies.
    """

    ids_BT: np.ndarray
    rows_N: np.ndarray
    cols_N: np.ndarray
    labels_N: np.ndarray
    targets: Targets | LogitLoss | Pairs | None
    names: tuple[int, ...]
    answers_B: np.ndarray
    on_policy: bool = False


def order(count: int, seed: int, epoch: int) -> np.ndarray:
    """Return the permutation of ``count`` examples in an epoch, int64 (count,)."""
    return np.random.default_rng([seed, epoch]).permutation(count)


def step_examples(count: int, per_step: int, seed: int, step: int) -> list[int]:
    """Return the indices of the examples of ``step`` (from 0); a step may span two epochs."""
    places = range(step * per_step, (step + 1) * per_step)
    return [int(order(count, seed, place // count)[place % count]) for place in places]


def of_like_length(lengths: Sequence[int], together: int, seed: int) -> list[int]:
    """Return all indices, in an order in which ``together`` neighbours have similar lengths, so that little is padded.

    Within windows of :data:`WINDOW` groups the indices are sorted by length and cut into groups; the groups of a window
    are shuffled. So any part of the order has short and long examples in the proportion of the whole.
    """
    draw, found = np.random.default_rng([seed, len(lengths)]), []
    for start in range(0, len(lengths), WINDOW * together):
        window = sorted(range(start, min(start + WINDOW * together, len(lengths))), key=lambda i: lengths[i])
        groups = [window[at : at + together] for at in range(0, len(window), together)]
        found += [index for place in draw.permutation(len(groups)) for index in groups[place]]
    return found


def cut(examples: Sequence[Example], picks: Sequence[int], config: DistillConfig, together: int = 1) -> list[list[int]]:
    """Divide a step's examples into forward passes.

    Without a ``token_budget`` a pass has ``batch_size`` picks, in their order. With one, examples of similar length
    share a pass, the longest first, as many as rows times padded width allow; an example over the budget gets a pass
    for itself (:func:`check_budget` refuses it earlier if the examples are known). Loss and gradient are the same.

    :param together: the number of examples that one pick stands for and that must share a pass: 2 for pairs.
    """
    passes: list[list[int]] = []
    if not config.token_budget:
        passes = [list(picks[start : start + config.batch_size]) for start in range(0, len(picks), config.batch_size)]
    else:
        members = {pick: examples[pick * together : (pick + 1) * together] for pick in picks}
        lengths = {pick: max(len(e.ids) for e in some) for pick, some in members.items()}
        room = 0
        for pick in sorted(picks, key=lambda p: -lengths[p]):
            if not room:
                passes.append([])
                room = max(1, config.token_budget // (together * padded(lengths[pick])))
            passes[-1].append(pick)
            room -= 1
    return [[pick * together + i for pick in some for i in range(together)] for some in passes]


def padded(length: int) -> int:
    """Return the padded width of an example of ``length`` tokens."""
    return -(-length // PAD_TO) * PAD_TO


def check_budget(lengths: Mapping[str, int], config: DistillConfig, together: int = 1) -> None:
    """Check that each example fits into a forward pass.

    :param lengths: tokens of each example, by a name for the error message.
    :param together: as in :func:`cut`; the length is then that of the longest of them.
    :raises ConfigError: a padded example is longer than ``token_budget``; the message names the longest.
    """
    if not config.token_budget or not lengths:
        return
    name = max(lengths, key=lambda n: lengths[n])
    if (width := together * padded(lengths[name])) > config.token_budget:
        raise ConfigError(
            f"{name} does not fit into a forward pass", where="token_budget", got=config.token_budget,
            allowed=f"at least {width}",
            next_step=f"Raise it, or lower max_length to {config.token_budget // together // PAD_TO * PAD_TO}",
        )  # fmt: skip


def collate(
    examples: Sequence[Example], picks: Sequence[int], targets: SoftTargets | None = None, *, last_turn: bool = False
) -> Batch:
    """Pad the picked examples into one batch.

    The hidden state at t - 1 predicts the token at t. Soft targets cover only the last assistant turn, so a batch with
    soft targets trains only on that turn.

    :param targets: one for each example, or a function from the picks to their loss.
    :param last_turn: train only on the last assistant turn, also without soft targets.
    """
    chosen = [examples[i] for i in picks]
    width = padded(max(len(e.ids) for e in chosen))
    ids = np.zeros((len(chosen), width), np.int32)
    rows, cols, labels = [], [], []
    for row, example in enumerate(chosen):
        ids[row, : len(example.ids)] = example.ids
        first = example.answer_start if last_turn or targets is not None else 1
        for place in range(max(first, 1), len(example.ids)):
            if example.trained[place]:
                rows.append(row)
                cols.append(place - 1)
                labels.append(example.ids[place])
    return Batch(
        ids, np.array(rows, np.int32), np.array(cols, np.int32), np.array(labels, np.int32), _joined(targets, picks),
        tuple(picks), np.array([e.answer_start for e in chosen], np.int32),
    )  # fmt: skip


def _joined(targets: SoftTargets | None, picks: Sequence[int]) -> Targets | LogitLoss | Pairs | None:
    if targets is None or callable(targets):
        return targets and targets(picks)
    parts = [targets[i] for i in picks]
    return Targets(
        np.concatenate([p.ids for p in parts]),
        np.concatenate([p.log_probs for p in parts]),
        np.concatenate([p.tail for p in parts]),
    )
