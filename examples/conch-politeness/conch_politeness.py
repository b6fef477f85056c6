"""The ``politeness`` scorer: rates how polite an answer sounds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conch_dna import hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conch_dna.plugin.protocols import ScoreContext, Scorer
    from conch_dna.records import Prompt

_KIND = re.compile(r"\b(please|thanks?|thank you|sorry|kindly|could you|would you|you're welcome)\b", re.IGNORECASE)
_RUDE = re.compile(r"\b(stupid|idiot|shut up|whatever|obviously|as i (already )?said)\b", re.IGNORECASE)
_SHOUT = re.compile(r"!{2,}|\b[A-Z]{4,}\b")
NEUTRAL = 0.5
STEP = 0.25


def politeness(prompt: Prompt, response: str, context: ScoreContext) -> float:  # noqa: ARG001 - the contract's arguments
    """Return 0.5 for a neutral answer, more for courteous words, less for rude words and shouting."""
    if not response.strip():
        return 0.0
    balance = len(_KIND.findall(response)) - len(_RUDE.findall(response)) - len(_SHOUT.findall(response))
    return min(1.0, max(0.0, NEUTRAL + STEP * balance))


@hookimpl
def register_scorers() -> Mapping[str, Scorer]:
    """Return the scorer by the name that a ``domain.toml`` uses."""
    return {"politeness": politeness}
