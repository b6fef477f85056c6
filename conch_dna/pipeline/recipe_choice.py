"""Which recipes train a neuron: those that were asked for, else what teacher and machine are good for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from conch_dna.errors import ConfigError
from conch_dna.models.refs import same_model
from conch_dna.teachers.capabilities import signal_of
from conch_dna.teachers.references import NOBODY, in_one_line

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from conch_dna.config import DistillConfig

ROLLOUT_MEMORY = 64_000_000_000  # bytes; with less, a second model beside the one in training is no safe choice

SOFT = {"top_k", "own_top_k", "soft", "forced"}  # capabilities that tell more than text


class RecipeChoice(NamedTuple):
    """What trains a neuron, and why.

    :param recipes: in the order in which they run.
    :param reason: why these.
    """

    recipes: tuple[str, ...]
    reason: str


def choose(
    config: DistillConfig,
    named: Mapping[str, str],
    capabilities: frozenset[str],
    memory: int,
    *,
    extracts: bool = False,
    supposed: bool = False,
) -> RecipeChoice:
    """Return the recipes that the settings name; under ``auto`` those that fit the teacher and the machine.

    - a teacher that gives distributions over any text: ``kd``, and ``on_policy`` after it where these are in the
      student's tokens, a teacher is another model than the student's base and the machine has 64 GB;
    - a teacher that gives text, or beside it no more than choices as bytes, or ``alpha`` 0: ``sft``;
    - a teacher that ranks answers and gives none of its own: ``preference``; one that gives text or distributions is
      taken for these, and ranks only where that is asked for;
    - no teacher: ``best_of_n``.

    :param named: the references of the domain's teachers, from :func:`~conch_dna.teachers.references.references`.
    :param capabilities: of the teacher that they make together.
    :param memory: of the machine, in bytes.
    :param extracts: whether the domain takes the final answer from the teacher's text. Its text alone teaches then:
        where that answer stands by itself, the teacher would give its probability to the thoughts that come before it.
    :param supposed: whether the capabilities are all that there could be, since the teacher was never probed.
    :raises ConfigError: a recipe that was asked for needs what the teacher cannot do.
    """
    teacher = in_one_line(named)
    if extracts:
        teacher, capabilities = f"{teacher} through [extract]", capabilities - SOFT
    if config.recipes:
        for recipe in config.recipes:
            _check(recipe, config, teacher, capabilities)
        return RecipeChoice(config.recipes, "as asked")
    if "text" not in capabilities:
        return _without_answers(teacher, capabilities, nobody=set(named.values()) == {NOBODY})
    if why := _text_alone(config, capabilities, supposed=supposed):
        return RecipeChoice(("sft",), f"teacher {teacher} {why}")
    if not config.alpha and not config.alpha_end:
        return RecipeChoice(("sft",), "alpha is 0")
    signal = signal_of(capabilities, config)
    soft = f"teacher {teacher} gives soft targets ({signal})"
    models = [reference.partition(":")[2] for reference in named.values()]
    other = any(model and not same_model(model, config.student) for model in models)
    if other and signal == "exact" and memory >= ROLLOUT_MEMORY:
        return RecipeChoice(("kd", "on_policy"), f"{soft} from a model of its own, and {memory / 1e9:.0f} GB hold both")
    return RecipeChoice(("kd",), soft)


def _without_answers(teacher: str, capabilities: frozenset[str], *, nobody: bool) -> RecipeChoice:
    """Return what trains where no teacher answers all of the prompts."""
    if "prefer" in capabilities:
        return RecipeChoice(("preference",), f"teacher {teacher} ranks answers and gives none of its own")
    return RecipeChoice(
        ("best_of_n",), "there is no teacher" if nobody else f"teacher {teacher} neither answers nor ranks"
    )


def _text_alone(config: DistillConfig, capabilities: frozenset[str], *, supposed: bool) -> str:
    """Say why no more than a teacher's text is taken; nothing where more is."""
    if "top_k" in capabilities:
        return ""
    if "own_top_k" in capabilities:
        return "has tokens of its own, and cross_tokenizer is off" if config.cross_tokenizer == "off" else ""
    # Measured on `action`: kd from recorded choices gave no more right answers than sft (docs/LOG.md).
    told = {"soft", "forced"} & capabilities
    if not told:
        return "gives text alone"
    return f"{'may tell' if supposed else 'tells'} choices as bytes, and text alone measured as well"


def _check(recipe: str, config: DistillConfig, teacher: str, capabilities: frozenset[str]) -> None:
    """Refuse a recipe that the teacher cannot serve."""
    declined = {"own_top_k", "soft", "forced"} & capabilities  # what cross_tokenizer may do
    scores = "top_k" in capabilities or ("forced" in capabilities and config.cross_tokenizer == "bytes")
    soft = f"soft targets that cross_tokenizer = {config.cross_tokenizer} takes" if declined else "soft targets"
    needs, served = {
        "sft": ("a teacher that answers", "text" in capabilities),
        "kd": (f"a teacher that gives {soft}", signal_of(capabilities, config) is not None),
        "on_policy": ("a live teacher that scores the student's own answers", scores),
        "best_of_n": ("", True),
        "preference": ("a teacher that says which of two answers is better", "prefer" in capabilities),
    }[recipe]
    if not served:
        raise ConfigError(
            f"recipe {recipe} needs {needs}", where="mode",
            got=f"teacher {teacher}: {', '.join(sorted(capabilities)) or 'nothing'}",
            next_step="Name another --teacher, or --mode auto",
        )  # fmt: skip


def sets_apart(config: DistillConfig, recipes: Collection[str]) -> bool:
    """Tell whether some training prompts are set apart: to be looked at during training, or to choose a round by."""
    return config.validates or "best_of_n" in recipes


def machine_memory() -> int:
    """Return the bytes of this machine's memory."""
    import psutil

    return int(psutil.virtual_memory().total)
