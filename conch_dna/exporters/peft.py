"""Conversion of LoRA and DoRA adapters between PEFT's folder and mlx-lm's.

PEFT stores A as (rank, in) and B as (out, rank), mlx-lm as (in, rank) and (rank, out); for an embedding *in* is its
number of rows. PEFT has a rank and a scale for each layer, mlx-lm one of each: layers of a lower rank are padded with
zeros, and a layer's B is multiplied by the ratio of the scales. Both keep every product unchanged.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import mlx.core as mx
import safetensors
from mlx.utils import tree_map

from conch_dna.errors import NeuronRefused
from conch_dna.exporters.hf_names import HEAD, check_architecture, row_order
from conch_dna.exporters.peft_config import PeftConfig, covers, rank_of, read_config, scale_of
from conch_dna.models.safetensors_header import MOST_HEADER
from conch_dna.models.target_modules import full_weight, layers_of
from conch_dna.registry.adapter import INVOCATION_TOKENS
from conch_dna.registry.audit import product_norms
from conch_dna.registry.card import CONFIG_FILE, WEIGHTS_FILE
from conch_dna.util.tensors import save_tensors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from conch_dna.exporters.base import Base
    from conch_dna.registry.adapter import Adapter

PEFT_WEIGHTS = "adapter_model.safetensors"
PICKLED_WEIGHTS = "adapter_model.bin"
PREFIX = "base_model.model."
# By the end of a tensor's name; the second spelling of the magnitude is that of PEFT before 0.12.
_PARTS = {
    "lora_A.weight": "lora_a", "lora_B.weight": "lora_b", "lora_embedding_A": "lora_a", "lora_embedding_B": "lora_b",
    "lora_magnitude_vector": "m", "lora_magnitude_vector.weight": "m",
}  # fmt: skip
_TYPES = frozenset({"F32", "F16", "BF16"})
Parts = dict[str, mx.array]


def from_peft(folder: Path, base: Base, out: Path) -> None:
    """Write PEFT's adapter in ``folder`` as mlx-lm's into the folder ``out``, which exists.

    :raises NeuronRefused: it is damaged, for another base or without effect, or mlx-lm cannot express it.
    """
    check_architecture(base)
    config = read_config(folder / CONFIG_FILE)
    where = folder / PEFT_WEIGHTS
    modules = _by_module(_tensors(folder), base, where)
    scales = {module: scale_of(config, module) for module in modules}
    _untie(modules, scales, base, where)
    _check(modules, config, base, where)
    rank = max(parts["lora_a"].shape[1] for parts in modules.values())
    scale = next((scale for scale, _ in Counter(scales.values()).most_common() if scale), None)
    if scale is None:
        raise NeuronRefused("lora_alpha is 0 everywhere: the adapter changes nothing", where=folder / CONFIG_FILE)
    found = {m: _padded(_in_mlx_order(parts, m, base), rank, scales[m] / scale) for m, parts in modules.items()}
    if not any(product_norms({m: (parts["lora_a"], parts["lora_b"]) for m, parts in found.items()}).values()):
        raise NeuronRefused("the adapter changes nothing: every product of A and B is zero", where=where)
    settings = _settings(found, config, base, rank, scale)
    found |= _zero_parts(found, settings, base)
    tensors = {f"{module}.{part}": tensor for module, parts in sorted(found.items()) for part, tensor in parts.items()}
    save_tensors(out / WEIGHTS_FILE, tensors, {"format": "mlx"})
    (out / CONFIG_FILE).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def to_peft(adapter: Adapter, base: Base, ref: str | None, out: Path) -> None:
    """Write an adapter that fits ``base`` as PEFT's into the folder ``out``, which exists.

    :param ref: the base's reference for ``base_model_name_or_path``, one that other programs resolve.
    :raises NeuronRefused: PEFT has no equivalent of the adapter.
    """
    check_architecture(base)
    tensors: dict[str, mx.array] = {}
    targets = set(adapter.weights)
    for module, (a, b) in adapter.weights.items():
        if base.target_modules[module].kind == "embedding":
            tensors |= _embedding(adapter, module, base)
            targets |= {HEAD} if base.tied else set()
            continue
        parts = {"lora_a": a, "lora_b": b}
        parts |= {"m": adapter.magnitudes[module]} if module in adapter.magnitudes else {}
        if (order := row_order(base, module)) is not None:
            parts = _with_rows(parts, order)
        names = {"lora_a": "lora_A.weight", "lora_b": "lora_B.weight", "m": "lora_magnitude_vector"}
        tensors |= {f"{PREFIX}{module}.{names[part]}": tensor.T for part, tensor in parts.items()}
    alpha = adapter.scale * adapter.rank
    about: dict[str, Any] = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": ref,
        "inference_mode": True,
        "r": adapter.rank,
        "lora_alpha": int(alpha) if alpha == int(alpha) else alpha,
        "lora_dropout": adapter.config["lora_parameters"]["dropout"],
        "bias": "none",
        "fan_in_fan_out": False,
        "init_lora_weights": True,
        "use_rslora": False,
        "use_dora": bool(adapter.magnitudes),
        **_target(targets, base),
    }
    if adapter.invocation_tokens:
        about[INVOCATION_TOKENS] = list(adapter.invocation_tokens)
    save_tensors(out / PEFT_WEIGHTS, tree_map(mx.contiguous, tensors), {"format": "pt"})
    (out / CONFIG_FILE).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def _tensors(folder: Path) -> dict[str, mx.array]:
    """Read the weights; pickles of PyTorch are refused, since reading one runs the code in it."""
    where = folder / PEFT_WEIGHTS
    try:
        data = where.read_bytes()
    except FileNotFoundError as fault:
        if (folder / PICKLED_WEIGHTS).exists():
            raise NeuronRefused(
                "a pickle is not read, since that would run the code in it", where=folder / PICKLED_WEIGHTS,
                allowed=PEFT_WEIGHTS, next_step="Save it again in PEFT with safe_serialization=True.",
            ) from fault  # fmt: skip
        raise NeuronRefused("file missing", where=folder, got=where.name) from fault
    except OSError as fault:
        raise NeuronRefused("file cannot be read", where=where, got=fault.strerror) from fault
    if int.from_bytes(data[:8], "little") > MOST_HEADER:
        raise NeuronRefused("the safetensors header is too long, or no such file", where=where, allowed=MOST_HEADER)
    try:
        kinds = {name: tensor["dtype"] for name, tensor in safetensors.deserialize(data)}  # type: ignore[no-untyped-call]
    except safetensors.SafetensorError as fault:
        raise NeuronRefused(f"truncated, or not a safetensors file: {fault}", where=where) from fault
    if odd := next((name for name, kind in kinds.items() if kind not in _TYPES), None):
        raise NeuronRefused(f"{odd} has an unusable type", where=where, got=kinds[odd], allowed=", ".join(_TYPES))
    loaded: Any = mx.load(str(where), format="safetensors")
    return dict(loaded)


def _by_module(tensors: Mapping[str, mx.array], base: Base, where: Path) -> dict[str, Parts]:
    """Return PEFT's tensors by module path and part, transposed to the shapes of mlx-lm."""
    found: dict[str, Parts] = {}
    for name, tensor in sorted(tensors.items()):
        ending = next((ending for ending in _PARTS if name.endswith(f".{ending}")), None)
        if ending is None and _is_the_base(name, tensor, base):
            continue
        if ending is None or not name.startswith(PREFIX):
            raise NeuronRefused(
                "mlx-lm has no equivalent of this tensor", where=where, got=name,
                allowed=f"{PREFIX}MODULE.lora_A.weight and similar",
            )  # fmt: skip
        module = name[len(PREFIX) : -len(ending) - 1]
        found.setdefault(module, {})[_PARTS[ending]] = tensor.T
    if not found:
        raise NeuronRefused("contains no tensors", where=where)
    return found


def _is_the_base(name: str, tensor: mx.array, base: Base) -> bool:
    """Return true for a copy of the base's embedding or tied head, which PEFT saves with an adapter on it."""
    module = name.removeprefix(PREFIX).removesuffix(".weight").removesuffix(".base_layer")
    embeddings = [path for path, target in base.target_modules.items() if target.kind == "embedding"]
    if module == HEAD and base.tied:
        module = embeddings[0]
    if not name.endswith(".weight") or module not in embeddings:
        return False
    own = full_weight(layers_of(base.model)[module])
    return own.shape == tensor.shape and bool(mx.array_equal(own.astype(mx.float32), tensor.astype(mx.float32)).item())


def _untie(modules: dict[str, Parts], scales: dict[str, float], base: Base, where: Path) -> None:
    """Remove the adapter on a tied head: in mlx-lm the adapter on the embedding applies to both."""
    embedding = next(
        (m for m in modules if m in base.target_modules and base.target_modules[m].kind == "embedding"), None
    )
    if not base.tied or embedding is None:
        return
    own, head = modules[embedding], modules.pop(HEAD, {})
    same = all(
        part in head and other in own and mx.array_equal(head[part], own[other].T).item()
        for part, other in (("lora_a", "lora_b"), ("lora_b", "lora_a"))
    )
    if not same or scales.pop(HEAD) != scales[embedding]:
        raise NeuronRefused(
            "the head is tied to this embedding, so mlx-lm has one adapter for both", where=where, got=embedding,
            allowed=f"the same adapter on {HEAD}, transposed",
        )  # fmt: skip


def _check(modules: Mapping[str, Parts], config: PeftConfig, base: Base, where: Path) -> None:
    """Check that the tensors match the config, and that the base has layers of these names and shapes.

    PEFT itself ignores tensors that do not match, without an error.
    """
    wanted = {"lora_a", "lora_b"} | ({"m"} if config.use_dora else set())
    for module, parts in modules.items():
        target = base.target_modules.get(module)
        if target is None:
            raise NeuronRefused("the base has no layer of this name that mlx-lm can adapt", where=where, got=module)
        if set(parts) != wanted:
            got, allowed = (", ".join(sorted(names)) for names in (parts, wanted))
            raise NeuronRefused(f"missing or unknown parts of {module}", where=where, got=got, allowed=allowed)
        if not covers(config, module, linear=target.kind == "linear"):
            raise NeuronRefused("the settings do not cover this module", where=where, got=module)
        if target.kind == "embedding" and (config.use_dora or config.alora_invocation_tokens):
            raise NeuronRefused("cannot convert use_dora or aLoRA on an embedding", where=where, got=module)
        _check_shapes(parts, module, rank_of(config, module), base, where)
    specified = {m for m, target in base.target_modules.items() if covers(config, m, linear=target.kind == "linear")}
    if missing := sorted(specified - set(modules)):
        raise NeuronRefused(
            f"tensors of {len(missing)} of {len(specified)} modules that target_modules specifies are missing",
            where=where, got=f"none for {missing[0]}",
        )  # fmt: skip


def _check_shapes(parts: Parts, module: str, rank: int, base: Base, where: Path) -> None:
    out, into = base.target_modules[module].shape
    needed = {"lora_a": (into, rank), "lora_b": (rank, out), "m": (out,)}
    for part, tensor in parts.items():
        if tensor.shape != needed[part]:
            raise NeuronRefused(
                f"{part} of {module} has the shape of another base or rank", where=where, got=tensor.shape[::-1],
                allowed=needed[part][::-1],
            )  # fmt: skip


def _in_mlx_order(parts: Parts, module: str, base: Base) -> Parts:
    """Return the parts with the rows in mlx-lm's order."""
    order = row_order(base, module)
    return parts if order is None else _with_rows(parts, mx.argsort(order))


def _with_rows(parts: Parts, order: mx.array) -> Parts:
    """Return the parts with the rows of the adapted weight reordered: the columns of B, and the magnitudes."""
    return {part: tensor if part == "lora_a" else tensor[..., order] for part, tensor in parts.items()}


def _padded(parts: Parts, rank: int, factor: float) -> Parts:
    """Return the parts padded to ``rank``, with B multiplied by ``factor``, and A and B of one dtype."""
    a, b = parts["lora_a"], parts["lora_b"]
    if factor != 1 or a.dtype != b.dtype:
        a, b = a.astype(mx.float32), factor * b.astype(mx.float32)
    missing = rank - a.shape[1]
    return {**parts, "lora_a": mx.pad(a, [(0, 0), (0, missing)]), "lora_b": mx.pad(b, [(0, missing), (0, 0)])}


def _settings(found: Mapping[str, Parts], config: PeftConfig, base: Base, rank: int, scale: float) -> dict[str, Any]:
    """Return mlx-lm's ``adapter_config.json``."""
    blocks = [base.target_modules[module].block for module in found]
    first = min((block for block in blocks if block is not None), default=0)
    settings: dict[str, Any] = {
        "fine_tune_type": "dora" if config.use_dora else "lora",
        "num_layers": base.blocks - first,
        "lora_parameters": {
            "rank": rank,
            "scale": scale,
            "dropout": config.lora_dropout,
            "keys": sorted({base.target_modules[module].key for module in found}),
        },
    }
    if config.alora_invocation_tokens:
        settings[INVOCATION_TOKENS] = config.alora_invocation_tokens
    return settings


def _zero_parts(found: Mapping[str, Parts], settings: Mapping[str, Any], base: Base) -> dict[str, Parts]:
    """Return zero adapters for the layers that mlx-lm adapts in addition to those in ``found``.

    mlx-lm selects layers by a number of last blocks and one list of keys for all of them.
    """
    parameters, first = settings["lora_parameters"], base.blocks - settings["num_layers"]
    own, zero = layers_of(base.model), {}
    for module, target in base.target_modules.items():
        if module in found or target.key not in parameters["keys"] or (target.block or 0) < first:
            continue
        out, into = target.shape
        rank = parameters["rank"]
        parts = {"lora_a": mx.zeros((into, rank)), "lora_b": mx.zeros((rank, out))}
        if settings["fine_tune_type"] == "dora":
            parts["m"] = mx.linalg.norm(full_weight(own[module]).astype(mx.float32), axis=1)
        zero[module] = parts
    return zero


def _embedding(adapter: Adapter, module: str, base: Base) -> dict[str, mx.array]:
    """Return PEFT's tensors for an adapter on the embedding, and on a head that is tied to it."""
    if adapter.magnitudes or adapter.invocation_tokens:
        raise NeuronRefused("PEFT has no DoRA and no aLoRA for an embedding", where=base.ref, got=module)
    a, b = adapter.weights[module]
    tensors = {f"{PREFIX}{module}.lora_embedding_A": a.T, f"{PREFIX}{module}.lora_embedding_B": b.T}
    if base.tied:
        tensors |= {f"{PREFIX}{HEAD}.lora_A.weight": b, f"{PREFIX}{HEAD}.lora_B.weight": a}
    return tensors


def _target(targets: set[str], base: Base) -> dict[str, Any]:
    """Return the settings that make PEFT adapt exactly these modules: short names if possible, else every path."""
    blocks = sorted(
        {target.block for m, target in base.target_modules.items() if m in targets and target.block is not None}
    )
    leaves = sorted({module.rpartition(".")[2] for module in targets})
    short: dict[str, Any] = {"target_modules": leaves}
    if len(blocks) < base.blocks:
        short["layers_to_transform"] = blocks
    config = PeftConfig.model_validate({"peft_type": "LORA", **short})
    covered = {m for m in (*base.target_modules, HEAD) if covers(config, m, linear=m != HEAD)}
    return short if covered == targets else {"target_modules": sorted(targets)}
