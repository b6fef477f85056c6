"""The protocol of a recipe: its needs of a teacher, its plan for the pipeline, and the training of an adapter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from conch_dna.config import RecipeSettings

if TYPE_CHECKING:
    from collections.abc import Collection

    from conch_dna.config import DistillConfig
    from conch_dna.train.recipes.base import RecipeContext, RecipeResult

Need = Literal["nothing", "text", "soft", "live", "prefer"]


@dataclass(frozen=True)
class TeacherFacts:
    """The facts by which ``auto`` chooses recipes for a domain.

    :param teacher: the domain's teachers in one line, for messages.
    :param capabilities: the capabilities that they all have.
    :param signal: the form in which their distributions reach the student; ``None`` if only their text does.
    :param text_alone: the reason why only their text is used, for the user; empty if their distributions are used too.
    :param absent: whether the settings name no teacher.
    :param other_model: whether a teacher is another model than the student's base.
    :param memory: bytes of memory of this machine.
    """

    teacher: str
    capabilities: frozenset[str]
    signal: str | None
    text_alone: str
    absent: bool
    other_model: bool
    memory: int


@dataclass(frozen=True)
class RecipePlan:
    """The requests of a recipe to the pipeline; :func:`joined` combines those of several recipes.

    :param asks: the teacher answers prompts, at least the held-out ones.
    :param text: the teacher's answers to the training prompts are trained on.
    :param soft: soft targets of these answers are trained on.
    :param own: the student answers the training prompts itself.
    :param room: tokens that ``max_length`` must leave for each of these answers after the prompt; 0 for no bound.
    :param verdicts: comparisons of two answers that the teacher makes for each prompt; 0 for none.
    :param live: the teacher stays loaded during training.
    :param sets_apart: some training prompts become validation prompts, independent of the settings.
    :param together: examples in a forward pass that count as one in the settings (the batch factor of the memory
        estimate).
    :param rounds: number of times that ``steps`` optimizer steps run, for the time estimate.
    :param rows: answers that the student draws in one go, for the memory estimate.
    :param row_tokens: tokens of the longest of these answers.
    """

    asks: bool = False
    text: bool = False
    soft: bool = False
    own: bool = False
    room: int = 0
    verdicts: int = 0
    live: bool = False
    sets_apart: bool = False
    together: int = 1
    rounds: int = 1
    rows: int = 0
    row_tokens: int = 0


def joined(plans: Collection[RecipePlan]) -> RecipePlan:
    """Return the plan of several recipes in a row: the sum of the rounds, and the maximum of every other field."""
    most = {name: max(getattr(plan, name) for plan in plans) for name in RecipePlan.__dataclass_fields__}
    return RecipePlan(**{**most, "rounds": sum(plan.rounds for plan in plans)})


class Recipe(Protocol):
    """A way to train an adapter. Subclass it; only :attr:`name` and :meth:`run` are required.

    The hook ``register_recipes`` registers an instance. ``conch distill --help`` reads its settings, so its module must
    import mlx and the training code inside :meth:`run` only.

    :cvar name: the recipe's word in ``mode``, and the name of its table of settings.
    :cvar needs: what a teacher must provide: nothing, text, soft targets, scores of the student's own answers
        (``live``), or verdicts on two answers (``prefer``).
    :cvar settings: the type of its settings, a frozen model.
    :cvar order: its position among the recipes that ``auto`` runs in a row, lowest first.
    """

    name: ClassVar[str]
    needs: ClassVar[Need] = "text"
    settings: ClassVar[type[RecipeSettings]] = RecipeSettings
    order: ClassVar[int] = 0

    def faults(self, config: DistillConfig) -> list[str]:
        """Return the contradictions between this recipe and the settings that request it by name, one message each."""
        return []

    def suits(self, facts: TeacherFacts, config: DistillConfig) -> str | None:
        """Return the reason for ``auto`` to run this recipe, or ``None`` to leave it out (the default)."""
        return None

    def plan(self, config: DistillConfig, capabilities: frozenset[str], prompts: int, max_tokens: int) -> RecipePlan:
        """Return what the pipeline must prepare, and the sizes for its estimates.

        :param capabilities: the capabilities of the domain's teacher.
        :param prompts: number of training prompts.
        :param max_tokens: maximum tokens of an answer in the domain.
        """
        return RecipePlan(asks=True, text=True, soft=self.needs == "soft")

    def run(self, context: RecipeContext[Any]) -> RecipeResult:
        """Train, and return the adapter's folder and the reports of all steps.

        It must resume a run that was killed; :func:`~conch_dna.train.recipes.base.train_in` does so.
        """
        ...
