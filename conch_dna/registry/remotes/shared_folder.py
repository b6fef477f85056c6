"""Atomic writes into a folder that several people push to, and removal of what killed pushes left."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
from pathlib import Path

from conch_dna.errors import RegistryError
from conch_dna.util.files import FILE_MODE, fsync_path, make_folder, naming


def put(source: Path, final: Path) -> None:
    """Copy a file to ``<store>/<name>/<folder>/<file>`` atomically: it appears there complete and flushed.

    :raises RegistryError: one of its two folders is a symbolic link.
    """
    for folder in (final.parent.parent, final.parent):
        if folder.is_symlink():  # it could lead outside the store, and no push makes one
            raise RegistryError("this is a symbolic link, not a folder", where=folder, next_step="Remove the link.")
    make_folder(final.parent)
    handle, temporary = _locked_temporary(final)
    try:
        with naming(final), os.fdopen(handle, "wb") as file, source.open("rb") as content:
            shutil.copyfileobj(content, file)
            file.flush()
            os.fsync(file.fileno())
            temporary.chmod(FILE_MODE)
            temporary.replace(final)  # before closing the handle releases the lock
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    fsync_path(final.parent)


def sweep(final: Path) -> None:
    """Delete the temporary files of ``final`` that no process is writing; those of other files are kept."""
    ours = re.compile(rf"\.{re.escape(final.name)}\.[a-z0-9_]{{8}}")
    for path in final.parent.iterdir() if final.parent.is_dir() else ():
        if ours.fullmatch(path.name):
            # An error means that its writer holds the lock, that another user owns it, or that it is gone.
            with contextlib.suppress(OSError):
                handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()
                finally:
                    os.close(handle)


def _locked_temporary(final: Path) -> tuple[int, Path]:
    """Make a temporary file beside ``final``, locked until its handle is closed or its process dies."""
    while True:
        handle, name = tempfile.mkstemp(prefix=f".{final.name}.", dir=final.parent)
        with contextlib.suppress(OSError):  # a file system without locks, where sweep() gets no lock either
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return handle, Path(name)
        os.close(handle)  # deleted by sweep() between creation and lock
