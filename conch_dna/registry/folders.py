"""The folder of one neuron: its versions, how they go, and what killed processes leave in it."""

from __future__ import annotations

import re
import shutil
import tempfile
from typing import TYPE_CHECKING

from conch_dna.registry.aliases import ALIASES_FILE, NAME, VERSION, write_book
from conch_dna.util.files import fsync_path

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from conch_dna.registry.aliases import AliasBook

# What new_folder, write_atomic and remove_versions leave behind when their process is killed.
_LEFTOVER = re.compile(r"\.(\d+|aliases\.json)\..+")


def is_name_folder(path: Path) -> bool:
    """Tell whether ``path`` is the folder of a neuron, with or without versions."""
    # A link could lead anywhere, and nothing here makes one.
    return bool(NAME.fullmatch(path.name)) and path.is_dir() and not path.is_symlink()


def is_neuron(folder: Path) -> bool:
    """Tell whether something was ever published in the folder of a name."""
    # Not by its versions alone: a listing made while one comes and another goes may show neither.
    return (folder / ALIASES_FILE).exists() or bool(versions_in(folder))


def is_version(path: Path) -> bool:
    """Tell whether ``path`` is the folder of a version."""
    return bool(VERSION.fullmatch(path.name)) and path.is_dir() and not path.is_symlink()


def name_folders(root: Path) -> list[Path]:
    """Return the folders of all neurons under ``root``, sorted; none where there is no registry."""
    return sorted(path for path in root.iterdir() if is_name_folder(path)) if root.is_dir() else []


def numbers_in(folder: Path) -> list[int]:
    """Return the numbers that are taken, by whatever kind of file."""
    return [int(path.name) for path in folder.iterdir() if VERSION.fullmatch(path.name)]


def versions_in(folder: Path) -> list[int]:
    """Return the numbers of the versions, in order."""
    return sorted(int(path.name) for path in folder.iterdir() if is_version(path))


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    return sum(file.lstat().st_size for file in (path, *path.rglob("*")) if not file.is_dir())


def save_book(folder: Path, book: AliasBook) -> None:
    """Write the book of ``folder`` without what it says of versions that are gone; the caller holds the lock."""
    write_book(folder / ALIASES_FILE, book.pruned(versions_in(folder)))


def leftovers_in(folder: Path) -> list[Path]:
    """Return what killed processes left in ``folder``.

    They cannot be at work still: all of it is made under the lock, which the caller holds.
    """
    return [path for path in folder.iterdir() if _LEFTOVER.fullmatch(path.name)]


def sweep(folder: Path) -> None:
    """Delete the leftovers in ``folder``; the caller holds the lock."""
    for path in leftovers_in(folder):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def remove_versions(folder: Path, book: AliasBook, versions: Collection[int]) -> None:
    """Delete versions, of which there is one at least; the caller holds the lock.

    The numbers are kept first, and a version vanishes by one rename: no kill leaves half of either.
    """
    highest = max(versions)
    if book.next <= highest:
        book = book.model_copy(update={"next": highest + 1})
        save_book(folder, book)
    doomed = []
    for version in versions:
        doomed.append(tempfile.mkdtemp(prefix=f".{version}.", dir=folder))
        (folder / str(version)).rename(doomed[-1])
    fsync_path(folder)
    # Its new time stamp tells those who remember what they resolved to look again.
    save_book(folder, book)
    for path in doomed:
        shutil.rmtree(path)
