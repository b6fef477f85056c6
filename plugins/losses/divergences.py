"""The bundled losses: divergences over k ids and one tail bucket, an exact (k+1)-way divergence on both sides.

Merging buckets can only lower a KL divergence (data-processing inequality), so each value is a lower bound on that
over the full vocabulary.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from conch_dna import hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping

    import mlx.core as mx

    from conch_dna.interfaces import Divergence


def forward_kl(student_NK: mx.array, teacher_NK: mx.array) -> mx.array:
    """KL(teacher || student): covers everything the teacher might say."""
    import mlx.core as mx

    return (mx.exp(teacher_NK) * (teacher_NK - student_NK)).sum(axis=-1)


def reverse_kl(student_NK: mx.array, teacher_NK: mx.array) -> mx.array:
    """KL(student || teacher): keeps to what the teacher is sure of."""
    import mlx.core as mx

    return (mx.exp(student_NK) * (student_NK - teacher_NK)).sum(axis=-1)


def jsd(student_NK: mx.array, teacher_NK: mx.array, beta: float = 0.5) -> mx.array:
    """Generalised Jensen-Shannon divergence, Agarwal et al. 2023 (GKD), equation 1.

    With M = beta*P + (1-beta)*Q (P teacher, Q student): beta*KL(P || M) + (1-beta)*KL(Q || M).

    :param beta: strictly between 0 and 1; at the ends the formula vanishes, use forward_kl or reverse_kl there.
    """
    import mlx.core as mx

    teacher, student = mx.exp(teacher_NK), mx.exp(student_NK)
    # Not the log of the mixture: where both are zero in float32, that would be 0 * inf.
    mixed_NK = mx.logaddexp(teacher_NK + math.log(beta), student_NK + math.log(1 - beta))
    return (beta * teacher * (teacher_NK - mixed_NK) + (1 - beta) * student * (student_NK - mixed_NK)).sum(axis=-1)


@hookimpl
def register_losses() -> Mapping[str, Divergence]:
    """Provide the divergences; ``jsd`` also at the two other weights in common use."""
    return {
        "forward_kl": forward_kl,
        "reverse_kl": reverse_kl,
        "jsd": jsd,
        "jsd_0.1": partial(jsd, beta=0.1),
        "jsd_0.9": partial(jsd, beta=0.9),
    }
