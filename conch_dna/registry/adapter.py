"""Reading mlx-lm LoRA adapters, and refusing those that are damaged, of another base, or without effect."""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

import mlx.core as mx

from conch_dna.errors import NeuronRefused
from conch_dna.registry.card import CONFIG_FILE, WEIGHTS_FILE, content_digest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_ITEM_BYTES = {"F32": 4, "F16": 2, "BF16": 2}
_TENSOR = re.compile(r"(?P<module>.+)\.lora_(?P<part>[ab])")
_LAYER = re.compile(r"(?:.*?\.)?layers\.(?P<index>\d+)\.(?P<key>.+)")


@dataclass(frozen=True)
class Adapter:
    """A LoRA adapter in memory: y = Wx + scale·B(Ax) (Hu et al. 2021, eq. 3), stored as mlx-lm does.

    :param weights: by module path, ``lora_a`` of shape (in, rank) and ``lora_b`` of shape (rank, out), both of one
        floating type.
    :param scale: the factor of the product.
    :param config: the whole ``adapter_config.json``.
    :param digest: the content digest, as on the card.
    :param nbytes: bytes of all tensors.
    """

    weights: dict[str, tuple[mx.array, mx.array]]
    scale: float
    rank: int
    config: dict[str, Any]
    digest: str
    nbytes: int


def read_adapter(folder: Path) -> Adapter:
    """Read and check the adapter in ``folder``; its tensors are evaluated, so the files may go afterwards.

    :raises NeuronRefused: a file is missing or damaged, its config promises something else, a value is not finite, or
        the adapter would change nothing.
    """
    # Each file is read once: what is checked is what is hashed is what is returned.
    contents = {name: _bytes_of(folder, name) for name in (CONFIG_FILE, WEIGHTS_FILE)}
    config, rank, scale = _read_config(contents[CONFIG_FILE], folder / CONFIG_FILE)
    where = folder / WEIGHTS_FILE
    _check_container(contents[WEIGHTS_FILE], where)
    try:
        loaded = mx.load(io.BytesIO(contents[WEIGHTS_FILE]), format="safetensors")
    except (RuntimeError, ValueError) as fault:
        raise NeuronRefused(f"not a safetensors file: {fault}", where=where) from fault
    weights = _paired(dict(loaded), where)  # type: ignore[arg-type]  # without metadata it is a dict of arrays
    _check_shapes(weights, rank, where)
    _check_values(weights, where)
    return Adapter(
        weights=weights,
        scale=scale,
        rank=rank,
        config=config,
        digest=content_digest({name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}),
        nbytes=sum(a.nbytes + b.nbytes for a, b in weights.values()),
    )


def check_fits(adapter: Adapter, shapes: Mapping[str, tuple[int, int]]) -> None:
    """Check that every tensor has its place in the base, and that none of those the config promises is missing.

    mlx-lm loads without these checks: a tensor without a place is dropped, and a missing one leaves the base as it is.

    :param shapes: (out, in) of each linear layer of the base, by module path.
    :raises NeuronRefused: naming the first module at fault.
    """
    for module, (a, b) in sorted(adapter.weights.items()):
        if module not in shapes:
            raise NeuronRefused("the base has no such linear layer", got=module)
        if (b.shape[1], a.shape[0]) != tuple(shapes[module]):
            raise NeuronRefused(
                "made for a base of another shape",
                where=module,
                got=f"(out, in) = {(b.shape[1], a.shape[0])}",
                allowed=tuple(shapes[module]),
            )
    promised = _promised(adapter, shapes)
    for module in sorted(adapter.weights):
        if module not in promised:
            layers, keys = adapter.config["num_layers"], adapter.config["lora_parameters"].get("keys")
            raise NeuronRefused(
                f"{CONFIG_FILE} does not cover this module", where=module, allowed=f"num_layers {layers}, keys {keys}"
            )
    missing = sorted(promised - set(adapter.weights))
    if missing:
        raise NeuronRefused(
            f"{2 * len(missing)} of {2 * len(promised)} tensors that {CONFIG_FILE} promises are missing",
            got=f"none for {missing[0]}",
        )


def _promised(adapter: Adapter, shapes: Mapping[str, tuple[int, int]]) -> set[str]:
    """Return the modules that num_layers and keys select from the base, by mlx-lm's own rule.

    Layers of one base may differ (attention here, a state space there), so a key is promised where the base has it.
    """
    places = {module: match for module in shapes if (match := _LAYER.fullmatch(module))}
    count = 1 + max((int(match["index"]) for match in places.values()), default=-1)
    wanted = adapter.config["num_layers"]
    first = max(count - wanted, 0) if wanted > 0 else 0  # mlx-lm takes layers[-max(n, 0):], all of them for n <= 0
    listed = adapter.config["lora_parameters"].get("keys")
    if listed is None:
        # Without a list every layer must have what any layer has.
        listed = [match["key"] if (match := _LAYER.fullmatch(module)) else module for module in adapter.weights]
    keys = set(listed)
    unknown = sorted(keys - {match["key"] for match in places.values()} - set(shapes))
    if unknown:
        raise NeuronRefused("no layer of the base has this key", where=CONFIG_FILE, got=unknown[0])
    chosen = {module for module, m in places.items() if m["key"] in keys and int(m["index"]) >= first}
    return chosen | (keys & set(shapes))


def _bytes_of(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except FileNotFoundError as fault:
        raise NeuronRefused("file missing", where=folder, got=name) from fault
    except OSError as fault:
        raise NeuronRefused("file cannot be read", where=folder / name, got=fault.strerror) from fault


def _read_config(data: bytes, where: Path) -> tuple[dict[str, Any], int, float]:
    """Return the config, its rank and its scale; what mlx-lm needs must be there."""
    try:
        config = json.loads(data)
    except (ValueError, RecursionError) as fault:  # JSONDecodeError and UnicodeDecodeError are ValueErrors
        raise NeuronRefused(f"not JSON: {fault}", where=where) from fault
    if not isinstance(config, dict):
        raise NeuronRefused("not a JSON object", where=where)
    kind = config.get("fine_tune_type", "lora")
    if kind != "lora":
        raise NeuronRefused("adapters of this fine_tune_type are not supported", where=where, got=kind, allowed="lora")
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


def _check(holds: bool, key: str, got: object, allowed: str, where: Path) -> None:
    if not holds:
        raise NeuronRefused(f"{key} is not what it must be", where=where, got=repr(got), allowed=allowed)


def _is_int(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> TypeGuard[float]:
    # False for NaN and infinity, and for integers that no float can hold, which math.isfinite cannot take.
    return (_is_int(value) or isinstance(value, float)) and abs(value) <= sys.float_info.max


def _check_container(data: bytes, where: Path) -> None:
    """Check that the header describes exactly the bytes that follow it; mlx would read past the end.

    https://github.com/huggingface/safetensors: 8 bytes of header length, the header in JSON, then the tensors, no gaps.
    """
    size = len(data)
    length = int.from_bytes(data[:8], "little")
    if size < 8 or length > size - 8:
        raise NeuronRefused("truncated, or not a safetensors file", where=where, got=f"{size} bytes")
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


def _span(name: str, entry: dict[str, Any], where: Path) -> tuple[int, int]:
    """Return where a tensor's bytes start and stop, checked against its shape."""
    kind, shape, (start, stop) = entry["dtype"], entry["shape"], entry["data_offsets"]
    if kind not in _ITEM_BYTES:
        raise NeuronRefused(f"{name} has an unusable type", where=where, got=kind, allowed=", ".join(_ITEM_BYTES))
    if not all(_is_int(number) and number >= 0 for number in (start, stop, *shape)):
        raise ValueError(f"{name} has a shape or place that is no natural number")
    if stop - start != math.prod(shape) * _ITEM_BYTES[kind]:
        raise ValueError(f"{name} has {stop - start} bytes, not those of {kind} {shape}")
    return start, stop


def _paired(tensors: dict[str, mx.array], where: Path) -> dict[str, tuple[mx.array, mx.array]]:
    """Return the tensors as pairs by module."""
    parts: dict[str, dict[str, mx.array]] = {}
    for name, tensor in sorted(tensors.items()):
        match = _TENSOR.fullmatch(name)
        if not match:
            raise NeuronRefused("unknown tensor", where=where, got=name, allowed="MODULE.lora_a, MODULE.lora_b")
        parts.setdefault(match["module"], {})[match["part"]] = tensor
    if not parts:
        raise NeuronRefused("holds no tensors", where=where)
    for module, found in parts.items():
        if len(found) != 2:
            (only,) = found
            other = "b" if only == "a" else "a"
            raise NeuronRefused(f"lora_{only} without its lora_{other}", where=where, got=module)
    return {module: (found["a"], found["b"]) for module, found in parts.items()}


def _check_shapes(weights: dict[str, tuple[mx.array, mx.array]], rank: int, where: Path) -> None:
    for module, (a, b) in weights.items():
        if a.ndim != 2 or b.ndim != 2 or a.shape[1] != rank or b.shape[0] != rank or a.size * b.size == 0:
            raise NeuronRefused(
                f"shapes of {module} do not match rank {rank} in {CONFIG_FILE}",
                where=where,
                got=f"lora_a {a.shape}, lora_b {b.shape}",
                allowed=f"(in, {rank}) and ({rank}, out)",
            )
        if a.dtype != b.dtype:
            raise NeuronRefused(f"lora_a and lora_b of {module} differ in type", where=where, got=(a.dtype, b.dtype))


def _check_values(weights: dict[str, tuple[mx.array, mx.array]], where: Path) -> None:
    finite = mx.stack([mx.isfinite(a).all() & mx.isfinite(b).all() for a, b in weights.values()])
    moved = mx.stack([(a != 0).any() & (b != 0).any() for a, b in weights.values()])
    mx.eval(finite, moved, list(weights.values()))
    for module, good in zip(weights, finite.tolist(), strict=True):  # type: ignore[arg-type]  # a list: 1-D
        if not good:
            raise NeuronRefused("holds values that are not finite", where=where, got=module)
    if not moved.any().item():
        raise NeuronRefused(
            "the adapter changes nothing: every product of lora_a and lora_b is zero",
            where=where,
            next_step="It was not trained, or its training had no effect.",
        )
