"""Merge of a neuron into the weights of its base, written as a model that mlx-lm loads like the base."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import mlx.core as mx
from mlx.utils import tree_flatten

from conch_dna.errors import NeuronRefused
from conch_dna.models.refs import HUB_FILES
from conch_dna.models.target_modules import full_weight, layers_of
from conch_dna.util.tensors import save_tensors

if TYPE_CHECKING:
    from pathlib import Path

    from conch_dna.exporters.base import Base
    from conch_dna.registry.adapter import Adapter

INDEX_FILE = "model.safetensors.index.json"
_KNOWN = {"weight", "scales", "biases", "bias"}


def to_fused(adapter: Adapter, base: Base, out: Path) -> None:
    """Merge an adapter that fits ``base`` into its weights, and write the model into the folder ``out``, which exists.

    Each weight is merged in float32 and stored in its own dtype. A quantized weight is dequantized, merged and
    quantized again in the same mode, as ``mlx_lm.fuse`` does; changes smaller than the quantization step are lost.

    :raises NeuronRefused: the neuron acts only after its invocation tokens, which weights cannot express, or a layer
        has a parameter that this function does not know.
    """
    if adapter.invocation_tokens:
        raise NeuronRefused(
            "a neuron that acts only after its invocation tokens cannot be merged into the base's weights",
            where=base.ref, next_step="Choose an adapter format: conch neurons export --list",
        )  # fmt: skip
    own = layers_of(base.model)
    for module in adapter.weights:
        _merge(own[module], module, adapter, base)
    _write(base, out)


def _merge(layer: Any, module: str, adapter: Adapter, base: Base) -> None:
    """Merge one layer in place: W + scale·(AB)ᵀ; for DoRA each row is then scaled to the length m."""
    if unknown := sorted(set(layer.parameters()) - _KNOWN):
        raise NeuronRefused("cannot merge into this layer: unknown parameter", where=module, got=unknown[0])
    own = full_weight(layer)  # in the dtype of the scales, or bfloat16 if those are no floats (mxfp4)
    a, b = (part.astype(mx.float32) for part in adapter.weights[module])
    of = base.target_modules[module].kind
    product = (a @ b).T if of == "linear" else b @ a if of == "switch" else a @ b
    weight = own.astype(mx.float32) + adapter.scale * product
    if (magnitude := adapter.magnitudes.get(module)) is not None:
        weight *= (magnitude / mx.linalg.norm(weight, axis=1))[:, None]
    weight = weight.astype(own.dtype)
    if "scales" in layer:
        names = ("weight", "scales", "biases")
        parts = mx.quantize(weight, group_size=layer.group_size, bits=layer.bits, mode=layer.mode)
        layer.update(dict(zip(names, parts, strict=False)))  # some modes have no biases
    else:
        layer.weight = weight
    mx.eval(layer.parameters())


def _write(base: Base, out: Path) -> None:
    """Write the weights in shards of mlx-lm's size, and copy the other model files of the base's folder."""
    from mlx_lm.utils import make_shards  # here, since it imports transformers, which takes seconds

    tensors = dict(tree_flatten(base.model.parameters()))
    size = sum(tensor.nbytes for tensor in tensors.values())
    shards = make_shards(tensors)
    names = [f"model-{n + 1:05d}-of-{len(shards):05d}.safetensors" for n in range(len(shards))]
    names = names if len(shards) > 1 else ["model.safetensors"]
    for name, shard in zip(names, shards, strict=True):
        save_tensors(out / name, shard, {"format": "mlx"})
    found = {tensor: name for name, shard in zip(names, shards, strict=True) for tensor in shard}
    index = {"metadata": {"total_size": size}, "weight_map": dict(sorted(found.items()))}
    (out / INDEX_FILE).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
    for pattern in HUB_FILES:
        for file in sorted(base.folder.glob(pattern)):
            if file.suffix != ".safetensors" and file.name != INDEX_FILE:
                shutil.copyfile(file, out / file.name)
