"""An adapter is read completely, or refused with the reason before it can be served."""

import contextlib
import json
import struct
from dataclasses import replace

import mlx.core as mx
import pytest

from conch_dna.errors import NeuronRefused
from conch_dna.models.target_modules import target_modules
from conch_dna.registry.adapter import check_fits, read_adapter
from conch_dna.registry.audit import diff
from conch_dna.registry.card import content_digest, hash_files

Q2 = "model.layers.2.self_attn.q_proj"


def put(name, value):
    return lambda tensors: tensors.__setitem__(name, value)


def drop(*names):
    return lambda tensors: [tensors.pop(name) for name in names]


def zero_b(tensors):
    for name in tensors:
        if name.endswith("lora_b"):
            tensors[name] = mx.zeros_like(tensors[name])


def as_dora(tensors):
    """Add DoRA's magnitudes to every module."""
    for name in list(tensors):
        if name.endswith("lora_b"):
            tensors[name.replace("lora_b", "m")] = mx.ones((tensors[name].shape[-1],))


def as_experts(tensors):
    """Make three experts of every module: (experts, rank, in) and (experts, out, rank)."""
    for name, tensor in list(tensors.items()):
        tensors[name] = mx.stack([tensor.T] * 3)


def both(*changes):
    return lambda tensors: [change(tensors) for change in changes]


def with_nan(tensors):
    tensors[f"{Q2}.lora_a"][1, 1] = float("nan")


def test_an_adapter_is_read_with_every_field_the_runtime_needs(write_adapter, tensors):
    folder = write_adapter(7)
    adapter = read_adapter(folder)
    assert (adapter.rank, adapter.scale, len(adapter.weights)) == (2, 2.0, 4)
    assert adapter.digest == content_digest(hash_files(folder))
    assert adapter.nbytes == sum(tensor.nbytes for tensor in tensors(7).values())
    a, b = adapter.weights[Q2]
    assert mx.array_equal(a, tensors(7)[f"{Q2}.lora_a"])
    assert mx.array_equal(b, tensors(7)[f"{Q2}.lora_b"])


def test_the_tensors_remain_after_the_files_are_deleted(write_adapter):
    folder = write_adapter()
    adapter = read_adapter(folder)
    (folder / "adapters.safetensors").write_bytes(b"")
    assert all(mx.isfinite(a).all().item() for a, _ in adapter.weights.values())


@pytest.mark.parametrize("dtype", [mx.float16, mx.bfloat16], ids=["f16", "bf16"])
def test_half_precision_is_preserved(write_adapter, tensors, dtype):
    adapter = read_adapter(write_adapter(change=lambda found: found.update(tensors(dtype=dtype))))
    assert {a.dtype for a, _ in adapter.weights.values()} == {dtype}


def test_dora_is_read_with_its_magnitudes(write_adapter, tensors):
    adapter = read_adapter(write_adapter(change=as_dora, fine_tune_type="dora"))
    assert adapter.magnitudes.keys() == adapter.weights.keys()
    assert adapter.magnitudes[Q2].shape == (6,)
    assert adapter.nbytes == sum(t.nbytes for t in tensors().values()) + 4 * 2 * (6 + 4)
    assert read_adapter(write_adapter()).magnitudes == {}


def test_expert_layers_are_read_with_one_product_per_expert(write_adapter):
    a, b = read_adapter(write_adapter(change=as_experts)).weights[Q2]
    assert (a.shape, b.shape) == ((3, 2, 4), (3, 6, 2))


DORA_FAULTS = {
    "nan": (both(as_dora, put(f"{Q2}.m", mx.full((6,), float("nan")))), f"not finite; got {Q2}"),
    "all_zero_b": (both(as_dora, zero_b), "changes nothing"),
    "none": (dict, "lora_a without its m"),
    "without_m": (both(as_dora, drop(f"{Q2}.m")), f"lora_a without its m; got {Q2}"),
    "without_b": (both(as_dora, drop(f"{Q2}.lora_b")), f"lora_a without its lora_b; got {Q2}"),
    "only_m": (both(as_dora, drop(f"{Q2}.lora_a", f"{Q2}.lora_b")), f"m without its lora_a; got {Q2}"),
    "matrix_m": (both(as_dora, put(f"{Q2}.m", mx.ones((6, 1)))), f"m of {Q2} .*one-dimensional"),
    "experts": (both(as_dora, as_experts, put(f"{Q2}.m", mx.ones((6,)))), "no DoRA for expert layers"),
}


@pytest.mark.parametrize(("change", "reason"), DORA_FAULTS.values(), ids=DORA_FAULTS)
def test_faulty_dora_is_refused(write_adapter, change, reason):
    with pytest.raises(NeuronRefused, match=reason):
        read_adapter(write_adapter(change=change, fine_tune_type="dora"))


TENSOR_FAULTS = {
    "nan": (with_nan, f"not finite; got {Q2}"),
    "infinite": (put(f"{Q2}.lora_b", mx.full((2, 6), float("inf"))), "not finite"),
    "all_zero_b": (zero_b, "changes nothing"),
    "a_without_b": (drop(f"{Q2}.lora_b"), f"lora_a without its lora_b; got {Q2}"),
    "b_without_a": (drop(f"{Q2}.lora_a"), f"lora_b without its lora_a; got {Q2}"),
    "unknown_tensor": (put("model.norm.weight", mx.ones((4,))), r"unknown tensor; got model\.norm\.weight"),
    "dora_magnitude": (put(f"{Q2}.m", mx.ones((6,))), "unknown tensor"),
    "other_rank": (put(f"{Q2}.lora_a", mx.ones((4, 3))), f"shapes of {Q2} do not match rank 2"),
    "transposed": (put(f"{Q2}.lora_a", mx.ones((2, 4))), "do not match rank 2"),
    "three_dimensions": (put(f"{Q2}.lora_a", mx.ones((1, 4, 2))), "do not match rank 2"),
    "no_dimensions": (put(f"{Q2}.lora_a", mx.array(1.0)), "do not match rank 2"),
    "experts_differ": (both(as_experts, put(f"{Q2}.lora_a", mx.ones((2, 2, 4)))), f"of {Q2} differ in experts"),
    "experts_other_rank": (both(as_experts, put(f"{Q2}.lora_a", mx.ones((3, 5, 4)))), "do not match rank 2"),
    "no_module": (put("lora_a", mx.ones((4, 2))), "unknown tensor; got lora_a"),
    "integers": (put(f"{Q2}.lora_a", mx.ones((4, 2), dtype=mx.int32)), "unusable type; got I32"),
    "mixed_types": (put(f"{Q2}.lora_a", mx.ones((4, 2), dtype=mx.float16)), "differ in type"),
    "no_tensors": (lambda tensors: tensors.clear(), "contains no tensors"),
}


@pytest.mark.parametrize(("change", "reason"), TENSOR_FAULTS.values(), ids=TENSOR_FAULTS)
def test_faulty_tensors_are_refused(write_adapter, change, reason):
    with pytest.raises(NeuronRefused, match=reason):
        read_adapter(write_adapter(change=change))


CONFIG_FAULTS = {
    "full": ({"fine_tune_type": "full"}, "not supported; got full; allowed: lora, dora"),
    "list": ({"fine_tune_type": ["lora"]}, "not supported"),
    "no_parameters": ({"lora_parameters": None}, "lora_parameters is missing"),
    "no_layers": ({"num_layers": None}, "invalid num_layers; got None"),
    "rank_text": ({"lora": {"rank": "2"}}, "invalid rank; got '2'"),
    "rank_true": ({"lora": {"rank": True}}, "invalid rank; got True"),
    "scale_zero": ({"lora": {"scale": 0}}, "invalid scale; got 0"),
    "scale_nan": ({"lora": {"scale": float("nan")}}, "invalid scale"),
    "scale_huge": ({"lora": {"scale": 10**400}}, "invalid scale"),
    "no_dropout": ({"lora": {"dropout": None}}, "invalid dropout"),
    "keys_text": ({"lora": {"keys": "q_proj"}}, "invalid keys"),
}


@pytest.mark.parametrize(("change", "reason"), CONFIG_FAULTS.values(), ids=CONFIG_FAULTS)
def test_faulty_settings_are_refused(write_adapter, change, reason):
    with pytest.raises(NeuronRefused, match=reason):
        read_adapter(write_adapter(**change))


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"\xff", b"[" * 100_000], ids=["empty", "cut", "list", "bytes", "deep"]
)
def test_a_config_that_is_not_a_json_object_is_refused(write_adapter, data):
    folder = write_adapter()
    (folder / "adapter_config.json").write_bytes(data)
    with pytest.raises(NeuronRefused, match=r"adapter_config\.json: not"):
        read_adapter(folder)


@pytest.mark.parametrize("name", ["adapters.safetensors", "adapter_config.json"])
def test_a_missing_file_is_named(write_adapter, name):
    folder = write_adapter()
    (folder / name).unlink()
    with pytest.raises(NeuronRefused, match=f"file missing; got {name}"):
        read_adapter(folder)


def test_a_file_truncated_anywhere_is_refused(write_adapter):
    path = write_adapter() / "adapters.safetensors"
    whole = path.read_bytes()
    for length in range(0, len(whole), 37):
        path.write_bytes(whole[:length])
        with pytest.raises(NeuronRefused, match="truncated"):
            read_adapter(path.parent)


def test_bytes_after_the_last_tensor_are_refused(write_adapter):
    path = write_adapter() / "adapters.safetensors"
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(NeuronRefused, match="bytes after the last tensor"):
        read_adapter(path.parent)


def packed(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


A = {"dtype": "F32", "shape": [1, 1], "data_offsets": [0, 4]}
CONTAINERS = {
    "pickle": (b"\x80\x04\x95" + b"\0" * 40, "truncated, or not"),
    "endless_header": (struct.pack("<Q", 2**63) + b"{}", "truncated, or not"),
    "header_no_json": (packed(b"{nope}"), "header is damaged"),
    "header_deep": (packed(b"[" * 100_000), "header is damaged"),
    "header_list": (packed([1]), "header is damaged"),
    "entry_list": (packed({"a": [1]}), "header is damaged"),
    "no_offsets": (packed({"a": {"dtype": "F32", "shape": []}}), "header is damaged"),
    "no_list": (packed({"a": A | {"shape": {}}}, b"1234"), "a shape that is not allowed in an adapter"),
    "dimensions": (packed({"a": A | {"shape": [1] * 70}}, b"1234"), "a shape that is not allowed in an adapter"),
    "endless": (
        packed({"a": A | {"shape": [2**70, 0], "data_offsets": [0, 0]}}),
        "a shape that is not allowed in an adapter",
    ),
    "negative": (packed({"a": A | {"data_offsets": [-4, 0]}}), "not a natural number"),
    "wrong_span": (packed({"a": A | {"shape": [9, 9]}}, b"1234"), "has 4 bytes, which is not the size of F32"),
    "overlap": (packed({"a": A, "b": A}, b"1234"), "overlap or leave a gap; got b"),
    "gap": (packed({"a": A | {"data_offsets": [4, 8]}}, b"12345678"), "overlap or leave a gap; got a"),
}


@pytest.mark.parametrize(("data", "reason"), CONTAINERS.values(), ids=CONTAINERS)
def test_a_wrong_safetensors_header_is_refused_before_mlx_reads_it(write_adapter, data, reason):
    folder = write_adapter()
    (folder / "adapters.safetensors").write_bytes(data)
    with pytest.raises(NeuronRefused, match=reason):
        read_adapter(folder)


def test_an_adapter_fits_the_base_it_was_made_for(write_adapter, base_modules):
    check_fits(read_adapter(write_adapter()), base_modules)
    check_fits(read_adapter(write_adapter(lora={"keys": None})), base_modules)


def test_a_layer_of_another_kind_need_not_have_the_keys_of_its_neighbours(write_adapter, base_modules):
    del base_modules["model.layers.3.self_attn.q_proj"]
    removed = [f"model.layers.3.self_attn.q_proj.lora_{part}" for part in "ab"]
    check_fits(read_adapter(write_adapter(change=drop(*removed))), base_modules)


def test_modules_outside_the_layers_are_named_in_full(write_adapter, base_modules):
    def add(name):
        return both(put(f"{name}.lora_a", mx.ones((12, 2))), put(f"{name}.lora_b", mx.ones((2, 4))))

    keys = ["self_attn.q_proj", "mlp.down_proj", "model.embed_tokens"]
    folder = write_adapter(change=add("model.embed_tokens"), lora={"keys": keys})
    check_fits(read_adapter(folder), base_modules)
    with pytest.raises(NeuronRefused, match=r"embed_tokens: adapter_config\.json does not cover"):
        check_fits(read_adapter(write_adapter(change=add("model.embed_tokens"))), base_modules)
    with pytest.raises(NeuronRefused, match=r"no such layer; got lm_head"):
        check_fits(read_adapter(write_adapter(change=add("lm_head"))), base_modules)


def test_diff_of_expert_layers_uses_the_norm_over_all_experts(registry, write_adapter, tensors, fields):
    for seed in (1, 2):
        registry.publish("thinking", write_adapter(seed, change=as_experts), fields)
    rows = {row.key: row for row in diff(registry, "thinking@1", "thinking@2") if row.section == "weights"}
    product = 2.0 * tensors(2)[f"{Q2}.lora_a"] @ tensors(2)[f"{Q2}.lora_b"]
    assert rows[Q2].b == pytest.approx(3**0.5 * mx.linalg.norm(product).item(), rel=1e-5)


def test_dora_fits_with_a_magnitude_for_each_row(write_adapter, base_modules):
    check_fits(read_adapter(write_adapter(change=as_dora, fine_tune_type="dora")), base_modules)
    longer = both(as_dora, put(f"{Q2}.m", mx.ones((7,))))
    with pytest.raises(NeuronRefused, match=rf"{Q2}: m is not one magnitude .*\(7,\); allowed: \(6,\)"):
        check_fits(read_adapter(write_adapter(change=longer, fine_tune_type="dora")), base_modules)
    short = both(as_dora, drop(*(f"{Q2}.{part}" for part in ("lora_a", "lora_b", "m"))))
    with pytest.raises(NeuronRefused, match=f"3 of 12 tensors .* missing; got none for {Q2}"):
        check_fits(read_adapter(write_adapter(change=short, fine_tune_type="dora")), base_modules)


def test_experts_fit_a_base_with_as_many(write_adapter, base_modules):
    adapter = read_adapter(write_adapter(change=as_experts))
    with pytest.raises(NeuronRefused, match=r"another shape; got \(experts, out, in\) = \(3, 4, 10\)"):
        check_fits(adapter, base_modules)
    for count, fits in ((3, contextlib.nullcontext()), (4, pytest.raises(NeuronRefused, match="another shape"))):
        experts = {path: replace(p, kind="switch", shape=(count, *p.shape)) for path, p in base_modules.items()}
        with fits:
            check_fits(adapter, experts)


MISSING = [f"{Q2}.lora_a", f"{Q2}.lora_b"]
MISFITS = {
    "missing": ({"change": drop(*MISSING)}, f"2 of 8 tensors .* missing; got none for {Q2}"),
    "missing_unlisted": ({"change": drop(*MISSING), "lora": {"keys": None}}, "2 of 8 tensors"),
    "more_layers": ({"num_layers": 3}, "4 of 12 tensors"),
    "all_layers": ({"num_layers": -1}, "8 of 16 tensors"),
    "fewer_layers": ({"num_layers": 1}, "layers.2.mlp.down_proj: adapter_config.json does not cover"),
    "unlisted_key": ({"lora": {"keys": ["mlp.down_proj"]}}, "does not cover this module"),
    "unknown_key": ({"lora": {"keys": ["mlp.down_proj", "q"]}}, "no layer of the base has this key; got q"),
}


@pytest.mark.parametrize(("given", "reason"), MISFITS.values(), ids=MISFITS)
def test_an_adapter_whose_tensors_do_not_match_its_config_is_refused(write_adapter, base_modules, given, reason):
    with pytest.raises(NeuronRefused, match=reason):
        check_fits(read_adapter(write_adapter(**given)), base_modules)


def test_a_base_of_another_shape_or_depth_is_refused(write_adapter, base_modules):
    adapter = read_adapter(write_adapter())
    with pytest.raises(NeuronRefused, match=rf"{Q2}: made for .*\(6, 4\); allowed: \(6, 5\)"):
        check_fits(adapter, base_modules | {Q2: replace(base_modules[Q2], shape=(6, 5))})
    shallow = {module: target for module, target in base_modules.items() if "layers.3" not in module}
    with pytest.raises(NeuronRefused, match=r"no such layer; got model\.layers\.3"):
        check_fits(adapter, shallow)


@pytest.mark.parametrize("num_layers", [1, 2, 0, -1, 9])
def test_the_specified_modules_are_those_that_mlx_lm_converts(write_adapter, num_layers):
    from mlx_lm.models import llama
    from mlx_lm.tuner.lora import LoRALinear
    from mlx_lm.tuner.utils import linear_to_lora_layers

    sizes = {"hidden_size": 8, "num_hidden_layers": 3, "intermediate_size": 16, "num_attention_heads": 2}
    model = llama.Model(llama.ModelArgs(model_type="llama", rms_norm_eps=1e-5, vocab_size=11, **sizes))
    found = target_modules(model)
    lora = {"rank": 2, "scale": 1.0, "dropout": 0.0, "keys": ["self_attn.v_proj", "mlp.up_proj"]}
    linear_to_lora_layers(model, num_layers, lora)
    converted = {name: m for name, m in model.named_modules() if isinstance(m, LoRALinear)}

    def replace(tensors):
        tensors.clear()
        for name, module in converted.items():
            tensors[f"{name}.lora_a"], tensors[f"{name}.lora_b"] = module.lora_a, module.lora_b + 1

    adapter = read_adapter(write_adapter(change=replace, lora=lora, num_layers=num_layers))
    check_fits(adapter, found)
    assert set(adapter.weights) == set(converted)
