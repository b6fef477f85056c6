"""Trust in plug-in folders: plug-ins of a project run only after the user has read them, and as they were then.

The record is in the user's configuration folder: one file for each plug-in folder, with the digests of its Python
files.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from conch_dna.errors import ConfigError
from conch_dna.models.cache import config_dir
from conch_dna.util.files import sha256_file, write_atomic

FOLDER = "trusted"
NAMED = 3  # files that a message names
NEXT_STEP = "Read them, then run: conch trust"


def fault(plugins: Path) -> str:
    """Return why the plug-ins in a folder must not run; empty if they may.

    They may if the user owns them and has trusted each file as it is, or if ``CONCH_TRUST`` is ``1``.

    :raises OSError: a file cannot be read.
    """
    if os.environ.get("CONCH_TRUST") == "1":
        return ""
    found = _python_files(plugins)
    if not found:
        return ""
    if strange := _strange(plugins, found):
        return strange
    known = _trusted(plugins)
    if known is None:
        return "you have not trusted them yet"
    changed = [str(name) for name in found if known.get(str(name)) != sha256_file(plugins / name)]
    more = f" and {len(changed) - NAMED} more" if len(changed) > NAMED else ""
    return f"{', '.join(changed[:NAMED])}{more} changed since you trusted them" if changed else ""


def trust(plugins: Path) -> list[Path]:
    """Let the plug-ins in a folder run as they are now, and return its Python files, relative to it.

    :raises ConfigError: a file belongs to another user, or a folder in it is a link.
    :raises OSError: a file cannot be read, or the record cannot be written.
    """
    found = _python_files(plugins)
    if strange := _strange(plugins, found):
        raise ConfigError(
            "not to be trusted", where=plugins, got=strange, next_step="Copy the files, or set CONCH_TRUST=1."
        )
    files = {str(name): sha256_file(plugins / name) for name in found}
    record = _record(plugins)
    record.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_atomic(record, json.dumps({"folder": str(plugins.resolve()), "files": files}, indent=2) + "\n")
    return found


def withdraw(plugins: Path) -> bool:
    """Let the plug-ins in a folder no longer run, and return whether they could before."""
    record = _record(plugins)
    known = record.is_file()
    record.unlink(missing_ok=True)
    return known


def _record(plugins: Path) -> Path:
    name = hashlib.sha256(str(plugins.resolve()).encode()).hexdigest()
    return config_dir() / FOLDER / f"{name}.json"


def _trusted(plugins: Path) -> dict[str, str] | None:
    """Return the digests of the files that were trusted; ``None`` without a record, or with a damaged one."""
    try:
        found: dict[str, str] = json.loads(_record(plugins).read_text(encoding="utf-8"))["files"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, dict) else None


def _python_files(plugins: Path) -> list[Path]:
    """Return the Python files below a folder, also those that only another one imports, relative to it."""
    return sorted(path.relative_to(plugins) for path in plugins.rglob("*.py"))


def _strange(plugins: Path, found: list[Path]) -> str:
    """Return why files may be another's than the user's; empty if they are the user's."""
    for path in (plugins, *(plugins / name for name in found)):
        owner = path.stat().st_uid
        if owner != os.geteuid():
            return f"{path.name} belongs to another user (uid {owner})"
    links = (path for path in plugins.rglob("*") if path.is_symlink() and path.is_dir())
    if link := next(links, None):
        return f"{link.name} is a link to a folder"
    return ""
