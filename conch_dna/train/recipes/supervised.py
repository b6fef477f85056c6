"""The recipes, each from a domain's material to a saved adapter, and several of them in a row."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from conch_dna.losses.cross_tokenizer import CrossTargets, registered_loss
from conch_dna.losses.fused import Objective
from conch_dna.teachers.capabilities import scorer_of, text_scorer_of
from conch_dna.teachers.text_scorer import TextScorer
from conch_dna.train.recipes.on_policy import OnPolicySource
from conch_dna.train.schedules import between
from conch_dna.train.sources import FixedSource
from conch_dna.train.stage import Stage, train_stage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import mlx.core as mx

    from conch_dna.config import DistillConfig
    from conch_dna.data.batches import Batch, SoftTargets
    from conch_dna.domains.domain import Domain
    from conch_dna.models.load import LoadedModel
    from conch_dna.plugin.manager import PluginHost
    from conch_dna.plugin.protocols import Divergence, Teacher
    from conch_dna.records import StepReport
    from conch_dna.train.recipes.training_set import TrainingSet
    from conch_dna.util.progress import Progress

log = structlog.get_logger()


@dataclass(frozen=True)
class RecipeContext:
    """What every recipe for one domain works with.

    :param identity: base, teacher, data and settings; what a resume must find unchanged.
    :param folder: gets checkpoints, metrics and the adapter.
    :param start: the adapter that the recipe before left, or ``None``.
    """

    base: LoadedModel
    config: DistillConfig
    host: PluginHost
    domain: Domain
    material: TrainingSet
    teacher: Teacher
    identity: dict[str, Any]
    folder: Path
    progress: Progress
    on_step: Callable[[StepReport], None]
    start: Path | None = None


class RecipeResult(NamedTuple):
    """What a recipe came to: the adapter's folder, and the reports of its steps."""

    adapter: Path
    reports: list[StepReport]


def run_recipes(recipes: Sequence[str], lesson: RecipeContext) -> RecipeResult:
    """Run ``recipes`` in their order, each from the adapter of the one before and with a fresh optimizer.

    A single one works in the lesson's folder, several in folders of their own beneath it: ``1-kd``, ``2-on_policy``.
    """
    reports: list[StepReport] = []
    start = lesson.start
    for number, recipe in enumerate(recipes, 1):
        folder = lesson.folder / f"{number}-{recipe}" if len(recipes) > 1 else lesson.folder
        start, found = _run(recipe, replace(lesson, folder=folder, start=start))
        reports += found
    if start is None:
        raise ValueError("no recipe was given")
    return RecipeResult(start, reports)


def _run(recipe: str, lesson: RecipeContext) -> RecipeResult:
    if recipe == "best_of_n":
        from conch_dna.train.recipes.best_of_n import best_of_n

        return best_of_n(lesson)
    if recipe == "preference":
        from conch_dna.train.recipes.preference import preference

        return preference(lesson)
    stage = {"sft": sft, "kd": kd, "on_policy": on_policy}[recipe](lesson)
    return learn(lesson, stage)


def learn(lesson: RecipeContext, stage: Stage) -> RecipeResult:
    """Train one stage in the lesson's folder."""
    reports = train_stage(
        lesson.base, lesson.config, stage, lesson.identity, lesson.folder, lesson.progress, lesson.on_step
    )
    return RecipeResult(lesson.folder / "adapter", reports)


def sft(lesson: RecipeContext) -> Stage:
    """Return the stage that trains on the teacher's text by cross-entropy."""
    text = replace(lesson.material, targets=None)
    objective = Objective()
    return _stage(lesson, "sft", text, lambda _: objective)


def kd(lesson: RecipeContext) -> Stage:
    """Return the stage that trains on the teacher's text with its soft targets."""
    return _stage(lesson, "kd", lesson.material, distilling(lesson))


def on_policy(lesson: RecipeContext) -> Stage:
    """Return the stage that trains on the student's own answers as the teacher scores them."""
    material, config = lesson.material, lesson.config
    fixed = FixedSource(material.examples, _signal(lesson, material), config) if material.examples else None
    exact = "top_k" in lesson.teacher.capabilities
    scorer = scorer_of(lesson.teacher) if exact else TextScorer(text_scorer_of(lesson.teacher), lesson.base)
    source = OnPolicySource(lesson.base, scorer, material.prompts, config, fixed, lesson.folder / "rollouts.jsonl")
    return replace(_stage(lesson, "on_policy", material, distilling(lesson)), source=source)


def _stage(lesson: RecipeContext, recipe: str, material: TrainingSet, objective: Callable[[int], Objective]) -> Stage:
    source = FixedSource(material.examples, _signal(lesson, material), lesson.config)
    held = _validation(lesson, material, soft=recipe != "sft") if lesson.config.validates else ()
    return Stage(material.domain, recipe, source, objective, held, lesson.start)


def _signal(lesson: RecipeContext, material: TrainingSet) -> SoftTargets | None:
    """Return the material's soft targets as batches take them."""
    targets = material.targets
    if isinstance(targets, CrossTargets):
        loss = registered_loss(lesson.host, targets.kind)
        return targets.loss_of(loss, _divergence(lesson.host, lesson.config.loss), lesson.config)
    return targets


def _validation(lesson: RecipeContext, material: TrainingSet, *, soft: bool) -> list[Batch]:
    """Return the batches of the prompts set apart, with their soft targets where the recipe learns from such."""
    held = material.validation
    if held is None:
        return []
    targets = _signal(lesson, held) if soft else None
    return FixedSource(held.examples, targets, lesson.config).passes(range(len(held.examples)))


def distilling(lesson: RecipeContext) -> Callable[[int], Objective]:
    """Return the objective of each step: the divergence with its scheduled weight, and the cross-entropy."""
    config = lesson.config
    divergence = _divergence(lesson.host, config.loss)
    log.info("objective", loss=config.loss, alpha=config.alpha, alpha_end=config.alpha_end, beta=config.beta,
             beta_end=config.beta_end, temperature=config.temperature, t_squared=config.t_squared)  # fmt: skip

    def at(step: int) -> Objective:
        alpha = between(config, config.alpha, config.alpha_end, step)
        beta = between(config, config.beta, config.beta_end, step)
        return Objective(divergence, config.temperature, config.t_squared, alpha, beta)

    return at


def _divergence(host: PluginHost, name: str) -> Divergence:
    """Return the loss of that name; a fault in it names its plug-in."""
    loss: Divergence = host.catalog.get("losses", name)

    def blamed(student_NK: mx.array, teacher_NK: mx.array, *, beta: float) -> mx.array:
        with host.blaming("losses", name):
            value_N = loss(student_NK, teacher_NK, beta=beta)
            if (shape := getattr(value_N, "shape", None)) != student_NK.shape[:1]:
                raise TypeError(f"a loss of shape {shape} instead of {student_NK.shape[:1]}, one value a position")
            return value_N

    return blamed
