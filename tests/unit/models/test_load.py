"""A loaded base is frozen, float32 on the CPU, and knows its content."""

import json

import mlx.core as mx
import pytest
import tiny_gguf
from mlx.utils import tree_flatten

from conch_dna.errors import ModelError
from conch_dna.models import refs
from conch_dna.models.gguf import convert
from conch_dna.models.load import load

on_cpu = pytest.mark.skipif(mx.metal.is_available() or mx.cuda.is_available(), reason="the CPU's way")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
    convert(tiny_gguf.write(tmp_path / "tiny.gguf"), tmp_path / "model")
    return tmp_path / "model"


def kinds(model):
    return {value.dtype for _, value in tree_flatten(model.parameters())}


def test_a_loaded_base_is_frozen_and_knows_where_it_came_from(folder):
    base = load(str(folder))
    assert (base.folder, base.ref, base.digest) == (folder, str(folder), refs.digest(folder))
    assert not tree_flatten(base.model.trainable_parameters())
    assert not base.model.training
    assert base.tokenizer.decode(base.tokenizer.encode("the inner")) == "the inner"


@on_cpu
@pytest.mark.parametrize(("config", "width"), [({"vocab_size": 280}, 280), ({"text_config": {"vocab_size": 300}}, 300),
                                             ({"text_config": {}}, 265), ({}, 265)], ids=str)  # fmt: skip
def test_the_head_is_as_wide_as_the_configuration_or_else_the_tokenizer(folder, config, width):
    """The configuration of some Gemma 3 leaves it to the architecture's default."""
    base = load(str(folder))
    base.config.clear()
    base.config.update(config)
    assert base.width == width


def test_weights_are_float32_on_the_cpu(folder):
    assert kinds(load(str(folder)).model) == {mx.float32}


@on_cpu
def test_a_quantised_base_is_dequantised_on_the_cpu(folder, tmp_path):
    from mlx_lm.utils import load as load_folder
    from mlx_lm.utils import quantize_model, save_model

    model, _, config = load_folder(str(folder), return_config=True)
    model, config = quantize_model(model, config, group_size=32, bits=4)
    ids = mx.array([[1, 2, 3]])
    save_model(tmp_path / "quantised", model)
    for file in folder.glob("*.json"):
        if "safetensors" not in file.name:
            (tmp_path / "quantised" / file.name).write_bytes(file.read_bytes())
    (tmp_path / "quantised/config.json").write_text(json.dumps(config))
    base = load(str(tmp_path / "quantised"))
    assert kinds(base.model) == {mx.float32}
    model.set_dtype(mx.float32)
    assert mx.allclose(base.model(ids), model(ids), rtol=1e-3, atol=1e-3)


def test_weights_that_do_not_fit_the_config_are_a_model_error(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}))
    with pytest.raises(ModelError, match="mlx-lm could not load the model"):
        load(str(folder))
