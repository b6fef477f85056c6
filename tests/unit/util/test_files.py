"""After any fault, either the old file or the new one exists, never a part of one."""

import hashlib
import stat
from pathlib import Path

import pytest

from conch_dna.util.files import FILE_MODE, FOLDER_MODE, append, new_folder, sha256_file, sweep, write_atomic


def names(folder):
    return sorted(p.name for p in folder.iterdir())


@pytest.mark.parametrize(("data", "stored"), [("äpfel\n", "äpfel\n".encode()), (b"\x00\xff", b"\x00\xff"), ("", b"")])
def test_text_and_bytes_are_written_as_they_are(tmp_path, data, stored):
    path = tmp_path / "deep/er/file.txt"
    write_atomic(path, data)
    assert path.read_bytes() == stored
    assert names(path.parent) == ["file.txt"]
    assert stat.S_IMODE(path.stat().st_mode) == FILE_MODE


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
    assert stat.S_IMODE(final.stat().st_mode) == FOLDER_MODE


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


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_reported_with_the_file(tmp_path):
    (tmp_path / "log").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device") as caught:
        append(tmp_path / "log", "line\n")
    assert caught.value.filename == str(tmp_path / "log")


def test_what_killed_processes_left_half_written_is_swept_and_nothing_else(tmp_path):
    stay = [".lock", "result.json", "a/.hidden", "a/.metrics.jsonl.x"]
    leftovers = [".config.json.k3_9aaz0", "a/.metrics.jsonl.abcdefgh", "a/.adapter.12345678/adapters.safetensors"]
    for name in stay + leftovers:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    sweep(tmp_path)
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()) == sorted(stay)
    assert not (tmp_path / "a/.adapter.12345678").exists()
