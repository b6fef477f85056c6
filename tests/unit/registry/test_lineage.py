"""A lineage contains all ancestors of a version that the registry has."""

import pytest

from conch_dna.errors import UnknownName
from conch_dna.registry.lineage import ancestors_of


@pytest.fixture
def publish_from(registry, write_adapter, fields):
    """Publish the adapter of a seed, whose training started from a digest."""

    def call(name, seed, start=None, **more):
        changed = fields.model_copy(update={"start_digest": start, **more})
        return registry.publish(name, write_adapter(seed), changed)

    return call


def summary_of(registry, ref):
    return [(one.ref, one.relations, one.of, one.depth) for one in ancestors_of(registry, ref)]


def test_parents_and_starts_are_returned_nearest_first(registry, publish_from):
    first = publish_from("thinking", 1)
    publish_from("thinking", 2, first.card.digest, data_digest="sha256:more")
    publish_from("thinking", 3, first.card.digest)
    assert summary_of(registry, "thinking") == [
        ("thinking@3", ("itself",), None, 0),
        ("thinking@2", ("parent",), "thinking@3", 1),
        ("thinking@1", ("start",), "thinking@3", 1),
    ]
    assert summary_of(registry, "thinking@2")[1] == ("thinking@1", ("parent", "start"), "thinking@2", 1)
    itself, second, _ = ancestors_of(registry, "thinking")
    assert (itself.base_digest, itself.teacher_fingerprint) == ("sha256:base", "sha256:teacher")
    assert (second.data_digest, second.digest) == ("sha256:more", registry.resolve("thinking@2").card.digest)


def test_the_ancestors_of_a_start_in_another_neuron_are_returned_too(registry, publish_from):
    publish_from("action", 1)
    start = publish_from("action", 2)
    publish_from("thinking", 3, start.card.digest)
    assert summary_of(registry, "thinking") == [
        ("thinking@1", ("itself",), None, 0),
        ("action@2", ("start",), "thinking@1", 1),
        ("action@1", ("parent",), "action@2", 2),
    ]


def test_an_ancestor_outside_the_registry_has_only_a_digest(registry, publish_from):
    first = publish_from("thinking", 1)
    publish_from("thinking", 2, "sha256:elsewhere")
    registry.remove("thinking", 1)
    rows = ancestors_of(registry, "thinking")
    assert [(row.ref, row.digest) for row in rows[1:]] == [(None, first.card.digest), (None, "sha256:elsewhere")]
    assert rows[1].base is None


def test_repeated_content_makes_no_endless_lineage(registry, publish_from):
    for seed in (1, 2, 1, 2):
        publish_from("thinking", seed)
    assert [row.ref for row in ancestors_of(registry, "thinking")] == [
        f"thinking@{version}" for version in (4, 3, 2, 1)
    ]


def test_starts_that_point_at_each_other_end_the_lineage(registry, publish_from, write_adapter):
    from conch_dna.registry.adapter import read_adapter

    later = read_adapter(write_adapter(2)).digest
    first = publish_from("action", 1, later)
    publish_from("thinking", 2, first.card.digest)
    assert [row.ref for row in ancestors_of(registry, "thinking")] == ["thinking@1", "action@1"]


def test_a_damaged_ancestor_counts_as_missing(registry, publish_from):
    digest = publish_from("thinking", 1).card.digest
    publish_from("thinking", 2)
    (registry.root / "thinking" / "1" / "neuron.json").write_text("{")
    assert [(row.ref, row.digest) for row in ancestors_of(registry, "thinking")][1] == (None, digest)
    with pytest.raises(UnknownName):
        ancestors_of(registry, "thinking@3")
