"""Atomic file writes, digests, and the folders of bundled data.

A kill at any moment leaves the old file or the new one, never a part of one.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

_UMASK = os.umask(0o077)  # can only be read by setting it, which a program with threads must not do later
os.umask(_UMASK)
FILE_MODE, FOLDER_MODE = 0o666 & ~_UMASK, 0o777 & ~_UMASK  # of what temporary names, which only the user reads, become
_PACKAGE = Path(__file__).resolve().parent.parent
# The temporary names of write_atomic and new_folder: a dot, the final name, and tempfile's suffix.
_TEMPORARY = re.compile(r"\..+\.[a-z0-9_]{8}")


def fsync_path(path: Path) -> None:
    """Flush a file, or a folder's entries, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(path: Path) -> None:
    """Make a folder and those above it, and flush the entry of each new one."""
    if not path.is_dir():
        make_folder(path.parent)
        path.mkdir(exist_ok=True)
        fsync_path(path.parent)


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Add ``path`` to an ``OSError`` that names no file, for example the error of a full disk."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def append(path: Path, text: str) -> None:
    """Append ``text`` to a file; a kill or a full disk may leave a part of it."""
    with naming(path), path.open("a", encoding="utf-8") as file:
        file.write(text)


def write_atomic(path: Path, data: bytes | str) -> None:
    """Write ``data`` to a temporary file beside ``path``, flush it, and rename it to ``path``."""
    make_folder(path.parent)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with naming(path), os.fdopen(handle, "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(FILE_MODE)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    fsync_path(path.parent)


@contextlib.contextmanager
def new_folder(final: Path) -> Iterator[Path]:
    """Yield a temporary folder, which is flushed and renamed to ``final`` when the block ends without an error.

    :raises FileExistsError: ``final`` already exists; nothing is changed.
    """
    make_folder(final.parent)
    temporary = Path(tempfile.mkdtemp(prefix=f".{final.name}.", dir=final.parent))
    try:
        with naming(final):
            yield temporary
        for path in temporary.rglob("*"):
            fsync_path(path)
        fsync_path(temporary)
        temporary.chmod(FOLDER_MODE)
        if final.exists():
            raise FileExistsError(final)  # noqa: TRY301 - the handler below must clean up
        temporary.rename(final)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    fsync_path(final.parent)


def sweep(root: Path) -> None:
    """Delete the temporary files of killed processes under ``root``; no other process may write there meanwhile."""
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


def bundled_dir(kind: Literal["plugins", "domains"]) -> Path:
    """Return the folder of the bundled plug-ins or domains: in a checkout, or inside the installed package.

    The checkout comes first, so that an edited plug-in is the one that runs. Its ``pyproject.toml`` proves that it is
    a checkout: an installed package may have an unrelated ``plugins`` folder as neighbour.
    """
    checkout = _PACKAGE.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / kind).is_dir():
        return checkout / kind
    return _PACKAGE / "bundled" / kind
