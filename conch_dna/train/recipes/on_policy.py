"""On-policy distillation (Agarwal et al. 2023, GKD): the teacher scores the student's own answers by token."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from conch_dna.plugin.recipes import Need, Recipe, RecipePlan, TeacherFacts
from conch_dna.train.recipes.settings import OnPolicySettings

if TYPE_CHECKING:
    from conch_dna.config import DistillConfig
    from conch_dna.train.recipes.base import RecipeContext, RecipeResult

# Bytes. The student in training and the live teacher need memory at the same time; below this, auto leaves it out.
ROLLOUT_MEMORY = 64_000_000_000


class OnPolicy(Recipe):
    """Trains on the student's own answers, scored by a live teacher."""

    name = "on_policy"
    needs: ClassVar[Need] = "live"
    settings = OnPolicySettings
    order = 1

    def suits(self, facts: TeacherFacts, config: DistillConfig) -> str | None:
        """Suit, after ``kd``, a teacher with the student's tokens that is another model, if memory is large enough."""
        teaches = "text" in facts.capabilities and not facts.text_alone
        if not teaches or facts.signal != "exact" or not facts.other_model or facts.memory < ROLLOUT_MEMORY:
            return None
        return f"it is another model, and {facts.memory / 1e9:.0f} GB hold both"

    def plan(self, config: DistillConfig, capabilities: frozenset[str], prompts: int, max_tokens: int) -> RecipePlan:
        """Ask for rollouts of the training prompts, and for the teacher's answers if some steps train on them."""
        settings = config.table(self.name, OnPolicySettings)
        return RecipePlan(
            asks=True, text=settings.fraction < 1, soft=True, own=True, live=True, room=settings.rollout_tokens,
            rows=config.batch_size * config.accumulation * settings.rollout_steps, row_tokens=settings.rollout_tokens,
        )  # fmt: skip

    def run(self, context: RecipeContext[OnPolicySettings]) -> RecipeResult:
        """Train one stage whose source draws rollouts."""
        # Imported here because `conch distill --help` imports this module and needs no mlx.
        from conch_dna.teachers.capabilities import scorer_of, text_scorer_of
        from conch_dna.teachers.text_scorer import TextScorer
        from conch_dna.train.distillation import distillation_objective, distillation_stage, fixed_source
        from conch_dna.train.recipes.base import train_in
        from conch_dna.train.rollout_source import OnPolicySource

        found, teacher = context.training_set, context.teacher
        fixed = fixed_source(context, found) if found.examples else None
        exact = "top_k" in teacher.capabilities
        scorer = scorer_of(teacher) if exact else TextScorer(text_scorer_of(teacher), context.base)
        source = OnPolicySource(
            context.base, scorer, found.prompts, context.config, context.settings, fixed,
            context.folder / "rollouts.jsonl",
            {name: context.host.catalog.get("processors", name) for name in context.domain.settings.processors},
        )  # fmt: skip
        objective = distillation_objective(context)
        return train_in(context, distillation_stage(context, self.name, found, objective, source))
