"""The protocol of a recipe: what it needs of a teacher, what it asks of the pipeline, and how it trains an adapter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from conch_dna.config import RecipeSettings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conch_dna.config import DistillConfig
    from conch_dna.train.recipes.base import RecipeContext, RecipeResult

Need = Literal["nothing", "text", "soft", "live", "prefer"]


@dataclass(frozen=True)
class TeacherFacts:
    """The facts by which ``auto`` chooses recipes for a domain.

    :param teacher: the domain's teachers in one line, for messages.
    :param capabilities: what they can do together.
    :param signal: how their distributions reach the student; ``None`` where only their text does.
    :param text_alone: why only their text is used although they may offer more; empty otherwise.
    :param absent: whether no teacher is named at all.
    :param other_model: whether a teacher is another model than the student's base.
    :param memory: bytes of this machine.
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
    """What a recipe asks of the pipeline; several in a row are joined.

    :param asks: the teacher answers prompts, at least the held-out ones.
    :param text: the teacher's answers to the training prompts are trained on.
    :param soft: soft targets of these answers are trained on.
    :param own: the student answers the training prompts itself.
    :param room: tokens that each of its answers takes beside the prompt within ``max_length``; 0 for no bound.
    :param verdicts: comparisons of two answers that the teacher is asked for, a prompt; 0 for none.
    :param live: the teacher stays loaded during training.
    :param sets_apart: some training prompts are set apart for measurements, whatever the settings say.
    :param together: examples that go through a forward pass together (the batch factor of the memory estimate).
    :param rounds: how often ``steps`` optimizer steps are taken, for the time estimate.
    :param rows: answers that the student draws at once, for the memory estimate.
    :param row_tokens: tokens of the longest of these.
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


def joined(plans: Iterable[RecipePlan]) -> RecipePlan:
    """Return what several recipes in a row ask for: rounds add up, of all else the most."""
    plans = list(plans)
    if not plans:
        return RecipePlan(rounds=0)
    most = {name: max(getattr(plan, name) for plan in plans) for name in RecipePlan.__dataclass_fields__}
    return RecipePlan(**{**most, "rounds": sum(plan.rounds for plan in plans)})


class Recipe(Protocol):
    """A way to train an adapter. Subclass it; only :attr:`name` and :meth:`run` must be given.

    An instance is registered by the hook ``register_recipes``. Its module is imported when the tool starts, so it must
    import mlx and the training code inside :meth:`run` only.

    :cvar name: the word that ``mode`` takes, and the name of its table of settings.
    :cvar needs: what a teacher must give: nothing, text, soft targets, scores of the student's own answers (``live``),
        or verdicts on two answers (``prefer``).
    :cvar settings: its settings, a frozen model.
    :cvar order: the place among recipes that ``auto`` runs in a row; the lower goes first.
    """

    name: ClassVar[str]
    needs: ClassVar[Need] = "text"
    settings: ClassVar[type[RecipeSettings]] = RecipeSettings
    order: ClassVar[int] = 0

    def faults(self, config: DistillConfig) -> list[str]:
        """Return what contradicts this recipe in settings under which it was asked for by name, a fault each."""
        return []

    def suits(self, facts: TeacherFacts, config: DistillConfig) -> str | None:
        """Return why ``auto`` should run this recipe, or ``None`` if it should not; by default it never does."""
        return None

    def plan(self, config: DistillConfig, capabilities: frozenset[str], prompts: int, max_tokens: int) -> RecipePlan:
        """Return what the pipeline has to prepare.

        :param capabilities: of the domain's teacher.
        :param prompts: how many prompts are trained on.
        :param max_tokens: tokens of the domain's longest answers.
        """
        return RecipePlan(asks=True, text=True, soft=self.needs == "soft")

    def run(self, context: RecipeContext[Any]) -> RecipeResult:
        """Train, and return the adapter's folder with the reports of all steps.

        It must go on where a killed run stopped: a :func:`~conch_dna.train.stage.train_stage` in ``context.folder``
        does so by itself.
        """
        ...
