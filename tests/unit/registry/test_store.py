"""Versions never change, aliases only move, and no fault of one version hides another."""

import json
import math
import os
import shutil
from functools import partial

import mlx.core as mx
import pytest
from filelock import FileLock

from conch_dna.errors import NeuronRefused, RegistryError, UnknownName
from conch_dna.registry.audit import diff, verify
from conch_dna.registry.store import Registry


def flip(path, at=-3):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_reading_an_empty_registry_creates_no_folder(registry):
    assert registry.names() == []
    assert verify(registry) == []
    with pytest.raises(UnknownName, match="no such neuron; got thinking; allowed: none: nothing published"):
        registry.resolve("thinking")
    with pytest.raises(UnknownName):
        registry.promote("thinking", 1)
    assert not registry.root.exists()


def test_publishing_numbers_versions_and_moves_current(registry, publish, fields):
    first, second = publish("thinking", 1), publish("thinking", 2)
    assert (first.version, second.version) == (1, 2)
    assert registry.aliases("thinking") == {"current": 2}
    assert registry.resolve("thinking") == registry.resolve("thinking@current") == registry.resolve("thinking@2")
    assert registry.resolve("thinking@1") == first
    assert sorted(path.name for path in first.path.iterdir()) == [
        "README.md",
        "adapter_config.json",
        "adapters.safetensors",
        "neuron.json",
    ]
    assert (second.card.parent, first.card.parent) == (first.card.digest, None)
    assert second.card.config == fields.config


def test_the_content_that_current_has_is_not_published_again(registry, publish):
    first = publish("thinking", 1)
    assert publish("thinking", 1) == first
    publish("thinking", 2)
    assert publish("thinking", 1).version == 3
    assert verify(registry) == []


def test_a_damaged_current_is_replaced_by_publishing_it_again(registry, publish):
    flip(publish("thinking", 1).path / "adapters.safetensors")
    again = publish("thinking", 1)
    assert (again.version, again.card.parent) == (2, None)


def test_publishing_copies_the_adapter_folder(registry, write_adapter, fields):
    folder = write_adapter(1)
    registry.publish("thinking", folder, fields)
    write_adapter(2, folder=folder)
    assert verify(registry) == []


@pytest.mark.parametrize("name", ["", ".", "../x", "a/b", "/etc", "A", "a\0", "a\n", "-a", "ä", "a@1", "x" * 65])
def test_only_plain_names_can_be_published(registry, write_adapter, fields, name):
    with pytest.raises(RegistryError, match="not a neuron name"):
        registry.publish(name, write_adapter(), fields)
    assert not registry.root.exists()


def test_a_refused_adapter_leaves_no_files(registry, write_adapter, fields):
    nothing = write_adapter(change=lambda found: found.update({n: t * 0 for n, t in found.items()}))
    with pytest.raises(NeuronRefused, match="changes nothing"):
        registry.publish("thinking", nothing, fields)
    assert not registry.root.exists()


def test_a_failed_verdict_is_not_published(registry, write_adapter, fields, verdict):
    failed = verdict.checks[0].model_copy(update={"passed": False, "reason": "bits rose by 0.1"})
    lost = verdict.model_copy(update={"passed": False, "checks": (failed,)})
    with pytest.raises(NeuronRefused, match="thinking: its gate did not pass; got bits rose"):
        registry.publish("thinking", write_adapter(), fields.model_copy(update={"verdict": lost}))


def test_a_card_that_cannot_be_written_leaves_no_version(registry, publish, write_adapter, fields):
    publish("thinking", 1)
    with pytest.raises(NeuronRefused, match="cannot be written"):
        registry.publish("thinking", write_adapter(2), fields.model_copy(update={"config": {"x": object()}}))
    assert sorted(path.name for path in (registry.root / "thinking").iterdir()) == ["1", "aliases.json"]


def test_a_published_verdict_is_read_back_with_its_figures(registry, write_adapter, fields, verdict):
    metrics = {"perplexity": math.inf}
    entry = registry.publish("t", write_adapter(), fields.model_copy(update={"verdict": verdict, "metrics": metrics}))
    assert registry.resolve("t").card == entry.card
    assert entry.card.verdict == verdict


@pytest.mark.parametrize(
    "ref",
    ["../x", "../registry/thinking", "/", "thinking/1", "thinking/../thinking", "thinking\0", "./thinking", "Thinking"],
)
def test_no_reference_leads_out_of_the_registry(registry, publish, ref):
    publish("thinking", 1)
    for call in (registry.resolve, registry.versions, registry.history, registry.rollback, partial(verify, registry)):
        with pytest.raises(UnknownName, match=r"no such neuron.*; allowed: thinking"):
            call(ref)


@pytest.mark.parametrize("selector", ["2", "01", "0", "-1", "../1", "/", "", "none", "1/..", "\0", "1@1", "9" * 30])
def test_an_unknown_selector_lists_the_existing_ones(registry, publish, selector):
    publish("thinking", 1)
    with pytest.raises(UnknownName, match="thinking@1"):
        registry.resolve(f"thinking@{selector}")


def test_links_are_not_followed(registry, publish, tmp_path):
    entry = publish("thinking", 1)
    (registry.root / "linked").symlink_to(registry.root / "thinking")
    (registry.root / "thinking" / "2").symlink_to(entry.path)
    assert registry.names() == ["thinking"]
    assert registry.versions("thinking") == [1]
    assert publish("thinking", 2).version == 3


def test_promote_creates_and_moves_aliases(registry, publish):
    publish("thinking", 1)
    publish("thinking", 2)
    assert registry.promote("thinking", 1, "stable").version == 1
    assert registry.promote("thinking", 1).version == 1
    assert registry.aliases("thinking") == {"current": 1, "stable": 1}
    assert registry.resolve("thinking@stable").version == 1
    assert [(m.alias, m.before, m.to, m.how) for m in registry.history("thinking")] == [
        ("current", None, 1, "publish"),
        ("current", 1, 2, "publish"),
        ("stable", None, 1, "promote"),
        ("current", 2, 1, "promote"),
    ]


@pytest.mark.parametrize("alias", ["3", "../x", "", "A", "a b", "current\n"])
def test_an_alias_that_is_a_number_or_no_name_is_refused(registry, publish, alias):
    publish("thinking", 1)
    with pytest.raises(RegistryError, match="not an alias"):
        registry.promote("thinking", 1, alias)


def test_a_damaged_version_is_not_promoted(registry, publish):
    flip(publish("thinking", 1).path / "adapters.safetensors")
    publish("thinking", 2)
    for change in (lambda: registry.promote("thinking", 1), lambda: registry.rollback("thinking")):
        with pytest.raises(NeuronRefused, match="differs from the card's digest"):
            change()
    assert registry.aliases("thinking") == {"current": 2}


def test_rollback_goes_further_back_each_time(registry, publish):
    for seed in (1, 2, 3):
        publish("thinking", seed)
    assert [registry.rollback("thinking").version for _ in range(2)] == [2, 1]
    with pytest.raises(RegistryError, match=r"no earlier version; got version 1\. Choose a version"):
        registry.rollback("thinking")
    publish("thinking", 4)
    assert registry.rollback("thinking").version == 1


def test_rollback_skips_removed_versions(registry, publish):
    for seed in (1, 2, 3):
        publish("thinking", seed)
    registry.remove("thinking", 2)
    assert registry.rollback("thinking").version == 1
    with pytest.raises(UnknownName, match="no such alias; got stable; allowed: current"):
        registry.rollback("thinking", "stable")


def test_a_version_number_is_never_used_twice(registry, publish):
    for seed in (1, 2, 3):
        publish("thinking", seed)
    registry.promote("thinking", 1)
    registry.remove("thinking", 3)
    registry.remove("thinking", 2)
    assert registry.versions("thinking") == [1]
    assert publish("thinking", 2).version == 4


def test_a_version_number_is_not_used_twice_if_the_alias_table_lags(registry, publish):
    publish("thinking", 1)
    entry = publish("thinking", 2)
    index = entry.path.parent / "aliases.json"
    # The state after a kill between the rename of version 2 and the write of aliases.json.
    index.write_text(json.dumps({"next": 2, "aliases": {"current": 1}}))
    registry.remove("thinking", 2)
    assert publish("thinking", 3).version == 3


def test_the_same_publish_completes_one_killed_before_its_alias_moved(registry, publish):
    publish("thinking", 1)
    entry = publish("thinking", 2)
    index = entry.path.parent / "aliases.json"
    index.write_text(json.dumps({"next": 2, "aliases": {"current": 1}}))
    assert publish("thinking", 2) == entry
    assert registry.versions("thinking") == [1, 2]
    assert registry.aliases("thinking") == {"current": 2}
    assert publish("thinking", 3).version == 3


def test_the_target_of_an_alias_cannot_be_removed(registry, publish):
    publish("thinking", 1)
    registry.promote("thinking", 1, "stable")
    publish("thinking", 2)
    with pytest.raises(RegistryError, match=r"thinking@1: stable points at it\. Move the alias"):
        registry.remove("thinking", 1)
    with pytest.raises(UnknownName, match="version 7 does not exist"):
        registry.remove("thinking", 7)


def test_a_damaged_alias_table_is_named_and_the_versions_are_kept(registry, publish):
    entry = publish("thinking", 1)
    publish("action", 2)
    index = entry.path.parent / "aliases.json"
    index.write_text('{"aliases": {"cur')
    for call in (
        lambda: registry.resolve("thinking"),
        lambda: registry.rollback("thinking"),
        lambda: registry.remove("thinking", 1),
        lambda: publish("thinking", 3),
    ):
        with pytest.raises(RegistryError, match=r"thinking/aliases\.json: the list of aliases is damaged"):
            call()
    assert registry.resolve("thinking@1") == entry
    assert registry.resolve("action").version == 1
    assert [problem.ref for problem in verify(registry)] == ["thinking"]
    index.unlink()
    assert registry.promote("thinking", 1) == entry
    assert registry.resolve("thinking") == entry


DAMAGES = {
    "flipped_byte": (lambda path: flip(path / "adapters.safetensors"), "differs from the card's digest"),
    "flipped_setting": (lambda path: flip(path / "adapter_config.json"), "differs from the card's digest"),
    "truncated": (lambda path: os.truncate(path / "adapters.safetensors", 40), "differs from the card's digest"),
    "file_gone": (lambda path: (path / "adapters.safetensors").unlink(), "file missing; got adapters.safetensors"),
    "card_gone": (lambda path: (path / "neuron.json").unlink(), "file missing; got neuron.json"),
    "card_cut": (lambda path: os.truncate(path / "neuron.json", 40), "not a valid card"),
    "emptied": (lambda path: [file.unlink() for file in path.iterdir()], "file missing; got neuron.json"),
}


@pytest.mark.parametrize(("damage", "reason"), DAMAGES.values(), ids=DAMAGES)
def test_verify_names_the_damaged_version_and_checks_the_others(registry, publish, damage, reason):
    damage(publish("thinking", 1).path)
    publish("thinking", 2)
    publish("action", 3)
    (problem,) = verify(registry)
    assert problem.ref == "thinking@1"
    assert reason in problem.reason
    assert verify(registry, "thinking@1") == [problem]
    assert verify(registry, "thinking") == []
    assert registry.names() == ["action", "thinking"]
    assert registry.versions("thinking") == [1, 2]
    registry.remove("thinking", 1)
    assert verify(registry) == []


def test_verify_reads_the_adapter_even_when_all_hashes_match(registry, publish, write_adapter):
    from conch_dna.registry.card import content_digest, hash_files, read_card, write_card

    entry = publish("thinking", 1)

    def with_nan(found):
        found["model.layers.2.mlp.down_proj.lora_a"][0, 0] = mx.nan

    shutil.copytree(write_adapter(2, change=with_nan), entry.path, dirs_exist_ok=True)
    files = hash_files(entry.path)
    card = read_card(entry.path).model_copy(update={"files": files, "digest": content_digest(files)})
    write_card(card, entry.path)
    assert "not finite" in verify(registry, "thinking")[0].reason


def test_verify_finds_an_alias_without_its_version(registry, publish):
    publish("thinking", 1)
    shutil.rmtree(publish("thinking", 2).path)
    (problem,) = verify(registry)
    assert problem.ref == "thinking@current"
    assert problem.reason.startswith("version 2 does not exist")
    with pytest.raises(UnknownName, match="version 2 does not exist"):
        registry.resolve("thinking")
    assert publish("thinking", 3).version == 3


def test_leftovers_of_a_killed_process_are_invisible_and_get_deleted(registry, publish):
    folder = publish("thinking", 1).path.parent
    (folder / ".2.abcd").mkdir()
    (folder / ".2.abcd" / "adapters.safetensors").write_bytes(b"half")
    (folder / ".aliases.json.x1").write_bytes(b"half")
    (folder / ".DS_Store").write_bytes(b"not ours")
    assert registry.versions("thinking") == [1]
    assert verify(registry) == []
    publish("thinking", 2)
    assert sorted(path.name for path in folder.iterdir()) == [".DS_Store", "1", "2", "aliases.json"]


def test_a_held_lock_is_an_error_with_its_path_and_does_not_stop_readers(registry, publish):
    publish("thinking", 1)
    waiting = Registry(registry.root, timeout=0.05)
    with FileLock(registry.root / ".lock"):
        with pytest.raises(RegistryError, match=r"\.lock: another process .* 0\.05 seconds"):
            waiting.promote("thinking", 1, "stable")
        assert waiting.resolve("thinking").version == 1
    waiting.promote("thinking", 1, "stable")


def test_a_disk_that_fails_is_a_registry_error(tmp_path, write_adapter, fields):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RegistryError, match="cannot write"):
        Registry(tmp_path / "file").publish("thinking", write_adapter(), fields)


def test_diff_returns_only_the_differences(registry, publish, write_adapter, fields):
    publish("thinking", 1)
    changed = {"config": {"lora": {"rank": 2}, "steps": 20, "new": {}}, "metrics": {"kd": 0.25}}
    registry.publish("thinking", write_adapter(2), fields.model_copy(update=changed))
    rows = {(row.section, row.key): (row.a, row.b) for row in diff(registry, "thinking@1", "thinking")}
    assert rows["config", "steps"] == ("10", "20")
    assert rows["config", "new"] == (None, "{}")
    assert rows["metrics", "kd"] == (0.5, 0.25)
    assert ("config", "lora.rank") not in rows
    assert ("provenance", "base") not in rows
    assert diff(registry, "thinking@1", "thinking@1") == []


def test_diff_returns_the_norm_of_the_scaled_product(registry, publish, tensors):
    publish("thinking", 1)
    publish("thinking", 2)
    rows = {row.key: row for row in diff(registry, "thinking@1", "thinking@2") if row.section == "weights"}
    found, module = tensors(2), "model.layers.3.mlp.down_proj"
    product = 2.0 * found[f"{module}.lora_a"] @ found[f"{module}.lora_b"]
    assert rows[module].b == pytest.approx(mx.linalg.norm(product).item(), rel=1e-5)
    assert len(rows) == 4
