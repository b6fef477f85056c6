"""Knowledge distillation (Hinton et al. 2015): a divergence from the teacher's soft targets, and cross-entropy."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from conch_dna.plugin.recipes import Need, Recipe, TeacherFacts

if TYPE_CHECKING:
    from conch_dna.config import DistillConfig, RecipeSettings
    from conch_dna.train.recipes.base import RecipeContext, RecipeResult


class Kd(Recipe):
    """Trains on the teacher's text and its soft targets."""

    name = "kd"
    needs: ClassVar[Need] = "soft"

    def faults(self, config: DistillConfig) -> list[str]:
        """Refuse a weight of 0, with which the soft targets have no effect."""
        if config.alpha or config.alpha_end:
            return []
        return ["alpha = 0: kd would be the same as sft; use mode = sft, or raise alpha"]

    def suits(self, facts: TeacherFacts, config: DistillConfig) -> str | None:
        """Suit a teacher that gives distributions."""
        if "text" not in facts.capabilities or facts.text_alone:
            return None
        return f"teacher {facts.teacher} gives soft targets ({facts.signal})"

    def run(self, context: RecipeContext[RecipeSettings]) -> RecipeResult:
        """Train one stage."""
        # Imported here because `conch distill --help` imports this module and needs no mlx.
        from conch_dna.train.distillation import distillation_objective, distillation_stage
        from conch_dna.train.recipes.base import train_in

        objective = distillation_objective(context)
        return train_in(context, distillation_stage(context, self.name, context.training_set, objective))
