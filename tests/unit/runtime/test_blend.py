"""A blend adds the weighted sum of its neurons' deltas."""

from dataclasses import replace

import mlx.core as mx
import pytest
from architectures import build, write_trained
from projects import write_neuron

from conch_dna.errors import NeuronRefused
from conch_dna.registry.adapter import read_adapter
from conch_dna.runtime.blend import blended
from conch_dna.runtime.neuron_layers import Alone, fitted

PATH = "model.layers.1.mlp.down_proj"


def test_the_delta_is_the_weighted_sum_whatever_ranks_and_scales(tmp_path):
    model = build("llama")
    a = read_adapter(write_neuron(tmp_path / "a", model, 1, rank=2, scale=3.0))
    b = read_adapter(write_neuron(tmp_path / "b", model, 2, rank=5, scale=0.5))
    mix = blended([(a, 0.7), (b, -0.3)], "blend:x")
    x = mx.random.normal((2, 64), key=mx.random.key(0))
    wanted = 0.7 * Alone(a).product(PATH, x) - 0.3 * Alone(b).product(PATH, x)
    assert mx.allclose(Alone(mix).product(PATH, x), wanted, atol=1e-5)
    assert (mix.rank, mix.digest, mix.invocation_tokens) == (7, "blend:x", ())
    assert mix.nbytes == sum(t.nbytes for pair in mix.weights.values() for t in pair)


def test_a_blend_has_the_invocation_tokens_of_its_neurons(tmp_path):
    model = build("llama")
    plain = (read_adapter(write_neuron(tmp_path / str(n), model, n)) for n in (1, 2))
    a, b = (replace(adapter, invocation_tokens=(5, 6)) for adapter in plain)
    assert blended([(a, 0.7), (b, -0.3)], "blend:x").invocation_tokens == (5, 6)


def test_embeddings_are_blended_and_a_layer_of_one_neuron_has_its_share(tmp_path):
    model = build("llama")
    a = read_adapter(write_trained(tmp_path / "a", model, embeddings=True))
    b = read_adapter(write_neuron(tmp_path / "b", model, 2))
    mix = Alone(blended([(a, 0.25), (b, 1.0)], "blend:x"))
    ids = mx.array([[1, 2, 63]])
    assert mx.allclose(mix.rows("model.embed_tokens", ids), 0.25 * Alone(a).rows("model.embed_tokens", ids), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "settings", "match"),
    [("llama", {"adapter": "dora"}, "DoRA neurons cannot"), ("mixtral", {}, "expert layers cannot")],
    ids=["DoRA", "experts"],
)
def test_a_blend_of_dora_or_experts_is_refused(tmp_path, name, settings, match):
    model = build(name)
    adapter = fitted(read_adapter(write_trained(tmp_path / "a", model, **settings)), model)
    with pytest.raises(NeuronRefused, match=match):
        blended([(adapter, 1.0), (adapter, 1.0)], "blend:x")
