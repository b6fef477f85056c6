"""LoRA comes on and goes off without a trace, and its files are stock mlx-lm's."""

import json
from contextlib import suppress

import mlx.core as mx
import numpy as np
import pytest
from mlx import nn
from mlx.utils import tree_flatten
from mlx_lm.utils import load as stock_load
from tiny import write_tiny_model

from conch_dna.config import DistillConfig
from conch_dna.errors import ConfigError, ModelError
from conch_dna.train import lora

KINDS = {
    "llama tied": {},
    "llama untied": {"tied": False},
    "qwen2": {"arch": "qwen2", "tied": False},
    "quantised": {"bits": 4},
}
IDS = mx.array([[1, 5, 9, 200, 7]])


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def folder(request, tmp_path):
    return write_tiny_model(tmp_path / "m", **request.param)


@pytest.fixture
def model(folder):
    found, _ = stock_load(str(folder))
    found.freeze()
    return found


def config_of(**settings):
    return DistillConfig(rank=4, **settings)


def move(model):
    """Give every LoRA factor a value that shows."""
    mx.random.seed(3)
    some = [(name, mx.random.normal(v.shape)) for name, v in tree_flatten(model.trainable_parameters())]
    model.load_weights(some, strict=False)


def logits(model):
    return np.array(model(IDS).astype(mx.float32))


@pytest.mark.parametrize("settings", [{}, {"layers": 1}, {"keys": ("self_attn.q_proj",)}], ids=["all", "one", "key"])
def test_the_base_is_bitwise_what_it_was_after_detaching(model, settings):
    before, modules, tree = logits(model), dict(model.named_modules()), tree_flatten(model.parameters())
    with lora.attached(model, config_of(dropout=0.1, **settings)):
        assert np.array_equal(logits(model), before), "fresh LoRA must change nothing"
        move(model)
        assert not np.array_equal(logits(model), before)
    assert np.array_equal(logits(model), before)
    after = dict(model.named_modules())
    assert after.keys() == modules.keys()
    assert all(after[name] is modules[name] for name in modules)
    assert [name for name, _ in tree_flatten(model.parameters())] == [name for name, _ in tree]
    assert not tree_flatten(model.trainable_parameters())


@pytest.mark.parametrize("fault", [RuntimeError, KeyboardInterrupt])
def test_an_exception_inside_detaches_too(model, fault):
    before = logits(model)
    with suppress(fault), lora.attached(model, config_of()):
        move(model)
        raise fault
    assert np.array_equal(logits(model), before)


def test_adapters_do_not_nest(model):
    for _ in range(2):
        with lora.attached(model, config_of()):
            names = set(lora.weights(model))
    assert not any("linear.l" in name for name in names)


def test_only_lora_factors_are_trainable(model):
    with lora.attached(model, config_of(layers=2)):
        names = set(lora.weights(model))
    assert names
    assert all(name.endswith((".lora_a", ".lora_b")) for name in names)
    assert {name.split(".")[2] for name in names} == {"2", "3"}


def test_the_same_seed_gives_the_same_start(model):
    def start(seed):
        with lora.attached(model, config_of(seed=seed)):
            return {k: np.array(v) for k, v in lora.weights(model).items()}

    one, again, other = start(1), start(1), start(2)
    assert all(np.array_equal(one[k], again[k]) for k in one)
    assert any(not np.array_equal(one[k], other[k]) for k in one)


@pytest.mark.parametrize(
    "keys", [("q_proj",), ("self_attn.q_proj", "mlp.dwon_proj"), ("lm_head",), ("embed_tokens",)], ids=str
)
def test_a_key_that_names_no_layer_is_refused_with_those_there_are(model, keys):
    before = logits(model)
    with pytest.raises(ConfigError) as caught, lora.attached(model, config_of(keys=keys)):
        pytest.fail("must not get here")
    assert keys[-1] in str(caught.value)
    assert "mlp.down_proj" in str(caught.value)
    assert np.array_equal(logits(model), before)


@pytest.mark.parametrize("settings", [{}, {"layers": 1}, {"keys": ("self_attn.v_proj",)}], ids=["all", "one", "key"])
def test_stock_mlx_lm_loads_the_saved_adapter_to_the_same_logits(folder, model, settings, tmp_path):
    config = config_of(scale=3.0, **settings)
    with lora.attached(model, config):
        move(model)
        trained = logits(model)
        lora.save_adapter(model, config, tmp_path / "adapter")
    stock, _ = stock_load(str(folder), adapter_path=str(tmp_path / "adapter"))
    assert np.array_equal(logits(stock), trained)
    about = json.loads((tmp_path / "adapter/adapter_config.json").read_text())
    assert about["num_layers"] == settings.get("layers", 4)


def test_the_head_over_the_body_is_the_model(model):
    body, head = lora.split(model)
    hidden = body(IDS)[0]
    assert hidden.shape == (5, 32)
    assert mx.allclose(head(hidden), model(IDS)[0], rtol=1e-4, atol=1e-4)


def test_a_model_whose_head_is_more_than_a_product_is_refused(model):
    body, head = lora.split(model)

    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.model, self.lm_head = body, head

        def __call__(self, ids):
            return 2 * model(ids)

    with pytest.raises(ModelError, match="not its head over its body"):
        lora.split(Scaled())
