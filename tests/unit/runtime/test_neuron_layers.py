"""Wrapped layers add the delta of the active neuron, and nothing without one."""

import mlx.core as mx
import numpy as np
import pytest
from architectures import ADAPTERS, ARCHITECTURES, FEW, answers, build, write_trained
from mlx import nn
from mlx_lm.generate import generate_step
from mlx_lm.tuner.utils import load_adapters
from projects import write_neuron
from tiers import thin
from tiny import write_tiny_model

from conch_dna.errors import NeuronRefused
from conch_dna.models.load import load
from conch_dna.models.target_modules import target_modules
from conch_dna.registry.adapter import check_fits, read_adapter
from conch_dna.runtime.neuron_layers import NeuronLinear, fitted, unwrap, wrap

IDS = mx.array([[5, 9, 2, 77, 31], [8, 8, 1, 0, 200]])


def logits(model):
    found = model(IDS)
    mx.eval(found)
    return found


@pytest.fixture
def switch(base):
    yield wrap(base.model)
    unwrap(base.model)


def test_without_a_neuron_the_logits_are_the_bases_bit_for_bit(base, tmp_path):
    before = logits(base.model)
    switch = wrap(base.model)
    try:
        assert mx.array_equal(logits(base.model), before)
        switch.active = read_adapter(write_neuron(tmp_path, base.model))
        assert not mx.allclose(logits(base.model), before, atol=0.1)
        switch.active = None
        assert mx.array_equal(logits(base.model), before)
    finally:
        unwrap(base.model)


def test_unwrapping_restores_the_same_layer_objects(base):
    before = dict(base.model.named_modules())
    wrap(base.model)
    assert isinstance(base.model.layers[0].mlp.up_proj, NeuronLinear)
    unwrap(base.model)
    after = dict(base.model.named_modules())
    assert after.keys() == before.keys()
    assert all(after[name] is module for name, module in before.items())


def test_a_neuron_is_its_scaled_product(base, switch, tmp_path):
    layer = base.model.layers[1].mlp.down_proj
    adapter = read_adapter(write_neuron(tmp_path, base.model, scale=3.0))
    a, b = adapter.weights["model.layers.1.mlp.down_proj"]
    x = mx.random.normal((2, 3, 64), key=mx.random.key(1))
    switch.active = adapter
    assert mx.allclose(layer(x), layer.linear(x) + 3.0 * (x @ a @ b), atol=1e-5)


def test_layers_that_a_neuron_leaves_out_answer_as_the_base(base, switch, tmp_path):
    adapter = read_adapter(write_neuron(tmp_path, base.model))
    del adapter.weights["model.layers.0.mlp.up_proj"]
    layer, x = base.model.layers[0].mlp.up_proj, mx.ones((1, 32))
    switch.active = adapter
    assert mx.array_equal(layer(x), layer.linear(x))


def test_the_head_is_left_alone(base, switch):
    assert isinstance(base.model.lm_head, nn.Linear)


CASES = [  # mlx-lm has no DoRA for a quantised embedding
    pytest.param(kind, bits, id=f"{kind} on {bits or 'no'} bits")
    for kind in ADAPTERS
    for bits in (None, 4, 8)
    if bits is None or kind != "dora embeddings"
]


@pytest.mark.parametrize(("kind", "bits"), CASES)
@pytest.mark.parametrize("name", thin(ARCHITECTURES, "llama", "mixtral", "gpt2", "jamba"))
def test_any_adapter_on_any_base_answers_as_stock_mlx_lm_does(name, kind, bits, tmp_path):
    model = build(name, bits=bits)
    before = answers(model)
    folder = write_trained(tmp_path / "adapter", model, **ADAPTERS[kind])
    stock = load_adapters(build(name, bits=bits), str(folder))
    stock.eval()
    found = target_modules(model)
    switch = wrap(model)
    assert np.array_equal(answers(model), before)
    assert target_modules(model) == found
    adapter = read_adapter(folder)
    check_fits(adapter, found)
    switch.active = fitted(adapter, model)
    assert not np.allclose(answers(model), before, atol=1e-3)
    # DoRA's product of a quantised base is one kernel here, and dequantised first in mlx-lm.
    assert np.allclose(answers(model), answers(stock), rtol=1e-4, atol=2e-4 * np.abs(before).max())
    switch.active = None
    unwrap(model)
    assert np.array_equal(answers(model), before)


@pytest.mark.parametrize("kind", ADAPTERS)
@pytest.mark.parametrize("name", thin(["llama", "qwen2", "gemma2"]))
def test_an_adapter_on_a_half_precision_base_answers_as_stock_mlx_lm_does(name, kind, tmp_path):
    def halved():
        model = build(name)
        model.set_dtype(mx.bfloat16)
        return model

    model = halved()
    folder = write_trained(tmp_path / "adapter", model, **ADAPTERS[kind])
    stock = load_adapters(halved(), str(folder))
    stock.eval()
    switch = wrap(model)
    switch.active = fitted(read_adapter(folder), model)
    assert model(mx.array(FEW)).dtype == stock(mx.array(FEW)).dtype
    assert np.allclose(answers(model), answers(stock), rtol=0, atol=0.01 * np.abs(answers(stock)).max())


@pytest.mark.parametrize("kind", ADAPTERS)
@pytest.mark.parametrize("name", thin(["mixtral", "gemma2", "jamba"]))
def test_the_tokens_are_those_of_stock_mlx_lm(name, kind, tmp_path):
    model = build(name)
    folder = write_trained(tmp_path / "adapter", model, **ADAPTERS[kind])
    stock = load_adapters(build(name), str(folder))
    stock.eval()
    switch = wrap(model)
    switch.active = fitted(read_adapter(folder), model)

    def tokens(model):
        return [int(token) for token, _ in generate_step(mx.array(FEW[0]), model, max_tokens=24)]

    assert tokens(model) == tokens(stock)


def test_a_neuron_of_the_embedding_is_refused_if_the_base_reads_its_weight_directly(tmp_path):
    model = build("minicpm", tie_word_embeddings=True)
    before = answers(model)
    other = build("minicpm")
    folder = write_trained(tmp_path / "adapter", other, embeddings=True)
    switch = wrap(model)
    assert np.array_equal(answers(model), before), "without a neuron the weight may be read"
    switch.active = fitted(read_adapter(folder), model)
    with pytest.raises(NeuronRefused, match="without calling the layer; got model"):
        answers(model)


def test_fitting_leaves_an_adapter_without_magnitudes_as_it_is(base, switch, tmp_path):
    adapter = read_adapter(write_neuron(tmp_path, base.model))
    assert fitted(adapter, base.model) is adapter


def test_an_adapter_with_magnitudes_is_not_served_before_it_is_fitted(tmp_path):
    model = build("llama")
    switch = wrap(model)
    switch.active = read_adapter(write_trained(tmp_path / "adapter", build("llama"), adapter="dora"))
    with pytest.raises(KeyError):
        answers(model)


def test_a_base_cannot_be_wrapped_twice(base, switch):
    with pytest.raises(NeuronRefused, match="carries an adapter already; got NeuronEmbedding, NeuronLinear"):
        wrap(base.model)


def test_a_base_with_lora_layers_is_refused(tmp_path, monkeypatch):
    from mlx_lm.tuner.utils import linear_to_lora_layers

    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
    model = load(str(write_tiny_model(tmp_path / "model"))).model
    linear_to_lora_layers(model, 1, {"rank": 2, "scale": 1.0, "dropout": 0.0})
    with pytest.raises(NeuronRefused, match="carries an adapter already; got LoRALinear"):
        wrap(model)
