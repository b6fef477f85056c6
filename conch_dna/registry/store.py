"""The registry: immutable numbered versions of each neuron, and aliases that move between them.

Layout: ``<root>/<name>/<version>/{adapters.safetensors, adapter_config.json, neuron.json, README.md}`` and
``<root>/<name>/aliases.json``. Readers take no lock: a version appears by one rename, and aliases change by another.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from conch_dna import __version__
from conch_dna.errors import NeuronRefused, RegistryError, UnknownName
from conch_dna.files import fsync_path, new_folder
from conch_dna.registry.aliases import (
    ALIASES_FILE,
    CURRENT,
    NAME,
    VERSION,
    AliasBook,
    Move,
    is_alias,
    now,
    read_book,
    write_book,
)
from conch_dna.registry.card import CONTENT_FILES, Card, CardFields, content_digest, hash_files, read_card, write_card

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conch_dna.registry.audit import DiffRow, Problem

LOCK_FILE = ".lock"
# What new_folder, write_atomic and remove leave behind when their process is killed.
_LEFTOVER = re.compile(r"\.(\d+|aliases\.json)\..+")


@dataclass(frozen=True)
class Entry:
    """One published version.

    :param path: its folder, which mlx-lm loads as an adapter.
    """

    name: str
    version: int
    path: Path
    card: Card

    @property
    def ref(self) -> str:
        """The reference that always means this version."""
        return f"{self.name}@{self.version}"


class Registry:
    """The neurons under one folder; any number of processes may use it at once.

    :param root: the folder; it is made by the first publish.
    :param timeout: seconds to wait for another process that is changing the registry.
    """

    def __init__(self, root: Path, timeout: float = 60.0) -> None:
        self.root = root.expanduser().absolute()
        self.timeout = timeout

    def names(self) -> list[str]:
        """Return the names that have at least one version, sorted."""
        if not self.root.is_dir():
            return []
        return sorted(path.name for path in self.root.iterdir() if _is_name_folder(path) and _versions_in(path))

    def versions(self, name: str) -> list[int]:
        """Return the versions of ``name``, damaged ones too, in order.

        :raises UnknownName: there is none.
        """
        return _versions_in(self._folder(name))

    def aliases(self, name: str) -> dict[str, int]:
        """Return the aliases of ``name``.

        :raises UnknownName: there is no such neuron.
        :raises RegistryError: ``aliases.json`` is damaged.
        """
        return dict(self._book(name).aliases)

    def history(self, name: str) -> list[Move]:
        """Return every move of every alias of ``name``, oldest first; raises what :meth:`aliases` does."""
        return list(self._book(name).history)

    def locate(self, ref: str) -> tuple[str, int]:
        """Return name and version of ``name`` (its ``current``), ``name@3`` or ``name@alias``, reading no card.

        :raises UnknownName: there is no such neuron, version or alias; the message lists those that are.
        :raises RegistryError: an alias is asked for and ``aliases.json`` is damaged.
        """
        name, at, selector = ref.partition("@")
        if VERSION.fullmatch(selector):
            versions, version = self.versions(name), int(selector)
        else:
            alias = selector if at else CURRENT
            # Aliases first: what they point at was there before them, and a publish may come in between.
            aliases = self.aliases(name)
            versions = self.versions(name)
            if alias not in aliases:
                raise UnknownName("no such version or alias", got=ref, allowed=_selectors(name, versions, aliases))
            version = aliases[alias]
            if version not in versions and self.aliases(name).get(alias) != version:
                return self.locate(ref)  # the alias was moved away and the version removed meanwhile
        if version not in versions:
            raise UnknownName(f"version {version} does not exist", got=ref, allowed=_selectors(name, versions, {}))
        return name, version

    def resolve(self, ref: str) -> Entry:
        """Return the entry of ``name`` (its ``current``), ``name@3`` or ``name@alias``.

        :raises UnknownName: there is no such neuron, version or alias; the message lists those that are.
        :raises NeuronRefused: its card is missing or damaged.
        """
        name, version = self.locate(ref)
        try:
            return self._entry(name, version)
        except NeuronRefused:
            if self.locate(ref) == (name, version):
                raise
            return self.resolve(ref)  # the alias was moved away and the version removed meanwhile

    def publish(self, name: str, adapter_dir: Path, fields: CardFields) -> Entry:
        """Add the adapter in ``adapter_dir`` as the next version of ``name`` and move ``current`` to it.

        Content that ``current`` already has is not added again. A kill at any moment leaves the registry as it was,
        or with the new version whole; ``current`` moves last, and the same publish again moves it to that version.

        :raises NeuronRefused: the adapter is damaged or changes nothing, or its verdict is a failed one.
        :raises RegistryError: the name is not allowed, the disk failed, or another process holds the lock.
        """
        from conch_dna.registry.adapter import read_adapter

        if not NAME.fullmatch(name):
            raise RegistryError("not a neuron name", got=repr(name), allowed=NAME.pattern)
        if fields.verdict and not fields.verdict.passed:
            raise NeuronRefused("its gate did not pass", where=name, got=fields.verdict.reason)
        digest = read_adapter(adapter_dir).digest
        folder = self.root / name
        with self._locked():
            folder.mkdir(exist_ok=True)
            fsync_path(self.root)
            return self._publish_locked(folder, adapter_dir, digest, fields)

    def _publish_locked(self, folder: Path, adapter_dir: Path, digest: str, fields: CardFields) -> Entry:
        _sweep(folder)
        book = read_book(folder / ALIASES_FILE)
        current = self._sound(folder, book.aliases.get(CURRENT))
        if current and current.card.digest == digest:
            return current
        version = max(book.next, 1 + max(_numbers_in(folder), default=0))
        if version > book.next:  # a publish was killed before it moved current
            found = self._sound(folder, version - 1)
            if found and found.card.digest == digest:
                self._make_current(folder, book, version - 1)
                return found
        with new_folder(folder / str(version)) as staged:
            for file in CONTENT_FILES:
                shutil.copyfile(adapter_dir / file, staged / file)
            files = hash_files(staged)
            if content_digest(files) != digest:
                raise RegistryError("the adapter changed while it was published", where=adapter_dir)
            card = Card(
                **{key: getattr(fields, key) for key in CardFields.model_fields},
                name=folder.name,
                version=version,
                digest=digest,
                files=files,
                parent=current.card.digest if current else None,
                created_at=now(),
                conch_version=__version__,
            )
            write_card(card, staged)
        self._make_current(folder, book, version)
        return Entry(folder.name, version, folder / str(version), card)

    def _make_current(self, folder: Path, book: AliasBook, version: int) -> None:
        moved = book.model_copy(update={"next": version + 1}).moved(CURRENT, version, "publish")
        write_book(folder / ALIASES_FILE, moved)

    def promote(self, name: str, version: int, alias: str = CURRENT) -> Entry:
        """Point ``alias`` at ``version``; the alias is made if it is new.

        :raises UnknownName: there is no such neuron or version.
        :raises NeuronRefused: the version is damaged.
        :raises RegistryError: the alias is not allowed, or ``aliases.json`` is damaged.
        """
        if not is_alias(alias):
            raise RegistryError("not an alias", got=repr(alias), allowed=f"{NAME.pattern}, not a number")
        self._folder(name)
        with self._locked():
            return self._move(self._book(name), f"{name}@{version}", alias, "promote")

    def rollback(self, name: str, alias: str = CURRENT) -> Entry:
        """Point ``alias`` back at the version that it pointed at before; a second time goes further back.

        :raises UnknownName: there is no such neuron or alias.
        :raises RegistryError: there is no earlier version, or ``aliases.json`` is damaged.
        """
        self._folder(name)
        with self._locked():
            book = self._book(name)
            if alias not in book.aliases:
                raise UnknownName("no such alias", where=name, got=alias, allowed=", ".join(book.aliases) or "none")
            earlier = book.earlier(alias, self.versions(name))
            if earlier is None:
                raise RegistryError(
                    f"{alias} has no earlier version to go back to",
                    where=name,
                    got=f"version {book.aliases[alias]}",
                    next_step=f"Choose one yourself: `conch neurons promote {name}@VERSION`.",
                )
            return self._move(book, f"{name}@{earlier}", alias, "rollback")

    def _move(self, book: AliasBook, ref: str, alias: str, how: Literal["promote", "rollback"]) -> Entry:
        name, version = self.locate(ref)
        entry = self._entry(name, version)
        check_content(entry)
        moved = book.moved(alias, version, how)
        if moved is not book:
            write_book(self.root / name / ALIASES_FILE, moved)
        return entry

    def remove(self, name: str, version: int) -> None:
        """Delete one version; its number is never given again.

        :raises UnknownName: there is no such neuron or version.
        :raises RegistryError: an alias points at it, or ``aliases.json`` is damaged.
        """
        self._folder(name)
        with self._locked():
            self.locate(f"{name}@{version}")
            book = self._book(name)
            holders = sorted(alias for alias, at in book.aliases.items() if at == version)
            if holders:
                raise RegistryError(
                    f"{', '.join(holders)} points at it", where=f"{name}@{version}", next_step="Move the alias first."
                )
            folder = self.root / name
            # The number is kept first, and the version vanishes by one rename: no kill leaves half of either.
            if book.next <= version:
                write_book(folder / ALIASES_FILE, book.model_copy(update={"next": version + 1}))
            doomed = tempfile.mkdtemp(prefix=f".{version}.", dir=folder)
            (folder / str(version)).rename(doomed)
            fsync_path(folder)
            shutil.rmtree(doomed)

    def verify(self, ref: str | None = None) -> list[Problem]:
        """Check one version, or with ``None`` every version and alias; return what is wrong, in order.

        :raises UnknownName: ``ref`` names nothing.
        """
        from conch_dna.registry.audit import verify

        return verify(self, ref)

    def diff(self, a: str, b: str) -> list[DiffRow]:
        """Return what differs between two versions: provenance, settings, metrics and the norm of each module's update.

        :raises UnknownName: a reference names nothing.
        :raises NeuronRefused: a version is damaged.
        """
        from conch_dna.registry.audit import diff

        return diff(self.resolve(a), self.resolve(b))

    def _folder(self, name: str) -> Path:
        """Return the folder of an existing neuron; no other string becomes a path."""
        folder = self.root / name if NAME.fullmatch(name) else None
        if folder is None or not _is_name_folder(folder) or not _versions_in(folder):
            raise UnknownName("no such neuron", got=name, allowed=", ".join(self.names()) or "none: nothing published")
        return folder

    def _book(self, name: str) -> AliasBook:
        return read_book(self._folder(name) / ALIASES_FILE)

    def _entry(self, name: str, version: int) -> Entry:
        path = self.root / name / str(version)
        return Entry(name, version, path, read_card(path))

    def _sound(self, folder: Path, version: int | None) -> Entry | None:
        """Return a version's entry unless it is missing or damaged: republishing is how one is replaced."""
        if version is None:
            return None
        try:
            entry = self._entry(folder.name, version)
            check_content(entry)
        except NeuronRefused:
            return None
        return entry

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the registry's lock; the system lets go of it when a process dies."""
        from filelock import FileLock, Timeout

        lock = FileLock(self.root / LOCK_FILE)
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=self.timeout)
            yield
        except Timeout as fault:
            raise RegistryError(
                f"another process has been changing the registry for {self.timeout:g} seconds",
                where=self.root / LOCK_FILE,
                next_step="Wait for it to end, or end it, and try again.",
            ) from fault
        except OSError as fault:
            where = fault.filename2 or fault.filename or self.root  # of a copy, the file that is written comes second
            raise RegistryError(f"cannot write: {fault.strerror}", where=where) from fault
        finally:
            lock.release()


def check_content(entry: Entry) -> None:
    """Compare the files with the card.

    :raises NeuronRefused: naming the first file that differs.
    """
    for file, sha256 in hash_files(entry.path).items():
        if sha256 != entry.card.files[file]:
            raise NeuronRefused("the content differs from the card's digest", where=entry.path / file, got=sha256)


def _is_name_folder(path: Path) -> bool:
    # A link could lead anywhere, and nothing here makes one.
    return bool(NAME.fullmatch(path.name)) and path.is_dir() and not path.is_symlink()


def _numbers_in(folder: Path) -> list[int]:
    return [int(path.name) for path in folder.iterdir() if VERSION.fullmatch(path.name)]


def _versions_in(folder: Path) -> list[int]:
    numbers = {number: folder / str(number) for number in _numbers_in(folder)}
    return sorted(number for number, path in numbers.items() if path.is_dir() and not path.is_symlink())


def _selectors(name: str, versions: list[int], aliases: dict[str, int]) -> str:
    return ", ".join(f"{name}@{selector}" for selector in (*sorted(aliases), *versions))


def _sweep(folder: Path) -> None:
    """Delete what killed processes left in ``folder``.

    They cannot be at work still: all of it is made under the lock, which the caller holds now.
    """
    for path in folder.iterdir():
        if _LEFTOVER.fullmatch(path.name):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
