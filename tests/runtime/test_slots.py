"""A slot's layers add the active neuron, and nothing at all without one."""

import mlx.core as mx
import pytest
from mlx import nn
from projects import write_neuron
from tiny import write_tiny_model

from conch_dna.errors import NeuronRefused
from conch_dna.models.load import load
from conch_dna.registry.adapter import read_adapter
from conch_dna.runtime.slots import NeuronLinear, linear_shapes, unwrap, wrap

IDS = mx.array([[5, 9, 2, 77, 31], [8, 8, 1, 0, 200]])


def logits(model):
    found = model(IDS)
    mx.eval(found)
    return found


@pytest.fixture
def slot(base):
    yield wrap(base.model)
    unwrap(base.model)


def test_without_a_neuron_the_logits_are_the_bases_bit_for_bit(base, tmp_path):
    before = logits(base.model)
    slot = wrap(base.model)
    try:
        assert mx.array_equal(logits(base.model), before)
        slot.active = read_adapter(write_neuron(tmp_path, base.model))
        assert not mx.allclose(logits(base.model), before, atol=0.1)
        slot.active = None
        assert mx.array_equal(logits(base.model), before)
    finally:
        unwrap(base.model)


def test_unwrapping_puts_the_very_same_layers_back(base):
    before = dict(base.model.named_modules())
    wrap(base.model)
    assert isinstance(base.model.layers[0].mlp.up_proj, NeuronLinear)
    unwrap(base.model)
    after = dict(base.model.named_modules())
    assert after.keys() == before.keys()
    assert all(after[name] is module for name, module in before.items())


def test_a_neuron_is_its_scaled_product(base, slot, tmp_path):
    layer = base.model.layers[1].mlp.down_proj
    adapter = read_adapter(write_neuron(tmp_path, base.model, scale=3.0))
    a, b = adapter.weights["model.layers.1.mlp.down_proj"]
    x = mx.random.normal((2, 3, 64), key=mx.random.key(1))
    slot.active = adapter
    assert mx.allclose(layer(x), layer.linear(x) + 3.0 * (x @ a @ b), atol=1e-5)


def test_layers_that_a_neuron_leaves_out_answer_as_the_base(base, slot, tmp_path):
    adapter = read_adapter(write_neuron(tmp_path, base.model))
    del adapter.weights["model.layers.0.mlp.up_proj"]
    layer, x = base.model.layers[0].mlp.up_proj, mx.ones((1, 32))
    slot.active = adapter
    assert mx.array_equal(layer(x), layer.linear(x))


def test_the_head_is_left_alone(base, slot):
    assert isinstance(base.model.lm_head, nn.Linear)


def test_shapes_are_those_of_the_base_wrapped_or_not(base):
    before = linear_shapes(base.model)
    assert before["model.layers.3.self_attn.k_proj"] == (16, 32)
    assert "lm_head" not in before
    wrap(base.model)
    try:
        assert linear_shapes(base.model) == before
    finally:
        unwrap(base.model)


@pytest.mark.parametrize("bits", [4, 8])
def test_shapes_of_a_quantised_base_are_those_of_its_full_matrices(tmp_path, base, bits):
    from mlx_lm.utils import load_model

    folder = write_tiny_model(tmp_path / "quantised", tied=False, bits=bits)
    model, _ = load_model(folder)
    assert linear_shapes(model) == linear_shapes(base.model)


def test_a_base_cannot_be_wrapped_twice(base, slot):
    with pytest.raises(NeuronRefused, match="carries an adapter already; got NeuronLinear"):
        wrap(base.model)


def test_a_base_with_lora_layers_is_refused(tmp_path, monkeypatch):
    from mlx_lm.tuner.utils import linear_to_lora_layers

    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
    model = load(str(write_tiny_model(tmp_path / "model"))).model
    linear_to_lora_layers(model, 1, {"rank": 2, "scale": 1.0, "dropout": 0.0})
    with pytest.raises(NeuronRefused, match="carries an adapter already; got LoRALinear"):
        wrap(model)
