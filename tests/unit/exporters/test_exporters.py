"""An export is complete or absent, and an import is checked and has no verdict."""

import contextlib
import json

import mlx.core as mx
import pytest
from architectures import ARCHITECTURES, SIZES, build
from mlx.utils import tree_flatten
from random_adapters import KEYS, error, export_neuron, import_neuron, logits, publish, write_mlx, write_peft
from tiny import write_tiny_model

from conch_dna.errors import ConfigError, DiskError, NeuronRefused, RegistryError
from conch_dna.exporters import destination, fused
from conch_dna.exporters.base import open_base
from conch_dna.exporters.peft import PEFT_WEIGHTS
from conch_dna.records import Tool
from conch_dna.registry.adapter import INVOCATION_TOKENS
from conch_dna.registry.audit import verify
from conch_dna.registry.card import write_card
from conch_dna.util.files import new_folder
from conch_dna.util.tensors import save_tensors

# -- adapter folders


def test_export_and_import_as_mlx_keep_the_digest(registry, base, tmp_path):
    entry = publish(registry, base, write_mlx(tmp_path / "adapter", base, model=base.ref))
    export_neuron(registry, "neuron", tmp_path / "out", "mlx")
    names = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert names == ["README.md", "adapter_config.json", "adapters.safetensors"]
    assert error(logits(base.folder, tmp_path / "out"), logits(base.folder, entry.path)) == 0
    again = import_neuron(registry, tmp_path / "out", "again", "mlx")
    assert (again.card.digest, again.card.base_digest) == (entry.card.digest, base.digest)


def test_export_and_import_as_peft_keep_the_logits(registry, base, tmp_path):
    keys = [*KEYS, "model.embed_tokens"]
    entry = publish(registry, base, write_mlx(tmp_path / "adapter", base, keys=keys))
    export_neuron(registry, "neuron", tmp_path / "out", "peft")
    again = import_neuron(registry, tmp_path / "out", "again", "peft")
    assert error(logits(base.folder, again.path), logits(base.folder, entry.path)) < 1e-6
    assert error(logits(base.folder), logits(base.folder, entry.path)) > 0.01


def test_target_modules_are_short_names_if_they_select_the_same_layers(registry, base, tmp_path):
    publish(registry, base, write_mlx(tmp_path / "adapter", base))
    export_neuron(registry, "neuron", tmp_path / "short", "peft")
    about = json.loads((tmp_path / "short" / "adapter_config.json").read_text())
    assert (about["target_modules"], about["layers_to_transform"]) == (["down_proj", "q_proj"], [2, 3])
    assert (about["r"], about["lora_alpha"]) == (3, 4.5)
    publish(registry, base, write_mlx(tmp_path / "other", base, keys=[*KEYS, "model.embed_tokens"]))
    export_neuron(registry, "neuron", tmp_path / "long", "peft")
    about = json.loads((tmp_path / "long" / "adapter_config.json").read_text())
    assert "layers_to_transform" not in about
    assert len(about["target_modules"]) == 5


def test_an_export_says_that_other_programs_guess_computed_spans(registry, base, tmp_path):
    entry = publish(registry, base, write_mlx(tmp_path / "adapter", base))
    write_card(entry.card.model_copy(update={"processors": ("calculator",)}), entry.path)
    for kind in ("mlx", "peft"):
        export_neuron(registry, "neuron", tmp_path / kind, kind)
        said = (tmp_path / kind / "README.md").read_text()
        assert "computes parts of its answers by `calculator`. Other programs let the model guess them." in said


def test_an_export_says_how_its_tools_were_shown(registry, base, tmp_path):
    entry = publish(registry, base, write_mlx(tmp_path / "adapter", base))
    export_neuron(registry, "neuron", tmp_path / "without", "mlx")
    write_card(entry.card.model_copy(update={"tools": (Tool(name="now"),)}), entry.path)
    export_neuron(registry, "neuron", tmp_path / "with", "mlx")
    said = {name: (tmp_path / name / "README.md").read_text() for name in ("with", "without")}
    assert "conch_dna.data.tool_form.with_tools" in said["with"]
    assert "tools" not in said["without"]


def test_invocation_tokens_are_exported_and_imported(registry, base, tmp_path):
    publish(registry, base, write_mlx(tmp_path / "adapter", base, **{INVOCATION_TOKENS: [7, 9]}))
    export_neuron(registry, "neuron", tmp_path / "out", "peft")
    assert json.loads((tmp_path / "out" / "adapter_config.json").read_text())[INVOCATION_TOKENS] == [7, 9]
    assert import_neuron(registry, tmp_path / "out", "again", "peft").card.invocation_tokens == (7, 9)


# -- a whole model


@pytest.mark.parametrize("kind", ["lora", "dora"])
@pytest.mark.parametrize("tied", [False, True], ids=["untied", "tied"])
def test_a_fused_model_has_the_logits_of_base_and_neuron(kind, tied, registry, tmp_path):
    base = open_base(str(write_tiny_model(tmp_path / "model", tied=tied)))
    entry = publish(
        registry, base, write_mlx(tmp_path / "adapter", base, keys=[*KEYS, "model.embed_tokens"], kind=kind)
    )
    export_neuron(registry, "neuron", tmp_path / "out", "fused")
    wanted = logits(base.folder, entry.path)
    assert error(logits(tmp_path / "out"), wanted) < 1e-5
    assert error(logits(base.folder), wanted) > 0.01


@pytest.mark.parametrize("bits", [None, 8], ids=["float", "quantised"])
def test_expert_layers_are_fused_but_not_for_peft(bits, registry, tmp_path):
    folder, config = tmp_path / "model", {"model_type": "qwen3_moe", **SIZES, **ARCHITECTURES["qwen3_moe"]}
    folder.mkdir()
    tensors = dict(tree_flatten(build("qwen3_moe", bits=bits).parameters()))
    config |= {"quantization": {"group_size": 32, "bits": bits}} if bits else {}
    mx.save_safetensors(str(folder / "model.safetensors"), tensors, {"format": "mlx"})
    (folder / "config.json").write_text(json.dumps(config))
    base = open_base(str(folder))
    entry = publish(registry, base, write_mlx(tmp_path / "adapter", base, keys=["mlp.switch_mlp.up_proj"]))
    with pytest.raises(NeuronRefused, match="expert layers"):
        export_neuron(registry, "neuron", tmp_path / "out", "peft")
    export_neuron(registry, "neuron", tmp_path / "out", "fused")
    wanted = logits(folder, entry.path)
    assert error(logits(tmp_path / "out"), wanted) < (0.02 if bits else 1e-5)
    assert error(logits(folder), wanted) > 0.05


def test_a_fused_model_loads_as_a_base_with_its_tokenizer(registry, base, tmp_path):
    from mlx_lm import load

    publish(registry, base, write_mlx(tmp_path / "adapter", base))
    export_neuron(registry, "neuron", tmp_path / "out", "fused")
    _, tokenizer = load(str(tmp_path / "out"))
    assert tokenizer.decode(tokenizer.encode("the thing")) == "the thing"
    assert open_base(str(tmp_path / "out")).digest != base.digest


@pytest.mark.parametrize("mode", ["affine", "mxfp8"])
def test_a_quantized_base_is_quantized_again_in_the_same_mode(mode, registry, tmp_path):
    base = open_base(str(write_tiny_model(tmp_path / "model", bits=8, mode=mode)))
    entry = publish(registry, base, write_mlx(tmp_path / "adapter", base, layers=4))
    export_neuron(registry, "neuron", tmp_path / "out", "fused")
    about = json.loads((tmp_path / "out" / "config.json").read_text())
    assert about["quantization"]["bits"] == 8
    wanted = logits(base.folder, entry.path)
    assert error(logits(tmp_path / "out"), wanted) < (0.02 if mode == "affine" else 0.1)  # mxfp8 has 3 bits of mantissa
    assert error(logits(base.folder), wanted) > 0.3


def test_the_index_lists_every_shard(registry, base, tmp_path, monkeypatch):
    import mlx_lm.utils

    one_each = lambda tensors: [{name: tensor} for name, tensor in tensors.items()]  # noqa: E731
    monkeypatch.setattr(mlx_lm.utils, "make_shards", one_each)
    entry = publish(registry, base, write_mlx(tmp_path / "adapter", base))
    export_neuron(registry, "neuron", tmp_path / "out", "fused")
    index = json.loads((tmp_path / "out" / fused.INDEX_FILE).read_text())["weight_map"]
    assert {p.name for p in (tmp_path / "out").glob("*.safetensors")} == set(index.values())
    assert error(logits(tmp_path / "out"), logits(base.folder, entry.path)) < 1e-5


def test_a_neuron_with_invocation_tokens_cannot_be_fused(registry, base, tmp_path):
    publish(registry, base, write_mlx(tmp_path / "adapter", base, **{INVOCATION_TOKENS: [7]}))
    with pytest.raises(NeuronRefused, match="after its invocation tokens"):
        export_neuron(registry, "neuron", tmp_path / "out", "fused")


# -- the destination of an export


@pytest.mark.parametrize("form", ["peft", "mlx", "fused"])
def test_an_existing_folder_is_not_overwritten(form, registry, base, tmp_path):
    publish(registry, base, write_mlx(tmp_path / "adapter", base))
    out = tmp_path / "out"
    out.mkdir()
    (out / "diary.txt").write_text("mine")
    with pytest.raises(RegistryError, match="not empty"):
        export_neuron(registry, "neuron", out, form)
    with pytest.raises(RegistryError, match="does not replace it"):
        export_neuron(registry, "neuron", out, form, force=True)
    with pytest.raises(RegistryError, match="file of this name"):
        export_neuron(registry, "neuron", out / "diary.txt", form, force=True)
    with pytest.raises(RegistryError, match="inside the registry"):
        export_neuron(registry, "neuron", registry.root / "neuron" / "7", form)
    assert (out / "diary.txt").read_text() == "mine"


@pytest.mark.parametrize("form", ["peft", "mlx", "fused"])
def test_force_replaces_only_exports(form, registry, base, tmp_path):
    own = write_mlx(tmp_path / "adapter", base)
    publish(registry, base, own)
    for folder in (own, write_tiny_model(tmp_path / "model")):
        before = sorted(folder.iterdir())
        with pytest.raises(RegistryError, match="not a folder that an export made"):
            export_neuron(registry, "neuron", folder, form, force=True)
        assert sorted(folder.iterdir()) == before
    for _ in range(2):
        export_neuron(registry, "neuron", tmp_path / "out", form, force=True)


def test_an_empty_folder_is_filled_and_force_replaces_an_export(registry, base, tmp_path):
    publish(registry, base, write_mlx(tmp_path / "adapter", base))
    out = tmp_path / "out"
    out.mkdir()
    export_neuron(registry, "neuron", out, "mlx")
    export_neuron(registry, "neuron", out, "peft", force=True)
    assert sorted(p.name for p in out.iterdir()) == ["README.md", "adapter_config.json", PEFT_WEIGHTS]
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


@pytest.mark.parametrize("form", ["peft", "fused"])
@pytest.mark.parametrize("before", [False, True], ids=["new", "over an earlier one"])
def test_a_full_disk_keeps_the_earlier_export(form, before, registry, base, tmp_path, monkeypatch):
    publish(registry, base, write_mlx(tmp_path / "adapter", base))
    out = tmp_path / "out"
    if before:
        export_neuron(registry, "neuron", out, "mlx")

    def full(path, tensors, about=None):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("conch_dna.exporters.peft.save_tensors", full)
    monkeypatch.setattr("conch_dna.exporters.fused.save_tensors", full)
    with pytest.raises(DiskError, match="No space left"):
        export_neuron(registry, "neuron", out, form, force=True)
    assert (out / "adapters.safetensors").is_file() == before
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_an_earlier_export_is_restored_if_the_new_one_cannot_be_moved(registry, base, tmp_path, monkeypatch):
    publish(registry, base, write_mlx(tmp_path / "adapter", base))
    export_neuron(registry, "neuron", tmp_path / "out", "mlx")

    @contextlib.contextmanager
    def failing(folder):
        with new_folder(folder) as staged:
            yield staged
            assert not folder.exists()
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(destination, "new_folder", failing)
    with pytest.raises(DiskError, match="Input/output error"):
        export_neuron(registry, "neuron", tmp_path / "out", "peft", force=True)
    assert (tmp_path / "out" / "adapters.safetensors").is_file()
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_another_base_is_refused(registry, base, tmp_path):
    other = write_tiny_model(tmp_path / "other", seed=5)
    publish(registry, base, write_mlx(tmp_path / "adapter", base))
    for form in ("peft", "fused"):
        with pytest.raises(NeuronRefused, match="made for another base"):
            export_neuron(registry, "neuron", tmp_path / "out", form, base=str(other))
    assert not (tmp_path / "out").exists()


# -- imported neurons


def test_an_import_has_no_verdict_and_does_not_move_current(registry, base, tmp_path):
    publish(registry, base, write_mlx(tmp_path / "adapter", base))
    entry = import_neuron(registry, write_peft(tmp_path / "peft", base), "neuron", "peft")
    assert (entry.version, registry.aliases("neuron")) == (2, {"current": 1})
    assert entry.card.verdict is None
    assert (entry.card.teacher, entry.card.data_digest) == ("unknown", "unknown")
    again = import_neuron(registry, tmp_path / "peft", "neuron", "peft", ungated=True)
    assert (again.version, registry.aliases("neuron")) == (2, {"current": 2})
    other = open_base(str(write_tiny_model(tmp_path / "other", seed=5, tied=False)))
    moved = import_neuron(registry, tmp_path / "peft", "neuron", "peft", base=other.ref)
    assert (moved.version, moved.card.digest, moved.card.base_digest) == (3, again.card.digest, other.digest)
    assert verify(registry) == []


def test_the_first_import_of_a_name_becomes_current(registry, base, tmp_path):
    import_neuron(registry, write_peft(tmp_path / "peft", base), "new", "peft")
    assert registry.aliases("new") == {"current": 1}


def test_an_import_without_a_known_base_names_the_option(registry, base, tmp_path):
    folder = write_peft(tmp_path / "peft", base, {"base_model_name_or_path": None})
    with pytest.raises(ConfigError, match=r"the base is not known.*--base"):
        import_neuron(registry, folder, "neuron", "peft")
    assert import_neuron(registry, folder, "neuron", "peft", base=base.ref).card.base == base.ref


def test_a_full_disk_publishes_nothing(registry, base, tmp_path, monkeypatch):
    folder = write_peft(tmp_path / "peft", base)

    def full(path, tensors, about=None):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("conch_dna.exporters.peft.save_tensors", full)
    with pytest.raises(DiskError, match="No space left"):
        import_neuron(registry, folder, "neuron", "peft")
    assert registry.names() == []
    monkeypatch.setattr("conch_dna.exporters.peft.save_tensors", save_tensors)
    assert import_neuron(registry, folder, "neuron", "peft").version == 1
    with pytest.raises(RegistryError, match="not a neuron name"):
        import_neuron(registry, folder, "../neuron", "peft")
