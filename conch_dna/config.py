"""The settings of a distillation, each declared once: CLI options, TOML keys and docs tables derive from here."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, TypeVar

import structlog
from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, ValidationError, field_validator, model_validator

from conch_dna.errors import ConfigError
from conch_dna.util.validation import faults_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

REMOVED = {"beta_end": None}  # settings of 0.1 that are gone, at the only value that can still be given
log = structlog.get_logger()
TABLES = {"api", "distill", "plugins", "prices", "teachers"}  # of a conch.toml


class RecipeSettings(BaseModel):
    """The settings of one recipe: its table ``[distill.RECIPE]`` in ``conch.toml``.

    :cvar flat_names: settings that version 0.1 had without a table, each with its name there. Command lines and files
        may still use these names; two recipes that had a setting in common both take its value.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    flat_names: ClassVar[Mapping[str, str]] = {}


S = TypeVar("S", bound=RecipeSettings)
RecipeTypes = Mapping[str, type[RecipeSettings]]  # by the recipe's name


class DistillConfig(BaseModel):
    """The settings of ``conch distill``; frozen, and closed to unknown keys.

    :ivar tables: the settings of each known recipe, by its name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    tables: dict[str, SerializeAsAny[RecipeSettings]] = Field(default_factory=dict, exclude=True, repr=False)

    preset: Literal["quick", "standard", "thorough"] = Field("quick", description="the preset it started from")
    student: str = Field("embedded:smollm2-135m", description="model reference of the base that gets the neuron")
    teacher: str = Field(
        "recorded",
        description="teacher, with its model after a colon, such as mlx:REF",
    )
    mode: str = Field("auto", description="recipes in their order, joined by commas; auto chooses")
    start: str = Field("", description="version, alias or adapter folder to go on from; empty: a fresh adapter")
    loss: str = Field("forward_kl", description="divergence where the teacher gives soft targets")
    temperature: float = Field(2.0, ge=0.5, le=10, description="of the divergence; sampling has its own")
    t_squared: bool = Field(True, description="multiply the divergence by temperature² (Hinton)")
    alpha: float = Field(0.7, ge=0, le=1, description="alpha*KD + (1-alpha)*CE where there are soft targets, else CE")
    alpha_end: float | None = Field(None, ge=0, le=1, description="alpha at the end of its ramp; empty: no change")
    beta: float = Field(
        0.5, gt=0, lt=1, description="in the mixtures of jsd and skewed KLs: weight of the side whose KL it is"
    )
    ramp: Literal["linear", "cosine"] = Field("linear", description="shape of the ramp from alpha to alpha_end")
    ramp_steps: int = Field(0, ge=0, description="steps until alpha is at alpha_end; 0: all of them")
    cross_tokenizer: str = Field(
        "bytes",
        description="comparison across tokenizers: bytes, a plug-in's loss, or off, which trains on text only",
    )
    top_k: int = Field(32, ge=1, le=1024, description="token ids a position in soft targets, plus one tail bucket")
    rank: int = Field(8, ge=1, le=512, description="LoRA rank")
    scale: float = Field(2.0, gt=0, le=1000, description="LoRA scale, multiplying the product of both factors")
    dropout: float = Field(0.0, ge=0, lt=1, description="LoRA dropout")
    layers: int = Field(-1, ge=-1, description="how many of the last blocks get LoRA; -1 is all")
    keys: tuple[str, ...] = Field((), description="linear layers of a block that get LoRA; empty is all")
    adapter: Literal["lora", "dora"] = Field("lora", description="low-rank, or with magnitudes of its own (DoRA)")
    embeddings: bool = Field(False, description="the token embedding gets LoRA too")
    activated: bool = Field(
        False, description="share the base's context: the delta acts only from the tokens that open the answer on"
    )
    learning_rate: float = Field(3e-4, gt=0, le=1, description="peak learning rate of AdamW")
    warmup: int = Field(3, ge=0, description="steps of linear warm-up")
    schedule: Literal["cosine", "linear", "constant"] = Field("cosine", description="of the rate after the warm-up")
    final_rate: float = Field(0.1, ge=0, le=1, description="share of the peak rate at the end of the schedule")
    weight_decay: float = Field(0.0, ge=0, le=1, description="of AdamW")
    max_grad_norm: float = Field(1.0, gt=0, description="clip the gradient's norm to this")
    batch_size: int = Field(
        4, ge=1, le=4096, description="examples, or groups that a recipe keeps together, in one forward pass"
    )
    accumulation: int = Field(1, ge=1, le=4096, description="forward passes an optimizer step")
    token_budget: int = Field(0, ge=0, description="most tokens, padding included, in one forward pass; 0 is no limit")
    gradient_checkpointing: bool = Field(False, description="recompute each block in the backward pass: less memory")
    max_memory: float | None = Field(None, gt=0, description="GB that training may take; empty: what the machine has")
    steps: int = Field(24, ge=1, description="optimizer steps of each recipe, and of each of its rounds")
    max_length: int = Field(512, ge=8, description="longest example in tokens; longer ones are left out and counted")
    seed: int = Field(
        0, ge=0, lt=2**64, description="of order, LoRA's start, dropout, rollouts, candidates and the gate's bootstrap"
    )
    held_out: float = Field(0.2, gt=0, lt=1, description="share of prompts that only the gate sees")
    checkpoint_every: int = Field(12, ge=1, description="steps between checkpoints")
    keep_checkpoints: int = Field(2, ge=1, description="newest checkpoints kept")
    validation: float = Field(
        0.1,
        gt=0,
        lt=1,
        description="share of training prompts set apart: for patience, keep_best and recipes that measure themselves",
    )
    patience: int = Field(0, ge=0, description="checkpoints without a better validation before a stop; 0 is off")
    keep_best: int = Field(0, ge=0, description="checkpoints of least validation loss kept; 0 is off")
    ema: float = Field(0.0, ge=0, lt=1, description="decay of the average of the adapter that is published; 0 is off")
    gate: str = Field("held_out", description="the gate plug-in that judges")
    gate_prompts: int = Field(24, ge=2, description="held-out prompts that the gate measures, at most")
    min_fit_gain: float = Field(0.05, ge=0, lt=1, description="least relative fall of held-out bits per byte")
    max_quality_drop: float = Field(0.0, ge=0, le=1, description="most the quality score may fall below the base's")
    tracker: tuple[str, ...] = Field(  # no part of a run's identity: a run resumes with or without trackers
        (), exclude=True, description="tracker plug-ins that record the run, such as csv"
    )
    max_harm: float = Field(0.10, ge=0, description="most bits per byte may rise on other domains, relative")

    @field_validator("layers")
    @classmethod
    def _some_layers(cls, value: int) -> int:
        if value == 0:  # mlx-lm would take all of them
            raise ValueError("should be -1 for all, or 1 and more")
        return value

    @field_validator("mode")
    @classmethod
    def _each_recipe_once(cls, value: str) -> str:
        names = [name.strip() for name in value.split(",")]
        if not all(names) or len(names) != len(set(names)) or ("auto" in names and len(names) > 1):
            raise ValueError("should be auto, or recipes, each once, joined by commas")
        return ",".join(names)

    @property
    def recipes(self) -> tuple[str, ...]:
        """The requested recipes in their order; empty under ``auto``."""
        return () if self.mode == "auto" else tuple(self.mode.split(","))

    @property
    def validates(self) -> bool:
        """Whether training measures a loss on prompts set apart at every checkpoint."""
        return self.patience > 0 or self.keep_best > 0

    @model_validator(mode="after")
    def _settings_agree(self) -> Self:
        """Refuse settings that contradict each other, naming every fault; recipes check theirs (``Recipe.faults``)."""
        faults = []
        if self.ramp_steps and self.alpha_end is None:
            faults.append(f"ramp_steps = {self.ramp_steps}: has no effect without alpha_end")
        if self.activated and self.adapter == "dora":
            faults.append("activated = True: adapter dora scales whole weights and cannot act on some tokens only")
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def table(self, recipe: str, kind: type[S]) -> S:
        """Return the settings of one recipe; its defaults where the recipe is not among the known ones."""
        found = self.tables.get(recipe)
        return found if isinstance(found, kind) else kind()

    def flat(self) -> dict[str, Any]:
        """Return all settings as one JSON object without tables: the form in which files and identities hold them.

        Version 0.1 wrote this form, so its runs, checkpoints and cards compare equal. A recipe's setting that is newer
        than 0.1 appears as ``RECIPE.NAME``, and only where it is not at its default: a plug-in that comes or goes
        changes no identity of a run that does not use it.
        """
        found = {**REMOVED, **self.model_dump(mode="json")}
        for recipe, settings in self.tables.items():
            for name, value in settings.model_dump(mode="json").items():
                old = settings.flat_names.get(name)
                if old is not None and old not in found:
                    found[old] = value
                elif value != (found[old] if old is not None else type(settings).model_fields[name].default):
                    found[f"{recipe}.{name}"] = value
        return found


NO_RECIPES: RecipeTypes = MappingProxyType({})
PRESETS: dict[str, dict[str, Any]] = {
    "quick": {},
    "standard": {"steps": 120, "checkpoint_every": 20, "learning_rate": 2e-4, "gate_prompts": 48},
    "thorough": {
        "steps": 400, "checkpoint_every": 40, "learning_rate": 1e-4, "rank": 16, "accumulation": 2,
        "gate_prompts": 200,
    },
}  # fmt: skip


def upgraded(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return the flat settings ``old`` completed by defaults for settings that ``new`` has and version 0.1 had not."""
    defaults = DistillConfig().flat()
    return {**{key: defaults[key] for key in new if key in defaults}, **old}


def resolve(*layers: Mapping[str, Any], recipes: RecipeTypes = NO_RECIPES, where: str = "settings") -> DistillConfig:
    """Lay settings over the preset, later layers over earlier ones, and validate the whole.

    :param layers: mappings of setting to value; a ``None`` value means not given. A recipe's settings are a mapping
        under its name, or single values under ``RECIPE.NAME`` or their flat names of version 0.1.
    :param recipes: the settings of the recipes that plug-ins provide, by name.
    :raises ConfigError: an unknown key or preset, or a value of the wrong type or out of range; every fault is listed.
    """
    given, tables = _by_table(layers, recipes, where)
    preset = given.get("preset", "quick")
    if preset not in PRESETS:
        raise ConfigError("unknown preset", where=where, got=str(preset), allowed=", ".join(PRESETS))
    faults: list[str] = []
    made: dict[str, RecipeSettings] = {}
    for recipe, kind in recipes.items():
        try:
            made[recipe] = kind.model_validate(tables[recipe])
        except ValidationError as error:
            faults += (f"{recipe}.{fault}" for fault in faults_in(error, kind.model_fields))
    try:
        found = DistillConfig.model_validate({**PRESETS[preset], "preset": preset, **given, "tables": made})
    except ValidationError as error:
        faults += faults_in(error, [*(DistillConfig.model_fields.keys() - {"tables"}), *recipes])
    if faults:
        raise ConfigError("; ".join(faults), where=where, next_step="See `conch distill --help`")
    return found


def _by_table(
    layers: Iterable[Mapping[str, Any]], recipes: RecipeTypes, where: str
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return the given settings outside of tables, and those of each recipe; a moved name is logged with its new place.

    :raises ConfigError: a recipe's table is no mapping, or a setting was removed.
    """
    given: dict[str, Any] = {}
    tables: dict[str, dict[str, Any]] = {recipe: {} for recipe in recipes}
    moved: dict[str, str] = {}
    for key, value in (item for layer in layers for item in layer.items() if item[1] is not None):
        recipe, _, name = key.partition(".")
        if homes := _homes(key, recipes):
            moved[key] = " and ".join(f"[distill.{owner}] {setting}" for owner, setting in homes)
            for owner, setting in homes:
                tables[owner][setting] = value
        elif key in recipes and isinstance(value, Mapping):
            tables[key] |= value
        elif key in recipes:
            raise ConfigError(f"[distill.{key}] must be a table", where=where, got=type(value).__name__)
        elif name and recipe in recipes:
            tables[recipe][name] = value
        elif key in REMOVED:
            raise ConfigError("this setting was removed", where=f"{where}, {key}", got=value, next_step="Leave it out")
        else:
            given[key] = value
    for old, new in moved.items():
        log.warning("setting_moved", setting=old, now=new)
    return given, tables


def _homes(key: str, recipes: RecipeTypes) -> list[tuple[str, str]]:
    """Return the recipes and settings that a flat name of version 0.1 stands for."""
    return [(r, name) for r, kind in recipes.items() for name, old in kind.flat_names.items() if old == key]


def read_project(path: Path) -> dict[str, Any]:
    """Return the ``[distill]`` table of a ``conch.toml``, or nothing when there is no such file.

    :raises ConfigError: the file is not TOML, or ``[distill]`` is not a table.
    """
    table = read_table(path, "distill")
    if isinstance(table.get("student"), str):
        table["student"] = _located(table["student"], path.parent)
    if isinstance(table.get("teacher"), str):
        table["teacher"] = _located_teacher(table["teacher"], path.parent)
    return table


def read_routes(path: Path) -> dict[str, str]:
    """Return the ``[teachers]`` table of a ``conch.toml``: a domain's name, or ``source:KEY``, to its teacher.

    :raises ConfigError: the file is not TOML, ``[teachers]`` is not a table, or a teacher in it is no text.
    """
    table = read_table(path, "teachers")
    for key, reference in table.items():
        if not isinstance(reference, str) or not reference:
            raise ConfigError("not a teacher", where=f"{path}, [teachers] {key}", got=reference,
                              allowed="NAME or NAME:MODEL")  # fmt: skip
    return {key: _located_teacher(reference, path.parent) for key, reference in table.items()}


def read_table(path: Path, name: str, number: Callable[[str], Any] = float) -> dict[str, Any]:
    """Return one table of a ``conch.toml``, empty where the file or the table is not there.

    :param number: what a number with a point is read with.
    :raises ConfigError: the file is not TOML, has a table that is not known, or that name is none in it.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"), parse_float=number)
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"is not TOML: {error}", where=path) from error
    if unknown := sorted(data.keys() - TABLES):
        allowed = ", ".join(f"[{table}]" for table in sorted(TABLES))
        raise ConfigError("unknown table or key", where=path, got=", ".join(unknown), allowed=allowed)
    table = data.get(name, {})
    if not isinstance(table, dict):
        raise ConfigError(f"[{name}] must be a table", where=path, got=type(table).__name__)
    return table


def _located_teacher(reference: str, folder: Path) -> str:
    """Return a teacher's reference, its model located; the model stands after a colon, a bare name is no path."""
    kind, colon, ref = reference.partition(":")
    return f"{kind}{colon}{_located(ref, folder)}"


def _located(ref: str, folder: Path) -> str:
    """Return a model reference; a path that exists in the project's folder is made absolute."""
    return str((folder / ref).resolve()) if ref and (folder / ref).exists() else ref


def differences(old: dict[str, Any], new: dict[str, Any], prefix: str = "") -> list[str]:
    """Name every entry in which two identities differ, nested ones by a dotted path."""
    new = json.loads(json.dumps(new, default=list))  # the same types as what was read back
    found = []
    for key in sorted(old.keys() | new.keys()):
        was, now = old.get(key), new.get(key)
        if isinstance(was, dict) and isinstance(now, dict):
            found += differences(was, now, f"{prefix}{key}.")
        elif was != now:
            found.append(f"{prefix}{key} = {_short(was)}, now {_short(now)}")
    return found


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:24]}…"
