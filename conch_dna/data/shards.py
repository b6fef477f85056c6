"""Shards of one teacher's coded targets: numbered, immutable files, each with an index and a checksum.

A shard is written atomically, so a kill loses only the shard that is being written. The index of all shards is the
union of their indices and is kept in memory.
"""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from filelock import FileLock

from conch_dna.data.target_files import TargetFile, dump, index, read
from conch_dna.errors import DataError
from conch_dna.models.seals import holds, seal, warn_foreign
from conch_dna.util.cache_lock import mark_used
from conch_dna.util.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

PATTERN = "[0-9]*.safetensors"
DAMAGED = "damaged"
KIND = "targets"  # of their seals
log = structlog.get_logger()


def dump_sealed(path: Path, content: TargetFile) -> bytes:
    """Return the bytes of the shard at ``path``, with the user's seal."""
    return dump(content, partial(seal, KIND, path.name))


def has_seal(path: Path, about: Mapping[str, Any]) -> bool:
    """Return whether the metadata of the shard at ``path`` have the user's seal."""
    return holds(str(about.get("seal")), KIND, path.name, str(about.get("sha256")))


class Shards:
    """Coded targets by key, for any number of processes at once. Shards without the user's seal are left out.

    :param folder: the folder of the shards.
    :param teacher: fingerprint of the teacher, which is stored in each shard.
    """

    def __init__(self, folder: Path, teacher: str) -> None:
        self.folder, self.teacher = folder, teacher
        self._index: dict[str, Path] = {}
        self._seen: set[Path] = set()

    def get(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the stored targets of ``keys``; a damaged shard is moved aside, and its entries are missing."""
        self._refresh()
        wanted = [key for key in keys if key in self._index]
        found = {}
        for path in sorted({self._index[key] for key in wanted}):
            blobs = self._read(path)
            found.update({key: blobs[key] for key in wanted if key in blobs})
        return found

    def put(self, blobs: Mapping[str, bytes]) -> dict[str, bytes]:
        """Store ``blobs`` in a new shard and return the stored targets of their keys.

        A key that another process has stored meanwhile keeps its targets, so all readers get the same.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._lock():
            stored = self.get(blobs)
            new = {key: blob for key, blob in blobs.items() if key not in stored}
            if new:
                path = self.folder / f"{self._last() + 1:08d}.safetensors"
                write_atomic(path, dump_sealed(path, TargetFile({"teacher": self.teacher}, new)))
                self._refresh()
        return {**stored, **new}

    def _lock(self) -> FileLock:
        return FileLock(self.folder / ".lock", is_singleton=True)

    def _last(self) -> int:
        """Return the highest number used so far, including shards that were moved aside."""
        names = [*self.folder.glob(PATTERN), *(self.folder / DAMAGED).glob(PATTERN)]
        return max((int(path.name.partition(".")[0]) for path in names), default=0)

    def _refresh(self) -> None:
        """Index the shards that are new since the last call; for a repeated key the lowest number wins."""
        there = set(self.folder.glob(PATTERN))
        if not self._seen <= there:
            self._index, self._seen = {}, set()
        for path in sorted(there - self._seen):
            try:
                keys, about = index(path)
            except DataError as error:
                self._move_aside(path, error)
                continue
            except FileNotFoundError:
                continue
            self._seen.add(path)
            if not has_seal(path, about):
                warn_foreign(self.folder)
                continue
            for key in keys:
                self._index.setdefault(key, path)

    def _read(self, path: Path) -> dict[str, bytes]:
        try:
            blobs = read(path).blobs
            mark_used(path)
        except FileNotFoundError:
            blobs = {}
        except DataError as error:
            self._move_aside(path, error)
            blobs = {}
        return blobs

    def _move_aside(self, path: Path, error: DataError) -> None:
        """Move a damaged shard to the folder that is not searched."""
        with self._lock(), contextlib.suppress(FileNotFoundError):
            (self.folder / DAMAGED).mkdir(exist_ok=True)
            path.replace(self.folder / DAMAGED / path.name)
            log.warning("shard_damaged", file=str(path), reason=error.what, teacher=self.teacher)
        self._index = {key: held for key, held in self._index.items() if held != path}
        self._seen.discard(path)
