"""Adapters attach and detach without a trace on every architecture, and stock mlx-lm loads their files."""

import json
from contextlib import suppress

import architectures
import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
import pytest
from architectures import ADAPTERS, ARCHITECTURES, answers, build, move
from mlx import nn
from mlx.utils import tree_flatten, tree_map
from mlx_lm.models.cache import make_prompt_cache
from mlx_lm.tuner.utils import load_adapters
from mlx_lm.utils import load as stock_load
from structlog.testing import capture_logs
from tiers import thin
from tiny import write_tiny_model

from conch_dna.config import DistillConfig
from conch_dna.errors import ConfigError, ModelError, NeuronRefused
from conch_dna.models.head import split
from conch_dna.train import lora

KINDS = {
    "llama tied": {},
    "llama untied": {"tied": False},
    "qwen2": {"arch": "qwen2", "tied": False},
    "quantised": {"bits": 4},
}
IDS = mx.array([[1, 5, 9, 200, 7]])
FEW = mx.array(architectures.FEW)
PARTS = {"lora": {"lora_a", "lora_b"}, "dora": {"lora_a", "lora_b", "m"}}


@pytest.fixture(params=thin(KINDS.values(), KINDS["llama tied"], KINDS["quantised"]), ids=KINDS)
def folder(request, tmp_path):
    return write_tiny_model(tmp_path / "m", **request.param)


@pytest.fixture
def model(folder):
    found, _ = stock_load(str(folder))
    found.freeze()
    return found


def config_of(**settings):
    return DistillConfig(rank=4, **settings)


def logits(model):
    return np.array(model(IDS).astype(mx.float32))


@pytest.mark.parametrize("settings", [{}, {"layers": 1}, {"keys": ("self_attn.q_proj",)}], ids=["all", "one", "key"])
def test_the_base_is_bitwise_unchanged_after_detaching(model, settings):
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


def test_a_second_adapter_is_refused(model):
    with lora.attached(model, config_of()):
        names = set(lora.weights(model))
        with pytest.raises(ModelError, match="the base has an adapter already; got LoRALinear"):
            lora.attached(model, config_of()).__enter__()
        assert set(lora.weights(model)) == names, "a refusal must leave the adapter that is there"
    with lora.attached(model, config_of()):
        assert set(lora.weights(model)) == names


def test_a_base_that_is_not_frozen_is_refused(model):
    model.layers[0].mlp.up_proj.unfreeze()
    if lora.weights(model):  # a quantised layer stays frozen but for its scales
        with pytest.raises(ModelError, match="not frozen"):
            lora.attached(model, config_of()).__enter__()


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
def test_an_unknown_key_is_refused_with_the_known_keys(model, keys):
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


@pytest.mark.parametrize("adapter", ["lora", "dora"])
def test_training_starts_from_an_intact_saved_adapter(model, tmp_path, adapter):
    config = config_of(adapter=adapter, layers=1)
    with lora.attached(model, config):
        move(model)
        trained = logits(model)
        lora.save_adapter(model, config, tmp_path / "sound")
        model.update(tree_map(lambda w: w * mx.nan, model.trainable_parameters()))
        lora.save_adapter(model, config, tmp_path / "broken")
    with lora.attached(model, config):
        with pytest.raises(NeuronRefused, match="not finite"):
            lora.start_from(model, config, tmp_path / "broken")
        lora.start_from(model, config, tmp_path / "sound")
        assert np.array_equal(logits(model), trained)


@pytest.fixture(params=thin([None, 4, 8]), ids=["float", "4 bits", "8 bits"])
def bits(request):
    return request.param


@pytest.fixture(params=thin(ARCHITECTURES, "llama", "mixtral", "gpt2", "jamba"))
def base(request, bits):
    """A tiny base of an architecture, and a function that makes a copy of it."""
    return build(request.param, bits=bits), lambda: build(request.param, bits=bits)


def take_a_step(model):
    """Run one optimizer step on the adapter; return the parameters that changed."""
    before = {name: np.array(v) for name, v in lora.weights(model).items()}
    optimizer = optim.SGD(learning_rate=0.5)
    _, grads = nn.value_and_grad(model, lambda: nn.losses.cross_entropy(model(FEW[:, :-1]), FEW[:, 1:]).mean())()
    optimizer.update(model, grads)
    mx.eval(model.trainable_parameters())
    return {name for name, v in lora.weights(model).items() if not np.array_equal(before[name], v)}


@pytest.mark.parametrize("adapter", ["lora", "dora"])
def test_any_architecture_attaches_trains_saves_and_detaches(base, adapter, tmp_path):
    model, another = base
    before, modules = answers(model), dict(model.named_modules())
    config = config_of(adapter=adapter, dropout=0.1)
    with lora.attached(model, config):
        assert np.allclose(answers(model), before, atol=1e-5), "a fresh adapter must change nothing"
        moved = {name.rpartition(".")[0] for name in take_a_step(model)}
        move(model)
        with lora.switched_off(model):
            assert np.array_equal(answers(model), before)
        trained = answers(model)
        assert not np.allclose(trained, before, atol=1e-4)
        keys = set(lora.lora_parameters(model, config)["keys"])
        lora.save_adapter(model, config, tmp_path / "adapter")
        names = set(lora.weights(model))
    assert np.array_equal(answers(model), before)
    after = dict(model.named_modules())
    assert after.keys() == modules.keys()
    assert all(after[name] is modules[name] for name in modules)
    assert {name.rpartition(".")[2] for name in names} == (
        {"lora_a", "lora_b"} | ({"m"} if adapter == "dora" else set())
    )
    carriers = {name.rpartition(".")[0] for name in names}
    linear = {name for name, m in modules.items() if isinstance(m, nn.Linear | nn.QuantizedLinear)}
    assert {name for name in linear if "lm_head" not in name} <= carriers, "every linear layer of a block carries it"
    assert {key.rpartition(".")[2] for key in keys} == {name.rpartition(".")[2] for name in carriers}
    assert moved, "the step must have moved something"
    stock = another()
    load_adapters(stock, str(tmp_path / "adapter"))
    stock.eval()
    assert np.array_equal(answers(stock), trained)


def test_any_architecture_gets_its_embedding_back(base):
    model, _ = base
    before, modules = answers(model), dict(model.named_modules())
    with lora.attached(model, config_of(layers=1, embeddings=True)):
        move(model)
        assert not np.allclose(answers(model), before, atol=1e-4)
        with lora.switched_off(model):
            assert np.array_equal(answers(model), before)
    assert np.array_equal(answers(model), before)
    after = dict(model.named_modules())
    assert after.keys() == modules.keys()
    assert all(after[name] is modules[name] for name in modules)


def test_head_after_body_equals_the_model_on_any_architecture(base):
    model, _ = base
    body, head = split(model)
    hidden = body(FEW)
    assert hidden.shape == (2, 6, 32)
    cache = make_prompt_cache(model)
    pieces = [body(FEW[:, :4], cache=cache), body(FEW[:, 4:], cache=cache)]
    assert np.allclose(mx.concatenate(pieces, axis=1), hidden, rtol=1e-3, atol=1e-4)
    assert np.allclose(head(hidden.reshape(12, 32)).reshape(2, 6, 64), model(FEW), rtol=1e-5, atol=1e-6)
    with lora.attached(model, config_of()):
        body, head = split(model)
        move(model)
        assert np.allclose(head(body(FEW)[0]), model(FEW)[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["qwen3_moe", "mixtral", "jamba"])
def test_expert_layers_get_lora_but_not_dora(name):
    model = build(name)
    experts = {path for path, m in model.named_modules() if type(m).__name__ == "SwitchLinear"}
    carriers = {}
    with capture_logs() as logs:
        for adapter in ("lora", "dora"):
            with lora.attached(model, config_of(adapter=adapter)):
                carriers[adapter] = {key.rpartition(".")[0] for key in lora.weights(model)}
    assert experts
    assert [(entry["event"], entry["adapter"]) for entry in logs] == [("expert_layers_left_out", "dora")]
    assert carriers["lora"] - carriers["dora"] == experts
    key = next(iter(experts)).partition("layers.")[2].partition(".")[2]
    with pytest.raises(ConfigError, match="no DoRA for expert layers"):
        lora.attached(model, config_of(adapter="dora", keys=(key,))).__enter__()


@pytest.mark.parametrize("settings", [ADAPTERS["embeddings"], ADAPTERS["dora embeddings"]], ids=["lora", "dora"])
@pytest.mark.parametrize("name", ["llama", "qwen2", "gemma2", "gpt2"])
def test_the_token_embedding_can_get_an_adapter(name, settings, tmp_path):
    model = build(name)
    before = answers(model)
    config = config_of(layers=1, **settings)
    with lora.attached(model, config):
        outside = {key.rpartition(".")[0] for key in lora.weights(model)} - {
            p for p in lora.weights(model) if ".1." in p
        }
        assert {"model.embed_tokens", "model.wte"} & outside
        assert "model.wpe" not in outside, "positions are no tokens"
        move(model)
        trained = answers(model)
        lora.save_adapter(model, config, tmp_path / "adapter")
    assert np.array_equal(answers(model), before)
    stock = load_adapters(build(name), str(tmp_path / "adapter"))
    stock.eval()
    assert np.array_equal(answers(stock), trained)


def test_a_quantised_embedding_gets_lora_but_not_dora(tmp_path):
    model = build("llama", bits=4)
    with lora.attached(model, config_of(embeddings=True)):
        assert lora.weights(model)["model.embed_tokens.lora_a"].shape == (64, 4)
    with pytest.raises(ConfigError, match="no DoRA for a quantised embedding"):
        lora.attached(model, config_of(adapter="dora", embeddings=True)).__enter__()


def test_a_layer_with_a_misshapen_adapter_is_refused_and_the_base_is_unchanged():
    model = build("llama", bits=6)  # mlx-lm's DoRA takes the input's size times 32 // bits
    before = answers(model)
    with pytest.raises(ModelError, match=r"llama: .*does not support dora on these layers: .*shape"):
        lora.attached(model, config_of(adapter="dora")).__enter__()
    assert np.array_equal(answers(model), before)
    with lora.attached(model, config_of()):
        assert np.array_equal(answers(model), before)


def test_a_base_that_bypasses_its_embedding_layer_is_refused_and_unchanged():
    model = build("minicpm", tie_word_embeddings=True)
    before, modules = answers(model), dict(model.named_modules())
    with pytest.raises(ModelError, match=r"minicpm: .*does not support lora on these layers: .*weight"):
        lora.attached(model, config_of(embeddings=True)).__enter__()
    assert np.array_equal(answers(model), before)
    assert dict(model.named_modules()) == modules


def test_the_last_blocks_must_have_a_layer_of_the_keys():
    model = build("jamba")
    before = answers(model)
    with pytest.raises(ConfigError, match="none of the last blocks has a layer with these keys"):
        lora.attached(model, config_of(layers=1, keys=("mamba.in_proj",))).__enter__()
    assert np.array_equal(answers(model), before)


@pytest.mark.parametrize("settings", ADAPTERS.values(), ids=ADAPTERS)
def test_a_switched_off_adapter_gives_the_exact_logits_of_the_base(settings):
    model = build("mixtral")
    before = answers(model)
    with lora.attached(model, config_of(**settings)):
        move(model)
        trained, layers = answers(model), dict(model.named_modules())
        with suppress(RuntimeError), lora.switched_off(model):
            assert np.array_equal(answers(model), before)
            raise RuntimeError
        assert np.array_equal(answers(model), trained)
        after = dict(model.named_modules())
        assert all(after[name] is layers[name] for name in layers)
        assert after.keys() == layers.keys()
    with lora.switched_off(model):
        assert np.array_equal(answers(model), before), "without an adapter there is nothing to switch off"


def test_switching_off_copies_no_weights():
    model = build("llama", hidden_size=256, intermediate_size=1024)
    size = sum(v.nbytes for _, v in tree_flatten(model.parameters()))
    with lora.attached(model, config_of()):
        mx.eval(model(FEW))
        mx.clear_cache()
        mx.reset_peak_memory()
        active = mx.get_active_memory()
        with lora.switched_off(model):
            mx.eval(model(FEW))
            assert mx.get_peak_memory() - active < 0.1 * size
            assert mx.get_active_memory() - active < 0.01 * size


def test_a_model_with_logits_inside_its_body_is_refused_by_name():
    model = build("gpt_neox", layer_norm_eps=1e-5, rotary_emb_base=10_000, rotary_pct=0.5)
    with pytest.raises(ModelError, match=r"gpt_neox: .*does not compute its logits from its body's output alone"):
        split(model)


class Whole(nn.Module):
    """A model that changes the logits of another model."""

    def __init__(self, inner, of_logits):
        super().__init__()
        self.model, self.layers, self.of_logits = inner, inner.layers, of_logits

    def __call__(self, ids, cache=None):
        return self.of_logits(self.model(ids, cache=cache), ids)


@pytest.mark.parametrize(
    "of_logits",
    [lambda logits, _: logits - logits.mean(axis=1, keepdims=True), lambda logits, ids: logits * ids[..., None]],
    ids=["other positions", "the ids"],
)
def test_a_head_that_reads_more_than_the_hidden_state_is_refused(model, of_logits):
    with pytest.raises(ModelError, match="does not compute its logits from its body's output alone"):
        split(Whole(model, of_logits))


def test_a_wrapper_of_a_model_is_split_inside_that_model(model):
    body, _ = split(Whole(model, lambda logits, _: logits))
    assert body(IDS).shape == (1, 5, 32)
