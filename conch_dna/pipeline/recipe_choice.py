"""The choice of the recipes that train a neuron: those requested, else those that suit teacher and machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import psutil

from conch_dna.errors import ConfigError
from conch_dna.models.refs import same_model
from conch_dna.plugin.recipes import TeacherFacts, joined
from conch_dna.teachers.capabilities import BYTES, OFF, signal_of
from conch_dna.teachers.references import NOBODY, in_one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conch_dna.config import DistillConfig
    from conch_dna.plugin.catalog import Catalog
    from conch_dna.plugin.recipes import Recipe, RecipePlan

SOFT = {"top_k", "own_top_k", "soft", "forced"}  # capabilities beyond text


class RecipeChoice(NamedTuple):
    """The recipes of a domain in their order, and the reason for them."""

    recipes: tuple[Recipe, ...]
    reason: str

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the recipes."""
        return tuple(recipe.name for recipe in self.recipes)

    def plan(self, config: DistillConfig, capabilities: frozenset[str], prompts: int, max_tokens: int) -> RecipePlan:
        """Return the plan of all recipes together; the parameters are those of :meth:`Recipe.plan`."""
        return joined([recipe.plan(config, capabilities, prompts, max_tokens) for recipe in self.recipes])


def requested(catalog: Catalog, config: DistillConfig) -> tuple[Recipe, ...]:
    """Return the recipes that the settings name; under ``auto`` an empty tuple.

    :raises UnknownName: no plug-in provides one of them.
    :raises ConfigError: the settings contradict one of them; every fault is listed.
    """
    found: tuple[Recipe, ...] = tuple(catalog.get("recipes", name) for name in config.recipes)
    faults = [fault for recipe in found for fault in recipe.faults(config)]
    if found and config.alpha_end is not None and not any(recipe.needs in {"soft", "live"} for recipe in found):
        faults.append(f"alpha_end = {config.alpha_end}: mode {config.mode} has no divergence")
    if faults:
        raise ConfigError("; ".join(faults), where="mode", got=config.mode)
    return found


def choose_recipes(
    catalog: Catalog,
    config: DistillConfig,
    named: Mapping[str, str],
    capabilities: frozenset[str],
    memory: int,
    *,
    extracts: bool = False,
    supposed: bool = False,
) -> RecipeChoice:
    """Return the recipes that the settings name; under ``auto`` those that suit the teacher and the machine.

    :param named: the references of the domain's teachers, from :func:`~conch_dna.teachers.references.references`.
    :param capabilities: of all these teachers together.
    :param memory: of the machine, in bytes.
    :param extracts: the domain extracts the final answer from the teacher's text. Then only the text is used, because
        the probabilities belong to the whole text with its thoughts.
    :param supposed: the capabilities are an upper bound, because the teacher was never probed.
    :raises ConfigError: the teacher lacks a capability that a requested recipe needs, or no recipe suits it.
    """
    teacher = in_one_line(named)
    if extracts:
        teacher, capabilities = f"{teacher} through [extract]", capabilities - SOFT
    if asked := requested(catalog, config):
        for recipe in asked:
            _check_served(recipe, config, teacher, capabilities)
        return RecipeChoice(asked, "as requested")
    models = [reference.partition(":")[2] for reference in named.values()]
    facts = TeacherFacts(
        teacher, capabilities, signal_of(capabilities, config),
        _text_alone(teacher, config, capabilities, supposed=supposed),
        absent=set(named.values()) == {NOBODY},
        other_model=any(model and not same_model(model, config.student) for model in models),
        memory=memory,
    )  # fmt: skip
    suiting = [(recipe, why) for recipe in catalog.all("recipes").values() if (why := recipe.suits(facts, config))]
    if not suiting:
        raise ConfigError("no recipe suits the teacher", where="mode", got=f"teacher {teacher}",
                          allowed=", ".join(catalog.names("recipes")), next_step="Name one with --mode")  # fmt: skip
    suiting.sort(key=lambda pair: pair[0].order)
    return RecipeChoice(tuple(recipe for recipe, _ in suiting), "; ".join(why for _, why in suiting))


def _text_alone(teacher: str, config: DistillConfig, capabilities: frozenset[str], *, supposed: bool) -> str:
    """Return the reason why only a teacher's text is used, or an empty text."""
    who = f"teacher {teacher}"
    if not {"top_k", "own_top_k"} & capabilities:
        if not {"soft", "forced"} & capabilities:
            return f"{who} gives text alone"
        # Measured on `action`: kd from recorded choices gave as many right answers as sft (docs/LOG.md).
        return f"{who} {'may give' if supposed else 'gives'} choices as bytes, and text alone measured as well"
    if "top_k" not in capabilities and config.cross_tokenizer == OFF:
        return f"{who} has another tokenizer, and cross_tokenizer is off"
    return "" if config.alpha or config.alpha_end else "alpha is 0"


def _check_served(recipe: Recipe, config: DistillConfig, teacher: str, capabilities: frozenset[str]) -> None:
    """Refuse a recipe that the teacher cannot serve."""
    declined = {"own_top_k", "soft", "forced"} & capabilities  # capabilities that another cross_tokenizer may use
    scores = "top_k" in capabilities or ("forced" in capabilities and config.cross_tokenizer == BYTES)
    soft = f"soft targets that cross_tokenizer = {config.cross_tokenizer} takes" if declined else "soft targets"
    needs, served = {
        "text": ("a teacher that answers", "text" in capabilities),
        "soft": (f"a teacher that gives {soft}", signal_of(capabilities, config) is not None),
        "live": ("a live teacher that scores the student's own answers", scores),
        "nothing": ("", True),
        "prefer": ("a teacher that prefers one of two answers", "prefer" in capabilities),
    }[recipe.needs]
    if not served:
        raise ConfigError(
            f"recipe {recipe.name} needs {needs}", where="mode",
            got=f"teacher {teacher}: {', '.join(sorted(capabilities)) or 'nothing'}",
            next_step="Name another --teacher, or --mode auto",
        )  # fmt: skip


def needs_teacher(recipes: Sequence[Recipe]) -> bool:
    """Return True if a requested recipe needs a teacher, or if none is requested: ``auto`` may choose one."""
    return not recipes or any(recipe.needs != "nothing" for recipe in recipes)


def machine_memory() -> int:
    """Return the bytes of this machine's memory."""
    return int(psutil.virtual_memory().total)
