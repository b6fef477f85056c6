"""Shards are immutable, numbered, and visible to all processes; test_target_cache has damaged ones."""

import pytest
import structlog

from conch_dna.data.shards import DAMAGED, Shards
from conch_dna.data.target_files import read

A, B, C, X = (2 * digit * 32 for digit in "abc0")  # keys are sha256


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "of one teacher"


def names(folder):
    return sorted(path.name for path in folder.glob("*.safetensors"))


def test_nothing_is_stored_in_a_folder_that_is_not_there(folder):
    assert Shards(folder, "t").get([A]) == {}
    assert not folder.exists()


def test_each_put_is_a_shard_that_tells_its_teacher(folder):
    shards = Shards(folder, "t")
    assert shards.put({A: b"1", B: b"22"}) == {A: b"1", B: b"22"}
    assert shards.put({C: b"333"}) == {C: b"333"}
    assert names(folder) == ["00000001.safetensors", "00000002.safetensors"]
    first = read(folder / "00000001.safetensors")
    assert (first.about["teacher"], first.blobs) == ("t", {A: b"1", B: b"22"})
    assert shards.get([C, A, X]) == {A: b"1", C: b"333"}


def test_what_was_stored_first_stays_and_is_what_both_read(folder):
    """Two processes score the same answer: the one that comes second takes the other's figures."""
    one, other = Shards(folder, "t"), Shards(folder, "t")
    assert one.get([A]) == other.get([A]) == {}
    assert one.put({A: b"mine"}) == {A: b"mine"}
    assert other.put({A: b"yours", B: b"new"}) == {A: b"mine", B: b"new"}
    assert one.get([A, B]) == {A: b"mine", B: b"new"}
    assert other.put({A: b"again"}) == {A: b"mine"}
    assert len(names(folder)) == 2, "nothing new, no shard"


def test_a_shard_that_is_gone_is_forgotten(folder):
    shards = Shards(folder, "t")
    shards.put({A: b"1"})
    (folder / "00000001.safetensors").unlink()
    assert shards.get([A]) == {}
    assert shards.put({A: b"2"}) == {A: b"2"}


def test_the_number_of_a_damaged_shard_is_not_given_again(folder):
    shards = Shards(folder, "t")
    shards.put({A: b"1"})
    (folder / "00000001.safetensors").write_bytes(b"no shard")
    with structlog.testing.capture_logs() as logs:
        assert shards.get([A]) == {}
        assert shards.put({A: b"2"}) == {A: b"2"}
    assert [(e["event"], e["teacher"]) for e in logs] == [("shard_damaged", "t")]
    assert names(folder) == ["00000002.safetensors"]
    assert names(folder / DAMAGED) == ["00000001.safetensors"]
