"""The user's cache folder: fetched and converted models, prepared libraries and remembered digests."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import BaseFileLock


def cache_dir() -> Path:
    """Return the root of the cache: ``$CONCH_CACHE``, or the platform's cache folder for ``conch-dna``."""
    chosen = os.environ.get("CONCH_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    from platformdirs import user_cache_path  # not needed with CONCH_CACHE

    return user_cache_path("conch-dna")


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
