"""Two crude losses between tokenizers, ``truncate`` and ``project``: they compare distributions by token id.

Both require that every id that the two vocabularies share means the same bytes, as in one family of models of several
sizes. For other pairs use ``bytes``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna import hookimpl
from conch_dna.plugin.protocols import CrossTokenizerLoss

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conch_dna.plugin.protocols import CrossTokenizerInput, LogitLoss


def truncate(given: CrossTokenizerInput) -> LogitLoss:
    """Cut both distributions to the ids that both vocabularies have, normalise them again, and compare them."""
    return _by_id(given, cut=True)


def project(given: CrossTokenizerInput) -> LogitLoss:
    """Compare both distributions whole; the ids that only one side has belong to the tail."""
    return _by_id(given, cut=False)


def _by_id(given: CrossTokenizerInput, *, cut: bool) -> LogitLoss:
    """Return the divergence by id.

    :raises ConchError: the tokenizers disagree on an id.
    """
    # mlx; a plug-in must not import it when it is loaded
    import numpy as np

    from conch_dna.align.aligned_targets import NONE
    from conch_dna.align.vocabulary_map import Members
    from conch_dna.losses.cross_tokenizer import BucketLoss, merged, tempered
    from conch_dna.losses.fused import LOWEST

    width = given.between.common_width
    targets = given.aligned.targets
    ids_RK = np.where(targets.ids < width, targets.ids, NONE)
    teacher_RK = tempered(given.aligned, given.temperature)
    if cut:
        teacher_RK[:, :-1][ids_RK < 0] = LOWEST
        teacher_RK -= np.logaddexp.reduce(teacher_RK, axis=1, keepdims=True)
    one_each = Members(np.arange(width, dtype=np.int32), np.arange(width + 1))
    return BucketLoss(given, *merged(ids_RK, teacher_RK), one_each, width if cut else None)


@hookimpl
def register_cross_tokenizer_losses() -> Mapping[str, CrossTokenizerLoss]:
    """Provide the losses."""
    return {build.__name__: CrossTokenizerLoss(build, shared_ids=True) for build in (truncate, project)}
