"""The user's cache: where fetched and converted models, prepared libraries and remembered digests lie."""

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
    from platformdirs import user_cache_path

    return user_cache_path("conch-dna")


def lock(path: Path) -> BaseFileLock:
    """Return the lock that guards ``path`` between processes; its file lies beside it."""
    from filelock import FileLock

    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path.with_name(f".{path.name}.lock"))


def bytes_under(folder: Path) -> int:
    """Return the bytes of all files under ``folder``; files may vanish while they are counted."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(root) / name).lstat().st_size
            except FileNotFoundError:
                continue
    return total
