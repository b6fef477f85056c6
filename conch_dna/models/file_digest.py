"""The digest of a big file, remembered in the cache while the file is the same."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from conch_dna.models.cache import cache_dir
from conch_dna.models.seals import holds, seal
from conch_dna.util.files import sha256_file, write_atomic

if TYPE_CHECKING:
    from pathlib import Path


def file_digest(file: Path) -> str:
    """Return the sha256 of a file in hex, remembered by its path and state; a program cannot set the change time."""
    path = file.resolve()
    state = path.stat()
    key = hashlib.sha256(f"{path}\n{state.st_size}\n{state.st_ino}\n{state.st_ctime_ns}".encode()).hexdigest()
    remembered = cache_dir() / "digests" / key
    try:
        known, _, found = remembered.read_text("ascii").partition(" ")
    except (FileNotFoundError, UnicodeDecodeError):
        known = found = ""
    if found and holds(found, "digest", key, known):
        return known
    value = sha256_file(path)
    write_atomic(remembered, f"{value} {seal('digest', key, value)}")
    return value
