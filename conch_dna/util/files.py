"""Writing files so that a kill at any moment leaves the old one or the new one, never half of one."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# The temporary names of write_atomic and new_folder: a dot, the name to be, and what tempfile adds to it.
_TEMPORARY = re.compile(r"\..+\.[a-z0-9_]{8}")


def fsync_path(path: Path) -> None:
    """Flush a file, or a folder's entries, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Name ``path`` in an error of the system that names no file, such as that of a disk that is full."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def append(path: Path, text: str) -> None:
    """Add ``text`` to the end of a file; a kill or a full disk may leave a part of it."""
    with naming(path), path.open("a", encoding="utf-8") as file:
        file.write(text)


def write_atomic(path: Path, data: bytes | str) -> None:
    """Write ``data`` to ``path`` through a temporary file beside it, flushed before it takes the name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with naming(path), os.fdopen(handle, "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    fsync_path(path.parent)


@contextlib.contextmanager
def new_folder(final: Path) -> Iterator[Path]:
    """Yield a temporary folder that becomes ``final``, whole and flushed, when the block ends well.

    :raises FileExistsError: ``final`` exists already; nothing is changed.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{final.name}.", dir=final.parent))
    try:
        with naming(final):
            yield temporary
        for path in temporary.rglob("*"):
            fsync_path(path)
        fsync_path(temporary)
        temporary.chmod(0o755)
        if final.exists():
            raise FileExistsError(final)  # noqa: TRY301 - it must be cleaned up like any other fault
        temporary.rename(final)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    fsync_path(final.parent)


def sweep(root: Path) -> None:
    """Delete what killed processes left half-written under ``root``, of which no other process may be at work now."""
    for folder, folders, files in os.walk(root):
        for name in filter(_TEMPORARY.fullmatch, folders):
            shutil.rmtree(Path(folder, name))
        for name in filter(_TEMPORARY.fullmatch, files):
            Path(folder, name).unlink()
        folders[:] = [name for name in folders if not _TEMPORARY.fullmatch(name)]


def sha256_file(path: Path) -> str:
    """Return the sha256 hex digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
