"""The settings of recipes for which the student answers every prompt several times."""

from __future__ import annotations

from pydantic import Field

from conch_dna.config import RecipeSettings


class CandidateSettings(RecipeSettings):
    """How candidates are drawn."""

    candidates: int = Field(4, ge=2, le=256, description="answers drawn a prompt")
    candidate_temperature: float = Field(0.8, gt=0, le=5, description="sampling temperature of the candidates")
