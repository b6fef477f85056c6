"""The leftovers of a killed push are deleted; files that another process writes are not."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from conch_dna.registry.remotes import push_pull as remote
from conch_dna.registry.remotes import shared_folder

PUT = (
    "import sys; from pathlib import Path; from conch_dna.registry.remotes.shared_folder import put;"
    "put(*map(Path, sys.argv[1:]))"
)


@pytest.fixture
def pipe(tmp_path):
    """A pipe as source, which blocks until a test writes into it."""
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def temporaries(folder):
    return [path for path in folder.iterdir() if path.name.startswith(".")] if folder.is_dir() else []


def until_there(folder, seconds=60):
    end = time.monotonic() + seconds
    while not temporaries(folder):
        assert time.monotonic() < end, "the copy never began"
        time.sleep(0.01)


def killed_copy(pipe, final):
    """Start a process that writes a file, and kill it."""
    process = subprocess.Popen([sys.executable, "-c", PUT, pipe, final])
    until_there(final.parent)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)
    assert temporaries(final.parent)


def test_the_next_push_of_a_version_deletes_the_leftovers_of_a_killed_one(pipe, tmp_path, registry, publish):
    entry = publish("thinking", 0)
    folder = tmp_path / "store/thinking" / entry.card.digest.removeprefix("sha256:")
    killed_copy(pipe, folder / "adapters.safetensors")
    killed_copy(pipe, folder.parent / "aliases/current.json")
    remote.push(registry, "thinking", str(tmp_path / "store"), dry_run=True)
    assert temporaries(folder)
    remote.push(registry, "thinking", str(tmp_path / "store"))
    assert temporaries(folder) == temporaries(folder.parent / "aliases") == []


def test_a_file_that_another_process_writes_is_kept_and_appears_complete(pipe, tmp_path):
    final = tmp_path / "name/folder/file"
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(shared_folder.put, pipe, final)
        try:
            until_there(final.parent)
            shared_folder.sweep(final)
            assert temporaries(final.parent)
        finally:
            pipe.write_bytes(b"whole")
        writing.result(timeout=30)
    assert final.read_bytes() == b"whole"
    assert temporaries(final.parent) == []


def test_only_the_temporary_files_of_that_file_are_deleted(tmp_path):
    final = tmp_path / "file"
    kept = [".other.abcd1234", ".file.notes.txt", ".file.ABCD1234", "file.abcd1234"]
    for name in (*kept, ".file.abcd1234"):
        (tmp_path / name).touch()
    (tmp_path / "target").touch()
    (tmp_path / ".file.link1234").symlink_to(tmp_path / "target")
    shared_folder.sweep(final)
    assert {path.name for path in tmp_path.iterdir()} == {*kept, "target", ".file.link1234"}


def test_a_temporary_file_deleted_before_its_lock_is_created_again(tmp_path, monkeypatch):
    lock, swept = shared_folder.fcntl.flock, []

    def late(handle, how):
        if not swept:
            swept.append(*temporaries(tmp_path / "name/folder"))
            swept[0].unlink()
        lock(handle, how)

    monkeypatch.setattr(shared_folder.fcntl, "flock", late)
    (tmp_path / "source").write_bytes(b"whole")
    shared_folder.put(tmp_path / "source", tmp_path / "name/folder/file")
    assert swept
    assert (tmp_path / "name/folder/file").read_bytes() == b"whole"
