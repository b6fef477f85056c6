"""Settings of a distillation. CLI options, TOML keys and the settings page derive from these declarations."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, TypeVar

import structlog
from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, ValidationError, field_validator, model_validator

from conch_dna.errors import ConfigError
from conch_dna.util.validation import faults_in, unknown_setting

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

REMOVED = {"beta_end": None}  # settings of 0.1 that no longer exist, with the value that identities hold
NEWER = ("gate_generated", "minutes")  # shared settings that 0.1 did not have
MOVED_DEFAULTS = {"max_harm": 0.1}  # defaults of 0.1 that changed; none of them changes the training
FOLLOWING = ("steps", "learning_rate", "warmup", "checkpoint_every")  # `minutes` chooses those that are not given
RIVALS = {"steps": "minutes", "minutes": "steps"}  # of them, the one that is given later counts
LEAST_STEPS, MOST_STEPS = 4, 100_000  # the bounds of the steps that `minutes` chooses
RATES = ((400, 5e-4), (MOST_STEPS, 4e-4))  # the last number of steps of each peak learning rate
CHECKPOINT_SECONDS = 120  # between two checkpoints
log = structlog.get_logger()
TABLES = {"api", "distill", "plugins", "prices", "teachers"}  # the tables of a conch.toml


class RecipeSettings(BaseModel):
    """The settings of one recipe: its table ``[distill.RECIPE]`` in ``conch.toml``.

    :cvar flat_names: the names of settings that version 0.1 had outside of tables. Command lines and files may still
        use them; if several recipes share such a name, each takes its value.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    flat_names: ClassVar[Mapping[str, str]] = {}


S = TypeVar("S", bound=RecipeSettings)
RecipeTypes = Mapping[str, type[RecipeSettings]]  # by the recipe's name


class DistillConfig(BaseModel):
    """The settings of ``conch distill``: frozen, without unknown keys.

    :ivar tables: the settings of each known recipe, by its name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    tables: dict[str, SerializeAsAny[RecipeSettings]] = Field(default_factory=dict, exclude=True, repr=False)

    preset: Literal["quick", "standard", "thorough"] = Field(
        "quick", description="preset that the other settings start from"
    )
    student: str = Field("embedded:smollm2-135m", description="model reference of the base that gets the neuron")
    teacher: str = Field("recorded", description="teacher, with its model after a colon, such as mlx:REF")
    mode: str = Field("auto", description="recipes in order, joined by commas; auto: those that suit the teacher")
    start: str = Field("", description="version, alias or adapter folder to start from; empty: a fresh adapter")
    loss: str = Field("forward_kl", description="divergence for soft targets")
    temperature: float = Field(2.0, ge=0.5, le=10, description="temperature of the divergence; sampling has its own")
    t_squared: bool = Field(True, description="multiplication of the divergence by temperature² (Hinton)")
    alpha: float = Field(
        0.7, ge=0, le=1, description="weight of the divergence: alpha*KD + (1-alpha)*CE with soft targets, else CE"
    )
    alpha_end: float | None = Field(None, ge=0, le=1, description="alpha at the end of its ramp; empty: no ramp")
    beta: float = Field(
        0.5, gt=0, lt=1, description="share of the first argument in the mixtures of jsd and the skewed KLs"
    )
    ramp: Literal["linear", "cosine"] = Field("linear", description="shape of the ramp from alpha to alpha_end")
    ramp_steps: int = Field(0, ge=0, description="steps until alpha reaches alpha_end; 0: all steps")
    cross_tokenizer: str = Field(
        "bytes",
        description="comparison across tokenizers: bytes, a plug-in's loss, or off, which trains on text only",
    )
    top_k: int = Field(32, ge=1, le=1024, description="token ids per position in soft targets, plus one tail bucket")
    rank: int = Field(16, ge=1, le=512, description="LoRA rank")
    scale: float = Field(2.0, gt=0, le=1000, description="LoRA scale, the factor of the product of both matrices")
    dropout: float = Field(0.0, ge=0, lt=1, description="LoRA dropout")
    layers: int = Field(-1, ge=-1, description="number of last blocks that get LoRA; -1: all")
    keys: tuple[str, ...] = Field((), description="linear layers of a block that get LoRA; empty: all")
    adapter: Literal["lora", "dora"] = Field("lora", description="kind of adapter: low-rank, or with magnitudes (DoRA)")
    embeddings: bool = Field(False, description="LoRA on the token embedding too")
    activated: bool = Field(
        False,
        description="activated LoRA: the adapter acts only from the tokens that open the answer, so that the context "
        "is shared with the base",
    )
    learning_rate: float = Field(3e-4, gt=0, le=1, description="peak learning rate of AdamW")
    warmup: int = Field(3, ge=0, description="steps of linear warm-up")
    schedule: Literal["cosine", "linear", "constant"] = Field(
        "cosine", description="shape of the learning rate after the warm-up"
    )
    final_rate: float = Field(0.1, ge=0, le=1, description="share of the peak rate at the end of the schedule")
    weight_decay: float = Field(0.0, ge=0, le=1, description="weight decay of AdamW")
    max_grad_norm: float = Field(1.0, gt=0, description="norm to which larger gradients are clipped")
    batch_size: int = Field(
        4, ge=1, le=4096, description="examples, or groups that a recipe keeps together, in one forward pass"
    )
    accumulation: int = Field(1, ge=1, le=4096, description="forward passes per optimizer step")
    token_budget: int = Field(0, ge=0, description="most tokens, padding included, in one forward pass; 0: no limit")
    gradient_checkpointing: bool = Field(
        False, description="recomputation of each block in the backward pass, which needs less memory"
    )
    max_memory: float | None = Field(None, gt=0, description="GB that training may use; empty: the machine's memory")
    minutes: float | None = Field(
        None, gt=0, le=1440, description="minutes of training per domain, which choose the steps; empty: steps counts"
    )
    steps: int = Field(40, ge=1, description="optimizer steps of each recipe, and of each of its rounds")
    max_length: int = Field(512, ge=8, description="longest example in tokens; longer ones are left out and counted")
    seed: int = Field(
        0,
        ge=0,
        lt=2**64,
        description="seed of order, initial weights, dropout, rollouts, candidates and the gate's bootstrap",
    )
    held_out: float = Field(0.2, gt=0, lt=1, description="share of prompts that only the gate sees")
    checkpoint_every: int = Field(12, ge=1, description="steps between checkpoints")
    keep_checkpoints: int = Field(2, ge=1, description="number of newest checkpoints to keep")
    validation: float = Field(
        0.1,
        gt=0,
        lt=1,
        description="share of training prompts set apart: for patience, keep_best and recipes that measure themselves",
    )
    patience: int = Field(0, ge=0, description="checkpoints without a better validation loss before a stop; 0: off")
    keep_best: int = Field(0, ge=0, description="number of checkpoints with the least validation loss to keep; 0: off")
    ema: float = Field(0.0, ge=0, lt=1, description="decay of the moving average of the published weights; 0: off")
    gate: str = Field("held_out", description="gate plug-in that judges the neuron")
    gate_prompts: int = Field(24, ge=2, description="most held-out prompts of the domain that the gate measures")
    gate_generated: int = Field(24, ge=0, description="generated held-out prompts that the gate asks, if there are any")
    min_fit_gain: float = Field(
        0.05, ge=0, lt=1, description="without a verifier: least relative decrease of held-out bits per byte"
    )
    max_quality_drop: float = Field(
        0.0, ge=0, le=1, description="without a verifier: largest decrease of the quality score from the base's"
    )
    tracker: tuple[str, ...] = Field(  # not in a run's identity: a run resumes with or without trackers
        (), exclude=True, description="tracker plug-ins that record the run, such as csv"
    )
    max_harm: float | None = Field(
        None,
        ge=0,
        description="largest relative increase of bits per byte on other domains' prompts, for a neuron that is always "
        "on; empty: no bound",
    )

    @field_validator("layers")
    @classmethod
    def _some_layers(cls, value: int) -> int:
        if value == 0:  # mlx-lm would use all blocks
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
        """True if training measures a validation loss at every checkpoint."""
        return self.patience > 0 or self.keep_best > 0

    def with_steps(self, steps: int, seconds: float) -> Self:
        """Return the settings with the steps that ``minutes`` chose, and what follows them unless it is given.

        :param seconds: the time of one step.
        """
        chosen = {
            "steps": steps,
            "learning_rate": next(rate for last, rate in RATES if steps <= last),
            "warmup": max(3, steps // 50),
            "checkpoint_every": max(1, round(CHECKPOINT_SECONDS / seconds)),
        }
        return self.model_copy(update={k: v for k, v in chosen.items() if k not in self.model_fields_set})

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
        """Return the settings of one recipe, or its defaults if the recipe has no table."""
        found = self.tables.get(recipe)
        return found if isinstance(found, kind) else kind()

    def flat(self) -> dict[str, Any]:
        """Return all settings as one JSON object without tables, the form of files and identities.

        Version 0.1 wrote this form, so its runs, checkpoints and cards compare equal. A recipe's setting that is newer
        than 0.1 is in it as ``RECIPE.NAME``, and only if it differs from its default. So a plug-in that is added or
        removed does not change the identity of a run that does not use it. A shared setting that is newer is in it if
        it differs from its default or the preset sets it. The settings that ``minutes`` chooses are in it once they
        are chosen.
        """
        found = {**REMOVED, **self.model_dump(mode="json")}
        for name in NEWER:
            if name not in PRESETS[self.preset] and found[name] == DistillConfig.model_fields[name].default:
                del found[name]
        if self.minutes is not None:
            found = {k: v for k, v in found.items() if k not in FOLLOWING or k in self.model_fields_set}
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
    "standard": {"minutes": 45, "gate_prompts": 200, "gate_generated": 200},
    "thorough": {"minutes": 420, "gate_prompts": 200, "gate_generated": 200},
}


def steps_within(minutes: float, seconds: float) -> int:
    """Return the number of steps of so many seconds each that fit into ``minutes``, within bounds."""
    return min(MOST_STEPS, max(LEAST_STEPS, int(60 * minutes / seconds)))


def upgraded(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return the flat settings ``old``, with today's defaults for what they leave out or have at an old default."""
    defaults = DistillConfig().flat()
    kept = {key: value for key, value in old.items() if key not in MOVED_DEFAULTS or value != MOVED_DEFAULTS[key]}
    return {**{key: defaults[key] for key in new if key in defaults}, **kept}


def resolve(*layers: Mapping[str, Any], recipes: RecipeTypes = NO_RECIPES, where: str = "settings") -> DistillConfig:
    """Merge layers of settings over the preset, later layers over earlier ones, and validate the result.

    ``steps`` and ``minutes`` replace each other: that of the later layer counts.

    :param layers: mappings of setting to value; a ``None`` value means not given. A recipe's settings are a mapping
        under its name, or single values under ``RECIPE.NAME`` or their flat names of version 0.1.
    :param recipes: the settings of the recipes that plug-ins provide, by name.
    :raises ConfigError: an unknown key or preset, a value of the wrong type or out of range, or both ``steps`` and
        ``minutes`` in one layer; every fault is listed.
    """
    converted = [with_tables(layer, recipes, where) for layer in layers]
    faults = [fault for layer in converted for fault in _rivals(layer)]
    given: dict[str, Any] = {}
    tables: dict[str, dict[str, Any]] = {recipe: {} for recipe in recipes}
    for key, value in (item for layer in converted for item in layer.items()):
        if key in recipes:
            tables[key] |= value
        else:
            given[key] = value
            given.pop(RIVALS.get(key, ""), None)
    preset = given.get("preset", "quick")
    if preset not in PRESETS:
        raise ConfigError("unknown preset", where=where, got=str(preset), allowed=", ".join(PRESETS))
    known = [*(name for name in DistillConfig.model_fields if name != "tables"), *recipes]
    if given.pop("tables", None) is not None:  # a field of the model, but not a setting
        faults.append(unknown_setting("tables", known))
    made: dict[str, RecipeSettings] = {}
    for recipe, kind in recipes.items():
        try:
            made[recipe] = kind.model_validate(tables[recipe])
        except ValidationError as error:
            faults += (f"[distill.{recipe}] {fault}" for fault in faults_in(error, kind.model_fields))
    try:
        left_out = FOLLOWING if given.get("minutes") else ("minutes",) if "steps" in given else ()
        start = {name: value for name, value in PRESETS[preset].items() if name not in left_out}
        config = DistillConfig.model_validate({**start, "preset": preset, **given, "tables": made})
    except ValidationError as error:
        faults += faults_in(error, known)
    if faults:
        raise ConfigError("; ".join(faults), where=where, next_step="See `conch distill --help`")
    return config


def _rivals(layer: Mapping[str, Any]) -> list[str]:
    """Return the contradiction of ``steps`` and ``minutes`` in one layer."""
    if not RIVALS.keys() <= layer.keys():
        return []
    return [f"steps = {layer['steps']} contradicts minutes = {layer['minutes']}: give one of them"]


def with_tables(layer: Mapping[str, Any], recipes: RecipeTypes, where: str = "settings") -> dict[str, Any]:
    """Return a layer of settings with each recipe's settings in its table.

    A flat name of version 0.1 is logged with its new place, so a layer that is used several times is converted once.

    :raises ConfigError: a recipe's table is not a table, or a setting was removed.
    """
    found: dict[str, Any] = {}
    for key, value in layer.items():
        recipe, _, name = key.partition(".")
        if value is None:
            continue
        if homes := _homes(key, recipes):
            log.warning("setting_moved", setting=key, now=" and ".join(f"[distill.{r}] {name}" for r, name in homes))
            for owner, setting in homes:
                found.setdefault(owner, {})[setting] = value
        elif key in recipes:
            if not isinstance(value, Mapping):
                raise ConfigError(f"[distill.{key}] must be a table", where=where, got=type(value).__name__)
            found[key] = {**found.get(key, {}), **value}
        elif name and recipe in recipes:
            found.setdefault(recipe, {})[name] = value
        elif key in REMOVED:
            raise ConfigError("this setting was removed", where=f"{where}, {key}", got=value, next_step="Leave it out")
        else:
            found[key] = value
    return found


def _homes(key: str, recipes: RecipeTypes) -> list[tuple[str, str]]:
    """Return the recipes and settings that a flat name of version 0.1 means."""
    return [(r, name) for r, kind in recipes.items() for name, old in kind.flat_names.items() if old == key]


def read_project(path: Path) -> dict[str, Any]:
    """Return the ``[distill]`` table of a ``conch.toml``, empty if there is no such file.

    :raises ConfigError: the file is not TOML, or ``[distill]`` is not a table.
    """
    table = read_table(path, "distill")
    if isinstance(table.get("student"), str):
        table["student"] = _located(table["student"], path.parent)
    if isinstance(table.get("teacher"), str):
        table["teacher"] = _located_teacher(table["teacher"], path.parent)
    return table


def read_routes(path: Path) -> dict[str, str]:
    """Return the ``[teachers]`` table of a ``conch.toml``: teachers by domain, or by ``source:KEY``.

    :raises ConfigError: the file is not TOML, ``[teachers]`` is not a table, or a teacher in it is not a string.
    """
    table = read_table(path, "teachers")
    for key, reference in table.items():
        if not isinstance(reference, str) or not reference:
            raise ConfigError("not a teacher", where=f"{path}, [teachers] {key}", got=reference,
                              allowed="NAME or NAME:MODEL")  # fmt: skip
    return {key: _located_teacher(reference, path.parent) for key, reference in table.items()}


def read_table(path: Path, name: str, number: Callable[[str], Any] = float) -> dict[str, Any]:
    """Return one table of a ``conch.toml``, empty if the file or the table does not exist.

    :param number: converts the text of a number with a decimal point.
    :raises ConfigError: the file is not TOML, has an unknown table, or the name is not that of a table.
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
    """Return a teacher's reference with the path of its model, after the colon, made absolute."""
    kind, colon, ref = reference.partition(":")
    return f"{kind}{colon}{_located(ref, folder)}"


def _located(ref: str, folder: Path) -> str:
    """Return a model reference; a path that exists in the project's folder becomes absolute."""
    return str((folder / ref).resolve()) if ref and (folder / ref).exists() else ref


def differences(old: dict[str, Any], new: dict[str, Any], prefix: str = "") -> list[str]:
    """Return a text for each entry in which two identities differ; nested entries have a dotted path."""
    new = json.loads(json.dumps(new, default=list))  # the types of a file that was read back
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
