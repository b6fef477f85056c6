"""Best-of-N: the student trains on the best of its own answers, as the domain's scorers rate them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import Field, model_validator

from conch_dna.plugin.recipes import Need, Recipe, RecipePlan, TeacherFacts
from conch_dna.train.recipes.candidate_settings import CandidateSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conch_dna.config import DistillConfig
    from conch_dna.train.recipes.base import RecipeContext, RecipeResult


class BestOfNSettings(CandidateSettings):
    """The table ``[distill.best_of_n]``."""

    flat_names: ClassVar[Mapping[str, str]] = {
        name: name for name in ("candidates", "candidate_temperature", "kept", "iterations")
    }

    kept: int = Field(1, ge=1, description="best candidates a prompt that are trained on")
    iterations: int = Field(3, ge=1, description="most rounds of drawing, choosing and training")

    @model_validator(mode="after")
    def _some_are_dropped(self) -> Self:
        if self.kept >= self.candidates:
            raise ValueError(f"kept = {self.kept}: must be less than candidates = {self.candidates}")
        return self


class BestOfN(Recipe):
    """Trains on the best of the student's own answers; needs no teacher."""

    name = "best_of_n"
    needs: ClassVar[Need] = "nothing"
    settings = BestOfNSettings

    def faults(self, config: DistillConfig) -> list[str]:
        """Refuse the early stop where no other recipe uses it: each round measures itself."""
        if config.recipes != (self.name,):
            return []
        return [
            f"{name} = {getattr(config, name)}: best_of_n does not use it; remove it, or add another recipe"
            for name in ("patience", "keep_best")
            if getattr(config, name)
        ]

    def suits(self, facts: TeacherFacts, config: DistillConfig) -> str | None:
        """Suit a domain without a teacher that answers or ranks."""
        if {"text", "prefer"} & facts.capabilities:
            return None
        return "there is no teacher" if facts.absent else f"teacher {facts.teacher} neither answers nor ranks"

    def plan(self, config: DistillConfig, capabilities: frozenset[str], prompts: int, max_tokens: int) -> RecipePlan:
        """Ask for the student's own answers, and for prompts set apart to measure each round."""
        own = config.table(self.name, BestOfNSettings)
        return RecipePlan(
            own=True, sets_apart=True, rounds=own.iterations, rows=own.candidates * prompts, row_tokens=max_tokens
        )

    def run(self, context: RecipeContext[BestOfNSettings]) -> RecipeResult:
        """Run rounds of drawing, choosing and training while the quality rises."""
        from conch_dna.train.expert_iteration import best_of_n

        return best_of_n(context)
