"""Many processes write at once; clean-up excludes them, and does not wait for killed ones."""

import signal
import subprocess
import sys
import time

import pytest

from conch_dna.errors import ConchError
from conch_dna.util.cache_lock import FOLDER, alone, mark_used, writing

WRITER = """
import sys, time
from pathlib import Path
from conch_dna.util.cache_lock import writing
with writing(Path(sys.argv[1])):
    print("writing", flush=True)
    time.sleep(60)
"""


def locks(root):
    return list((root / FOLDER).glob("*-*.lock"))


def test_many_write_at_once_and_leave_nothing(tmp_path):
    with writing(tmp_path), writing(tmp_path):
        assert len(locks(tmp_path)) == 2
    assert locks(tmp_path) == []
    with alone(tmp_path):
        pass


def test_a_failed_writer_releases_its_lock(tmp_path):
    with pytest.raises(KeyError), writing(tmp_path):
        raise KeyError("x")
    with alone(tmp_path):
        pass


def test_a_writer_excludes_a_clean_up(tmp_path):
    with (
        writing(tmp_path),
        pytest.raises(ConchError, match=r"another process is writing\. Try again when it has finished"),
        alone(tmp_path),
    ):
        pytest.fail("it was let in")


@pytest.mark.faults
def test_a_process_that_was_killed_is_not_believed(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout.readline() == "writing\n"
        with pytest.raises(ConchError, match="another process"), alone(tmp_path):
            pytest.fail("it was let in")
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    assert len(locks(tmp_path)) == 1
    with alone(tmp_path):
        assert locks(tmp_path) == []


def test_reading_a_file_makes_it_young_if_the_cache_can_be_written(tmp_path):
    file = tmp_path / "x"
    file.touch()
    mark_used(file)
    assert abs(file.stat().st_mtime - time.time()) < 60
    mark_used(tmp_path / "gone")
