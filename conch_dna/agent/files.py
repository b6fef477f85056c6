"""The file tools: search and read files below one folder."""

from __future__ import annotations

import fnmatch
import os
import stat
import time
from typing import TYPE_CHECKING

from conch_dna.agent import ToolFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST_FILES = 20_000  # limit of files in one search
SECONDS = 10.0  # limit for one search
MOST_FOUND = 20
LARGEST = 1 << 20  # bytes of a file that are searched for a word
SHOWN = 4000  # characters of a file


def search_files(root: Path, pattern: str, folder: str) -> str:
    """Return the files below ``folder`` whose name matches ``pattern`` or that contain it as a word, one per line.

    Does not follow links or enter hidden folders.

    :param root: resolved; ``folder`` is relative to it.
    :raises ToolFailed: the folder does not exist or is not below ``root``.
    """
    start = inside(root, folder)
    if not os.path.isdir(start):  # noqa: PTH112 - pathlib raises for a path that is too long
        raise ToolFailed(f"no such folder: {folder}")
    found, ends = [], time.monotonic() + SECONDS
    for count, path in enumerate(_files(start)):
        if count == MOST_FILES or time.monotonic() > ends:
            found.append("… (stopped: too many files)")
            break
        if (line := _hit(root, path, pattern)) is not None:
            found.append(f"{path.relative_to(root)}{line}")
        if len(found) == MOST_FOUND:
            found.append("… (there may be more)")
            break
    return "\n".join(found) or "no file found"


def read_file(root: Path, path: str) -> str:
    """Return the beginning of a text file.

    :raises ToolFailed: the file does not exist, is not below ``root``, or is not text.
    """
    text = _text(root, inside(root, path), SHOWN * 4)
    if text is None:
        raise ToolFailed(f"not a text file: {path}")
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


def inside(root: Path, path: str) -> Path:
    """Return a path below ``root`` with all links resolved.

    :raises ToolFailed: the path is outside ``root``.
    """
    try:
        found = (root / path).resolve()
    except (OSError, RuntimeError, ValueError) as fault:  # a loop of links, a zero byte
        raise ToolFailed(f"not a path: {path!r}") from fault
    if not found.is_relative_to(root):
        raise ToolFailed(f"outside the folder of the tools: {path}")
    return found


def _files(start: Path) -> Iterator[Path]:
    """Yield files, without folders and links, in the order of names."""
    for here, folders, names in os.walk(start):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not (path := start.joinpath(here, name)).is_symlink():
                yield path


def _hit(root: Path, path: Path, pattern: str) -> str | None:
    """Return the text to show after the name of a matching file; ``None`` for no match."""
    if any(mark in pattern for mark in "*?["):
        return "" if fnmatch.fnmatch(path.name.lower(), pattern.lower()) else None
    word = pattern.lower()
    if word in path.name.lower():
        return ""
    text = _text(root, path, LARGEST) or ""
    line = next((line for line in text.splitlines() if word in line.lower()), None)
    return None if line is None else f": {line.strip()[:100]}"


def _text(root: Path, path: Path, most: int) -> str | None:
    """Return the beginning of a file; ``None`` if it is not a readable text file."""
    try:
        opened = _opened(root, path)
    except (OSError, ValueError):
        return None
    try:
        data = os.read(opened, most) if stat.S_ISREG(os.fstat(opened).st_mode) else b"\0"
    except OSError:
        return None
    finally:
        os.close(opened)
    return None if b"\0" in data else data.decode(errors="replace")


def _opened(root: Path, path: Path) -> int:
    """Open a file one path component at a time: follows no link created meanwhile, and does not wait for a pipe."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    here = os.open(root, flags)
    for name in path.relative_to(root).parts:
        above = here
        try:
            here = os.open(name, flags, dir_fd=above)
        finally:
            os.close(above)
    return here
