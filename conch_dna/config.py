"""The settings of a distillation, each declared once: CLI options, TOML keys and docs tables derive from here."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from conch_dna.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class DistillConfig(BaseModel):
    """All settings of ``conch distill``; frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    preset: Literal["quick", "standard", "thorough"] = Field("quick", description="the preset it started from")
    student: str = Field("embedded:smollm2-135m", description="model reference of the base that gets the neuron")
    teacher: str = Field(
        "recorded", description="teacher, with its model after a colon: recorded, mlx:REF, llamacpp:REF"
    )
    loss: str = Field("forward_kl", description="divergence where the teacher gives soft targets")
    temperature: float = Field(2.0, ge=0.5, le=10, description="of the divergence; sampling has its own")
    t_squared: bool = Field(True, description="multiply the divergence by temperature² (Hinton)")
    alpha: float = Field(0.7, ge=0, le=1, description="alpha*KD + (1-alpha)*CE where there are soft targets, else CE")
    top_k: int = Field(32, ge=1, le=1024, description="token ids a position in soft targets, plus one tail bucket")
    rank: int = Field(8, ge=1, le=512, description="LoRA rank")
    scale: float = Field(2.0, gt=0, le=1000, description="LoRA scale, multiplying the product of both factors")
    dropout: float = Field(0.0, ge=0, lt=1, description="LoRA dropout")
    layers: int = Field(-1, ge=-1, description="how many of the last blocks get LoRA; -1 is all")
    keys: tuple[str, ...] = Field((), description="linear layers of a block that get LoRA; empty is all")
    learning_rate: float = Field(3e-4, gt=0, le=1, description="peak learning rate of AdamW")
    warmup: int = Field(3, ge=0, description="steps of linear warm-up")
    final_rate: float = Field(0.1, ge=0, le=1, description="share of the peak rate at the end of the cosine")
    weight_decay: float = Field(0.0, ge=0, le=1, description="of AdamW")
    max_grad_norm: float = Field(1.0, gt=0, description="clip the gradient's norm to this")
    batch_size: int = Field(4, ge=1, le=4096, description="examples in one forward pass")
    accumulation: int = Field(1, ge=1, le=4096, description="forward passes an optimizer step")
    steps: int = Field(24, ge=1, description="optimizer steps")
    max_length: int = Field(512, ge=8, description="longest example in tokens; longer ones are left out and counted")
    seed: int = Field(0, ge=0, description="of order, LoRA's start and dropout")
    held_out: float = Field(0.2, gt=0, lt=1, description="share of prompts that only the gate sees")
    checkpoint_every: int = Field(12, ge=1, description="steps between checkpoints")
    keep_checkpoints: int = Field(2, ge=1, description="newest checkpoints kept")
    gate: str = Field("held_out", description="the gate plug-in that judges")
    gate_prompts: int = Field(24, ge=2, description="held-out prompts that the gate measures, at most")
    min_fit_gain: float = Field(0.05, ge=0, lt=1, description="least relative fall of held-out bits per byte")
    max_quality_drop: float = Field(0.0, ge=0, le=1, description="most the quality score may fall below the base's")
    max_harm: float = Field(0.10, ge=0, description="most bits per byte may rise on other domains, relative")

    @field_validator("layers")
    @classmethod
    def _some_layers(cls, value: int) -> int:
        if value == 0:  # mlx-lm would take all of them
            raise ValueError("Input should be -1 for all, or 1 and more")
        return value


PRESETS: dict[str, dict[str, Any]] = {
    "quick": {},
    "standard": {"steps": 120, "checkpoint_every": 20, "learning_rate": 2e-4, "gate_prompts": 48},
    "thorough": {
        "steps": 400, "checkpoint_every": 40, "learning_rate": 1e-4, "rank": 16, "accumulation": 2,
        "gate_prompts": 200,
    },
}  # fmt: skip


def resolve(*layers: Mapping[str, Any], where: str = "settings") -> DistillConfig:
    """Lay settings over the preset, later layers over earlier ones, and validate the whole.

    :param layers: mappings of field name to value; a ``None`` value means not given.
    :raises ConfigError: an unknown key or preset, or a value of the wrong type or out of range; every fault is listed.
    """
    given: dict[str, Any] = {}
    for layer in layers:
        given.update({key: value for key, value in layer.items() if value is not None})
    preset = given.get("preset", "quick")
    if preset not in PRESETS:
        raise ConfigError("unknown preset", where=where, got=str(preset), allowed=", ".join(PRESETS))
    try:
        return DistillConfig.model_validate({**PRESETS[preset], "preset": preset, **given})
    except ValidationError as error:
        raise ConfigError(_faults(error), where=where, next_step="See `conch distill --help`") from error


def _faults(error: ValidationError) -> str:
    """Write a validation error in one line: field, value, what is allowed."""
    parts = []
    for fault in error.errors():
        name = ".".join(map(str, fault["loc"])) or "settings"
        if fault["type"] == "extra_forbidden":
            parts.append(f"unknown setting {name!r}; allowed: {', '.join(DistillConfig.model_fields)}")
        else:
            parts.append(f"{name} = {fault['input']!r}: {fault['msg'].lower()}")
    return "; ".join(parts)


def read_project(path: Path) -> dict[str, Any]:
    """Return the ``[distill]`` table of a ``conch.toml``, or nothing when there is no such file.

    :raises ConfigError: the file is not TOML, or ``[distill]`` is not a table.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"is not TOML: {error}", where=path) from error
    if unknown := sorted(data.keys() - {"distill", "plugins"}):
        raise ConfigError("unknown table or key", where=path, got=", ".join(unknown), allowed="[distill], [plugins]")
    table = data.get("distill", {})
    if not isinstance(table, dict):
        raise ConfigError("[distill] must be a table", where=path, got=type(table).__name__)
    for key in ("student", "teacher"):
        if isinstance(table.get(key), str):
            # A teacher's model stands after a colon, and a name without one is no path.
            kind, colon, ref = table[key].partition(":") if key == "teacher" else ("", "", table[key])
            table[key] = f"{kind}{colon}{_located(ref, path.parent)}"
    return table


def _located(ref: str, folder: Path) -> str:
    """Return a model reference; a path that exists in the project's folder is made absolute."""
    return str((folder / ref).resolve()) if ref and (folder / ref).exists() else ref
