"""Independent reference for GGUF files: dequantisation, byte-level BPE and a float32 forward pass in NumPy.

Shares no code with the package: tensors stay in GGUF's row order, with the rotary embedding of interleaved pairs for
llama, and of two halves for qwen2.
"""

import itertools

import gguf
import numpy as np
import regex

WORDS = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


class Gguf:
    """Metadata and float32 tensors of a GGUF file."""

    def __init__(self, path):
        reader = gguf.GGUFReader(path)
        self.meta = {name: field.contents() for name, field in reader.fields.items()}
        self.raw = {tensor.name: tensor for tensor in reader.tensors}
        self.arch = self.meta["general.architecture"]

    def __getitem__(self, name):
        tensor = self.raw[name]
        return dequantised(tensor.data, tensor.tensor_type.name, tuple(int(n) for n in reversed(tensor.shape)))

    def has(self, name):
        return name in self.raw

    def figure(self, key):
        return self.meta[f"{self.arch}.{key}"]


def dequantised(data, kind, shape):
    """Blocks of 32 weights: a float16 scale (and an offset in Q4_1), then the integers."""
    if kind in ("F32", "F16"):
        return np.asarray(data, np.float32).reshape(shape)
    if kind == "Q8_0":
        blocks = data.reshape(-1, 34)
        scale = blocks[:, :2].copy().view(np.float16).astype(np.float32)
        return (scale * blocks[:, 2:].copy().view(np.int8)).reshape(shape)
    head = {"Q4_0": 2, "Q4_1": 4}[kind]
    blocks = data.reshape(-1, head + 16)
    halves = blocks[:, :head].copy().view(np.float16).astype(np.float32)
    nibbles = np.concatenate([blocks[:, head:] & 15, blocks[:, head:] >> 4], axis=1).astype(np.float32)
    return (halves[:, :1] * (nibbles - 8) if kind == "Q4_0" else halves[:, :1] * nibbles + halves[:, 1:]).reshape(shape)


def rms(x, weight, eps):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * weight


def rotated(x_HLD, theta, *, interleaved):
    size = x_HLD.shape[-1]
    angle = np.arange(x_HLD.shape[1])[:, None] * theta ** (-np.arange(0, size, 2) / size)
    cos, sin = np.cos(angle), np.sin(angle)
    out = np.empty_like(x_HLD)
    first, second = (
        (slice(0, None, 2), slice(1, None, 2)) if interleaved else (slice(0, size // 2), slice(size // 2, None))
    )
    a, b = x_HLD[..., first], x_HLD[..., second]
    out[..., first], out[..., second] = a * cos - b * sin, a * sin + b * cos
    return out


def attention(file, layer, x, theta):
    heads, kv_heads = int(file.figure("attention.head_count")), int(file.figure("attention.head_count_kv"))

    def project(part, count):
        y = x @ file[f"blk.{layer}.attn_{part}.weight"].T
        if file.has(f"blk.{layer}.attn_{part}.bias"):
            y = y + file[f"blk.{layer}.attn_{part}.bias"]
        return y.reshape(len(x), count, -1).swapaxes(0, 1)

    q, k, v = project("q", heads), project("k", kv_heads), project("v", kv_heads)
    q, k = (rotated(a, theta, interleaved=file.arch == "llama") for a in (q, k))
    k, v = (np.repeat(a, heads // kv_heads, axis=0) for a in (k, v))
    scores = q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1])
    scores = np.where(np.tri(len(x), dtype=bool), scores, -np.inf)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    return (weights @ v).swapaxes(0, 1).reshape(len(x), -1) @ file[f"blk.{layer}.attn_output.weight"].T


def logits(path, ids, layers, *, head=None):
    """Logits (tokens, vocabulary) after the first ``layers`` layers; ``head`` names the matrix used at both ends."""
    file = Gguf(path)
    eps, theta = file.figure("attention.layer_norm_rms_epsilon"), file.figure("rope.freq_base")
    x = file[head or "token_embd.weight"][ids]
    for layer in range(layers):
        x = x + attention(file, layer, rms(x, file[f"blk.{layer}.attn_norm.weight"], eps), theta)
        y = rms(x, file[f"blk.{layer}.ffn_norm.weight"], eps)
        gate = y @ file[f"blk.{layer}.ffn_gate.weight"].T
        hidden = gate / (1 + np.exp(-gate)) * (y @ file[f"blk.{layer}.ffn_up.weight"].T)
        x = x + hidden @ file[f"blk.{layer}.ffn_down.weight"].T
    x = rms(x, file["output_norm.weight"], eps)
    output = head or ("output.weight" if file.has("output.weight") else "token_embd.weight")
    return x @ file[output].T


def byte_letters():
    """GPT-2's letters for the 256 bytes."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    moved = [b for b in range(256) if b not in kept]
    return {**{b: chr(b) for b in kept}, **{b: chr(256 + n) for n, b in enumerate(moved)}}


class SmolBpe:
    """SmolLM's tokenizer: single digits, GPT-2's words, then the lowest-ranked merges."""

    def __init__(self, path):
        meta = Gguf(path).meta
        tokens = meta["tokenizer.ggml.tokens"]
        self.ids = {token: index for index, token in enumerate(tokens)}
        self.ranks = {tuple(merge.split(" ")): rank for rank, merge in enumerate(meta["tokenizer.ggml.merges"])}
        special = [t for t, kind in zip(tokens, meta["tokenizer.ggml.token_type"], strict=True) if kind == 3]
        self.special = regex.compile("(" + "|".join(map(regex.escape, special)) + ")")
        self.letters = byte_letters()

    def encode(self, text):
        ids = []
        for part in self.special.split(text):
            if self.special.fullmatch(part):
                ids.append(self.ids[part])
                continue
            for piece in regex.split(r"(\p{N})", part):
                for word in regex.findall(WORDS, piece):
                    ids += [self.ids[token] for token in self._merged(word)]
        return ids

    def _merged(self, word):
        parts = [self.letters[b] for b in word.encode()]
        while len(parts) > 1:
            pairs = [self.ranks.get(pair, len(self.ranks)) for pair in itertools.pairwise(parts)]
            best = min(pairs)
            if best == len(self.ranks):
                break
            at = pairs.index(best)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        return parts
