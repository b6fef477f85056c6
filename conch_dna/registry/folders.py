"""The folder of one neuron: its versions, their removal, and the leftovers of killed processes."""

from __future__ import annotations

import re
import shutil
import tempfile
from typing import TYPE_CHECKING

from conch_dna.registry.aliases import ALIASES_FILE, NAME, VERSION, write_alias_table
from conch_dna.util.files import fsync_path

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from conch_dna.registry.aliases import AliasTable

# The temporary names of new_folder, write_atomic and remove_versions, which remain if their process is killed.
_LEFTOVER = re.compile(r"\.(\d+|aliases\.json)\..+")


def is_name_folder(path: Path) -> bool:
    """Return true if ``path`` is the folder of a neuron, with or without versions."""
    # No symbolic links: one could lead outside the registry, and the registry makes none.
    return bool(NAME.fullmatch(path.name)) and path.is_dir() and not path.is_symlink()


def is_neuron(folder: Path) -> bool:
    """Return true if something was ever published in a neuron's folder."""
    # aliases.json counts too: a listing made while one version is added and another removed may show neither.
    return (folder / ALIASES_FILE).exists() or bool(versions_in(folder))


def is_version(path: Path) -> bool:
    """Return true if ``path`` is the folder of a version."""
    return bool(VERSION.fullmatch(path.name)) and path.is_dir() and not path.is_symlink()


def name_folders(root: Path) -> list[Path]:
    """Return the folders of all neurons under ``root``, sorted; empty if there is no registry."""
    return sorted(path for path in root.iterdir() if is_name_folder(path)) if root.is_dir() else []


def numbers_in(folder: Path) -> list[int]:
    """Return the numbers that are in use, also those of files that are no version folder."""
    return [int(path.name) for path in folder.iterdir() if VERSION.fullmatch(path.name)]


def versions_in(folder: Path) -> list[int]:
    """Return the numbers of the versions, in order."""
    return sorted(int(path.name) for path in folder.iterdir() if is_version(path))


def size_of(path: Path) -> int:
    """Return the size of a file, or of all files in a folder, in bytes."""
    return sum(file.lstat().st_size for file in (path, *path.rglob("*")) if not file.is_dir())


def save_alias_table(folder: Path, table: AliasTable) -> None:
    """Write the table of ``folder`` without the tags of removed versions; the caller holds the lock."""
    write_alias_table(folder / ALIASES_FILE, table.pruned(versions_in(folder)))


def leftovers_in(folder: Path) -> list[Path]:
    """Return the files and folders that killed processes left in ``folder``.

    No live process uses them: they are made under the lock, which the caller holds.
    """
    return [path for path in folder.iterdir() if _LEFTOVER.fullmatch(path.name)]


def sweep(folder: Path) -> None:
    """Delete the leftovers in ``folder``; the caller holds the lock."""
    for path in leftovers_in(folder):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def remove_versions(folder: Path, table: AliasTable, versions: Collection[int]) -> None:
    """Delete one or more versions; the caller holds the lock.

    The next free number is saved first, and a version disappears by one rename, so a kill leaves neither half done.
    """
    highest = max(versions)
    if table.next <= highest:
        table = table.model_copy(update={"next": highest + 1})
        save_alias_table(folder, table)
    doomed = []
    for version in versions:
        doomed.append(tempfile.mkdtemp(prefix=f".{version}.", dir=folder))
        (folder / str(version)).rename(doomed[-1])
    fsync_path(folder)
    # Its new modification time makes caches of resolved references look again.
    save_alias_table(folder, table)
    for path in doomed:
        shutil.rmtree(path)
