"""The project folder: its ``conch.toml`` and its plug-in folder."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from conch_dna.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

CONFIG_FILE = "conch.toml"


def find_project(start: Path) -> Path:
    """Return the nearest folder at or above ``start`` that holds a ``conch.toml``, else ``start``."""
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / CONFIG_FILE).is_file():
            return folder
    return start


def plugins_dir_of(project: Path) -> Path | None:
    """Return the plug-in folder that the project's ``conch.toml`` names, or ``None``.

    A folder of plug-ins alone is not enough: running code because one stands beside it would be a trap.

    :raises ConfigError: if the file is no TOML, or its ``[plugins]`` table names no folder.
    """
    path = project / CONFIG_FILE
    if not path.is_file():
        return None
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig")).get("plugins", {})
    except ValueError as fault:  # TOMLDecodeError and UnicodeDecodeError
        raise ConfigError(f"not valid TOML: {fault}", where=path) from fault
    if not isinstance(table, dict) or table.keys() - {"dir"}:
        raise ConfigError("[plugins] is not what it must be", where=path, got=table, allowed='dir = "FOLDER"')
    if "dir" not in table:
        return None
    if not isinstance(table["dir"], str) or not (project / table["dir"]).is_dir():
        raise ConfigError(
            "[plugins] dir names no folder", where=path, got=table["dir"], next_step="Make the folder or drop the line."
        )
    return project / str(table["dir"])
