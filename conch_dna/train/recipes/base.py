"""The input of a recipe and its result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from conch_dna.config import RecipeSettings
from conch_dna.train.stage import Stage, train_stage
from conch_dna.train.validation import right_answers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conch_dna.config import DistillConfig
    from conch_dna.domains.domain import Domain
    from conch_dna.models.load import LoadedModel
    from conch_dna.plugin.protocols import Plugins, SpanProcessor, Teacher
    from conch_dna.records import StepReport
    from conch_dna.train.training_set import TrainingSet
    from conch_dna.util.progress import Progress

S_co = TypeVar("S_co", bound=RecipeSettings, covariant=True)


@dataclass(frozen=True)
class RecipeContext(Generic[S_co]):
    """The input of a recipe for one domain.

    :param config: the settings that all recipes share.
    :param settings: the recipe's own.
    :param host: provides losses and scorers by name.
    :param domain: the domain as its neuron sees it; if it extracts final answers, references are final answers too.
    :param training_set: examples, targets and prompts, as the recipe's plan asked for them.
    :param identity: base, teacher, data and settings; a resume requires the same.
    :param folder: an existing folder for checkpoints, metrics and the adapter; the recipe may write other files to it.
    :param on_step: called with the report of every step.
    :param start: the adapter to start from, or ``None`` for a fresh one.
    """

    base: LoadedModel
    config: DistillConfig
    settings: S_co
    host: Plugins
    domain: Domain
    training_set: TrainingSet
    teacher: Teacher
    identity: dict[str, Any]
    folder: Path
    progress: Progress
    on_step: Callable[[StepReport], None]
    start: Path | None = None

    @property
    def processors(self) -> list[SpanProcessor]:
        """The domain's processors, for :func:`~conch_dna.data.tokens.encode_answer`.

        :raises UnknownName: no plug-in provides one of them.
        """
        return [self.host.catalog.get("processors", name) for name in self.domain.settings.processors]


class RecipeResult(NamedTuple):
    """The folder of the trained adapter, and the reports of all steps."""

    adapter: Path
    reports: list[StepReport]


def train_in(context: RecipeContext[RecipeSettings], stage: Stage) -> RecipeResult:
    """Train one stage in the context's folder."""
    if stage.validation:
        stage = replace(stage, right=right_answers(context))
    reports = train_stage(
        context.base, context.config, stage, context.identity, context.folder, context.progress, context.on_step
    )
    return RecipeResult(context.folder / "adapter", reports)
