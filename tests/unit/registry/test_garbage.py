"""A collection deletes what no rule keeps, and never what an alias or its next rollback needs."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from conch_dna.errors import ConfigError, NeuronRefused, RegistryError, UnknownName
from conch_dna.registry.adapter import read_adapter
from conch_dna.registry.audit import verify
from conch_dna.registry.card import read_card, write_card
from conch_dna.registry.entry import check_content


@pytest.fixture
def seven(registry, publish):
    """Seven versions of one neuron; ``current`` is the last."""
    for seed in range(1, 8):
        publish("thinking", seed)
    return registry


def removed(report):
    return [one.ref for one in report.removed]


def age(entry, days):
    """Set the age of a version in days."""
    made = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")
    write_card(read_card(entry.path).model_copy(update={"created_at": made}), entry.path)


def test_the_newest_versions_and_the_targets_of_rollbacks_are_kept(seven):
    report = seven.gc("thinking")
    assert removed(report) == ["thinking@1", "thinking@2", "thinking@3", "thinking@4"]
    assert seven.versions("thinking") == [5, 6, 7]
    assert [seven.rollback("thinking").version for _ in range(2)] == [6, 5]
    assert verify(seven) == []


def test_the_report_has_every_reason_and_the_digests_of_deleted_versions(seven):
    seven.tag("thinking@3", "stage", "trial")
    digest = seven.resolve("thinking@1").card.digest
    report = seven.gc(keep_last=1, keep_tags=["stage=trial", "none"])
    assert {one.ref: one.reasons for one in report.kept} == {
        "thinking@3": ("tag stage=trial",),
        "thinking@6": ("current rolls back to it",),
        "thinking@7": ("current points at it", "among the newest 1"),
    }
    assert report.removed[0].digest == digest
    assert seven.resolve("thinking@3").card.parent  # the card keeps the digest of a deleted parent


def test_the_target_of_any_alias_and_of_its_next_rollback_is_kept(seven):
    for version in (1, 3, 5):
        seven.promote("thinking", version, "prod")
    seven.rollback("thinking", "prod")
    seven.gc(keep_last=0)
    assert seven.versions("thinking") == [1, 3, 6, 7]
    assert (seven.rollback("thinking").version, seven.rollback("thinking", "prod").version) == (6, 1)


def test_repeated_moves_between_two_versions_count_as_steps(seven):
    for version in (1, 7, 1, 7):
        seven.promote("thinking", version)
    seven.gc(keep_last=3)
    assert seven.versions("thinking") == [1, 5, 6, 7]
    assert [seven.rollback("thinking").version for _ in range(2)] == [1, 7]


def test_young_versions_and_versions_of_unknown_age_are_kept(seven, registry):
    entries = [registry.resolve(f"thinking@{version}") for version in range(1, 8)]
    for entry, days in zip(entries, (10, 9, 8, 4, 3, 2, 1), strict=True):
        age(entry, days)
    (entries[0].path / "neuron.json").write_text("{")
    assert removed(registry.gc(keep_last=0, keep_days=3.5)) == ["thinking@2", "thinking@3", "thinking@4"]
    assert removed(registry.gc(keep_last=0)) == ["thinking@1", "thinking@5"]


def test_a_dry_run_deletes_nothing_and_returns_the_same_report(seven):
    (seven.root / "thinking" / ".9.abcd").mkdir()
    (seven.root / "thinking" / ".9.abcd" / "half").write_bytes(b"123456")
    before = sorted(seven.root.rglob("*"))
    planned = seven.gc(keep_last=1, dry_run=True)
    assert sorted(seven.root.rglob("*")) == before
    done = seven.gc(keep_last=1)
    assert planned.dry_run
    assert planned.model_copy(update={"dry_run": False}) == done
    assert (done.leftovers, done.bytes) == (1, 6 + sum(one.bytes for one in done.removed))


def test_the_reported_bytes_are_the_size_of_the_files(seven):
    sizes = [path.stat().st_size for path in (seven.root / "thinking" / "1").iterdir()]
    (one,) = seven.gc(keep_last=6).removed
    assert (len(sizes), one.bytes) == (4, sum(sizes))


def test_a_collection_covers_one_neuron_or_all(seven, publish):
    for seed in range(1, 5):
        publish("action", seed)
    assert removed(seven.gc("action", keep_last=1)) == ["action@1", "action@2"]
    assert seven.versions("thinking") == list(range(1, 8))
    assert removed(seven.gc(keep_last=4)) == ["thinking@1", "thinking@2", "thinking@3"]
    assert seven.versions("action") == [3, 4]


def test_numbers_and_tags_of_deleted_versions_are_not_used_again(seven, publish):
    seven.tag("thinking@7", "stage", "trial")
    (seven.root / "thinking" / "aliases.json").write_text('{"next": 2, "aliases": {"current": 1}, "tags": {"7": {}}}')
    assert removed(seven.gc(keep_last=0)) == [f"thinking@{version}" for version in range(2, 8)]
    assert publish("thinking", 9).version == 8
    assert seven.tags("thinking") == {}


def test_leftovers_of_neurons_without_versions_are_deleted_too(registry, publish):
    publish("thinking", 1)
    (registry.root / "action" / ".1.abcd").mkdir(parents=True)
    (registry.root / "action" / ".aliases.json.abcd").write_text("half")
    assert registry.gc().leftovers == 2
    assert list((registry.root / "action").iterdir()) == []


def test_damaged_aliases_stop_the_whole_collection(seven, publish):
    publish("action", 1)
    (seven.root / "thinking" / "aliases.json").write_text("{")
    publish("zeta", 1)
    with pytest.raises(RegistryError, match=r"thinking/aliases\.json"):
        seven.gc(keep_last=0)
    assert seven.versions("thinking") == list(range(1, 8))


def test_an_alias_without_a_version_does_not_stop_a_collection(seven):
    (seven.root / "thinking" / "7").rename(seven.root / "elsewhere")
    assert removed(seven.gc(keep_last=1)) == ["thinking@1", "thinking@2", "thinking@3", "thinking@4", "thinking@5"]


def test_a_collection_of_an_empty_registry_creates_nothing(registry):
    assert registry.gc() == registry.gc(keep_last=0)
    assert not registry.root.exists()
    with pytest.raises(UnknownName):
        registry.gc("thinking")


@pytest.mark.parametrize("rules", [{"keep_last": -1}, {"keep_days": -1.0}, {"keep_days": float("nan")}])
def test_rules_out_of_range_are_refused(registry, rules):
    with pytest.raises(ConfigError, match="out of range"):
        registry.gc(**rules)


def test_a_version_that_is_removed_after_its_lookup_is_refused_with_the_reason(seven):
    entry = seven.resolve("thinking@1")
    seven.gc()
    with pytest.raises(NeuronRefused, match=r"thinking@1: the version was removed after it was looked up\. Try again"):
        check_content(entry)
    with pytest.raises(NeuronRefused, match="file missing"):
        read_adapter(entry.path)
    with pytest.raises(UnknownName, match="version 1 does not exist; got thinking@1; allowed: thinking@5, thinking@6"):
        seven.resolve("thinking@1")


def test_readers_during_a_collection_get_a_whole_adapter_or_a_refusal(registry, write_adapter, fields):
    adapters = [write_adapter(seed) for seed in range(12)]
    digests = {read_adapter(folder).digest for folder in adapters}
    registry.publish("thinking", adapters[0], fields)

    def churn():
        for folder in adapters * 2:
            registry.publish("thinking", folder, fields)
            registry.gc(keep_last=1)

    read, refused = 0, 0
    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(churn)
        while not writer.done():
            for version in registry.versions("thinking"):
                try:
                    entry = registry.resolve(f"thinking@{version}")
                    assert read_adapter(entry.path).digest in digests
                    read += 1
                except (UnknownName, NeuronRefused):
                    refused += 1
                    assert version not in registry.versions("thinking")
        writer.result()
    assert read > 0
    assert len(registry.versions("thinking")) == 2


def test_an_engine_refuses_a_removed_version_and_continues(tmp_path):
    from engines import publish, write_base

    from conch_dna.registry.store import Registry
    from conch_dna.runtime.neurons import NeuronRuntime

    base, registry = write_base(tmp_path / "base", "llama"), Registry(tmp_path / "registry")
    runtime = NeuronRuntime(base, registry)
    for round_ in range(4):
        publish(registry, base, tmp_path / f"made-{round_}", "b", "a", size=0.3 + 0.1 * round_)
    late = runtime._cache.find("a@1")
    runtime.use("a@2")
    registry.gc(keep_last=0)
    with pytest.raises(NeuronRefused, match="a@1: the version was removed after it was looked up"):
        runtime._cache.get(late)
    with pytest.raises(UnknownName, match="version 1 does not exist; got a@1; allowed: a@3, a@4"):
        runtime.use("a@1")
    runtime.use("a")
    runtime.close()
