"""How a teacher's distributions can reach the student."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conch_dna.config import DistillConfig
    from conch_dna.teachers.compatibility import Signal


def signal_of(capabilities: frozenset[str], config: DistillConfig) -> Signal | None:
    """Return how a teacher's distributions reach the student; ``None`` where its text is all there is.

    ``exact`` where it gives them in the student's tokens; ``cross_tokenizer`` where it gives them in its own; ``bytes``
    where it tells each token's choices as bytes, be it with its answers or of any text.
    """
    if "top_k" in capabilities:
        return "exact"
    if "own_top_k" in capabilities and config.cross_tokenizer != "off":
        return config.cross_tokenizer
    return "bytes" if {"soft", "forced"} & capabilities and config.cross_tokenizer == "bytes" else None
