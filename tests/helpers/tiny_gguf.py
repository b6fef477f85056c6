"""Tiny GGUF files with random weights, written by the package gguf."""

import gguf
import numpy as np
from gguf.quants import quantize
from numpy_llama import byte_letters

KINDS = gguf.GGMLQuantizationType
WIDTH, HEADS, KV_HEADS, FEED_FORWARD, LAYERS = 64, 4, 2, 96, 2
MERGES = ["t h", "th e", "Ġ the", "i n", "e r", "Ġ a"]


def vocabulary():
    """256 bytes, the merges' results, and three special tokens: 265 tokens."""
    tokens = [*byte_letters().values(), *(merge.replace(" ", "") for merge in MERGES)]
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    return [*tokens, *special], [1] * len(tokens) + [3] * len(special)


def write_tokenizer(writer, *, pre="qwen2", tokens=None, types=None):
    if tokens is None:
        tokens, types = vocabulary()
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(MERGES)
    writer.add_eos_token_id(tokens.index("<|im_end|>"))
    writer.add_bos_token_id(tokens.index("<|endoftext|>"))
    writer.add_add_bos_token(False)
    writer.add_chat_template("{% for m in messages %}<|im_start|>{{ m['content'] }}<|im_end|>{% endfor %}")


def write_figures(writer, *, layers=LAYERS):
    writer.add_block_count(layers)
    writer.add_context_length(256)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(10_000.0)


def write_weights(writer, kind, *, rows, biases=True, output=None, seed=0):
    """``output``: None for no tensor, "other" for a matrix of its own, "finer" for the embedding again in Q8_0."""
    rng = np.random.default_rng(seed)

    def add(name, array, kind):
        array = array.astype(np.float32)
        if kind in (KINDS.F32, KINDS.F16):
            writer.add_tensor(name, array.astype(np.float32 if kind == KINDS.F32 else np.float16))
        else:
            writer.add_tensor(name, quantize(array, kind), raw_dtype=kind)

    embedding = rng.normal(size=(rows, WIDTH))
    add("token_embd.weight", embedding, kind)
    if output == "other":
        add("output.weight", rng.normal(size=(rows, WIDTH)), kind)
    if output == "finer":
        add("output.weight", embedding, KINDS.Q8_0)
    add("output_norm.weight", rng.uniform(0.5, 1.5, WIDTH), KINDS.F32)
    size = WIDTH // HEADS
    shapes = {
        "attn_q": (WIDTH, WIDTH),
        "attn_k": (KV_HEADS * size, WIDTH),
        "attn_v": (KV_HEADS * size, WIDTH),
        "attn_output": (WIDTH, WIDTH),
        "ffn_gate": (FEED_FORWARD, WIDTH),
        "ffn_up": (FEED_FORWARD, WIDTH),
        "ffn_down": (WIDTH, FEED_FORWARD),
    }
    for layer in range(LAYERS):
        for part in ("attn_norm", "ffn_norm"):
            add(f"blk.{layer}.{part}.weight", rng.uniform(0.5, 1.5, WIDTH), KINDS.F32)
        for part, shape in shapes.items():
            add(f"blk.{layer}.{part}.weight", rng.normal(size=shape) * shape[1] ** -0.5, kind)
        for part in ("attn_q", "attn_k", "attn_v") if biases else ():
            add(f"blk.{layer}.{part}.bias", rng.normal(size=shapes[part][0]), KINDS.F32)


def write(
    path, *, arch="qwen2", kind=KINDS.F16, output=None, pre="qwen2", tokens=None, types=None, layers=LAYERS, extra=None
):
    """Write a complete model; ``layers`` may claim more layers than exist; ``extra(writer)`` adds to it."""
    writer = gguf.GGUFWriter(path, arch)
    write_figures(writer, layers=layers)
    write_tokenizer(writer, pre=pre, tokens=tokens, types=types)
    write_weights(writer, kind, rows=len(tokens or vocabulary()[0]), biases=arch == "qwen2", output=output)
    if extra:
        extra(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
