"""Maintenance of the cache of answers and soft targets: statistics, verification, garbage collection."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conch_dna.data import codec, shards
from conch_dna.data.shards import DAMAGED, PATTERN
from conch_dna.data.target_files import index, read
from conch_dna.errors import DataError, UnknownName
from conch_dna.records import Record
from conch_dna.teachers.answer_cache import COMPLETIONS, dump, has_seal, load
from conch_dna.teachers.api.provider_client import Abilities
from conch_dna.util.cache_lock import alone
from conch_dna.util.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TARGETS, API = "targets", "api"
DAY = 86_400
# Temporary files of a killed writer, and targets in the format before shards (one file per answer).
LEFT_OVER = {
    COMPLETIONS: ("??/.*.json.*",), TARGETS: ("*/.*.safetensors.*", "??/*.safetensors"), API: ("**/.*.json.*",),
}  # fmt: skip


@dataclass(frozen=True)
class Stored:
    """One file of the cache.

    :param kind: ``completions``, ``targets``, or ``api`` (the result of probing an endpoint).
    :param teacher: fingerprint of the teacher; empty if the file cannot be read.
    :param used: time of the last write or read, in seconds since 1970.
    :param fault: the fault of the file; empty if there is none.
    :param foreign: whether it lacks the seal of this user's key, see :mod:`~conch_dna.models.seals`.
    """

    path: Path
    kind: str
    bytes: int
    used: float
    teacher: str = ""
    answers: int = 0
    tokens: int = 0
    fault: str = ""
    foreign: bool = False


class TeacherStats(Record):
    """Amounts stored for one teacher."""

    teacher: str
    completions: int = 0
    completion_bytes: int = 0
    targets: int = 0
    target_tokens: int = 0
    target_bytes: int = 0

    @property
    def bytes_a_token(self) -> float | None:
        """Bytes of target files per position that they cover."""
        return self.target_bytes / self.target_tokens if self.target_tokens else None


def stored(root: Path) -> Iterator[Stored]:
    """Yield every file of answers, targets and probes under ``root``, read and checked.

    Notes of pending batches are not included: deleting one would lose answers that are paid for.
    """
    for kind, pattern in ((COMPLETIONS, "??/*.json"), (TARGETS, f"{'?' * 16}/{PATTERN}")):
        for path in sorted((root / kind).glob(pattern)):
            with contextlib.suppress(FileNotFoundError):
                yield _read(path, kind)
    for path in sorted((root / API / "probes").glob("*.json")):
        with contextlib.suppress(FileNotFoundError):
            yield _read(path, API)
    for path in sorted((root / TARGETS).glob(f"*/{DAMAGED}/*")):
        about = path.stat()
        yield Stored(path, TARGETS, about.st_size, about.st_mtime, fault="was damaged and has been moved aside")


def stats(root: Path) -> list[TeacherStats]:
    """Return the amounts stored per teacher, without damaged files and probes."""
    found: dict[str, TeacherStats] = {}
    for item in stored(root):
        if item.fault or item.kind == API:
            continue
        before = found.get(item.teacher, TeacherStats(teacher=item.teacher))
        if item.kind == COMPLETIONS:
            update = {"completions": before.completions + 1, "completion_bytes": before.completion_bytes + item.bytes}
        else:
            update = {
                "targets": before.targets + item.answers,
                "target_tokens": before.target_tokens + item.tokens,
                "target_bytes": before.target_bytes + item.bytes,
            }
        found[item.teacher] = before.model_copy(update=update)
    return [found[teacher] for teacher in sorted(found)]


def trust(root: Path) -> int:
    """Give each intact file the seal of this user's key; return how many had none.

    :raises ConchError: another process is writing.
    """
    with _alone(root):
        foreign = [item for item in stored(root) if item.foreign]
        for item in foreign:
            if item.kind == COMPLETIONS:
                write_atomic(item.path, dump(item.path.stem, load(item.path.read_bytes())))
            else:
                write_atomic(item.path, shards.dump_sealed(item.path, read(item.path)))
    return len(foreign)


@contextlib.contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Keep writers of answers and targets out."""
    with contextlib.ExitStack() as stack:
        for kind in (COMPLETIONS, TARGETS):  # probes need no lock: they are repeated cheaply
            if (root / kind).is_dir():
                stack.enter_context(alone(root / kind))
        yield


def collect(
    root: Path, *, older_than: float | None = None, teacher: str | None = None, dry_run: bool = False
) -> list[Stored]:
    """Delete damaged and left-over files, and files that match the arguments; return them.

    :param older_than: days since the last write or read.
    :param teacher: a fingerprint or a prefix of one. With ``older_than``, both conditions must hold.
    :param dry_run: delete nothing.
    :raises ConchError: another process is writing.
    :raises UnknownName: the cache has no file of that teacher.
    """
    with _alone(root):
        items = list(stored(root))
        teachers = sorted({item.teacher for item in items if item.teacher})
        if teacher is not None and not any(known.startswith(teacher) for known in teachers):
            raise UnknownName("the cache has no file of that teacher", where="--teacher", got=teacher,
                              allowed=", ".join(teachers) or "(none)")  # fmt: skip
        going = [item for item in items if item.fault or _asked_for(item, older_than, teacher)]
        going += _left_over(root)
        for item in () if dry_run else going:
            item.path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # the folder is not empty
                item.path.parent.rmdir()
    return going


def _asked_for(item: Stored, older_than: float | None, teacher: str | None) -> bool:
    if older_than is None and teacher is None:
        return False
    old = older_than is None or time.time() - item.used > older_than * DAY
    return old and (teacher is None or item.teacher.startswith(teacher))


def _left_over(root: Path) -> list[Stored]:
    found = []
    for kind, patterns in LEFT_OVER.items():
        for path in sorted(path for pattern in patterns for path in (root / kind).glob(pattern)):
            about = path.stat()
            found.append(Stored(path, kind, about.st_size, about.st_mtime, fault="left over"))
    return found


def _read(path: Path, kind: str) -> Stored:
    about = path.stat()
    size, used = about.st_size, about.st_mtime
    try:
        if kind == COMPLETIONS:
            raw = path.read_bytes()
            return Stored(path, kind, size, used, load(raw).teacher, 1, foreign=not has_seal(path.stem, raw))
        if kind == API:
            Abilities.model_validate_json(path.read_bytes())
            return Stored(path, kind, size, used)
        content, (_, metadata) = read(path), index(path)
        foreign = not shards.has_seal(path, metadata)
        tokens = sum(codec.positions(blob) for blob in content.blobs.values())
        teacher = str(content.about.get("teacher", ""))
        return Stored(path, kind, size, used, teacher, len(content.blobs), tokens, foreign=foreign)
    except DataError as error:
        return Stored(path, kind, size, used, fault=error.what)
    except ValueError:
        what = "a probe's result" if kind == API else "a completion"
        return Stored(path, kind, size, used, fault=f"is not {what}, or is damaged (its checksum does not match)")
