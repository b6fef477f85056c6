"""Tags of a version are set, changed and removed without a change of its card, and are deleted with it."""

import json

import pytest

from conch_dna.errors import RegistryError, UnknownName
from conch_dna.registry.tags import has_tag


def test_a_tag_is_set_changed_and_removed(registry, publish):
    entry = publish("thinking", 1)
    publish("thinking", 2)
    card = (entry.path / "neuron.json").read_bytes()
    assert registry.tag("thinking@1", "stage", "trial") == {"stage": "trial"}
    assert registry.tag("thinking@1", "owner", "me & you = us\n") == {"stage": "trial", "owner": "me & you = us\n"}
    assert registry.tag("thinking", "stage", "") == {"stage": ""}
    assert registry.tag("thinking@1", "stage", "done")["stage"] == "done"
    assert registry.tags("thinking") == {1: {"owner": "me & you = us\n", "stage": "done"}, 2: {"stage": ""}}
    assert registry.untag("thinking@1", "owner") == {"stage": "done"}
    assert registry.untag("thinking", "stage") == {}
    assert registry.tags("thinking") == {1: {"stage": "done"}}
    assert (entry.path / "neuron.json").read_bytes() == card
    assert registry.resolve("thinking@1") == entry


def test_a_tag_belongs_to_a_version_not_to_an_alias(registry, publish):
    publish("thinking", 1)
    registry.tag("thinking", "stage", "trial")
    publish("thinking", 2)
    registry.rollback("thinking")
    assert registry.tags("thinking") == {1: {"stage": "trial"}}
    assert registry.aliases("thinking") == {"current": 1}


def test_tags_of_a_removed_version_vanish(registry, publish):
    publish("thinking", 1)
    registry.tag("thinking", "stage", "trial")
    publish("thinking", 2)
    registry.remove("thinking", 1)
    assert registry.tags("thinking") == {}
    assert json.loads((registry.root / "thinking" / "aliases.json").read_text())["tags"] == {}


def test_tags_of_a_version_that_a_killed_process_removed_are_invisible(registry, publish):
    entry = publish("thinking", 1)
    registry.tag("thinking", "stage", "trial")
    publish("thinking", 2)
    entry.path.rename(entry.path.with_name(".1.abcd"))  # the state after a kill right after the rename
    assert registry.tags("thinking") == {}
    registry.tag("thinking", "stage", "new")
    assert json.loads((registry.root / "thinking" / "aliases.json").read_text())["tags"] == {"2": {"stage": "new"}}
    assert sorted(path.name for path in entry.path.parent.iterdir()) == ["2", "aliases.json"]


@pytest.mark.parametrize("key", ["", "=", "a=b", "a b", "-a", "ä", "a\0", "a\n", "x" * 251])
def test_a_key_with_other_characters_is_refused(registry, publish, key):
    publish("thinking", 1)
    with pytest.raises(RegistryError, match="not a tag key"):
        registry.tag("thinking", key, "v")


@pytest.mark.parametrize(("value", "reason"), [("x" * 5001, "too long"), ("\ud800", "not valid Unicode")])
def test_a_value_that_is_too_long_or_not_unicode_is_refused(registry, publish, value, reason):
    publish("thinking", 1)
    with pytest.raises(RegistryError, match=reason):
        registry.tag("thinking", "key", value)
    assert registry.tags("thinking") == {}


def test_an_unknown_version_or_tag_is_named(registry, publish):
    publish("thinking", 1)
    registry.tag("thinking", "stage", "trial")
    with pytest.raises(UnknownName, match="no such tag; got owner; allowed: stage"):
        registry.untag("thinking", "owner")
    for ref in ("thinking@2", "thinking@prod", "../thinking", "action"):
        with pytest.raises(UnknownName):
            registry.tag(ref, "stage", "trial")
    assert not (registry.root.parent / "thinking").exists()


def test_an_alias_table_without_tags_is_read(registry, publish):
    publish("thinking", 1)
    path = registry.root / "thinking" / "aliases.json"
    path.write_text(json.dumps({"next": 2, "aliases": {"current": 1}}))
    assert registry.tags("thinking") == {}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("stage", True), ("stage=trial", True), ("stage=", False), ("stage=trial=", False), ("sta", False), ("", False)],
)
def test_a_filter_is_a_key_or_a_key_with_its_value(wanted, found):
    assert has_tag({"stage": "trial"}, wanted) is found
