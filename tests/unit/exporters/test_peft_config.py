"""PEFT's settings are read as PEFT reads them; broken and inexpressible ones are refused in one line."""

import json
import re
import shutil
from dataclasses import replace

import mlx.core as mx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_adapters import import_neuron, write_peft

from conch_dna.errors import ConchError, NeuronRefused
from conch_dna.exporters.peft import PEFT_WEIGHTS, from_peft
from conch_dna.exporters.peft_config import PeftConfig, covers, rank_of, read_config, scale_of
from conch_dna.registry.adapter import check_fits, read_adapter
from conch_dna.registry.audit import verify
from conch_dna.util.files import write_atomic

PATHS = [f"model.layers.{n}.{part}" for n in (0, 1, 12) for part in ("self_attn.q_proj", "mlp.up_proj")]
NAMES = st.sampled_from(["q_proj", "up_proj", "self_attn.q_proj", "proj", "layers.1.mlp.up_proj", *PATHS])


def peft_config(**config):
    return PeftConfig.model_validate({"peft_type": "LORA", "target_modules": ["q_proj"], **config})


@given(
    st.lists(NAMES, min_size=1), st.none() | st.integers(0, 12) | st.lists(st.integers(0, 12)), st.sampled_from(PATHS)
)
def test_listed_targets_match_whole_path_components_and_layers(targets, layers, module):
    config = peft_config(target_modules=targets, layers_to_transform=layers)
    wanted = layers if isinstance(layers, list) else [] if layers is None else [layers]
    in_layer = wanted == [] or int(module.split(".")[2]) in wanted
    named = any(f".{module}".endswith(f".{target}") for target in targets)
    assert covers(config, module, linear=True) == (module in targets or (named and in_layer))


@given(st.sampled_from(PATHS), st.integers(1, 64), st.floats(-64, 64), st.booleans())
def test_rank_and_alpha_come_from_the_first_pattern_that_ends_the_path(module, rank, alpha, rslora):
    ranks, alphas = {r"layers\.1\..*": rank, "q_proj": rank + 1}, {"up_proj": alpha}
    config = peft_config(r=5, lora_alpha=3, rank_pattern=ranks, alpha_pattern=alphas, use_rslora=rslora)
    ends = lambda pattern: re.match(rf"(.*\.)?({pattern})$", module)  # noqa: E731
    wanted_rank = next((r for pattern, r in ranks.items() if ends(pattern)), 5)
    wanted_alpha = next((a for pattern, a in alphas.items() if ends(pattern)), 3)
    assert rank_of(config, module) == wanted_rank
    assert scale_of(config, module) == pytest.approx(wanted_alpha / (wanted_rank**0.5 if rslora else wanted_rank))


@given(
    ranks=st.lists(st.integers(1, 5), min_size=2, max_size=2),
    alphas=st.lists(st.integers(1, 9), min_size=2, max_size=2),
)
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_layers_of_different_rank_and_scale_keep_their_products(ranks, alphas, base, tmp_path):
    folder, out = tmp_path / "peft", tmp_path / "out"
    out.mkdir(exist_ok=True)
    config = {"rank_pattern": {f"layers.{n}.*": r for n, r in zip((2, 3), ranks, strict=True)}}
    config |= {"alpha_pattern": {f"layers.{n}.*": float(a) for n, a in zip((2, 3), alphas, strict=True)}}
    wanted = {}

    def resized(tensors):
        for n, rank, alpha in zip((2, 3), ranks, alphas, strict=True):
            name = f"base_model.model.model.layers.{n}.self_attn.q_proj"
            a, b = (mx.random.normal(shape) for shape in ((rank, 32), (32, rank)))
            tensors |= {f"{name}.lora_A.weight": a, f"{name}.lora_B.weight": b}
            wanted[f"model.layers.{n}.self_attn.q_proj"] = alpha / rank * (b @ a)

    from_peft(write_peft(folder, base, config, resized), base, out)
    adapter = read_adapter(out)
    check_fits(adapter, base.target_modules)
    assert adapter.rank == max(ranks)
    for module, (a, b) in adapter.weights.items():
        assert mx.allclose(adapter.scale * (a @ b).T, wanted[module], rtol=1e-4, atol=1e-5).item()


def test_an_alpha_of_zero_disables_only_its_layers(base, tmp_path):
    out, kept = tmp_path / "out", "model.layers.3.self_attn.q_proj"
    out.mkdir()
    pattern = {"layers_to_transform": [1, 2, 3], "lora_alpha": 0, "alpha_pattern": {"layers.3.*": 4}}

    def one_more(tensors):
        tensors |= {k.replace("s.2", "s.1"): v for k, v in tensors.items() if "s.2" in k}

    from_peft(write_peft(tmp_path / "peft", base, pattern, one_more), base, out)
    adapter = read_adapter(out)
    assert {module for module, (_, b) in adapter.weights.items() if mx.any(b).item()} == {kept}
    assert adapter.scale == 2
    write_peft(tmp_path / "peft", base, {"lora_alpha": 0})
    with pytest.raises(NeuronRefused, match="lora_alpha is 0 everywhere"):
        from_peft(tmp_path / "peft", base, out)


# Settings that mlx-lm cannot express, each with a word of the refusal.
BEYOND = {
    "modules_to_save": ["lm_head"], "bias": "all", "lora_bias": True, "trainable_token_indices": [1],
    "layer_replication": [[0, 2]], "megatron_config": {"a": 1}, "use_qalora": True, "target_parameters": ["w"],
    "use_bdlora": {"nblocks": 2}, "kasa_config": {"beta": 1}, "monteclora_config": {"num_samples": 2},
    "velora_config": {"scale": 1.0}, "arrow_config": {"top_k": 1}, "ensure_weight_tying": True,
    "some_future_option": "x", "peft_type": "IA3", "task_type": "SEQ_CLS", "init_lora_weights": "pissa",
}  # fmt: skip


@pytest.mark.parametrize(("key", "value"), BEYOND.items(), ids=BEYOND)
def test_a_setting_that_mlx_lm_lacks_is_refused_by_name(key, value, registry, base, tmp_path):
    folder = write_peft(tmp_path / "peft", base, {key: value})
    with pytest.raises(NeuronRefused, match=key) as caught:
        import_neuron(registry, folder, "neuron", "peft", base=base.ref)
    assert "\n" not in str(caught.value)
    assert registry.names() == []


@pytest.mark.parametrize("init", ["pissa_niter_16", "olora", "corda", "loftq", "lora_ga"])
def test_initializations_that_change_the_base_are_refused(init, base, tmp_path):
    write_peft(tmp_path, base, {"init_lora_weights": init})
    with pytest.raises(NeuronRefused, match="init_lora_weights"):
        read_config(tmp_path / "adapter_config.json")


@pytest.mark.parametrize("init", [True, False, "gaussian", "eva", "orthogonal", "mica"])
def test_initializations_that_keep_the_base_are_accepted(init, base, tmp_path):
    write_peft(
        tmp_path, base, {"init_lora_weights": init, "eva_config": {"rho": 2.0}, "megatron_core": "megatron.core"}
    )
    assert read_config(tmp_path / "adapter_config.json").init_lora_weights == init


@pytest.mark.parametrize(("pattern", "reason"), [(r"((.|.)*)*\d", "takes too long"), ("(", "regular expression")])
def test_a_hostile_pattern_cannot_hang_or_break_an_import(pattern, reason, registry, base, tmp_path):
    folder = write_peft(tmp_path / "peft", base, {"target_modules": pattern, "layers_to_transform": None})
    with pytest.raises(NeuronRefused, match=reason):
        import_neuron(registry, folder, "neuron", "peft")


def test_expert_layers_and_unknown_architectures_are_refused(base, tmp_path):
    folder = write_peft(tmp_path / "peft", base)
    with pytest.raises(NeuronRefused, match=r"no test compares.*llama"):
        from_peft(folder, replace(base, config={**base.config, "model_type": "new"}), tmp_path)
    expert = replace(base.target_modules["model.layers.0.mlp.up_proj"], kind="switch")
    with pytest.raises(NeuronRefused, match="expert layers"):
        from_peft(
            folder, replace(base, target_modules=base.target_modules | {"model.layers.0.mlp.up_proj": expert}), tmp_path
        )


# -- broken folders of PEFT

Q2 = "base_model.model.model.layers.2.self_attn.q_proj.lora_A.weight"
BROKEN = {
    "not a number": (lambda t: t.update({Q2: t[Q2] * float("nan")}), "not finite"),
    "infinite": (lambda t: t.update({Q2: t[Q2] * float("inf")}), "not finite"),
    "of another width": (lambda t: t.update({Q2: mx.ones((2, 31))}), "another base or rank"),
    "of another rank": (lambda t: t.update({Q2: mx.ones((3, 32))}), "another base or rank"),
    "transposed": (lambda t: t.update({Q2: mx.ones((32, 2))}), "another base or rank"),
    "of one dimension": (lambda t: t.update({Q2: mx.ones((64,))}), "another base or rank"),
    "without its B": (lambda t: t.pop(Q2.replace("_A", "_B")), "parts of model.layers.2"),
    "without a layer": (lambda t: [t.pop(Q2.replace("_A", f"_{x}")) for x in "AB"], "specifies are missing"),
    "with a layer more": (
        lambda t: t.update({k.replace("s.2", "s.1"): v for k, v in t.items() if "s.2" in k}), "do not cover"
    ),
    "with a layer that is not there": (
        lambda t: t.update({k.replace("s.2", "s.9"): v for k, v in t.items() if "s.2" in k}), "no layer of this name"
    ),
    "with an adapter on the head": (
        lambda t: t.update({"base_model.model.lm_head.lora_A.weight": mx.ones((2, 32)),
                            "base_model.model.lm_head.lora_B.weight": mx.ones((273, 2))}), "no layer of this name",
    ),
    "with a whole module": (
        lambda t: t.update({"base_model.model.lm_head.modules_to_save.weight": mx.ones((2,))}),
        "no equivalent of this tensor",
    ),
    "with another embedding": (
        lambda t: t.update({"base_model.model.model.embed_tokens.weight": mx.ones((273, 32))}),
        "no equivalent of this tensor",
    ),
    "of integers": (lambda t: t.update({Q2: mx.ones((2, 32), mx.int32)}), "unusable type"),
    "of zeros": (lambda t: t.update({k: v * 0 for k, v in t.items() if "lora_B" in k}), "changes nothing"),
    "whose products are zero": (
        lambda t: t.update({k: v * mx.array([1, 0] if "_B" in k else [[0], [1]]) for k, v in t.items()}),
        "changes nothing",
    ),
    "empty": (lambda t: t.clear(), "contains no tensors"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "reason"), BROKEN.values(), ids=BROKEN)
def test_broken_weights_are_refused_in_one_line(change, reason, registry, base, tmp_path):
    with pytest.raises(NeuronRefused, match=reason) as caught:
        import_neuron(registry, write_peft(tmp_path / "peft", base, change=change), "neuron", "peft")
    assert "\n" not in str(caught.value)
    assert registry.names() == []


def test_a_saved_copy_of_the_base_embedding_is_accepted(registry, base, tmp_path):
    own = {"base_model.model.model.embed_tokens.weight": base.model.model.embed_tokens.weight}
    import_neuron(registry, write_peft(tmp_path / "peft", base, change=lambda t: t.update(own)), "neuron", "peft")


def test_missing_files_and_pickles_are_named(registry, base, tmp_path):
    folder = write_peft(tmp_path / "peft", base)
    (folder / PEFT_WEIGHTS).rename(folder / "adapter_model.bin")
    with pytest.raises(NeuronRefused, match="a pickle is not read"):
        import_neuron(registry, folder, "neuron", "peft")
    (folder / "adapter_model.bin").unlink()
    with pytest.raises(NeuronRefused, match=r"file missing; got adapter_model\.safetensors"):
        import_neuron(registry, folder, "neuron", "peft")
    (folder / "adapter_config.json").unlink()
    with pytest.raises(NeuronRefused, match=r"file missing; got adapter_config\.json"):
        import_neuron(registry, folder, "neuron", "peft", base=base.ref)
    with pytest.raises(NeuronRefused, match="file missing"):
        import_neuron(registry, folder, "neuron", "mlx")


@given(data=st.data())
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_truncated_and_changed_bytes_are_accepted_or_refused_without_a_crash(data, registry, base, tmp_path):
    good = tmp_path / "good"
    if not good.is_dir():
        write_peft(good, base)
    folder = tmp_path / "broken"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(good, folder)
    name = data.draw(st.sampled_from([PEFT_WEIGHTS, "adapter_config.json"]))
    whole = (good / name).read_bytes()
    if data.draw(st.booleans()):
        bad = whole[: data.draw(st.integers(0, len(whole) - 1))]
    else:
        position = data.draw(st.integers(0, min(len(whole), 600) - 1))
        bad = whole[:position] + bytes([data.draw(st.integers(0, 255))]) + whole[position + 1 :]
    (folder / name).write_bytes(bad)
    try:
        import_neuron(registry, folder, "neuron", "peft", base=base.ref)
    except ConchError as fault:
        assert "\n" not in str(fault)  # noqa: PT017 - some changes are harmless
    else:
        assert len(bad) == len(whole)
    assert verify(registry) == []


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


@given(changed=st.dictionaries(st.sampled_from([*PeftConfig.model_fields, *BEYOND]), VALUES, min_size=1, max_size=3))
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_settings_of_any_type_are_accepted_or_refused_in_one_line(changed, base, tmp_path):
    path = tmp_path / "adapter_config.json"
    good = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj"]}
    write_atomic(path, json.dumps(good | changed))
    try:
        config = read_config(path)
        for module in PATHS:
            covers(config, module, linear=True)
            scale_of(config, module)
    except NeuronRefused as fault:
        assert "\n" not in str(fault)  # noqa: PT017 - some values are good
