"""Conversion of GGUF files of the llama and qwen2 families to mlx-lm folders.

Tensor names, shapes and row order are those of the original checkpoint on the hub, so an adapter that is trained on the
converted folder fits the original too. Weights are dequantised to float16.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from conch_dna.errors import ModelError
from conch_dna.models import gguf_bounds
from conch_dna.models.gguf_tokenizer import eos_ids, tokenizer_files
from conch_dna.util.files import FILE_MODE, new_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

# Increase it when the same GGUF would convert to a different folder: it is a part of the conversion cache's key.
VERSION = 1
ARCHITECTURES = {"llama": "LlamaForCausalLM", "qwen2": "Qwen2ForCausalLM"}
SHARD_BYTES = 5_000_000_000
# Elements dequantised at once: the float32 block and its temporaries take about 200 MB.
BLOCK_ELEMENTS = 1 << 23
TIED_COSINE = 0.9
TOP_NAMES = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
LAYER_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


@dataclass(frozen=True)
class Source:
    """An open GGUF file: metadata by key, and tensors (``ReaderTensor`` of the package gguf) by name."""

    path: Path
    metadata: dict[str, Any]
    tensors: dict[str, Any]

    @property
    def architecture(self) -> str:
        """The value of ``general.architecture``."""
        return str(self.metadata.get("general.architecture"))

    def get(self, key: str, default: Any = None) -> Any:
        """Return the architecture's own metadata ``key``, for example ``block_count``."""
        return self.metadata.get(f"{self.architecture}.{key}", default)

    def need(self, key: str) -> Any:
        """Return the architecture's own metadata ``key``.

        :raises ModelError: the key is missing.
        """
        value = self.get(key)
        if value is None:
            raise ModelError(f"the metadata {self.architecture}.{key} is missing", where=self.path)
        return value

    def count(self, key: str) -> int:
        """Return a number that is at least 1.

        :raises ModelError: the key is missing, or is no such number.
        """
        value = self.need(key)
        if not isinstance(value, int) or value < 1:
            raise ModelError(
                f"the metadata {self.architecture}.{key} is not a number from 1", where=self.path, got=value
            )
        return value


def convert(gguf: Path, folder: Path) -> None:
    """Convert ``gguf`` to an mlx-lm folder, atomically: float16 safetensors, config and tokenizer.

    :raises ModelError: the file is damaged, or its architecture, tensor type or tokenizer is not supported.
    """
    source = read(gguf)
    try:
        config = _config(source)
        files = {
            "config.json": config,
            "generation_config.json": {"eos_token_id": config["eos_token_id"]},
            **tokenizer_files(source.metadata, source.path),
        }
        with new_folder(folder) as temporary:
            _write_weights(source, temporary, tied=config["tie_word_embeddings"])
            for name, content in files.items():
                text = json.dumps(content, indent=None if name == "tokenizer.json" else 2, ensure_ascii=False)
                (temporary / name).write_text(text + "\n", encoding="utf-8")
            for file in temporary.iterdir():
                file.chmod(FILE_MODE)
    except ModelError:
        raise
    except OSError as error:
        # Another process may have finished first: folders appear complete, so its copy can be used.
        if not (folder / "config.json").is_file():
            raise ModelError(
                f"the converted model could not be written ({error.strerror or error})",
                where=folder,
                next_step="Free disk space there, or set CONCH_CACHE to a folder on another disk.",
            ) from error
    except Exception as fault:  # metadata and shapes of any kind
        raise ModelError(f"it makes no model ({type(fault).__name__}: {fault})", where=gguf) from fault


def read(path: Path) -> Source:
    """Open a GGUF file; tensors are read from the disk when they are used.

    :raises ModelError: the file is missing, damaged, one of several parts, or of an unsupported architecture.
    """
    from gguf import GGUFReader  # slow to import, and not needed for a cached conversion

    try:
        gguf_bounds.check(path)
        reader = GGUFReader(path)
        metadata = {name: field.contents() for name, field in reader.fields.items()}
    except FileNotFoundError:
        raise ModelError("no such file", where=path) from None
    except Exception as error:  # the package's reader raises whatever a damaged file makes it
        raise ModelError(
            f"not a complete GGUF file ({type(error).__name__}: {error})",
            where=path,
            next_step="It may have been truncated by a copy: fetch it again.",
        ) from error
    source = Source(path, metadata, {tensor.name: tensor for tensor in reader.tensors})
    if source.architecture not in ARCHITECTURES:
        allowed = ", ".join(ARCHITECTURES)
        raise ModelError("architecture not supported", where=path, got=source.architecture, allowed=allowed)
    if metadata.get("split.count", 1) > 1:
        raise ModelError("one part of a split GGUF", where=path, next_step="Merge the parts with llama-gguf-split.")
    if source.get("expert_count", 0):
        raise ModelError(
            "mixtures of experts are not supported", where=path, got=f"{source.get('expert_count')} experts"
        )
    return source


def dequantised(tensor: Any, path: Path) -> NDArray[np.float16]:
    """Return one tensor as float16, dequantised in blocks of rows.

    :raises ModelError: the package gguf cannot dequantise its type, or a value does not fit float16.
    """
    from gguf.quants import dequantize  # see read

    kind = tensor.tensor_type
    shape = tuple(int(size) for size in reversed(tensor.shape))
    rows = tensor.data.reshape(-1, tensor.data.shape[-1])
    out = np.empty((rows.shape[0], shape[-1]), np.float16)
    step = max(1, BLOCK_ELEMENTS // shape[-1])
    for start in range(0, rows.shape[0], step):
        try:
            block = dequantize(rows[start : start + step], kind)
        except NotImplementedError:
            raise ModelError("tensor type not supported", where=f"{path}: {tensor.name}", got=kind.name) from None
        with np.errstate(over="ignore"):
            out[start : start + step] = block
    if not np.isfinite(out).all():
        raise ModelError("values that are not finite in float16", where=f"{path}: {tensor.name}")
    return out.reshape(shape)


def _config(source: Source) -> dict[str, Any]:
    """Return the contents of ``config.json`` with the hub's keys."""
    width, heads = source.count("embedding_length"), source.count("attention.head_count")
    head_size = int(source.get("attention.key_length") or width // heads)
    rotated = int(source.get("rope.dimension_count") or head_size)
    if rotated != head_size:
        raise ModelError("partial rotary embedding is not supported", where=source.path, got=rotated, allowed=head_size)
    theta = _decimal(source.get("rope.freq_base", 10_000.0))
    if (blocks := source.count("block_count")) > len(source.tensors):
        raise ModelError("more blocks than tensors", where=source.path, got=blocks, allowed=len(source.tensors))
    config: dict[str, Any] = {
        "architectures": [ARCHITECTURES[source.architecture]],
        "model_type": source.architecture,
        "hidden_size": width,
        "intermediate_size": source.count("feed_forward_length"),
        "num_hidden_layers": blocks,
        "num_attention_heads": heads,
        "num_key_value_heads": int(source.get("attention.head_count_kv") or heads),
        "max_position_embeddings": source.count("context_length"),
        "rms_norm_eps": _decimal(source.need("attention.layer_norm_rms_epsilon")),
        "rope_theta": theta,
        "rope_traditional": False,
        "vocab_size": int(_tensor(source, "token_embd.weight").shape[1]),
        "tie_word_embeddings": _is_tied(source),
        "torch_dtype": "float16",
        "eos_token_id": eos_ids(source.metadata),
    }
    if source.architecture == "llama":
        config["head_dim"] = head_size
        config["attention_bias"] = _biased(source, "attn_q", "attn_k", "attn_v", "attn_output")
        config["mlp_bias"] = _biased(source, "ffn_gate", "ffn_up", "ffn_down")
    elif head_size * heads != width:
        allowed = width // heads
        raise ModelError("head size not supported for qwen2", where=source.path, got=head_size, allowed=allowed)
    scaling = _rope_scaling(source, head_size, theta)
    if scaling:
        config["rope_scaling"] = scaling
    for name in ("bos", "padding"):
        token = source.metadata.get(f"tokenizer.ggml.{name}_token_id")
        if token is not None:
            config[f"{name.replace('padding', 'pad')}_token_id"] = int(token)
    return config


def _decimal(value: float) -> float:
    """Return the shortest decimal with the same float32 value: 1e-05, not 9.999999747378752e-06."""
    return float(str(np.float32(value)))


def _tensor(source: Source, name: str) -> Any:
    tensor = source.tensors.get(name)
    if tensor is None:
        raise ModelError(f"the tensor {name} is missing", where=source.path)
    return tensor


def _biased(source: Source, *parts: str) -> bool:
    """Return whether these projections have biases; mlx-lm's llama has one setting for all of them."""
    found = [f"blk.0.{part}.bias" in source.tensors for part in parts]
    if any(found) and not all(found):
        raise ModelError("biases on only some of the projections", where=source.path, allowed=", ".join(parts))
    return all(found)


def _is_tied(source: Source) -> bool:
    """Return whether output and embedding are one matrix.

    Quantisers store the output of a tied model as a second, finer quantisation of the embedding. Rows of two different
    matrices are nearly orthogonal, so comparing 64 rows is enough.
    """
    output = source.tensors.get("output.weight")
    if output is None:
        return True
    from gguf.quants import dequantize  # see read

    embedding = _tensor(source, "token_embd.weight")
    if list(output.shape) != list(embedding.shape):
        return False
    picked = np.linspace(0, output.data.shape[0] - 1, 64).astype(int)
    one_ND, two_ND = (dequantize(t.data[picked], t.tensor_type).astype(np.float64) for t in (output, embedding))
    norms = np.linalg.norm(one_ND, axis=1) * np.linalg.norm(two_ND, axis=1)
    cosines = (one_ND * two_ND).sum(1)[norms > 0] / norms[norms > 0]
    return bool(cosines.size and np.median(cosines) > TIED_COSINE)


def _rope_scaling(source: Source, head_size: int, theta: float) -> dict[str, Any] | None:
    """Return the hub's ``rope_scaling``, from the metadata or, for Llama 3, from the tensor of factors."""
    kind = source.get("rope.scaling.type", "none")
    if kind in ("linear", "yarn"):
        scaling = {"rope_type": kind, "factor": float(source.need("rope.scaling.factor"))}
        if kind == "yarn":
            scaling["original_max_position_embeddings"] = int(source.need("rope.scaling.original_context_length"))
        return scaling
    if kind != "none":
        raise ModelError("rope scaling not supported", where=source.path, got=kind, allowed="none, linear, yarn")
    if "rope_freqs.weight" not in source.tensors:
        return None
    factors = np.asarray(source.tensors["rope_freqs.weight"].data, np.float64)
    # All Llama 3 models: wavelengths over 8192 are scaled by `factor`, those under 8192/4 are kept, a ramp between.
    low, high, context, factor = 1.0, 4.0, 8192, float(np.round(factors.max(), 4))
    wavelengths = 2 * math.pi * theta ** (np.arange(0, head_size, 2) / head_size)
    ramp = np.clip((context / wavelengths - low) / (high - low), 0, 1)
    if factors.shape != ramp.shape or not np.allclose(1 / factors, (1 - ramp) / factor + ramp, rtol=1e-3):
        raise ModelError("the tensor rope_freqs.weight does not follow Llama 3's rule", where=source.path)
    return {
        "rope_type": "llama3",
        "factor": factor,
        "low_freq_factor": low,
        "high_freq_factor": high,
        "original_max_position_embeddings": context,
    }


def _hub_name(name: str) -> str | None:
    """Return a tensor's name on the hub, or None if the hub's checkpoint has no such tensor."""
    parts = name.split(".")
    if parts[-1] not in ("weight", "bias"):
        return None
    if parts[0] == "blk" and len(parts) == 4 and parts[2] in LAYER_NAMES:
        return f"model.layers.{parts[1]}.{LAYER_NAMES[parts[2]]}.{parts[3]}"
    if len(parts) == 2 and parts[0] in TOP_NAMES:
        return f"{TOP_NAMES[parts[0]]}.{parts[1]}"
    return None


def _plan(source: Source, *, tied: bool) -> dict[str, str]:
    """Return GGUF tensor names by hub name, sorted.

    :raises ModelError: a tensor has no hub name, or a required tensor is missing.
    """
    plan = {}
    for name in source.tensors:
        target = _hub_name(name)
        if target is not None:
            plan[target] = name
        elif name != "rope_freqs.weight":
            raise ModelError(f"the tensor {name} is unknown in {source.architecture}", where=source.path)
    if tied and "lm_head.weight" in plan:
        # The output is the finer quantisation of the two, so it becomes the shared matrix.
        plan["model.embed_tokens.weight"] = plan.pop("lm_head.weight")
    layers = (f"blk.{layer}.{part}.weight" for layer in range(int(source.need("block_count"))) for part in LAYER_NAMES)
    for name in ("token_embd.weight", "output_norm.weight", *layers):
        _tensor(source, name)
    return dict(sorted(plan.items()))


def _unpermuted(rows: NDArray[np.float16], heads: int) -> NDArray[np.float16]:
    """Undo llama.cpp's order of q and k rows: it interleaves the pairs of a head, the hub stores two halves."""
    half = rows.shape[0] // heads // 2
    return rows.reshape(heads, half, 2, -1).swapaxes(1, 2).reshape(rows.shape)


def _arrays(source: Source, plan: dict[str, str]) -> Iterator[tuple[str, NDArray[np.float16]]]:
    """Yield each hub name with its float16 tensor, one in memory at a time."""
    heads = int(source.need("attention.head_count"))
    heads_of = {"attn_q": heads, "attn_k": int(source.get("attention.head_count_kv") or heads)}
    for target, name in plan.items():
        array = dequantised(source.tensors[name], source.path)
        part = name.split(".")[2] if name.startswith("blk.") else ""
        if source.architecture == "llama" and part in heads_of:
            array = _unpermuted(array, heads_of[part])
        yield target, np.ascontiguousarray(array)


def _write_weights(source: Source, folder: Path, *, tied: bool) -> None:
    """Write the weights in shards of at most ``SHARD_BYTES``; several shards get an index."""
    from safetensors.numpy import save_file  # not needed for a cached conversion

    plan = _plan(source, tied=tied)
    sizes = {target: 2 * int(source.tensors[name].n_elements) for target, name in plan.items()}
    shard_of, shard, filled = {}, 0, 0
    for target, size in sizes.items():
        if filled and filled + size > SHARD_BYTES:
            shard, filled = shard + 1, 0
        shard_of[target], filled = shard, filled + size
    names = [f"model-{number:05}-of-{shard + 1:05}.safetensors" for number in range(1, shard + 2)]
    names = names if shard else ["model.safetensors"]
    held: dict[str, NDArray[np.float16]] = {}
    left = {index: sum(1 for s in shard_of.values() if s == index) for index in range(shard + 1)}
    for target, array in _arrays(source, plan):
        held[target] = array
        if len(held) == left[shard_of[target]]:
            save_file(held, folder / names[shard_of[target]], metadata={"format": "mlx"})
            held = {}
    if shard:
        index = {
            "metadata": {"total_size": sum(sizes.values())},
            "weight_map": {target: names[number] for target, number in shard_of.items()},
        }
        (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
