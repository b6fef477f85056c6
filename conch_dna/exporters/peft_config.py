"""PEFT's ``adapter_config.json`` for LoRA: its settings for each layer, and the ones that mlx-lm lacks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal

import regex
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from conch_dna.errors import NeuronRefused

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

ALL_LINEAR = "all-linear"
PATTERN_SECONDS = 1.0  # limit for a pattern from a downloaded file, which may backtrack without end
# Settings for training and bookkeeping, and those that have an effect only with another one that is refused.
# fan_in_fan_out is for layers that store their weight transposed; no convertible architecture has one.
_WITHOUT_EFFECT = frozenset({
    "auto_mapping", "corda_config", "eva_config", "fan_in_fan_out", "inference_mode", "loftq_config", "lora_ga_config",
    "megatron_core", "peft_version", "qalora_group_size", "revision", "runtime_config",
})  # fmt: skip
_Count = Annotated[int, Field(ge=1)]
_Index = Annotated[int, Field(ge=0)]
_Finite = Annotated[float, Field(allow_inf_nan=False)]


class PeftConfig(BaseModel):
    """The settings that determine the output of a PEFT LoRA adapter, with PEFT's names and defaults."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    peft_type: Literal["LORA"]
    task_type: Literal["CAUSAL_LM"] | None = None
    base_model_name_or_path: str | None = None
    r: _Count = 8
    lora_alpha: _Finite = 8.0
    lora_dropout: float = Field(0.0, ge=0, lt=1)
    use_rslora: bool | None = False
    use_dora: bool | None = False
    bias: Literal["none"] = "none"
    # Other initializations change the base's own weights, and the adapter belongs to that changed base.
    init_lora_weights: Literal["gaussian", "eva", "orthogonal", "mica"] | bool | None = True
    target_modules: str | list[str]
    exclude_modules: str | list[str] | None = None
    layers_to_transform: int | list[int] | None = None
    layers_pattern: str | list[str] | None = None
    rank_pattern: dict[str, _Count] | None = None
    alpha_pattern: dict[str, _Finite] | None = None
    alora_invocation_tokens: list[_Index] | None = None


def read_config(path: Path) -> PeftConfig:
    """Read ``adapter_config.json``.

    :raises NeuronRefused: it is missing or damaged, or has a setting that mlx-lm cannot express.
    """
    try:
        config = PeftConfig.model_validate_json(path.read_bytes())
    except FileNotFoundError as fault:
        raise NeuronRefused("file missing", where=path.parent, got=path.name) from fault
    except OSError as fault:
        raise NeuronRefused("file cannot be read", where=path, got=fault.strerror) from fault
    except ValidationError as fault:
        raise _refusal(fault, path) from fault
    extra: dict[str, Any] = config.model_extra or {}
    if unknown := sorted(key for key, value in extra.items() if value and key not in _WITHOUT_EFFECT):
        raise NeuronRefused(f"mlx-lm cannot express {unknown[0]}", where=path, got=_short(extra[unknown[0]]))
    if config.use_dora and config.alora_invocation_tokens:
        raise NeuronRefused("use_dora and alora_invocation_tokens cannot be combined", where=path)
    return config


def _refusal(fault: ValidationError, path: Path) -> NeuronRefused:
    first = fault.errors(include_url=False)[0]
    if not first["loc"]:
        return NeuronRefused(f"not a config of PEFT: {first['msg']}", where=path)
    field = str(first["loc"][0])
    if first["type"] == "missing":
        return NeuronRefused(f"{field} is missing", where=path)
    allowed = {e["msg"] for e in fault.errors(include_url=False) if e["loc"][:1] == first["loc"][:1]}
    return NeuronRefused(
        f"cannot convert {field}", where=path, got=_short(first["input"]), allowed=" or ".join(sorted(allowed))
    )


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def covers(config: PeftConfig, module: str, *, linear: bool) -> bool:
    """Return true if PEFT puts an adapter on ``module``, by the rules of its ``check_target_module_exists``.

    :param linear: true for a linear layer other than the head.
    :raises NeuronRefused: a pattern is not a regular expression, or takes too long.
    """
    excluded, targets = config.exclude_modules, config.target_modules
    if excluded and (_matches(excluded, module) if isinstance(excluded, str) else _named(excluded, module)):
        return False
    if isinstance(targets, str):
        return linear if targets.lower() == ALL_LINEAR else _matches(targets, module)
    if module in targets or not _named(targets, module):
        return module in targets
    wanted = config.layers_to_transform
    if wanted is None or wanted == []:
        return True
    layer = _layer_of(config, module)
    return layer is not None and (layer == wanted if isinstance(wanted, int) else layer in wanted)


def _named(names: Iterable[str], module: str) -> bool:
    return any(module == name or module.endswith(f".{name}") for name in names)


def _layer_of(config: PeftConfig, module: str) -> int | None:
    """Return the index in a module's path: the one after a name in ``layers_pattern``, by default the first."""
    patterns = config.layers_pattern or []
    prefixes = [rf"(?:^|.*?\.){p}" for p in ([patterns] if isinstance(patterns, str) else patterns)]
    for prefix in prefixes or [r".*?\.[^.]*"]:
        if found := _search(rf"{prefix}\.(?P<idx>\d+)\..*", module):
            return int(found["idx"])
    return None


def rank_of(config: PeftConfig, module: str) -> int:
    """Return the rank of a module's adapter."""
    return next((r for pattern, r in (config.rank_pattern or {}).items() if _ends(pattern, module)), config.r)


def scale_of(config: PeftConfig, module: str) -> float:
    """Return the scale of a module's product: alpha/r, or alpha/√r for rsLoRA (Kalajdzievski 2023, eq. 4)."""
    patterns = (config.alpha_pattern or {}).items()
    alpha = next((alpha for pattern, alpha in patterns if _ends(pattern, module)), config.lora_alpha)
    rank = rank_of(config, module)
    return alpha / math.sqrt(rank) if config.use_rslora else alpha / rank


def _ends(pattern: str, module: str) -> bool:
    return _search(rf"(.*\.)?({pattern})", module) is not None


def _matches(pattern: str, module: str) -> bool:
    return _search(pattern, module) is not None


def _search(pattern: str, module: str) -> Any:
    """Match a whole module path."""
    try:
        return regex.fullmatch(pattern, module, timeout=PATTERN_SECONDS)
    except regex.error as fault:
        raise NeuronRefused(f"not a regular expression: {fault}", got=_short(pattern)) from fault
    except TimeoutError as fault:
        raise NeuronRefused("this regular expression takes too long", got=_short(pattern)) from fault
