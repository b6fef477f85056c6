"""Whatever goes wrong, the old file or the new one is there, never half of one."""

import hashlib
import stat

import pytest

from conch_dna.files import new_folder, sha256_file, write_atomic


def names(folder):
    return sorted(p.name for p in folder.iterdir())


@pytest.mark.parametrize(("data", "stored"), [("äpfel\n", "äpfel\n".encode()), (b"\x00\xff", b"\x00\xff"), ("", b"")])
def test_text_and_bytes_are_written_as_they_are(tmp_path, data, stored):
    path = tmp_path / "deep/er/file.txt"
    write_atomic(path, data)
    assert path.read_bytes() == stored
    assert names(path.parent) == ["file.txt"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_new_content_replaces_the_old(tmp_path):
    path = tmp_path / "file"
    write_atomic(path, "old, and longer")
    write_atomic(path, "new")
    assert path.read_text() == "new"


@pytest.mark.parametrize("data", [42, "\ud800"], ids=["no text", "not encodable"])
def test_a_failed_write_leaves_the_old_content_and_no_litter(tmp_path, data):
    path = tmp_path / "file"
    write_atomic(path, "old")
    with pytest.raises((TypeError, UnicodeEncodeError)):
        write_atomic(path, data)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_a_target_that_cannot_be_replaced_stays(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        write_atomic(tmp_path / "folder", "text")
    assert names(tmp_path) == ["folder"]


def test_a_folder_appears_whole_when_the_block_ends(tmp_path):
    final = tmp_path / "a/b"
    with new_folder(final) as folder:
        (folder / "in").mkdir()
        (folder / "in/file").write_text("x")
        assert not final.exists()
    assert (final / "in/file").read_text() == "x"
    assert names(final.parent) == ["b"]
    assert stat.S_IMODE(final.stat().st_mode) == 0o755


@pytest.mark.parametrize("fault", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_block_that_fails_leaves_nothing(tmp_path, fault):
    def write():
        with new_folder(tmp_path / "final") as folder:
            (folder / "file").write_text("half")
            raise fault

    with pytest.raises(fault):
        write()
    assert names(tmp_path) == []


def test_a_folder_that_is_there_is_kept(tmp_path):
    final = tmp_path / "final"
    final.mkdir()
    (final / "file").write_text("old")

    def write():
        with new_folder(final) as folder:
            (folder / "file").write_text("new")

    with pytest.raises(FileExistsError):
        write()
    assert (final / "file").read_text() == "old"
    assert names(tmp_path) == ["final"]


def test_the_digest_is_that_of_the_bytes(tmp_path):
    (tmp_path / "file").write_bytes(b"abc" * 1000)
    assert sha256_file(tmp_path / "file") == hashlib.sha256(b"abc" * 1000).hexdigest()
