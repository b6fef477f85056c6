"""Adapters with random weights as mlx-lm and PEFT write them, their logits by stock mlx-lm, and the two conversions."""

import functools
import json

import mlx.core as mx
import numpy as np

from conch_dna.exporters import transfer
from conch_dna.exporters.peft import PEFT_WEIGHTS
from conch_dna.plugin.manager import load_plugins
from conch_dna.registry.adapter import read_adapter
from conch_dna.registry.card import CardFields

HOST = load_plugins()
export_neuron = functools.partial(transfer.export_neuron, HOST)
import_neuron = functools.partial(transfer.import_neuron, HOST)
KEYS = ["mlp.down_proj", "self_attn.q_proj"]
IDS = [[5, 17, 3, 60, 2, 41, 8, 33, 7, 9, 1, 50]]  # as in peft_side.py


def write_mlx(folder, base, *, keys=KEYS, layers=2, rank=3, kind="lora", seed=0, **config):
    """Write an adapter with random weights as mlx-lm does."""
    mx.random.seed(seed)
    tensors = {}
    for path, target in base.target_modules.items():
        if target.key in keys and (target.block is None or target.block >= base.blocks - layers):
            *experts, out, into = target.shape
            a, b = ((*experts, rank, into), (*experts, out, rank)) if experts else ((into, rank), (rank, out))
            tensors[f"{path}.lora_a"] = mx.random.normal(a) * 0.2
            tensors[f"{path}.lora_b"] = mx.random.normal(b) * 0.2
            if kind == "dora":
                tensors[f"{path}.m"] = mx.random.uniform(0.5, 1.5, (into if target.block is None else out,))
    lora = {"rank": rank, "scale": 1.5, "dropout": 0.0, "keys": list(keys)}
    about = {"fine_tune_type": kind, "num_layers": layers, "lora_parameters": lora, **config}
    folder.mkdir(parents=True)
    mx.save_safetensors(str(folder / "adapters.safetensors"), tensors)
    (folder / "adapter_config.json").write_text(json.dumps(about))
    return folder


def publish(registry, base, folder):
    provenance = {"teacher": "t", "teacher_fingerprint": "t", "data_digest": "d"}
    provenance["invocation_tokens"] = read_adapter(folder).invocation_tokens
    return registry.publish("neuron", folder, CardFields(base=base.ref, base_digest=base.digest, **provenance))


def write_peft(folder, base, config=None, change=None):
    """Write a PEFT adapter on two layers with random weights; ``change`` edits its tensors."""
    mx.random.seed(3)
    about = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj"], "layers_to_transform": [2, 3]}
    about |= {"base_model_name_or_path": base.ref, **(config or {})}
    tensors = {}
    for layer in (2, 3):
        out, into = base.target_modules[f"model.layers.{layer}.self_attn.q_proj"].shape
        name = f"base_model.model.model.layers.{layer}.self_attn.q_proj"
        tensors[f"{name}.lora_A.weight"] = mx.random.normal((2, into))
        tensors[f"{name}.lora_B.weight"] = mx.random.normal((out, 2))
    if change:
        change(tensors)
    folder.mkdir(parents=True, exist_ok=True)
    mx.save_safetensors(str(folder / PEFT_WEIGHTS), tensors)
    (folder / "adapter_config.json").write_text(json.dumps(about))
    return folder


def logits(folder, adapter=None):
    """The logits of stock mlx-lm in float32."""
    from mlx_lm.tuner.utils import load_adapters
    from mlx_lm.utils import load_model

    model, _ = load_model(folder)
    model.set_dtype(mx.float32)
    if adapter:
        load_adapters(model, str(adapter))
    model.eval()
    return np.asarray(model(mx.array(IDS)).astype(mx.float32))


def error(ours, theirs):
    return np.linalg.norm(ours - theirs) / np.linalg.norm(theirs)
