"""Which recipes train a neuron: those that were asked for, else what teacher and machine are good for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from conch_dna.errors import ConfigError
from conch_dna.signals import signal_of

if TYPE_CHECKING:
    from conch_dna.config import DistillConfig

ROLLOUT_MEMORY = 64_000_000_000  # bytes; with less, a second model beside the one in training is no safe choice


class Mode(NamedTuple):
    """What trains a neuron, and why.

    :param recipes: in the order in which they run.
    :param reason: why these.
    """

    recipes: tuple[str, ...]
    reason: str


def choose(config: DistillConfig, teacher: str, capabilities: frozenset[str], memory: int) -> Mode:
    """Return the recipes that the settings name; under ``auto`` those that fit the teacher and the machine.

    - a teacher that gives soft targets: ``kd``, and ``on_policy`` after it where the teacher is another model than the
      student's base and the machine has 64 GB;
    - a teacher that gives text alone, or ``alpha`` 0: ``sft``;
    - no teacher: ``best_of_n``.

    :param teacher: its reference; names it in the reason.
    :param capabilities: the teacher's.
    :param memory: of the machine, in bytes.
    :raises ConfigError: a recipe that was asked for needs what the teacher cannot do.
    """
    if config.recipes:
        for recipe in config.recipes:
            _check(recipe, config, teacher, capabilities)
        return Mode(config.recipes, "as asked")
    if "text" not in capabilities:
        return Mode(("best_of_n",), "there is no teacher")
    if (signal := signal_of(capabilities, config)) is None:
        return Mode(("sft",), f"teacher {teacher} gives text alone")
    if not config.alpha and not config.alpha_end:
        return Mode(("sft",), "alpha is 0")
    soft = f"teacher {teacher} gives soft targets ({signal})"
    other = teacher.partition(":")[2] not in {"", config.student}
    if other and signal == "exact" and memory >= ROLLOUT_MEMORY:
        return Mode(("kd", "on_policy"), f"{soft} from a model of its own, and {memory / 1e9:.0f} GB hold both")
    return Mode(("kd",), soft)


def _check(recipe: str, config: DistillConfig, teacher: str, capabilities: frozenset[str]) -> None:
    """Refuse a recipe that the teacher cannot serve."""
    needs, served = {
        "sft": ("a teacher that answers", "text" in capabilities),
        "kd": ("a teacher that gives soft targets", signal_of(capabilities, config) is not None),
        "on_policy": ("a live teacher that scores the student's own tokens", "top_k" in capabilities),
        "best_of_n": ("", True),
    }[recipe]
    if not served:
        raise ConfigError(
            f"recipe {recipe} needs {needs}", where="mode",
            got=f"teacher {teacher}: {', '.join(sorted(capabilities)) or 'nothing'}",
            next_step="Name another --teacher, or --mode auto",
        )  # fmt: skip


def machine_memory() -> int:
    """Return the bytes of this machine's memory."""
    import psutil

    return int(psutil.virtual_memory().total)
