"""The user's folders: the cache of models, libraries, answers and digests, and the configuration.

The cache's libraries are loaded and its models believed, so only the user may write it.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from conch_dna.errors import ConfigError

if TYPE_CHECKING:
    from filelock import BaseFileLock


def cache_dir() -> Path:
    """Return the root of the cache: ``$CONCH_CACHE``, or the platform's cache folder for ``conch-dna``.

    :raises ConfigError: it belongs to another user, or others can write it.
    """
    chosen = os.environ.get("CONCH_CACHE")
    if chosen:
        return _of_the_user(Path(chosen).expanduser())
    from platformdirs import user_cache_path  # not needed with CONCH_CACHE

    return _of_the_user(user_cache_path("conch-dna"))


def config_dir() -> Path:
    """Return the user's configuration folder: ``$CONCH_CONFIG``, or the platform's for ``conch-dna``."""
    chosen = os.environ.get("CONCH_CONFIG")
    if chosen:
        return Path(chosen).expanduser()
    from platformdirs import user_config_path  # not needed with CONCH_CONFIG

    return user_config_path("conch-dna")


def _of_the_user(folder: Path) -> Path:
    """Return the folder, which is made if it is missing and can be made.

    :raises ConfigError: it belongs to another user, or others can write it.
    """
    with contextlib.suppress(OSError):  # whoever writes there gets the error
        folder.mkdir(parents=True, mode=0o700)
    try:
        state = folder.stat()
    except OSError:
        return folder
    if state.st_uid != os.geteuid():
        fault, next_step = f"belongs to another user (uid {state.st_uid})", "Set CONCH_CACHE to a folder of yours."
    elif stat.S_IMODE(state.st_mode) & (stat.S_IWGRP | stat.S_IWOTH):
        fault, next_step = "others can write it", f"If you trust what is in it: chmod go-w {folder}"
    else:
        return folder
    raise ConfigError(f"not a safe cache: {fault}", where=folder, next_step=next_step)


def lock(path: Path) -> BaseFileLock:
    """Return the lock between processes for ``path``; its lock file is in the same folder."""
    from filelock import FileLock  # slow to import, and most commands lock nothing

    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path.with_name(f".{path.name}.lock"))


def bytes_under(folder: Path) -> int:
    """Return the size of all files under ``folder`` in bytes; files may be deleted during the count."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(root) / name).lstat().st_size
            except FileNotFoundError:
                continue
    return total
