"""Stages and objectives that train on a teacher's answers and soft targets; several recipes use them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from conch_dna.losses.cross_tokenizer import CrossTargets, registered_loss
from conch_dna.losses.fused import Objective
from conch_dna.train.schedules import between
from conch_dna.train.sources import FixedSource
from conch_dna.train.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    import mlx.core as mx

    from conch_dna.config import RecipeSettings
    from conch_dna.data.batches import Batch, SoftTargets
    from conch_dna.plugin.protocols import Divergence, Plugins
    from conch_dna.train.recipes.base import RecipeContext
    from conch_dna.train.sources import Source
    from conch_dna.train.training_set import TrainingSet

log = structlog.get_logger()


def distillation_stage(
    context: RecipeContext[RecipeSettings],
    recipe: str,
    training_set: TrainingSet,
    objective: Callable[[int], Objective],
    source: Source | None = None,
    *,
    soft: bool = True,
) -> Stage:
    """Return a stage that trains on the training set's examples, or on the batches of ``source``.

    :param soft: whether the validation batches carry soft targets.
    """
    own = source or fixed_source(context, training_set)
    held = _validation(context, training_set, soft=soft) if context.config.validates else ()
    return Stage(training_set.domain, recipe, own, objective, held, context.start)


def fixed_source(context: RecipeContext[RecipeSettings], training_set: TrainingSet) -> FixedSource:
    """Return the batches of a training set's examples with their soft targets."""
    targets = _signal(context, training_set)
    return FixedSource(training_set.examples, targets, context.config, in_order=training_set.in_order)


def _signal(context: RecipeContext[RecipeSettings], training_set: TrainingSet) -> SoftTargets | None:
    """Return the soft targets in the form that batches use."""
    targets = training_set.targets
    if isinstance(targets, CrossTargets):
        loss = registered_loss(context.host, targets.kind)
        return targets.loss_of(loss, _divergence(context.host, context.config.loss), context.config)
    return targets


def _validation(context: RecipeContext[RecipeSettings], training_set: TrainingSet, *, soft: bool) -> list[Batch]:
    """Return the batches of the validation prompts, with soft targets if ``soft`` is true."""
    held = training_set.validation
    if held is None:
        return []
    targets = _signal(context, held) if soft else None
    return FixedSource(held.examples, targets, context.config).passes(range(len(held.examples)))


def distillation_objective(context: RecipeContext[RecipeSettings]) -> Callable[[int], Objective]:
    """Return a function from step to objective: the divergence with its scheduled weight, and the cross-entropy."""
    config = context.config
    divergence = _divergence(context.host, config.loss)
    log.info("objective_chosen", loss=config.loss, alpha=config.alpha, alpha_end=config.alpha_end, beta=config.beta,
             temperature=config.temperature, t_squared=config.t_squared)  # fmt: skip

    def at(step: int) -> Objective:
        alpha = between(config, config.alpha, config.alpha_end, step)
        return Objective(divergence, config.temperature, config.t_squared, alpha, config.beta)

    return at


def _divergence(host: Plugins, name: str) -> Divergence:
    """Return the loss with that name; an error in it is reported with its plug-in."""
    loss: Divergence = host.catalog.get("losses", name)

    def blamed(student_NK: mx.array, teacher_NK: mx.array, *, beta: float) -> mx.array:
        with host.blaming("losses", name):
            value_N = loss(student_NK, teacher_NK, beta=beta)
            if (shape := getattr(value_N, "shape", None)) != student_NK.shape[:1]:
                raise TypeError(f"returned shape {shape}, expected {student_NK.shape[:1]}, one value per position")
            return value_N

    return blamed
