"""Who is at work in a cache: any number of processes may write at once, but nothing is cleared away meanwhile."""

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
    """Return the lock that a writer passes through, and that is held while things are cleared away."""
    (root / FOLDER).mkdir(parents=True, exist_ok=True)
    return FileLock(root / FOLDER / "gate.lock")


@contextlib.contextmanager
def writing(root: Path) -> Iterator[None]:
    """Make known that this process works in ``root`` for as long as the block lasts; a killed one is not believed."""
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
    """Keep all writers out of ``root`` while the block lasts.

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
    """Note that a file was read just now, so that it is not cleared away as old; a cache may be read-only."""
    with contextlib.suppress(OSError):
        os.utime(path)
