"""Memory estimate: the peak memory of training, from shapes alone, before any weights are loaded.

The sizes of the weights and of the adapter come from the headers of the model's files and are exact. The arrays kept
between forward and backward pass are counted by name (:func:`block_floats`); some constants account for the temporary
arrays at the peak. They were measured on the CPU (``benchmarks/memory_estimate.py`` prints estimate and measurement).
Measure them again after a change to an operation of :mod:`conch_dna.kernels.exp` or the loss that keeps other arrays.
"""

from __future__ import annotations

import json
import math
import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import mlx.core as mx
import psutil

from conch_dna.data.batches import padded
from conch_dna.errors import ConfigError, ModelError
from conch_dna.kernels import bf16
from conch_dna.kernels.attention import blocks_of
from conch_dna.kernels.exp import pays
from conch_dna.losses.fused import CHUNK
from conch_dna.models.load import MEMORY_SHARE
from conch_dna.runtime.generate import BATCH

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from conch_dna.config import DistillConfig

LOGITS_COPIES = 12  # arrays of the size of a chunk's logits during its loss and gradient
BACKWARD_BLOCKS = 1.5  # extra arrays of the backward pass of one block, in multiples of a block's arrays
RECOMPUTED_BLOCKS = 3.6  # the same with gradient checkpointing
CACHE_STEP = 256  # tokens by which mlx-lm's caches grow
DRAWN_LOGITS = 4  # arrays of the size of a decoding step's logits
FLOAT32 = 4
BYTES = {"F32": 4, "F16": 2, "BF16": 2, "F64": 8, "I64": 8, "I32": 4, "U32": 4, "I16": 2, "U16": 2, "I8": 1, "U8": 1,
         "BOOL": 1}  # fmt: skip
IN_BLOCK = re.compile(r"\.(\d+)\.(.+)\.weight$")
ONE_EXPERT = re.compile(r"\bexperts\.\d+\.")


class Linear(NamedTuple):
    """A linear layer of a block.

    :param name: its key in the setting ``keys``, such as ``self_attn.q_proj``.
    :param copies: number of experts in one tensor.
    :param used: share of the tokens that it processes, summed over its copies: below 1 for the tensor of one expert.
    """

    name: str
    block: int
    inner: int
    out: int
    copies: int
    used: float


@dataclass(frozen=True)
class Shapes:
    """The sizes of a model, from the files of its folder.

    :param parameters: number of parameters; quantised ones count one each.
    :param stored: bytes of its tensors on disk.
    :param width: bytes of one number in the tensors that are not quantised.
    """

    parameters: int
    stored: int
    width: int
    quantised: bool
    vocabulary: int
    hidden: int
    heads: int
    key_heads: int
    head_size: int
    blocks: int
    norms: int
    linears: tuple[Linear, ...]


class Drawn(NamedTuple):
    """Answers that the student draws in one batch: their number, and the maximum number of tokens."""

    rows: int
    tokens: int


NONE_DRAWN = Drawn(0, 0)


@dataclass(frozen=True)
class Estimate:
    """Peak memory of training, in bytes.

    :param rows: conversations in the largest forward pass.
    :param width: tokens in each, padding included.
    :param weights: the base.
    :param packed: bfloat16 copies of the base's matrices, outside of mlx.
    :param second_model: teachers that stay loaded during training.
    :param adapter: the trained weights, with the optimizer's two moments and the moving average.
    :param kept: arrays that the forward pass keeps for the backward pass.
    :param loss: logits and their gradient for one chunk of positions, and the hidden states with their gradient.
    :param backward: extra arrays of the backward pass of one block, and the adapter's gradients.
    :param drawn: keys, values and logits of the answers that the student draws, before it trains on them.
    """

    rows: int
    width: int
    weights: int
    packed: int
    second_model: int
    adapter: int
    kept: int
    loss: int
    backward: int
    drawn: int

    @property
    def total(self) -> int:
        """The peak; drawing, loss and backward pass do not overlap."""
        step = self.kept + max(self.loss, self.backward)
        return self.weights + self.packed + self.second_model + self.adapter + max(step, self.drawn)

    def parts(self) -> dict[str, int]:
        """Return the parts by name."""
        names = ("weights", "packed", "second_model", "adapter", "kept", "loss", "backward", "drawn")
        return {name: getattr(self, name) for name in names}


def preflight(
    folder: Path,
    config: DistillConfig,
    longest: int,
    beside: Sequence[Path] = (),
    together: int = 1,
    drawn: Drawn = NONE_DRAWN,
) -> Estimate:
    """Estimate the peak memory of training the model in ``folder``, and check it against the limit.

    :param longest: tokens of the longest example.
    :param beside: folders of the teachers that stay loaded during training.
    :param together: the batch factor: number of examples that count as one in the settings, 2 for pairs.
    :param drawn: the answers that the student draws in one batch, from :func:`drawn_at_once`.
    :raises ConfigError: the estimate exceeds ``max_memory`` or, without it, the machine's memory; the message names
        settings that fit.
    :raises ModelError: the shapes of a folder cannot be read.
    """
    shapes = read_shapes(folder)
    others = [read_shapes(one) for one in beside]
    found = estimate(shapes, config, longest, others, together, drawn)
    available = limit(config)
    if found.total > available:
        smaller = _smaller(config, longest, together)
        tried = ((c, estimate(shapes, c, longest, others, together, drawn).total) for c in smaller)
        fitting = next((c for c, total in tried if total <= available), None)
        raise ConfigError(
            "training would not fit into memory", where="max_memory" if config.max_memory else "this machine's memory",
            got=f"{_gb(found.total)} for {found.rows} x {found.width} tokens", allowed=_gb(available),
            next_step=_advice(config, fitting),
        )  # fmt: skip
    return found


def drawn_at_once(rows: int, tokens: int) -> Drawn:
    """Return the size of the largest batch that the student draws of ``rows`` answers."""
    return Drawn(min(BATCH, rows), tokens)


def estimate(
    shapes: Shapes,
    config: DistillConfig,
    longest: int,
    beside: Sequence[Shapes] = (),
    together: int = 1,
    drawn: Drawn = NONE_DRAWN,
) -> Estimate:
    """Return the peak memory of a step in which every row of the largest forward pass has the longest length."""
    width = padded(longest)
    rows = config.batch_size
    if config.token_budget:
        rows = max(1, min(config.token_budget // (together * width), config.batch_size * config.accumulation))
    rows *= together
    trained = _trained(shapes, config)
    number = FLOAT32 if _on_cpu() else shapes.width
    block = number * rows * width * block_floats(shapes, config, width)
    kept = number * rows * width * shapes.hidden if config.gradient_checkpointing else block
    added = RECOMPUTED_BLOCKS if config.gradient_checkpointing else BACKWARD_BLOCKS
    positions = rows * width
    return Estimate(
        rows=rows,
        width=width,
        weights=_weights(shapes),
        packed=_packed(shapes),
        second_model=sum(map(_weights, beside)),
        adapter=FLOAT32 * trained * (4 if config.ema else 3),
        kept=int(_reached(shapes, config) * kept),
        loss=FLOAT32 * (LOGITS_COPIES * min(CHUNK, positions) * shapes.vocabulary + 2 * positions * shapes.hidden),
        backward=int(added * block) + FLOAT32 * trained * (1 if config.accumulation == 1 else 2),
        drawn=int(number * _cached(shapes, longest, drawn)) + DRAWN_LOGITS * FLOAT32 * drawn.rows * shapes.vocabulary,
    )


def block_floats(shapes: Shapes, config: DistillConfig, width: int) -> float:
    """Return how many numbers one block keeps for the backward pass, for each token.

    For a llama block with hidden size D, H heads of size d, K key heads and I inner units these are: the outputs of two
    norms, 2D; q, k, v, (H + 2K)d; the output of attention, Hd; its projection, added to the residual stream, D; gate,
    up and their product, 3I; the block's output, D; and the attention scores. For any other block the count is the
    same: the outputs of all norms and linear layers, and the inputs of the trained layers that write to the residual
    stream.
    """
    chosen = [linear for linear in shapes.linears if _is_trained(linear, shapes, config)]
    outputs = sum(linear.used * linear.out for linear in shapes.linears)
    inputs = sum(linear.used * linear.inner for linear in chosen if linear.out == shapes.hidden != linear.inner)
    # The sum leaves out square layers. If attention is as wide as the stream, the query and the output projection are
    # square, and only the input of the latter is kept: count one for each block.
    square = len({linear.block for linear in chosen if linear.inner == linear.out == shapes.hidden})
    inputs += shapes.hidden * square
    between = sum(linear.used * config.rank for linear in chosen)
    if config.dropout:  # each layer's input after dropout, and the mask, one byte each
        between += sum(linear.used * linear.inner * (1 + 1 / FLOAT32) for linear in chosen)
    own = shapes.heads * _scores(width)
    if pays():  # a second copy of the attention output, split into heads
        own += shapes.heads * shapes.head_size
    everywhere = (outputs + shapes.norms * shapes.hidden) / shapes.blocks
    return everywhere + (inputs + between) / _reached(shapes, config) + own


def _cached(shapes: Shapes, longest: int, drawn: Drawn) -> float:
    """Return how many numbers of keys and values exist at the peak of drawing one batch of answers.

    After the prompts' common prefix, which may be empty or nearly everything, a cache grows in steps of
    :data:`CACHE_STEP` tokens. While it grows, the old and the new cache exist together; when a batch is processed in
    two halves, so do the whole and the first half.
    """
    sizes = []
    for shared in (0, max(0, longest - drawn.tokens)):
        steps = math.ceil((longest - shared) / CACHE_STEP)
        size = shared + CACHE_STEP * steps
        smaller = size - CACHE_STEP if steps > 1 else size / 2 if drawn.rows > BATCH // 2 else 0
        sizes.append(size + smaller)
    return 2 * drawn.rows * max(sizes) * shapes.blocks * shapes.key_heads * shapes.head_size


def _reached(shapes: Shapes, config: DistillConfig) -> int:
    """Return the number of trained blocks; the backward pass stops at the first of them."""
    return shapes.blocks if config.layers < 0 else min(config.layers, shapes.blocks)


def _scores(width: int) -> float:
    """Return the number of attention scores kept for each query: all T, or on the CPU those up to the block's end."""
    if not pays():
        return width
    return sum(end * (end - start) for start, end in blocks_of(width)) / width


def limit(config: DistillConfig) -> int:
    """Return the memory limit in bytes: ``max_memory``, else Metal's recommended limit, or the free memory."""
    if config.max_memory:
        return int(config.max_memory * 1e9)
    device = mx.device_info()  # Metal reports the first, CUDA the second, a CPU neither
    free = device.get("max_recommended_working_set_size") or device.get("free_memory")
    return int(free or psutil.virtual_memory().available)


def read_shapes(folder: Path) -> Shapes:
    """Read ``config.json`` and the headers of ``model*.safetensors``, but no weights.

    :raises ModelError: a file or a key is missing or damaged.
    """
    try:
        config = json.loads((folder / "config.json").read_bytes())
        tensors: dict[str, tuple[str, list[int]]] = {}
        for file in sorted(folder.glob("model*.safetensors")):
            tensors |= _header(file)
        return _shapes({**config, **config.get("text_config", {})}, tensors)
    except (OSError, ValueError, KeyError, TypeError, struct.error) as error:
        raise ModelError(f"cannot read the shapes ({type(error).__name__}: {error})", where=folder) from error


def _header(file: Path) -> dict[str, tuple[str, list[int]]]:
    """Return type and shape of each tensor of a safetensors file."""
    with file.open("rb") as stream:
        (length,) = struct.unpack("<Q", stream.read(8))
        header = json.loads(stream.read(length))
    return {name: (about["dtype"], about["shape"]) for name, about in header.items() if name != "__metadata__"}


def _shapes(config: dict[str, Any], tensors: dict[str, tuple[str, list[int]]]) -> Shapes:
    hidden = next((config[key] for key in ("hidden_size", "n_embd", "d_model", "dim") if key in config), None)
    if hidden is None:
        raise KeyError("hidden_size")
    heads = config.get("num_attention_heads") or config.get("n_head") or 0  # some architectures have no attention
    key_heads = config.get("num_key_value_heads") or heads
    group = config.get("quantization", {}).get("group_size", 64)
    experts = config.get("num_experts") or config.get("num_local_experts") or 1
    taken = config.get("num_experts_per_tok") or 1
    if config.get("tie_word_embeddings", True):
        tensors = {name: about for name, about in tensors.items() if not name.startswith("lm_head.")}
    parameters = stored = norms = 0
    widths, linears, blocks = {FLOAT32}, [], set()
    for name, (dtype, shape) in tensors.items():
        stored += BYTES[dtype] * math.prod(shape)
        base, _, last = name.rpartition(".")
        quantised = f"{base}.scales" in tensors
        if quantised and last != "weight":
            continue
        if quantised:
            shape = [*shape[:-1], tensors[f"{base}.scales"][1][-1] * group]  # noqa: PLW2901 - the unpacked shape
        else:
            widths.add(BYTES[dtype])
        parameters += math.prod(shape)
        match = IN_BLOCK.search(name)
        if match is None:
            continue
        blocks.add(int(match[1]))
        norms += len(shape) == 1 and shape[0] == hidden
        if len(shape) in {2, 3} and "conv" not in match[2]:
            used = taken if len(shape) == 3 else taken / experts if ONE_EXPERT.search(name) else 1
            copies = shape[0] if len(shape) == 3 else 1
            linears.append(Linear(match[2], int(match[1]), shape[-1], shape[-2], copies, used))
    return Shapes(
        parameters, stored, min(widths), any(name.endswith(".scales") for name in tensors), config["vocab_size"],
        hidden, heads, key_heads, config.get("head_dim") or hidden // max(1, heads), len(blocks), norms, tuple(linears),
    )  # fmt: skip


def _weights(shapes: Shapes) -> int:
    """Return the bytes of the loaded base: as stored, but float32 on the CPU (see :mod:`conch_dna.models.load`)."""
    full = FLOAT32 * shapes.parameters
    if not _on_cpu():
        return shapes.stored
    if shapes.quantised and full >= MEMORY_SHARE * psutil.virtual_memory().available:
        return shapes.stored
    return full


def _packed(shapes: Shapes) -> int:
    """Return the bytes of the copies that :mod:`conch_dna.kernels.bf16` makes for forward and backward pass."""
    in_float32 = _weights(shapes) == FLOAT32 * shapes.parameters
    used = bool(bf16.unit()) and _on_cpu() and in_float32 and bf16.fits(shapes.parameters)
    return bf16.PACKED * shapes.parameters if used and shapes.hidden >= bf16.LEAST else 0


def _trained(shapes: Shapes, config: DistillConfig) -> int:
    """Return the number of the adapter's parameters."""
    chosen = [linear for linear in shapes.linears if _is_trained(linear, shapes, config)]
    count = sum(linear.copies * config.rank * (linear.inner + linear.out) for linear in chosen)
    if config.adapter == "dora":
        count += sum(linear.copies * linear.out for linear in chosen)
    if config.embeddings:
        count += config.rank * (shapes.vocabulary + shapes.hidden)
    return count


def _is_trained(linear: Linear, shapes: Shapes, config: DistillConfig) -> bool:
    reached = linear.block >= shapes.blocks - _reached(shapes, config)
    return reached and (not config.keys or linear.name in config.keys)


def _on_cpu() -> bool:
    return not (mx.metal.is_available() or mx.cuda.is_available())


def _smaller(config: DistillConfig, longest: int, together: int) -> list[DistillConfig]:
    """Return settings that need less memory: fewer rows, then gradient checkpointing with fewer and fewer rows."""
    per_step, width = config.batch_size * config.accumulation, together * padded(longest)
    found = []
    for checkpointed in (config.gradient_checkpointing, True):
        change: dict[str, Any] = {"gradient_checkpointing": checkpointed}
        if config.token_budget:
            budgets = range(config.token_budget // width, 0, -1)
            changes = [{**change, "token_budget": rows * width} for rows in budgets]
        else:
            sizes = [size for size in range(config.batch_size, 0, -1) if per_step % size == 0]
            changes = [{**change, "batch_size": size, "accumulation": per_step // size} for size in sizes]
        found += [config.model_copy(update=c) for c in changes]
    return found


def _advice(config: DistillConfig, fitting: DistillConfig | None) -> str:
    """Return the advice with the options that fit."""
    if fitting is None:
        return "No batch size fits; lower max_length, rank or rollout_steps, or use smaller models"
    before, after = config.model_dump(), fitting.model_dump()
    changed = {key: value for key, value in after.items() if value != before[key]}
    options = [
        f"--{key.replace('_', '-')}" if value is True else f"--{key.replace('_', '-')} {value}"
        for key, value in changed.items()
    ]
    return f"This fits: {' '.join(options)}"


def _gb(size: int) -> str:
    return f"{size / 1e9:.2f} GB"
