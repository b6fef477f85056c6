"""Direct preference optimisation (Rafailov et al. 2023): raise the likelihood of the preferred of two answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import mlx.core as mx

from conch_dna.losses.fused import Objective, label_log_probs, loss_sums, token_log_probs

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np


@dataclass(frozen=True)
class Pairs:
    """The targets of a batch of P pairs: row 2p is preferred to row 2p + 1.

    :param reference_2P: float32, log-probability of each row's whole answer under the reference, in nats.
    :param beta: the reward per nat of gain over the reference.
    """

    reference_2P: np.ndarray
    beta: float


@dataclass(frozen=True)
class _Weighted:
    """Cross-entropy with one weight per position; a :class:`~conch_dna.plugin.protocols.LogitLoss`."""

    labels_N: mx.array
    weights_N: mx.array

    def __call__(self, logits_CV: mx.array, part: slice) -> mx.array:
        """Return the loss (C,) at the positions of ``part``."""
        return -self.weights_N[part] * label_log_probs(logits_CV, self.labels_N[part])


def pair_sums(
    hidden_ND: mx.array, head: Callable[[mx.array], mx.array], labels_N: mx.array, rows_N: mx.array, pairs: Pairs
) -> mx.array:
    """Return float32 (9,), the entries of :class:`~conch_dna.losses.fused.Sums`, of a batch of P pairs.

    With the reward r(y) = beta * (log p(y) - log p_reference(y)), log p summed over the answer's tokens, and the margin
    h = r(preferred) - r(other), the loss of a pair is -log sigmoid(h) (equation 7). Its gradient is that of the two
    answers' cross-entropies, weighted by beta * sigmoid(-h) and by its negative (section 4). So the margins are
    computed first, and then the weighted cross-entropy, chunk by chunk, as any other loss.

    ``combined`` is the loss and the only differentiable entry, in the hidden states and the head, as in
    :func:`~conch_dna.losses.fused.loss_sums`; ``ce`` and ``entropy`` are summed over the tokens of both
    answers; ``agreed`` counts the pairs whose margin is above 0; ``margin`` and ``reward`` are the sums of h and of the
    preferred answers' r; ``pairs`` is P.

    :param labels_N: int32, the tokens of the answers only.
    :param rows_N: int32, the row of each token.
    """
    reference_2P = mx.array(pairs.reference_2P)
    log_probs_N = token_log_probs(hidden_ND, head, labels_N)
    own_2PN = rows_N == mx.arange(len(reference_2P))[:, None]
    answers_2P = mx.where(own_2PN, log_probs_N, 0.0).sum(axis=-1)
    rewards_P2 = (pairs.beta * (answers_2P - reference_2P)).reshape(-1, 2)
    margin_P = rewards_P2[:, 0] - rewards_P2[:, 1]
    slope_P = pairs.beta * mx.sigmoid(-margin_P)
    weights_2P = mx.stack([slope_P, -slope_P], axis=-1).reshape(-1)
    weighted = _Weighted(labels_N, weights_2P[rows_N])
    sums = loss_sums(hidden_ND, head, labels_N, weighted, Objective(alpha=1.0))
    loss = mx.logaddexp(mx.zeros_like(margin_P), -margin_P).sum()
    # The weighted cross-entropy has the loss's gradient but not its value, so replace the value.
    loss = sums[0] + mx.stop_gradient(loss - sums[0])
    nothing = mx.zeros_like(loss)
    figures = [(margin_P > 0).sum(), nothing, margin_P.sum(), rewards_P2[:, 0].sum(), nothing + len(margin_P)]
    return mx.stack([loss, sums[1], nothing, sums[3], *figures])
