"""Seals: codes that only this user's key makes, on what the cache holds.

A cache may have been copied, restored or written by others before it was protected. So what is loaded from it or
believed has a seal: an HMAC-SHA-256 over its kind, its name and its content. The key lies outside the cache.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import os
import secrets
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING

import structlog

from conch_dna.errors import ConfigError
from conch_dna.models.cache import config_dir
from conch_dna.util.files import sha256_file, write_atomic

if TYPE_CHECKING:
    from pathlib import Path

VARIABLE = "CONCH_CACHE_KEY"
KEY_FILE = "cache.key"
TRUST = "If you know where its files come from: conch cache trust"
log = structlog.get_logger()


def seal(kind: str, name: str, content: str) -> str:
    """Return the seal of a content, in hex.

    :param kind: what it is, such as ``answer``: a seal of one kind is none of another.
    :param name: its name in the cache.
    :param content: the content, or its digest.
    :raises ConfigError: the key can neither be read nor written.
    """
    return hmac.new(_key(), json.dumps([kind, name, content]).encode(), sha256).hexdigest()


def holds(found: str, kind: str, name: str, content: str) -> bool:
    """Return whether a text is the seal of a content; raises as :func:`seal` does."""
    return hmac.compare_digest(found.encode(), seal(kind, name, content).encode())


def seal_beside(path: Path, kind: str, content: str) -> None:
    """Write the seal of a file or folder beside it."""
    write_atomic(_beside(path), seal(kind, path.name, content))


def sealed_beside(path: Path, kind: str, content: str) -> bool:
    """Return whether the seal beside a file or folder is that of the content."""
    try:
        return holds(_beside(path).read_text("ascii"), kind, path.name, content)
    except (OSError, UnicodeDecodeError):
        return False


def is_own_library(path: Path) -> bool:
    """Return whether a library is there and the one that this user's programs made."""
    return path.is_file() and sealed_beside(path, "library", sha256_file(path))


def seal_library(path: Path) -> None:
    """Seal a library that was just made."""
    seal_beside(path, "library", sha256_file(path))


@cache
def warn_foreign(folder: Path) -> None:
    """Log once that a folder of the cache has files without the user's seal."""
    log.warning("cache_foreign", folder=str(folder), effect="what it holds is made again", next_step=TRUST)


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.seal")


def _key() -> bytes:
    """Return the user's key: ``$CONCH_CACHE_KEY``, or that of the configuration folder, where it is made once."""
    if chosen := os.environ.get(VARIABLE):
        return chosen.encode()
    path = config_dir() / KEY_FILE
    try:
        with contextlib.suppress(FileNotFoundError):
            return path.read_bytes()
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = path.with_name(f".{KEY_FILE}.{secrets.token_hex(8)}")
        try:
            made.touch(0o600, exist_ok=False)
            made.write_text(secrets.token_hex(32), encoding="ascii")
            with contextlib.suppress(FileExistsError):  # another process was first
                os.link(made, path)
        finally:
            made.unlink(missing_ok=True)
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"the key of the cache cannot be read or made ({error.strerror})", where=path,
            next_step=f"Set CONCH_CONFIG to a folder of yours, or {VARIABLE} to a secret.",
        ) from error  # fmt: skip
