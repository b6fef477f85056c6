"""Best-of-N: the student trains on the best of its own answers, as the domain's scorers rate them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from conch_dna.plugin.recipes import Need, Recipe, RecipePlan, TeacherFacts
from conch_dna.train.recipes.settings import BestOfNSettings

if TYPE_CHECKING:
    from conch_dna.config import DistillConfig
    from conch_dna.train.recipes.base import RecipeContext, RecipeResult


class BestOfN(Recipe):
    """Trains on the best of the student's own answers; needs no teacher."""

    name = "best_of_n"
    needs: ClassVar[Need] = "nothing"
    settings = BestOfNSettings

    def faults(self, config: DistillConfig) -> list[str]:
        """Refuse the settings of early stopping if no other recipe uses them: each round has its own validation."""
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
        """Ask for the student's own answers, and for validation prompts to measure each round."""
        own = config.table(self.name, BestOfNSettings)
        return RecipePlan(
            own=True, sets_apart=True, rounds=own.iterations, rows=own.candidates * prompts, row_tokens=max_tokens
        )

    def run(self, context: RecipeContext[BestOfNSettings]) -> RecipeResult:
        """Run rounds of drawing, selection and training while the quality rises."""
        # Imported here because `conch distill --help` imports this module and needs no mlx.
        from conch_dna.train.expert_iteration import best_of_n

        return best_of_n(context)
