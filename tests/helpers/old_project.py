"""The project that version 0.1 wrote (tests/fixtures/v0_1) and the toy models that it was made with."""

import hashlib
import json
import math
import shutil
import struct
from pathlib import Path

import numpy as np
from tiny import write_tokenizer

FIXTURE = Path(__file__).parents[1] / "fixtures/v0_1"
WIDTH, LAYERS, KV_WIDTH, INNER, PADDING = 32, 4, 16, 64, 3
FOLDER = "@FOLDER@"  # stands in the fixture for the folder that it is copied to
SEEDS = {"student": 1, "teacher": 2}


def copy_old_project(folder, fixture=FIXTURE):
    """Copy project and cache of the fixture to ``folder`` and write the toy models beside them.

    Version 0.1 ran in the folder that holds all of them, so paths in its settings are relative to that folder.
    """
    for part in ("project", "cache"):
        shutil.copytree(fixture / part, folder / part)
    for file in (folder / "project/runs").rglob("*.json"):
        text = file.read_text()
        if FOLDER in text:
            file.write_text(text.replace(FOLDER, str(folder)))
    write_models(folder)
    return folder


def arithmetic():
    """Return a digest of results that mlx computes on this machine.

    If it equals that of the fixture, training gives the same bits as on the machine that made the fixture; another CPU,
    BLAS or mlx rounds differently.
    """
    from conch_dna.models import accel

    accel.switch_on()  # before the first import of mlx
    import mlx.core as mx

    a_MK, b_KN = (mx.array(_weight(0, name, (256, 256))) for name in "ab")
    product_MN = a_MK @ b_KN
    results = [product_MN, mx.softmax(product_MN, axis=-1), mx.exp(b_KN), mx.rsqrt(mx.square(a_MK).sum(axis=-1) + 1)]
    return hashlib.sha256(b"".join(np.array(result).tobytes() for result in results)).hexdigest()


def write_models(folder):
    """Write the folders ``student`` and ``teacher``; their bytes are the same on every machine."""
    for name, seed in SEEDS.items():
        write_model(folder / name, seed)


def write_model(folder, seed):
    """Write a four-layer llama with a byte-level tokenizer.

    The weights are bits of SHAKE-256 over seed and name, and the file is written by hand, so that no change of a random
    generator or a library's file writer can change the digest that version 0.1 recorded.
    """
    folder.mkdir(parents=True)
    vocabulary = write_tokenizer(folder)
    width = vocabulary + PADDING
    config = {
        "model_type": "llama", "hidden_size": WIDTH, "num_hidden_layers": LAYERS, "intermediate_size": INNER,
        "num_attention_heads": 4, "num_key_value_heads": 2, "rms_norm_eps": 1e-5, "vocab_size": width,
        "max_position_embeddings": 4096, "tie_word_embeddings": False, "bos_token_id": vocabulary - 3,
        "eos_token_id": vocabulary - 1, "rope_theta": 10_000.0,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    weights = {name: _weight(seed, name, shape) for name, shape in _shapes(width).items()}
    weights["lm_head.weight"][vocabulary - 1] *= 4  # answers come to an end
    _write_safetensors(folder / "model.safetensors", weights)
    return folder


def _shapes(vocabulary):
    shapes = {"model.embed_tokens.weight": (vocabulary, WIDTH), "lm_head.weight": (vocabulary, WIDTH),
              "model.norm.weight": (WIDTH,)}  # fmt: skip
    for number in range(LAYERS):
        layer = f"model.layers.{number}"
        shapes |= {
            f"{layer}.self_attn.q_proj.weight": (WIDTH, WIDTH), f"{layer}.self_attn.k_proj.weight": (KV_WIDTH, WIDTH),
            f"{layer}.self_attn.v_proj.weight": (KV_WIDTH, WIDTH), f"{layer}.self_attn.o_proj.weight": (WIDTH, WIDTH),
            f"{layer}.mlp.gate_proj.weight": (INNER, WIDTH), f"{layer}.mlp.up_proj.weight": (INNER, WIDTH),
            f"{layer}.mlp.down_proj.weight": (WIDTH, INNER), f"{layer}.input_layernorm.weight": (WIDTH,),
            f"{layer}.post_attention_layernorm.weight": (WIDTH,),
        }  # fmt: skip
    return shapes


def _weight(seed, name, shape):
    """Return float32 weights: ones of a norm, else multiples of 2**-16 between -0.5 and 0.5."""
    if len(shape) == 1:
        return np.ones(shape, "<f4")
    bits = hashlib.shake_256(f"{seed} {name}".encode()).digest(2 * math.prod(shape))
    return (np.frombuffer(bits, "<i2").astype("<f4") / 2**16).reshape(shape)


def _write_safetensors(path, arrays):
    about, offset = {"__metadata__": {"format": "mlx"}}, 0
    for name, array in sorted(arrays.items()):
        about[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": (offset, offset + array.nbytes)}
        offset += array.nbytes
    header = json.dumps(about).encode()
    header += b" " * (-len(header) % 8)
    data = b"".join(array.tobytes() for _, array in sorted(arrays.items()))
    path.write_bytes(struct.pack("<Q", len(header)) + header + data)
