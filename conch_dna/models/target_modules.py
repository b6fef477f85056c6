"""Target modules: the layers of a base that an adapter may change, with mlx-lm's paths and block indices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import mlx.core as mx
from mlx import nn
from mlx_lm.models.switch_layers import QuantizedSwitchLinear, SwitchLinear
from mlx_lm.tuner.dora import DoRAEmbedding, DoRALinear
from mlx_lm.tuner.lora import LoRAEmbedding, LoRALinear, LoRASwitchLinear

LINEAR = (nn.Linear, nn.QuantizedLinear)
SWITCH = (SwitchLinear, QuantizedSwitchLinear)
EMBEDDING = (nn.Embedding, nn.QuantizedEmbedding)


class Carrier(nn.Module):
    """A layer that contains a layer of the base as ``linear`` or ``embedding``, like mlx-lm's adapter layers."""


CARRIERS = (Carrier, LoRALinear, LoRASwitchLinear, LoRAEmbedding, DoRALinear, DoRAEmbedding)


@dataclass(frozen=True)
class TargetModule:
    """One layer that an adapter may change.

    :param kind: ``linear``; ``switch``, one matrix for each expert; ``embedding``.
    :param shape: (out, in); (experts, out, in) of a switch; (dimensions, rows) of an embedding.
    :param block: the index of its block, or ``None`` for a layer outside all blocks.
    :param key: its path within its block, or its whole path.
    """

    kind: Literal["linear", "switch", "embedding"]
    shape: tuple[int, ...]
    block: int | None
    key: str


def carried(model: Any) -> dict[str, tuple[Any, Any]]:
    """Return the layers of an adapter or a slot by path, each with the base's layer inside it."""
    return {
        path: (module, module.get("linear", module.get("embedding")))
        for path, module in model.named_modules()
        if isinstance(module, CARRIERS)
    }


def layers_of(model: Any) -> dict[str, Any]:
    """Return the base's own linear, switch and embedding layers by path, with or without an adapter around them.

    Linear and switch layers are returned only inside the model's blocks: the head is not a target. Layers with their
    own adapter class (``to_lora``) are left out, because no other program reads such adapters.
    """
    paths = {id(inner): path for path, (_, inner) in carried(model).items()}
    prefixes = _blocks(model)
    found = {}
    for own_path, module in model.named_modules():
        path = paths.get(id(module), own_path)
        if hasattr(module, "to_lora"):
            continue
        in_blocks = isinstance(module, LINEAR + SWITCH) and _block_of(path, prefixes) is not None
        if in_blocks or isinstance(module, EMBEDDING):
            found[path] = module
    return found


def target_modules(model: Any) -> dict[str, TargetModule]:
    """Return the target modules of a model by path: the layers of :func:`layers_of`."""
    prefixes = _blocks(model)
    found = {}
    for path, module in layers_of(model).items():
        prefix = _block_of(path, prefixes)
        block, key = (None, path) if prefix is None else (prefixes[prefix], path[len(prefix) + 1 :])
        *front, inner = module.weight.shape
        if "scales" in module:
            inner = inner * 32 // module.bits
        if isinstance(module, EMBEDDING):
            found[path] = TargetModule("embedding", (inner, *front), block, key)
        else:
            found[path] = TargetModule(
                "switch" if isinstance(module, SWITCH) else "linear", (*front, inner), block, key
            )
    return found


def full_weight(layer: Any) -> mx.array:
    """Return a layer's weight, dequantised if it is quantised."""
    weight: mx.array = layer.weight
    if "scales" in layer:
        weight = mx.dequantize(
            weight, layer.scales, layer.get("biases"), group_size=layer.group_size, bits=layer.bits, mode=layer.mode
        )
    return weight


def _blocks(model: Any) -> dict[str, int]:
    """Return the paths of the model's blocks, each with the block's index."""
    index = {id(block): number for number, block in enumerate(model.layers)}
    return {path: index[id(module)] for path, module in model.named_modules() if id(module) in index}


def _block_of(path: str, prefixes: dict[str, int]) -> str | None:
    """Return the path of the block that the layer is in."""
    parts = path.split(".")
    return next((prefix for n in range(len(parts)) if (prefix := ".".join(parts[:n])) in prefixes), None)
