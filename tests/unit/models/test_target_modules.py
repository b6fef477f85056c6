"""Target modules of a base: their kinds, shapes and blocks."""

import pytest
from architectures import build
from mlx import nn

from conch_dna.models.target_modules import TargetModule, full_weight, layers_of, target_modules
from conch_dna.runtime.neuron_layers import unwrap, wrap


def test_a_place_says_kind_shape_block_and_key():
    found = target_modules(build("mixtral"))
    key = "block_sparse_moe.switch_mlp.down_proj"
    assert found[f"model.layers.1.{key}"] == TargetModule("switch", (4, 32, 64), 1, key)
    assert found["model.layers.0.self_attn.k_proj"] == TargetModule("linear", (16, 32), 0, "self_attn.k_proj")
    assert found["model.embed_tokens"] == TargetModule("embedding", (32, 64), None, "model.embed_tokens")


def test_blocks_may_have_any_path():
    assert target_modules(build("gpt2"))["model.h.1.attn.c_attn"] == TargetModule("linear", (96, 32), 1, "attn.c_attn")
    assert target_modules(build("gemma3"))["language_model.model.layers.0.mlp.up_proj"].block == 0


def test_the_head_is_not_a_target_module():
    model = build("llama")
    assert isinstance(model.lm_head, nn.Linear)
    assert "lm_head" not in target_modules(model)


@pytest.mark.parametrize("bits", [3, 4, 6, 8])
@pytest.mark.parametrize("name", ["mixtral", "starcoder2"])
def test_a_quantised_base_has_the_places_of_its_full_matrices(name, bits):
    full, quantised = build(name), build(name, bits=bits)
    assert target_modules(quantised) == target_modules(full)
    for path, layer in layers_of(quantised).items():
        assert full_weight(layer).shape == full_weight(layers_of(full)[path]).shape


@pytest.mark.parametrize("name", ["mixtral", "gpt2"])
def test_a_wrapped_base_has_the_places_and_layers_of_the_bare_one(name):
    model = build(name)
    bare, own = target_modules(model), layers_of(model)
    wrap(model)
    assert target_modules(model) == bare
    assert all(layer is own[path] for path, layer in layers_of(model).items())
    unwrap(model)
    assert target_modules(model) == bare


def test_a_class_with_the_name_of_an_adapter_is_not_an_adapter():
    """RWKV-7 has small layers of its own that it calls LoRA."""
    sizes = dict.fromkeys(("a_low_rank_dim", "v_low_rank_dim", "gate_low_rank_dim", "decay_low_rank_dim"), 8)
    model = build("rwkv7", head_dim=16, norm_eps=1e-5, **sizes)
    wrap(model)
    unwrap(model)
    assert any("lora" in path for path in target_modules(model))
