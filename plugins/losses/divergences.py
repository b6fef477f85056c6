"""The bundled losses: divergences over k ids and one tail bucket, an exact (k+1)-way divergence on both sides.

Merging buckets can only lower an f-divergence, which all of these are (data-processing inequality), so each value is a
lower bound on that over the full vocabulary. All are called with the mixture weight ``beta``, used or not. Mixtures are
formed in log space: where both sides are zero in float32, the log of a mixture of probabilities would be 0 * inf.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from conch_dna import hookimpl
from conch_dna.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import mlx.core as mx

    from conch_dna.plugin.protocols import Divergence


def _kl(p_NK: mx.array, q_NK: mx.array) -> mx.array:
    """Return KL(p || q), (N,) from log-probabilities (N, K)."""
    import mlx.core as mx

    return (mx.exp(p_NK) * (p_NK - q_NK)).sum(axis=-1)


def _mixture(p_NK: mx.array, q_NK: mx.array, beta: float, ends: str) -> mx.array:
    """Return log(beta * p + (1 - beta) * q).

    :param ends: what to take where beta is 0 or 1.
    :raises ConfigError: beta is not strictly between 0 and 1.
    """
    import mlx.core as mx

    if not 0 < beta < 1:
        raise ConfigError(
            "the mixture weight must lie strictly between the ends", where="beta", got=beta, allowed="0 < beta < 1",
            next_step=ends,
        )  # fmt: skip
    return mx.logaddexp(p_NK + math.log(beta), q_NK + math.log1p(-beta))


def forward_kl(student_NK: mx.array, teacher_NK: mx.array, *, beta: float) -> mx.array:  # noqa: ARG001
    """KL(teacher || student): covers everything the teacher might say; ``beta`` plays no part."""
    return _kl(teacher_NK, student_NK)


def reverse_kl(student_NK: mx.array, teacher_NK: mx.array, *, beta: float) -> mx.array:  # noqa: ARG001
    """KL(student || teacher): keeps to what the teacher is sure of; ``beta`` plays no part."""
    return _kl(student_NK, teacher_NK)


def jsd(student_NK: mx.array, teacher_NK: mx.array, *, beta: float) -> mx.array:
    """Generalised Jensen-Shannon divergence, Agarwal et al. 2023 (GKD), equation 1.

    With M = beta*P + (1-beta)*Q (P teacher, Q student): beta*KL(P || M) + (1-beta)*KL(Q || M). The formula vanishes at
    both ends, with jsd/beta going to forward KL at 0 and jsd/(1-beta) to reverse KL at 1: its gradient shrinks as beta
    nears them, and beta must not be annealed into them.

    :raises ConfigError: beta is not strictly between 0 and 1.
    """
    ends = "jsd vanishes at 0 and 1: take forward_kl instead of beta = 0, reverse_kl instead of beta = 1"
    mixed_NK = _mixture(teacher_NK, student_NK, beta, ends)
    return beta * _kl(teacher_NK, mixed_NK) + (1 - beta) * _kl(student_NK, mixed_NK)


def skewed_kl(student_NK: mx.array, teacher_NK: mx.array, *, beta: float) -> mx.array:
    """KL(P || beta*P + (1-beta)*Q), P teacher, Q student: skew KL of Ko et al. 2024 (DistiLLM), who take 0.1.

    Bounded by -log(beta) where forward KL is not. It is forward KL at beta = 0 and vanishes at 1.

    :raises ConfigError: beta is not strictly between 0 and 1.
    """
    ends = "skewed_kl is forward_kl at 0 and vanishes at 1"
    return _kl(teacher_NK, _mixture(teacher_NK, student_NK, beta, ends))


def skewed_reverse_kl(student_NK: mx.array, teacher_NK: mx.array, *, beta: float) -> mx.array:
    """KL(Q || beta*Q + (1-beta)*P), P teacher, Q student: skew reverse KL of Ko et al. 2024 (DistiLLM).

    ``beta`` is the share of the distribution whose KL it is, here the student's. It is reverse KL at beta = 0 and
    vanishes at 1.

    :raises ConfigError: beta is not strictly between 0 and 1.
    """
    ends = "skewed_reverse_kl is reverse_kl at 0 and vanishes at 1"
    return _kl(student_NK, _mixture(student_NK, teacher_NK, beta, ends))


def total_variation(student_NK: mx.array, teacher_NK: mx.array, *, beta: float) -> mx.array:  # noqa: ARG001
    """Half the sum of |P - Q|, in [0, 1] and not in nats; ``beta`` plays no part.

    A bucket in which both agree exactly has gradient 0.
    """
    import mlx.core as mx

    return 0.5 * mx.abs(mx.exp(teacher_NK) - mx.exp(student_NK)).sum(axis=-1)


@hookimpl
def register_losses() -> Mapping[str, Divergence]:
    """Provide the divergences."""
    losses = (forward_kl, reverse_kl, jsd, skewed_kl, skewed_reverse_kl, total_variation)
    return {loss.__name__: loss for loss in losses}
