"""Adapters exported to and imported from PEFT have the same logits in real peft, transformers and torch."""

import json
import os
import subprocess
import sys
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
from checkout import ROOT
from mlx.utils import tree_flatten
from random_adapters import IDS, error, export_neuron, import_neuron, logits

from conch_dna.exporters.hf_names import COMPARED
from conch_dna.registry.adapter import read_adapter

CLOSE = 1e-4
PYTHON = Path(os.environ.get("CONCH_PARITY_PYTHON", Path(sys.prefix, ".parity", "bin", "python")))
TINY = {
    "vocab_size": 64, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 256, "pad_token_id": 0, "eos_token_id": 1,
    "bos_token_id": 2,
}  # fmt: skip
ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
ADAPTERS = {
    "lora on all layers": {"r": 4, "lora_alpha": 8, "target_modules": "all-linear"},
    "rslora": {"r": 4, "lora_alpha": 3, "use_rslora": True, "target_modules": ["q_proj", "o_proj"]},
    "dora": {"r": 3, "lora_alpha": 6, "use_dora": True, "target_modules": ["q_proj", "k_proj", "down_proj"]},
    "rank and alpha patterns": {
        "r": 4, "lora_alpha": 8, "rank_pattern": {"q_proj": 6, r"layers\.1\.mlp\.up_proj": 2},
        "alpha_pattern": {"^model.layers.0.self_attn.q_proj": 3, "up_proj": 1},
        "target_modules": [*ATTENTION, "up_proj"],
    },
    "rslora with rank patterns": {
        "r": 4, "lora_alpha": 8, "use_rslora": True, "rank_pattern": {"o_proj": 9}, "target_modules": ATTENTION,
    },
    "dora with rank patterns, on one layer": {
        "r": 2, "lora_alpha": 8, "use_dora": True, "rank_pattern": {"gate_proj": 5},
        "target_modules": ["gate_proj", "q_proj"], "layers_to_transform": [0],
    },
    "a regular expression": {"r": 2, "lora_alpha": 2, "target_modules": r".*\.(0|2)\..*(q_proj|down_proj)"},
    "two layers of three": {
        "r": 2, "lora_alpha": 7, "target_modules": ["q_proj"], "layers_to_transform": [0, 2],
        "layers_pattern": "layers",
    },
    "with layers excluded": {
        "r": 2, "lora_alpha": 7, "target_modules": "all-linear", "exclude_modules": ["o_proj", "layers.1.mlp.up_proj"],
    },
}  # fmt: skip


class PeftSide:
    """A process with torch that answers lines of JSON."""

    def __init__(self):
        env = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error", "OMP_NUM_THREADS": "1"}
        script = ROOT / "tests/helpers/peft_side.py"
        self.process = subprocess.Popen(
            [PYTHON, script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=env,
        )

    def ask(self, do, **about):
        self.process.stdin.write(json.dumps({"do": do, **about}, default=str) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "fault" not in answer, answer
        return answer

    def logits(self, base, out, adapter=None):
        answer = self.ask("logits", base=base, out=out, adapter=adapter)
        assert answer["warnings"] == []  # no tensor was missing, and none was left over
        return np.asarray(mx.load(str(out))["logits"]), answer["modules"]


@pytest.fixture(scope="module")
def peft():
    if not PYTHON.is_file():
        pytest.skip("PEFT's environment is missing: make .venv/.parity/.installed")
    side = PeftSide()
    yield side
    side.process.stdin.close()
    side.process.wait(timeout=60)
    side.process.stdout.close()


@pytest.fixture(scope="module")
def base_of(peft, tmp_path_factory):
    """Return the folder of a tiny model of an architecture, made once per module."""
    made = {}

    def base(arch, **config):
        key = json.dumps([arch, config], sort_keys=True)
        if key not in made:
            made[key] = tmp_path_factory.mktemp("base") / arch
            peft.ask("write_base", folder=made[key], config={"model_type": arch, **TINY, **config})
            about = json.loads((made[key] / "config.json").read_text())
            # transformers 5 nests these keys, and mlx-lm finds them there for some architectures only.
            about |= {k: v for k, v in about["rope_parameters"].items() if k in ("rope_theta", "partial_rotary_factor")}
            (made[key] / "config.json").write_text(json.dumps(about))
            theirs, _ = peft.logits(made[key], made[key].with_suffix(".safetensors"))
            assert error(logits(made[key]), theirs) < CLOSE
        return made[key]

    return base


def both_ways(peft, base, registry, tmp_path, config):
    """Import an adapter of PEFT and export it again; compare the logits at each step."""
    source, back = tmp_path / "source", tmp_path / "back"
    modules = peft.ask("write_adapter", base=base, folder=source, config=config)["modules"]
    wanted, _ = peft.logits(base, tmp_path / "wanted.safetensors", source)
    bare = logits(base)
    entry = import_neuron(registry, source, "neuron", "peft", base=str(base))
    assert error(logits(base, entry.path), wanted) < CLOSE
    assert error(bare, wanted) > 100 * CLOSE, "the adapter must change the logits, or nothing is compared"
    export_neuron(registry, "neuron", back, "peft")
    returned, adapted = peft.logits(base, tmp_path / "returned.safetensors", back)
    assert error(returned, wanted) < CLOSE
    return entry, modules, adapted


@pytest.mark.parametrize("arch", COMPARED)
def test_an_adapter_on_every_layer_has_the_same_logits_in_each_architecture(arch, peft, base_of, registry, tmp_path):
    _, modules, adapted = both_ways(peft, base_of(arch), registry, tmp_path, ADAPTERS["lora on all layers"])
    assert adapted == modules
    assert len(adapted) >= 3 * 4


@pytest.mark.parametrize("config", ADAPTERS.values(), ids=ADAPTERS)
def test_each_kind_of_adapter_has_the_same_logits(config, peft, base_of, registry, tmp_path):
    _, modules, adapted = both_ways(peft, base_of("qwen2"), registry, tmp_path, config)
    assert set(modules) <= set(adapted)


def test_modules_that_mlx_lm_adapts_in_addition_have_no_effect(peft, base_of, registry, tmp_path):
    entry, modules, adapted = both_ways(peft, base_of("llama"), registry, tmp_path, ADAPTERS["two layers of three"])
    assert (len(modules), len(adapted)) == (2, 3)
    a, b = read_adapter(entry.path).weights["model.layers.1.self_attn.q_proj"]
    assert not mx.any(a).item()
    assert not mx.any(b).item()


@pytest.mark.parametrize("tied", [False, True], ids=["untied", "tied"])
def test_an_adapter_on_the_embedding_has_the_same_logits(tied, peft, base_of, registry, tmp_path):
    targets = ["q_proj", "embed_tokens", *(["lm_head"] if tied else [])]
    config = {"r": 3, "lora_alpha": 6, "target_modules": targets}
    base = base_of("llama", tie_word_embeddings=tied)
    entry, modules, adapted = both_ways(peft, base, registry, tmp_path, config)
    assert adapted == modules
    assert "model.embed_tokens" in read_adapter(entry.path).weights


def test_the_rows_of_an_interleaved_base_are_reordered(peft, base_of, registry, tmp_path):
    theirs, ours = base_of("llama"), tmp_path / "interleaved"
    write_interleaved(theirs, ours)
    assert error(logits(ours), logits(theirs)) < CLOSE
    source, back = tmp_path / "source", tmp_path / "back"
    peft.ask("write_adapter", base=theirs, folder=source, config=ADAPTERS["dora"])
    wanted, _ = peft.logits(theirs, tmp_path / "wanted.safetensors", source)
    entry = import_neuron(registry, source, "neuron", "peft", base=str(ours))
    assert error(logits(ours, entry.path), wanted) < CLOSE
    assert error(logits(theirs, entry.path), wanted) > 10 * CLOSE, "the row order must change the logits"
    export_neuron(registry, "neuron", back, "peft")
    returned, _ = peft.logits(theirs, tmp_path / "returned.safetensors", back)
    assert error(returned, wanted) < CLOSE


def write_interleaved(source, folder):
    """Write a model with interleaved rotary rows, as ``rope_traditional`` expects them."""
    from mlx_lm.utils import load_model

    model, config = load_model(source)
    for layer in model.layers:
        for part, heads in ((layer.self_attn.q_proj, 4), (layer.self_attn.k_proj, 2)):
            half = part.weight.reshape(heads, 2, 4, 32)
            part.weight = half.swapaxes(1, 2).reshape(part.weight.shape)
    folder.mkdir()
    mx.save_safetensors(str(folder / "model.safetensors"), dict(tree_flatten(model.parameters())), {"format": "mlx"})
    (folder / "config.json").write_text(json.dumps({**config, "rope_traditional": True}))


def test_a_matrix_that_is_not_transposed_changes_the_logits(peft, base_of, registry, tmp_path):
    base, source = base_of("llama"), tmp_path / "source"
    config = {"r": 32, "lora_alpha": 32, "target_modules": ["q_proj", "o_proj"]}  # all matrices are square
    peft.ask("write_adapter", base=base, folder=source, config=config)
    wanted, _ = peft.logits(base, tmp_path / "wanted.safetensors", source)
    entry = import_neuron(registry, source, "neuron", "peft", base=str(base))
    good = read_adapter(entry.path)
    for wrong in ("lora_a", "lora_b"):
        tensors = {f"{m}.lora_a": a for m, (a, _) in good.weights.items()}
        tensors |= {f"{m}.lora_b": b for m, (_, b) in good.weights.items()}
        tensors = {name: t.T if name.endswith(wrong) else t for name, t in tensors.items()}
        folder = tmp_path / wrong
        folder.mkdir()
        mx.save_safetensors(str(folder / "adapters.safetensors"), tensors)
        (folder / "adapter_config.json").write_text(json.dumps(good.config))
        assert error(logits(base, folder), wanted) > 100 * CLOSE
    assert error(logits(base, entry.path), wanted) < CLOSE


def test_invocation_tokens_are_converted_both_ways(peft, base_of, registry, tmp_path):
    base, source, back = base_of("llama"), tmp_path / "source", tmp_path / "back"
    config = {"r": 2, "lora_alpha": 4, "target_modules": ["q_proj"], "alora_invocation_tokens": [8, 33]}
    peft.ask("write_adapter", base=base, folder=source, config=config)
    wanted, _ = peft.logits(base, tmp_path / "wanted.safetensors", source)
    entry = import_neuron(registry, source, "neuron", "peft", base=str(base))
    assert read_adapter(entry.path).invocation_tokens == entry.card.invocation_tokens == (8, 33)
    export_neuron(registry, "neuron", back, "peft")
    returned, _ = peft.logits(base, tmp_path / "returned.safetensors", back)
    assert error(returned, wanted) < CLOSE
    start = IDS[0].index(8)
    ours = shared_context_logits(base, entry.path, start)
    assert error(ours[:, start:], wanted[:, start:]) < CLOSE
    assert error(logits(base)[:, :start], wanted[:, :start]) < CLOSE
    for other in (logits(base), logits(base, entry.path), shared_context_logits(base, entry.path, start + 1)):
        assert error(other[:, start:], wanted[:, start:]) > 100 * CLOSE


def shared_context_logits(base, adapter, start):
    """The logits of stock mlx-lm if the base alone reads the tokens before ``start``."""
    from mlx_lm.models.cache import make_prompt_cache
    from mlx_lm.tuner.utils import load_adapters
    from mlx_lm.utils import load_model

    model, _ = load_model(base)
    model.eval()
    cache = make_prompt_cache(model)
    before = model(mx.array(IDS)[:, :start], cache)
    load_adapters(model, str(adapter))
    model.eval()
    return np.concatenate([before, model(mx.array(IDS)[:, start:], cache)], axis=1)


@pytest.mark.real
def test_an_adapter_of_the_real_model_has_the_same_logits_in_peft(peft, registry, tmp_path):
    from conch_dna.config import DistillConfig
    from conch_dna.models.load import load
    from conch_dna.registry.card import CardFields
    from conch_dna.train.lora import attached, save_adapter

    base = load("embedded:smollm2-135m")
    with attached(base.model, config := DistillConfig(rank=4, layers=8)):
        for layer in base.model.layers[-8:]:
            for _, module in layer.named_modules():
                if "lora_b" in module:
                    module.lora_b = mx.random.normal(module.lora_b.shape) * 0.1
        save_adapter(base.model, config, tmp_path / "adapter")
    provenance = {"teacher": "t", "teacher_fingerprint": "t", "data_digest": "d"}
    fields = CardFields(base=base.ref, base_digest=base.digest, **provenance)
    entry = registry.publish("neuron", tmp_path / "adapter", fields)
    export_neuron(registry, "neuron", tmp_path / "out", "peft")
    theirs, adapted = peft.logits(base.folder, tmp_path / "logits.safetensors", tmp_path / "out")
    assert len(adapted) == 8 * 7
    assert error(logits(base.folder, entry.path), theirs) < CLOSE
    assert error(logits(base.folder), theirs) > 100 * CLOSE
    again = import_neuron(registry, tmp_path / "out", "again", "peft", base=base.ref)
    assert error(logits(base.folder, again.path), theirs) < CLOSE
