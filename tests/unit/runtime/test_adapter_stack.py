"""Every row of a mixed batch gets the logits that it gets alone."""

import mlx.core as mx
import numpy as np
import pytest
from architectures import ADAPTERS, build, write_trained
from projects import write_neuron
from tiers import thin

from conch_dna.errors import NeuronRefused
from conch_dna.models.target_modules import target_modules
from conch_dna.registry.adapter import read_adapter
from conch_dna.runtime import adapter_stack as pack_module
from conch_dna.runtime.adapter_stack import AdapterStack, gathered, indexed, rows_product
from conch_dna.runtime.neuron_layers import Alone, fitted, wrap

PROMPTS = mx.array([[1, 5, 9, 20, 7, 3], [3, 4, 4, 9, 60, 2], [8, 8, 1, 0, 33, 12], [1, 5, 9, 20, 7, 3]])


class Bench:
    """A wrapped base, its adapter stack, and the logits of rows."""

    def __init__(self, model, slots=3):
        self.model, self.places = model, target_modules(model)
        self.slot = wrap(model)
        self.stack = AdapterStack(slots, self.places)
        self.adapters = {0: None}

    def put(self, slot, folder):
        self.adapters[slot] = fitted(read_adapter(folder), self.model)
        self.stack.put(slot, self.adapters[slot])

    def logits(self, delta, ids):
        with self.slot.adding(delta):
            return np.array(self.model(ids).astype(mx.float32))

    def check(self, slots, ids=PROMPTS, share=1e-5):
        ids = ids[: len(slots)]
        found = self.logits(self.stack.mix(slots), ids)
        for row, slot in enumerate(slots):
            adapter = self.adapters[slot]
            alone = self.logits(None if adapter is None else Alone(adapter), ids[row : row + 1])
            assert np.abs(found[row] - alone[0]).max() <= share * np.abs(alone).max()
        return found


def doubled(folder):
    """Another neuron on the same layers: every factor twice as large."""
    file = folder / "adapters.safetensors"
    tensors = dict(mx.load(str(file)))
    mx.save_safetensors(str(file), {name: v if name.endswith(".m") else 2 * v for name, v in tensors.items()})
    return folder


CASES = [
    pytest.param(name, kind, bits, id=f"{name}, {kind}, {bits or 'no'} bits")
    for name in ("llama", "qwen2", "gemma3_text", "mamba2", "phi3")
    for kind in ADAPTERS
    for bits in (None, 4)
    if bits is None or kind != "dora embeddings"
]


@pytest.mark.parametrize("product", [gathered, indexed], ids=["gathered", "taken"])
@pytest.mark.parametrize(("name", "kind", "bits"), thin(CASES, *CASES[:7]))
def test_each_row_gets_what_it_gets_alone(name, kind, bits, product, tmp_path, monkeypatch):
    monkeypatch.setattr(pack_module, "rows_product", lambda: product)
    model = build(name, bits=bits)
    folders = [
        write_trained(tmp_path / "first", model, **ADAPTERS[kind]),
        doubled(write_trained(tmp_path / "b", model)),
    ]
    bench = Bench(model)
    for slot, folder in enumerate(folders, 1):
        bench.put(slot, folder)
    found = bench.check([1, 2, 0, 2])
    assert not np.allclose(found[0], found[3], atol=1e-2), "one prompt, two neurons"
    for column in range(2):  # decoding: one token a row
        bench.check([2, 0, 1, 1], PROMPTS[:, column : column + 1])


@pytest.mark.parametrize("name", ["qwen3_moe", "mixtral"])
def test_attention_of_a_base_with_experts_is_mixed_and_its_experts_are_refused(name, tmp_path):
    model = build(name)
    bench = Bench(build(name))
    for slot in (1, 2):
        bench.put(slot, write_neuron(tmp_path / f"{slot}", model, slot))
    bench.check([2, 1, 0, 2])
    experts = fitted(read_adapter(write_trained(tmp_path / "experts", model)), model)
    with pytest.raises(NeuronRefused, match=r"changes expert layers.*; got model.layers.0.*NeuronRuntime"):
        bench.stack.check(experts)


def test_ranks_and_scales_may_differ(tmp_path):
    model = build("llama")
    folders = [write_neuron(tmp_path / f"{r}", model, r, rank=r, scale=5.0 / r) for r in (4, 1, 9)]
    bench = Bench(model)
    for slot, folder in enumerate(folders, 1):
        bench.put(slot, folder)
    bench.check([3, 1, 2, 0])
    assert {stack.b.shape[:2] for stack in bench.stack.stacks.values()} == {(4, 9)}


def test_layers_that_a_neuron_does_not_change_are_the_bases_for_its_rows(tmp_path):
    model = build("llama")
    bench = Bench(model)
    bench.put(1, write_neuron(tmp_path / "all", model, 1))
    bench.put(2, write_trained(tmp_path / "few", build("llama"), keys=("mlp.up_proj",)))
    bench.check([2, 1, 0, 1])


def test_a_slot_with_a_new_neuron_keeps_nothing_of_the_old_one(tmp_path):
    model = build("llama")
    every = write_neuron(tmp_path / "all", model, 1, rank=5)
    dora = write_trained(tmp_path / "dora", build("llama"), adapter="dora", embeddings=True)
    few = write_trained(tmp_path / "few", build("llama"), keys=("mlp.up_proj",))
    bench = Bench(model)
    for first, then in ((every, few), (dora, every), (few, dora), (dora, few)):
        bench.put(1, first)
        bench.put(2, dora)
        bench.put(1, then)
        bench.check([1, 2, 0, 1])
        bench.put(2, every)
        bench.check([1, 2, 0, 1])


def test_a_stack_without_users_is_dropped(tmp_path):
    bench = Bench(build("llama"))
    bench.put(1, write_neuron(tmp_path / "all", build("llama"), 1))
    assert bench.stack.nbytes == 4 * read_adapter(tmp_path / "all").nbytes
    bench.stack.put(1, None)
    assert bench.stack.stacks == {}
    assert bench.stack.nbytes == 0


def test_a_running_computation_keeps_its_neuron(tmp_path):
    model = build("llama")
    bench = Bench(model)
    bench.put(1, write_neuron(tmp_path / "one", model, 1))
    wanted = bench.logits(bench.stack.mix([1, 0]), PROMPTS[:2])
    with bench.slot.adding(bench.stack.mix([1, 0])):
        lazy = bench.model(PROMPTS[:2])
    bench.put(1, write_neuron(tmp_path / "two", build("llama"), 2))
    assert np.array_equal(np.array(lazy), wanted)


def test_a_half_precision_base_is_mixed_in_its_type_and_refuses_dora_on_its_embedding(tmp_path):
    model = build("llama")
    folders = [write_neuron(tmp_path / f"{n}", model, n) for n in (1, 2)]
    model.set_dtype(mx.bfloat16)
    bench = Bench(model)
    for slot, folder in enumerate(folders, 1):
        bench.put(slot, folder)
    bench.check([1, 2, 0, 1], share=0.05)
    with bench.slot.adding(bench.stack.mix([1, 0])):
        assert model(PROMPTS[:2]).dtype == mx.bfloat16
    dora = read_adapter(write_trained(tmp_path / "dora", build("llama"), **ADAPTERS["dora embeddings"]))
    dora = fitted(dora, build("llama"))
    bench.stack.check(dora)
    with pytest.raises(NeuronRefused, match=r"DoRA on the embedding .*; got model.embed_tokens"):
        bench.stack.check(dora, half=True)


def test_rows_and_tokens_may_be_flattened(tmp_path):
    """Some architectures flatten their input before a layer."""
    model = build("llama")
    bench = Bench(model)
    for slot in (1, 2):
        bench.put(slot, write_neuron(tmp_path / f"{slot}", build("llama"), slot))
    x = mx.random.normal((3, 5, 32), key=mx.random.key(1))
    path = "model.layers.0.mlp.up_proj"
    mix = bench.stack.mix([2, 0, 1])
    assert mx.allclose(mix.product(path, x).reshape(15, -1), mix.product(path, x.reshape(15, -1)))


def missing(*_, **__):
    raise ValueError("no such kernel")


def wrong(x, stack, rhs_indices):
    return 2 * (x @ stack[rhs_indices])


@pytest.mark.parametrize("broken", [missing, wrong])
def test_a_device_whose_gathered_product_is_missing_or_wrong_takes_copies(broken, monkeypatch):
    rows_product.cache_clear()
    try:
        monkeypatch.setattr(mx, "gather_mm", broken)
        assert rows_product() is indexed
        rows_product.cache_clear()
        monkeypatch.undo()
        assert rows_product() is gathered
    finally:
        rows_product.cache_clear()
