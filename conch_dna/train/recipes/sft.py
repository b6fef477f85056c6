"""Supervised fine-tuning: cross-entropy on the teacher's text."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conch_dna.plugin.recipes import Recipe, TeacherFacts

if TYPE_CHECKING:
    from conch_dna.config import DistillConfig, RecipeSettings
    from conch_dna.train.recipes.base import RecipeContext, RecipeResult


class Sft(Recipe):
    """Trains on the teacher's text by cross-entropy."""

    name = "sft"

    def suits(self, facts: TeacherFacts, config: DistillConfig) -> str | None:
        """Suit a teacher of which only the text can be used."""
        if "text" not in facts.capabilities:
            return None
        return facts.text_alone or None

    def run(self, context: RecipeContext[RecipeSettings]) -> RecipeResult:
        """Train one stage."""
        # Imported here because `conch distill --help` imports this module and needs no mlx.
        from conch_dna.losses.fused import Objective
        from conch_dna.train.distillation import distillation_stage
        from conch_dna.train.recipes.base import train_in

        text, objective = replace(context.training_set, targets=None), Objective()
        return train_in(context, distillation_stage(context, self.name, text, lambda _: objective, soft=False))
