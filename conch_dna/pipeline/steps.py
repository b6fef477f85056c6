"""The number of steps that ``minutes`` chooses: it is measured once and kept in the domain's folder."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import Field, ValidationError

from conch_dna.config import LEAST_STEPS, MOST_STEPS, steps_within
from conch_dna.records import Record
from conch_dna.train.checkpoint import identity_differences
from conch_dna.train.timing import SAMPLED, seconds_per_step
from conch_dna.util.files import write_atomic

if TYPE_CHECKING:
    from pathlib import Path

    from conch_dna.config import DistillConfig, RecipeSettings
    from conch_dna.pipeline.prepare import Prepared
    from conch_dna.plugin.recipes import RecipePlan
    from conch_dna.train.recipes.base import RecipeContext

FILE = "steps.json"
log = structlog.get_logger()


class ChosenSteps(Record):
    """The steps of each of a domain's recipes. A resumed run takes them again, whatever its speed is then.

    :param seconds: of one step, as measured.
    :param identity: base, teacher, start and settings that they were chosen for.
    """

    steps: int = Field(ge=LEAST_STEPS, le=MOST_STEPS)
    seconds: float = Field(gt=0)
    identity: dict[str, Any]


def as_begun(config: DistillConfig, folder: Path) -> DistillConfig:
    """Return the settings with the steps that were chosen in a domain's folder, if there are any."""
    chosen = _read(folder)
    return config if config.minutes is None or chosen is None else config.with_steps(chosen.steps, chosen.seconds)


def settled(
    context: RecipeContext[RecipeSettings], prepared: Prepared, plan: RecipePlan
) -> RecipeContext[RecipeSettings]:
    """Return the context with the number of steps, and with the examples of all of them.

    Under ``minutes`` the steps are those chosen before for the same base, teacher, start and settings; without any,
    they are measured.

    :param context: its identity has no data yet.
    """
    config = context.config
    if config.minutes is not None:
        chosen = _read(context.folder)
        if chosen is None or identity_differences(chosen.identity, context.identity):
            sample = replace(context, training_set=prepared.training_set_of(SAMPLED))
            chosen = _choose(sample, plan, config.minutes)
        config = config.with_steps(chosen.steps, chosen.seconds)
    training_set = prepared.training_set_of(config.steps)
    identity = {**context.identity, "settings": config.flat(), "data": training_set.digest}
    return replace(context, config=config, training_set=training_set, identity=identity)


def _choose(sample: RecipeContext[RecipeSettings], plan: RecipePlan, minutes: float) -> ChosenSteps:
    """Measure the time of a step, and write the steps of which all rounds of the recipes fit into ``minutes``."""
    seconds = seconds_per_step(sample, plan.row_tokens)
    chosen = ChosenSteps(steps=steps_within(minutes, seconds * plan.rounds), seconds=seconds, identity=sample.identity)
    write_atomic(sample.folder / FILE, chosen.model_dump_json(indent=2) + "\n")
    log.info("steps_chosen", domain=sample.domain.name, steps=chosen.steps, minutes=minutes, seconds_per_step=seconds)
    return chosen


def _read(folder: Path) -> ChosenSteps | None:
    """Return the steps that were chosen in a domain's folder; ``None`` without any, or if the file is damaged."""
    try:
        return ChosenSteps.model_validate_json((folder / FILE).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
