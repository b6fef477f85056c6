"""Only the user's key makes a seal, for one kind, name and content."""

import threading

import pytest

from conch_dna.errors import ConfigError
from conch_dna.models import seals


@pytest.fixture(autouse=True)
def config(tmp_path, monkeypatch):
    monkeypatch.setenv("CONCH_CONFIG", str(tmp_path / "config"))
    monkeypatch.delenv("CONCH_CACHE_KEY", raising=False)
    return tmp_path / "config"


def test_a_seal_holds_for_its_kind_name_and_content_alone():
    made = seals.seal("answer", "a", "b")
    assert seals.holds(made, "answer", "a", "b")
    for other in (("answers", "a", "b"), ("answer", "ab", ""), ("answer", "a", "c"), ("answer", "", "ab")):
        assert not seals.holds(made, *other)
    for found in ("", made[:-1], made.upper(), "\u20ac"):
        assert not seals.holds(found, "answer", "a", "b")


def test_the_key_is_made_once_and_only_its_user_reads_it(config):
    made = seals.seal("answer", "a", "b")
    assert (config / "cache.key").stat().st_mode & 0o777 == 0o600
    assert seals.seal("answer", "a", "b") == made
    assert [file.name for file in config.iterdir()] == ["cache.key"]


def test_programs_that_start_together_have_one_key():
    made, start = set(), threading.Barrier(8)

    def make():
        start.wait()
        made.add(seals.seal("answer", "a", "b"))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def test_a_key_of_the_environment_comes_first(config, monkeypatch):
    own = seals.seal("answer", "a", "b")
    monkeypatch.setenv("CONCH_CACHE_KEY", "shared by the machines of a team")
    assert not seals.holds(own, "answer", "a", "b")
    (config / "cache.key").unlink()
    assert seals.seal("answer", "a", "b")
    assert not (config / "cache.key").exists()


def test_a_key_that_cannot_be_written_is_reported(config):
    config.write_text("a file")
    with pytest.raises(ConfigError, match="CONCH_CACHE_KEY"):
        seals.seal("answer", "a", "b")


def test_a_changed_library_is_none_of_ours(tmp_path):
    library = tmp_path / "lib.so"
    assert not seals.is_own_library(library)
    library.write_bytes(b"code")
    assert not seals.is_own_library(library)
    seals.seal_library(library)
    assert seals.is_own_library(library)
    library.write_bytes(b"other")
    assert not seals.is_own_library(library)
