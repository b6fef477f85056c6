"""The time of an optimizer step on this machine: a few steps are run and thrown away."""

from __future__ import annotations

from dataclasses import replace
from statistics import mean
from typing import TYPE_CHECKING

from conch_dna.data.tokens import Example, prompt_ids
from conch_dna.data.tool_form import student_turns
from conch_dna.losses.fused import Objective
from conch_dna.train.distillation import distillation_objective, fixed_source
from conch_dna.train.loop import train
from conch_dna.train.stage import trainee_on

if TYPE_CHECKING:
    from conch_dna.config import RecipeSettings
    from conch_dna.records import StepReport
    from conch_dna.train.recipes.base import RecipeContext

SAMPLED = 16  # steps whose sizes stand for all
TIMED = 3  # steps that are timed, after a first one, which is slower than the others


def seconds_per_step(context: RecipeContext[RecipeSettings], answer: int) -> float:
    """Return the expected seconds of an optimizer step; nothing is kept of the steps that are timed.

    The time of the few timed steps is scaled by the padded tokens of more steps.

    :param context: its training set holds the examples of :data:`SAMPLED` steps, or more.
    :param answer: tokens of an answer, if the training set holds only prompts.
    """
    config = context.config.model_copy(update={"steps": 1 + TIMED})
    training_set = context.training_set
    if not training_set.examples:
        training_set = replace(training_set, examples=_with_answers(context, answer), targets=None)
    trial = replace(context, config=config, training_set=training_set)
    source, text = fixed_source(trial, training_set), Objective()
    objective = (lambda _: text) if training_set.targets is None else distillation_objective(trial)
    sizes = [sum(batch.ids_BT.size for batch in source.batches(step)) for step in range(SAMPLED)]
    context.progress.stage(context.domain.name, "timing", config.steps)
    reports: list[StepReport] = []

    def on_step(report: StepReport) -> None:
        reports.append(report)
        context.progress.advance()

    with trainee_on(context.base, config, context.start) as trainee:
        train(trainee, config, source, objective, 0, on_step)
    return sum(report.seconds for report in reports[1:]) / sum(sizes[1 : config.steps]) * mean(sizes)


def _with_answers(context: RecipeContext[RecipeSettings], answer: int) -> list[Example]:
    """Return the prompts with answers of so many tokens, or of as many as ``max_length`` leaves."""
    found, most = [], context.config.max_length
    answer = min(answer, most // 2)
    for prompt in context.training_set.prompts:
        ids = prompt_ids(context.base.tokenizer, student_turns(prompt))[answer - most :]
        trained = (*[False] * len(ids), *[True] * answer)
        found.append(Example((*ids, *ids[-1:] * answer), trained, len(ids), 0))
    return found
