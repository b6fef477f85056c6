"""The bundled losses between two tokenizers: ``p_kl``, ``gold`` and ``uld``.

All compare the teacher's distributions in its own tokens with the student's logits, at positions of the same text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna import hookimpl
from conch_dna.plugin.protocols import CrossTokenizerLoss

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conch_dna.plugin.protocols import CrossTokenizerInput, LogitLoss


def p_kl(given: CrossTokenizerInput) -> LogitLoss:
    """X-Token's P-KL: a divergence over classes of tokens that both vocabularies share."""
    from ._cross_tokenizer import ClassLoss  # imports mlx

    return ClassLoss(given)


def gold(given: CrossTokenizerInput) -> LogitLoss:
    """GOLD: groups of tokens with the same text, merged by the chain rule."""
    from ._cross_tokenizer import GoldLoss  # imports mlx

    return GoldLoss(given)


def uld(given: CrossTokenizerInput) -> LogitLoss:
    """ULD: the L1 distance between sorted probabilities (Boizard et al. 2024)."""
    from ._cross_tokenizer import SortedLoss  # imports mlx

    return SortedLoss(given)


@hookimpl
def register_cross_tokenizer_losses() -> Mapping[str, CrossTokenizerLoss]:
    """Provide the losses."""
    return {build.__name__: CrossTokenizerLoss(build) for build in (p_kl, gold, uld)}
