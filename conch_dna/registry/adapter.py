"""Reader and checks of mlx-lm's LoRA and DoRA adapters.

It refuses adapters that are damaged, made for another base, or without effect.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeGuard

import mlx.core as mx
import numpy as np

from conch_dna.errors import NeuronRefused
from conch_dna.models.safetensors_header import MOST_HEADER
from conch_dna.registry.card import CONFIG_FILE, WEIGHTS_FILE, content_digest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future
    from pathlib import Path

    from conch_dna.models.target_modules import TargetModule

_ITEM_BYTES = {"F32": 4, "F16": 2, "BF16": 2}
# The integer type of each dtype's bits, and its exponent bits: IEEE 754 has no finite number with all of them set.
_BITS = {"F32": ("<u4", 0x7F800000), "F16": ("<u2", 0x7C00), "BF16": ("<u2", 0x7F80)}
_TYPES = {"F32": mx.float32, "F16": mx.float16, "BF16": mx.bfloat16}
INVOCATION_TOKENS = "alora_invocation_tokens"
DIMENSIONS = 3  # the largest number of dimensions, that of expert layers
_PARTS = {"lora": ("lora_a", "lora_b"), "dora": ("lora_a", "lora_b", "m")}  # by fine_tune_type


@dataclass(frozen=True)
class Adapter:
    """An adapter in memory: LoRA, y = Wx + scale·B(Ax) (Hu et al. 2021, eq. 3), or DoRA, stored as mlx-lm does.

    :param weights: by module path, ``lora_a`` of shape (in, rank) and ``lora_b`` of shape (rank, out), both of one
        floating type; for an embedding *in* are its rows; for expert layers (experts, rank, in) and
        (experts, out, rank).
    :param scale: the factor of the product.
    :param config: the whole ``adapter_config.json``.
    :param digest: the content digest, as on the card.
    :param nbytes: bytes of all tensors.
    :param magnitudes: DoRA's ``m`` by module path: the length of each row of the adapted weight.
    :param gains: DoRA's factor of each row by module path; set once the adapter is fitted to a base.
    :param invocation_tokens: the tokens from whose last occurrence the adapter acts (:mod:`conch_dna.data.alora`);
        empty for an adapter that acts on every token.
    """

    weights: dict[str, tuple[mx.array, mx.array]]
    scale: float
    rank: int
    config: dict[str, Any]
    digest: str
    nbytes: int
    magnitudes: dict[str, mx.array] = field(default_factory=dict)
    gains: dict[str, mx.array] = field(default_factory=dict)
    invocation_tokens: tuple[int, ...] = ()


def read_adapter(folder: Path) -> Adapter:
    """Read and check the adapter in ``folder``; its tensors are evaluated, so the files may be deleted afterwards.

    :raises NeuronRefused: a file is missing or damaged, the tensors do not match the config, a value is not finite, or
        the adapter changes nothing.
    """
    # Each file is read once, so that the checked, the hashed and the returned content are the same.
    contents = {name: _bytes_of(folder, name) for name in (CONFIG_FILE, WEIGHTS_FILE)}
    with ThreadPoolExecutor(1) as beside:  # hashing takes as long as all other steps together
        digest = beside.submit(_digest, contents)
        return _read(contents, folder, digest)


def _digest(contents: dict[str, bytes]) -> str:
    return content_digest({name: hashlib.sha256(data).hexdigest() for name, data in contents.items()})


def _read(contents: dict[str, bytes], folder: Path, digest: Future[str]) -> Adapter:
    """Return the adapter in the contents of its files, checked."""
    config, rank, scale = _read_config(contents[CONFIG_FILE], folder / CONFIG_FILE)
    where = folder / WEIGHTS_FILE
    stored = _stored(contents[WEIGHTS_FILE], where)
    grouped = _grouped(_tensors(stored, where), config, where)
    weights = {module: (parts["lora_a"], parts["lora_b"]) for module, parts in grouped.items()}
    magnitudes = {module: parts["m"] for module, parts in grouped.items() if "m" in parts}
    _check_shapes(weights, magnitudes, rank, where)
    _check_effect(weights, where)
    return Adapter(
        weights=weights,
        scale=scale,
        rank=rank,
        config=config,
        digest=digest.result(),
        nbytes=sum(tensor.nbytes for parts in grouped.values() for tensor in parts.values()),
        magnitudes=magnitudes,
        invocation_tokens=_read_invocation_tokens(config, weights, folder / CONFIG_FILE),
    )


def check_invocation_tokens(adapter: Adapter, named: tuple[int, ...], where: object) -> None:
    """Check that adapter and card have the same invocation tokens, since prompts are split at the card's.

    :param named: the card's invocation tokens.
    :raises NeuronRefused: they differ, so the adapter would act on other tokens than in training.
    """
    if adapter.invocation_tokens != named:
        raise NeuronRefused(
            f"card and {CONFIG_FILE} name different invocation tokens", where=where, got=list(named),
            allowed=list(adapter.invocation_tokens), next_step="Publish it again.",
        )  # fmt: skip


def check_fits(adapter: Adapter, target_modules: Mapping[str, TargetModule]) -> None:
    """Check that the base has a layer for every tensor, and that no tensor that the config specifies is missing.

    mlx-lm loads without these checks, and a layer whose tensor is missing stays unadapted.

    :param target_modules: the layers of the base that an adapter may change, by module path.
    :raises NeuronRefused: a check failed; the message names the first module.
    """
    for module in sorted(adapter.weights):
        if module not in target_modules:
            raise NeuronRefused("the base has no such layer", got=module)
        _check_module(adapter, module, target_modules[module])
    specified = _specified(adapter, target_modules)
    for module in sorted(adapter.weights):
        if module not in specified:
            layers, keys = adapter.config["num_layers"], adapter.config["lora_parameters"].get("keys")
            raise NeuronRefused(
                f"{CONFIG_FILE} does not cover this module", where=module, allowed=f"num_layers {layers}, keys {keys}"
            )
    missing = sorted(specified - set(adapter.weights))
    if missing:
        parts = len(_PARTS[_kind(adapter.config)])
        raise NeuronRefused(
            f"{parts * len(missing)} of {parts * len(specified)} tensors that {CONFIG_FILE} specifies are missing",
            got=f"none for {missing[0]}",
        )


def _check_module(adapter: Adapter, module: str, target: TargetModule) -> None:
    """Check one module's tensors against its layer of the base."""
    a, b = adapter.weights[module]
    made_for = (b.shape[1], a.shape[0]) if a.ndim == 2 else (a.shape[0], b.shape[1], a.shape[2])
    if made_for != tuple(target.shape):
        names = "(out, in)" if a.ndim == 2 else "(experts, out, in)"
        raise NeuronRefused(
            "made for a base of another shape", where=module, got=f"{names} = {made_for}", allowed=tuple(target.shape)
        )
    magnitude = adapter.magnitudes.get(module)
    rows = target.shape[1] if target.kind == "embedding" else target.shape[0]
    if magnitude is not None and magnitude.shape != (rows,):
        raise NeuronRefused(
            "m is not one magnitude for each row of the weight", where=module, got=magnitude.shape, allowed=(rows,)
        )


def _specified(adapter: Adapter, target_modules: Mapping[str, TargetModule]) -> set[str]:
    """Return the modules that num_layers and keys select from the base, by mlx-lm's own rule.

    Layers of one base may differ (attention or a state space model), so a key applies to the layers that have it.
    """
    count = 1 + max((target.block for target in target_modules.values() if target.block is not None), default=-1)
    wanted = adapter.config["num_layers"]
    first = max(count - wanted, 0) if wanted > 0 else 0  # mlx-lm takes layers[-max(n, 0):], all of them for n <= 0
    listed = adapter.config["lora_parameters"].get("keys")
    # Without a list, every layer has the keys that any adapted layer has.
    keys = {target_modules[module].key for module in adapter.weights} if listed is None else set(listed)
    unknown = sorted(keys - {target.key for target in target_modules.values()})
    if unknown:
        raise NeuronRefused("no layer of the base has this key", where=CONFIG_FILE, got=unknown[0])
    return {
        module
        for module, target in target_modules.items()
        if target.key in keys and (target.block is None or target.block >= first)
    }


def _bytes_of(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except FileNotFoundError as fault:
        raise NeuronRefused("file missing", where=folder, got=name) from fault
    except OSError as fault:
        raise NeuronRefused("file cannot be read", where=folder / name, got=fault.strerror) from fault


def _read_config(data: bytes, where: Path) -> tuple[dict[str, Any], int, float]:
    """Return the config, its rank and its scale; the settings that mlx-lm needs are checked."""
    try:
        config = json.loads(data)
    except (ValueError, RecursionError) as fault:  # JSONDecodeError and UnicodeDecodeError are ValueErrors
        raise NeuronRefused(f"not JSON: {fault}", where=where) from fault
    if not isinstance(config, dict):
        raise NeuronRefused("not a JSON object", where=where)
    if (kind := _kind(config)) not in _PARTS:
        raise NeuronRefused(
            "adapters of this fine_tune_type are not supported", where=where, got=kind, allowed=", ".join(_PARTS)
        )
    lora = config.get("lora_parameters")
    if not isinstance(lora, dict):
        raise NeuronRefused("lora_parameters is missing", where=where, allowed="rank, scale, dropout, keys")
    rank: Any = lora.get("rank")
    scale: Any = lora.get("scale")
    dropout: Any = lora.get("dropout")
    keys: Any = lora.get("keys")
    _check(_is_int(rank) and rank > 0, "rank", rank, "an integer above 0", where)
    _check(_is_number(scale) and scale != 0, "scale", scale, "a finite number other than 0", where)
    _check(_is_number(dropout) and 0 <= dropout < 1, "dropout", dropout, "a number from 0 to below 1", where)
    listed = keys is None or (isinstance(keys, list) and all(isinstance(key, str) for key in keys))
    _check(listed, "keys", keys, "a list of module names", where)
    layers = config.get("num_layers")
    _check(_is_int(layers), "num_layers", layers, "an integer", where)
    return config, rank, float(scale)


def _kind(config: dict[str, Any]) -> str:
    return str(config.get("fine_tune_type", "lora"))


def _check(holds: bool, key: str, got: object, allowed: str, where: Path) -> None:
    if not holds:
        raise NeuronRefused(f"invalid {key}", where=where, got=repr(got), allowed=allowed)


def _is_int(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> TypeGuard[float]:
    # False for NaN, infinity and integers beyond the range of float, for which math.isfinite raises.
    return (_is_int(value) or isinstance(value, float)) and abs(value) <= sys.float_info.max


def _read_invocation_tokens(config: dict[str, Any], weights: dict[str, Any], where: Path) -> tuple[int, ...]:
    """Return ``alora_invocation_tokens``, PEFT's key; empty if the config has none."""
    tokens: Any = config.get(INVOCATION_TOKENS)
    if tokens is None:
        return ()
    valid = isinstance(tokens, list) and tokens and all(_is_int(token) and token >= 0 for token in tokens)
    _check(bool(valid), INVOCATION_TOKENS, tokens, "a list of one or more token ids", where)
    if _kind(config) != "lora" or any(a.ndim == 3 for a, _ in weights.values()):
        raise NeuronRefused(
            "invocation tokens are not supported for DoRA and expert layers", where=where, got=INVOCATION_TOKENS,
            allowed="LoRA on linear and embedding layers",
        )  # fmt: skip
    return tuple(tokens)


def _stored(data: bytes, where: Path) -> dict[str, tuple[str, np.ndarray]]:
    """Return dtype and bits (unsigned integers in the tensor's shape) by name.

    mlx's own reader does not check lengths, and reads past the end of a truncated file. The format is 8 bytes of header
    length, the header in JSON, then the tensors without gaps (https://github.com/huggingface/safetensors).
    """
    size = len(data)
    length = int.from_bytes(data[:8], "little")
    if size < 8 or length > size - 8:
        raise NeuronRefused("truncated, or not a safetensors file", where=where, got=f"{size} bytes")
    if length > MOST_HEADER:  # reading it takes 25 times its size
        raise NeuronRefused(
            "the safetensors header is too long", where=where, got=f"{length} bytes", allowed=MOST_HEADER
        )
    try:
        header = json.loads(data[8 : 8 + length])
        spans = {name: _span(name, entry, where) for name, entry in header.items() if name != "__metadata__"}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as fault:
        raise NeuronRefused(f"the safetensors header is damaged: {fault}", where=where) from fault
    end = 0
    for name, (start, stop) in sorted(spans.items(), key=lambda item: item[1]):
        if start != end:
            raise NeuronRefused("tensors overlap or leave a gap", where=where, got=name)
        end = stop
    if end != size - 8 - length:
        fault_text = "truncated" if end > size - 8 - length else "bytes after the last tensor"
        raise NeuronRefused(fault_text, where=where, got=f"{size} bytes", allowed=f"{8 + length + end} bytes")
    return {
        name: (kind, np.frombuffer(data, _BITS[kind][0], math.prod(shape), 8 + length + spans[name][0]).reshape(shape))
        for name, kind, shape in ((name, header[name]["dtype"], header[name]["shape"]) for name in spans)
    }


def _span(name: str, entry: dict[str, Any], where: Path) -> tuple[int, int]:
    """Return the start and end of a tensor's bytes, checked against its shape."""
    kind, shape, (start, stop) = entry["dtype"], entry["shape"], entry["data_offsets"]
    if kind not in _ITEM_BYTES:
        raise NeuronRefused(f"{name} has an unusable type", where=where, got=kind, allowed=", ".join(_ITEM_BYTES))
    if not all(_is_int(number) and number >= 0 for number in (start, stop, *shape)):
        raise ValueError(f"{name} has a shape or offset that is not a natural number")
    if not isinstance(shape, list) or len(shape) > DIMENSIONS or 0 in shape:  # mlx and NumPy cannot make such arrays
        raise ValueError(f"{name} has a shape that is not allowed in an adapter")
    if stop - start != math.prod(shape) * _ITEM_BYTES[kind]:
        raise ValueError(f"{name} has {stop - start} bytes, which is not the size of {kind} {shape}")
    return start, stop


def _tensors(stored: dict[str, tuple[str, np.ndarray]], where: Path) -> dict[str, mx.array]:
    """Return the tensors after a check that all values are finite; the check on bits is several times faster."""
    for name, (kind, bits) in stored.items():
        exponent = _BITS[kind][1]
        if (bits & exponent).max(initial=0) == exponent:
            raise NeuronRefused("contains values that are not finite", where=where, got=name.rpartition(".")[0])
    tensors = {name: mx.array(bits).view(_TYPES[kind]) for name, (kind, bits) in stored.items()}
    mx.eval(tensors)
    return tensors


def _grouped(tensors: dict[str, mx.array], config: dict[str, Any], where: Path) -> dict[str, dict[str, mx.array]]:
    """Return the tensors by module and part; each module has all parts of its adapter type."""
    wanted = _PARTS[_kind(config)]
    found: dict[str, dict[str, mx.array]] = {}
    for name, tensor in sorted(tensors.items()):
        module, _, part = name.rpartition(".")
        if not module or part not in wanted:
            raise NeuronRefused(
                "unknown tensor", where=where, got=name, allowed=", ".join(f"MODULE.{part}" for part in wanted)
            )
        found.setdefault(module, {})[part] = tensor
    if not found:
        raise NeuronRefused("contains no tensors", where=where)
    for module, parts in found.items():
        if missing := [part for part in wanted if part not in parts]:
            raise NeuronRefused(f"{next(iter(parts))} without its {missing[0]}", where=where, got=module)
    return found


def _check_shapes(
    weights: dict[str, tuple[mx.array, mx.array]], magnitudes: dict[str, mx.array], rank: int, where: Path
) -> None:
    for module, (a, b) in weights.items():
        experts = a.ndim == 3  # (experts, rank, in) and (experts, out, rank)
        fits = a.ndim == b.ndim and a.ndim in {2, 3}
        if not fits or ((a.shape[1], b.shape[2]) if experts else (a.shape[1], b.shape[0])) != (rank, rank):
            raise NeuronRefused(
                f"shapes of {module} do not match rank {rank} in {CONFIG_FILE}",
                where=where,
                got=f"lora_a {a.shape}, lora_b {b.shape}",
                allowed=f"(in, {rank}) and ({rank}, out), or (experts, {rank}, in) and (experts, out, {rank})",
            )
        if experts and a.shape[0] != b.shape[0]:
            raise NeuronRefused(f"lora_a and lora_b of {module} differ in experts", where=where)
        if experts and magnitudes:
            raise NeuronRefused("mlx-lm has no DoRA for expert layers", where=where, got=module)
        if module in magnitudes and magnitudes[module].ndim != 1:
            raise NeuronRefused(f"m of {module} is not one-dimensional", where=where, got=magnitudes[module].shape)
        if a.dtype != b.dtype:
            raise NeuronRefused(f"lora_a and lora_b of {module} differ in type", where=where, got=(a.dtype, b.dtype))


def _check_effect(weights: dict[str, tuple[mx.array, mx.array]], where: Path) -> None:
    """Check that at least one product is not zero.

    DoRA's magnitudes alone could change the base, but training that changes them changes the products too.
    """
    if not any((a != 0).any().item() and (b != 0).any().item() for a, b in weights.values()):
        raise NeuronRefused(
            "the adapter changes nothing: every product of lora_a and lora_b is zero",
            where=where,
            next_step="Train it: it was not trained, or its training had no effect.",
        )
