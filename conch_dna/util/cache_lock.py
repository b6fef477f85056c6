"""A lock on a cache folder: many processes may write at once; cleaning up excludes all of them.

Every writer holds its own lock file, which the system releases if the process is killed. Cleaning up takes them
all.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from conch_dna.errors import ConchError

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = ".writers"


def _gate(root: Path) -> FileLock:
    """Return the lock that a writer takes to register itself, and that is held during a clean-up."""
    (root / FOLDER).mkdir(parents=True, exist_ok=True)
    return FileLock(root / FOLDER / "gate.lock")


@contextlib.contextmanager
def writing(root: Path) -> Iterator[None]:
    """Register this process as a writer of ``root`` for the duration of the block."""
    with _gate(root):
        handle, name = tempfile.mkstemp(prefix=f"{os.getpid()}-", suffix=".lock", dir=root / FOLDER)
        os.close(handle)
        lock = FileLock(name)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
        Path(name).unlink(missing_ok=True)


@contextlib.contextmanager
def alone(root: Path) -> Iterator[None]:
    """Exclude all writers from ``root`` for the duration of the block.

    :raises ConchError: another process is writing.
    """
    try:
        with _gate(root).acquire(timeout=0):
            for path in (root / FOLDER).glob("*-*.lock"):
                with FileLock(path).acquire(timeout=0):
                    path.unlink(missing_ok=True)
            yield
    except Timeout as error:
        raise ConchError(
            "another process is writing", where=root, next_step="Try again when it has finished"
        ) from error


def mark_used(path: Path) -> None:
    """Set a file's times to now, so that age-based clean-up keeps it; a read-only cache is ignored."""
    with contextlib.suppress(OSError):
        os.utime(path)
