"""Preference optimization (DPO, Rafailov et al. 2023) on the teacher's verdicts about pairs of answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from conch_dna.plugin.recipes import Need, Recipe, RecipePlan, TeacherFacts
from conch_dna.train.recipes.settings import PreferenceSettings

if TYPE_CHECKING:
    from conch_dna.config import DistillConfig
    from conch_dna.train.recipes.base import RecipeContext, RecipeResult


class Preference(Recipe):
    """Trains on pairs of answers, towards the one that the teacher prefers."""

    name = "preference"
    needs: ClassVar[Need] = "prefer"
    settings = PreferenceSettings

    def suits(self, facts: TeacherFacts, config: DistillConfig) -> str | None:
        """Suit a teacher that ranks answers and has none of its own."""
        if "text" in facts.capabilities or "prefer" not in facts.capabilities:
            return None
        return f"teacher {facts.teacher} ranks answers and has none of its own"

    def plan(self, config: DistillConfig, capabilities: frozenset[str], prompts: int, max_tokens: int) -> RecipePlan:
        """Ask for candidates and verdicts, and for the teacher's own answers if it has any."""
        own = config.table(self.name, PreferenceSettings)
        answers = "text" in capabilities
        return RecipePlan(
            asks=answers, text=answers, own=True, live=True, together=2, rounds=2,  # both answers of each pair
            verdicts=own.candidates if answers else own.candidates - 1,
            rows=own.candidates * prompts, row_tokens=max_tokens,
        )  # fmt: skip

    def run(self, context: RecipeContext[PreferenceSettings]) -> RecipeResult:
        """Draw candidates, request verdicts, and train on the pairs."""
        # Imported here because `conch distill --help` imports this module and needs no mlx.
        from conch_dna.train.preference_pairs import preference

        return preference(context)
