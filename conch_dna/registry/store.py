"""The registry: immutable numbered versions of each neuron, and aliases that move between them.

Layout: ``<root>/<name>/<version>/{adapters.safetensors, adapter_config.json, neuron.json, README.md}`` and
``<root>/<name>/aliases.json``, which has the tags too. Readers take no lock: a version appears by one rename, and
aliases and tags change by another.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Literal

from conch_dna.errors import NeuronRefused, RegistryError, UnknownName
from conch_dna.registry.aliases import (
    ALIASES_FILE,
    CURRENT,
    NAME,
    VERSION,
    AliasTable,
    Move,
    is_alias,
    read_alias_table,
)
from conch_dna.registry.entry import Entry, check_content, read_entry
from conch_dna.registry.folders import (
    is_name_folder,
    is_neuron,
    is_version,
    name_folders,
    remove_versions,
    save_alias_table,
    sweep,
    versions_in,
)
from conch_dna.registry.garbage import Rules, collect
from conch_dna.registry.lock import locked
from conch_dna.registry.publishing import add_version
from conch_dna.registry.tags import check_tag
from conch_dna.util.files import fsync_path

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from conch_dna.registry.card import CardFields
    from conch_dna.registry.garbage import GcReport

KEEP_LAST = 3


class Registry:
    """The neurons under one folder; any number of processes may use it at the same time.

    :param root: the folder; the first publish creates it.
    :param timeout: seconds to wait for another process that is changing the registry.
    """

    def __init__(self, root: Path, timeout: float = 60.0) -> None:
        self.root = root.expanduser().absolute()
        self.timeout = timeout

    def names(self) -> list[str]:
        """Return the names of all neurons, sorted."""
        return [path.name for path in name_folders(self.root) if is_neuron(path)]

    def versions(self, name: str) -> list[int]:
        """Return the versions of ``name`` in order, including damaged ones.

        :raises UnknownName: no such neuron.
        """
        return versions_in(self._folder(name))

    def aliases(self, name: str) -> dict[str, int]:
        """Return the aliases of ``name``.

        :raises UnknownName: no such neuron.
        :raises RegistryError: ``aliases.json`` is damaged.
        """
        return dict(self._alias_table(name).aliases)

    def history(self, name: str) -> list[Move]:
        """Return every move of every alias of ``name``, oldest first; raises what :meth:`aliases` does."""
        return list(self._alias_table(name).history)

    def tags(self, name: str) -> dict[int, dict[str, str]]:
        """Return the tags of the versions of ``name`` that have any; raises what :meth:`aliases` does."""
        return self._alias_table(name).pruned(self.versions(name)).tags

    def locate(self, ref: str) -> tuple[str, int]:
        """Return name and version of ``name`` (its ``current``), ``name@3`` or ``name@alias`` without reading a card.

        :raises UnknownName: no such neuron, version or alias; the message lists the existing ones.
        :raises RegistryError: ``ref`` has an alias, and ``aliases.json`` is damaged.
        """
        name, at, selector = ref.partition("@")
        folder = self._folder(name)
        alias = None if VERSION.fullmatch(selector) else selector if at else CURRENT
        if alias is None:
            version = int(selector)
        else:
            aliases = self.aliases(name)
            if alias not in aliases:
                allowed = _selectors(name, self.versions(name), aliases)
                raise UnknownName("no such version or alias", got=ref, allowed=allowed)
            version = aliases[alias]
        if not is_version(folder / str(version)):
            if alias is not None and self.aliases(name).get(alias) != version:
                return self.locate(ref)  # the alias was moved away and the version removed meanwhile
            allowed = _selectors(name, self.versions(name), {})
            raise UnknownName(f"version {version} does not exist", got=ref, allowed=allowed)
        return name, version

    def resolve(self, ref: str) -> Entry:
        """Return the entry of ``name`` (its ``current``), ``name@3`` or ``name@alias``.

        :raises UnknownName: no such neuron, version or alias; the message lists the existing ones.
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

        Content that ``current`` already has is not added again. A kill leaves the registry unchanged or with the
        complete version; ``current`` moves last, and the same publish moves it to that version.

        :raises NeuronRefused: the adapter is damaged, changes nothing or has other invocation tokens than ``fields``,
            or its verdict is a failure.
        :raises RegistryError: the name is not allowed, the disk failed, or another process holds the lock.
        """
        from conch_dna.registry.adapter import check_invocation_tokens, read_adapter  # imports mlx

        if not NAME.fullmatch(name):
            raise RegistryError("not a neuron name", got=repr(name), allowed=NAME.pattern)
        if fields.verdict and not fields.verdict.passed:
            raise NeuronRefused("its gate did not pass", where=name, got=fields.verdict.reason)
        adapter = read_adapter(adapter_dir)
        check_invocation_tokens(adapter, fields.invocation_tokens, adapter_dir)
        folder = self.root / name
        with locked(self.root, self.timeout):
            folder.mkdir(exist_ok=True)
            fsync_path(self.root)
            return add_version(folder, adapter_dir, adapter.digest, fields)

    def promote(self, name: str, version: int, alias: str = CURRENT) -> Entry:
        """Point ``alias`` at ``version``; a new alias is created.

        :raises UnknownName: no such neuron or version.
        :raises NeuronRefused: the version is damaged.
        :raises RegistryError: the alias is not allowed, or ``aliases.json`` is damaged.
        """
        if not is_alias(alias):
            raise RegistryError("not an alias", got=repr(alias), allowed=f"{NAME.pattern}, not a number")
        with self._changing(name) as (_, table):
            return self._move(table, f"{name}@{version}", alias, "promote")

    def rollback(self, name: str, alias: str = CURRENT) -> Entry:
        """Point ``alias`` back at its previous version; a second rollback goes further back.

        :raises UnknownName: no such neuron or alias.
        :raises RegistryError: there is no earlier version, or ``aliases.json`` is damaged.
        """
        with self._changing(name) as (_, table):
            if alias not in table.aliases:
                raise UnknownName("no such alias", where=name, got=alias, allowed=", ".join(table.aliases) or "none")
            earlier = table.rollback_versions(alias, self.versions(name))
            if not earlier:
                raise RegistryError(
                    f"{alias} has no earlier version",
                    where=name,
                    got=f"version {table.aliases[alias]}",
                    next_step=f"Choose a version: `conch neurons promote {name}@VERSION`.",
                )
            return self._move(table, f"{name}@{earlier[0]}", alias, "rollback")

    def _move(self, table: AliasTable, ref: str, alias: str, how: Literal["promote", "rollback"]) -> Entry:
        name, version = self.locate(ref)
        entry = self._entry(name, version)
        check_content(entry)
        moved = table.moved(alias, version, how)
        if moved is not table:
            save_alias_table(self.root / name, moved)
        return entry

    def remove(self, name: str, version: int) -> None:
        """Delete one version and its tags; its number is never used again.

        :raises UnknownName: no such neuron or version.
        :raises RegistryError: an alias points at it, or ``aliases.json`` is damaged.
        """
        with self._changing(name) as (folder, table):
            self.locate(f"{name}@{version}")
            holders = sorted(alias for alias, at in table.aliases.items() if at == version)
            if holders:
                raise RegistryError(
                    f"{', '.join(holders)} points at it", where=f"{name}@{version}", next_step="Move the alias first."
                )
            remove_versions(folder, table, [version])

    def tag(self, ref: str, key: str, value: str) -> dict[str, str]:
        """Set a tag of one version; return all its tags.

        :raises UnknownName: no version is called ``ref``.
        :raises RegistryError: the key or the value is not allowed, or ``aliases.json`` is damaged.
        """
        check_tag(key, value)
        with self._changing(ref.partition("@")[0]) as (folder, table):
            _, version = self.locate(ref)
            tags = {**table.tags.get(version, {}), key: value}
            save_alias_table(folder, table.tagged(version, tags))
        return tags

    def untag(self, ref: str, key: str) -> dict[str, str]:
        """Remove a tag from one version; return its other tags.

        :raises UnknownName: no version is called ``ref``, or it has no such tag.
        :raises RegistryError: ``aliases.json`` is damaged.
        """
        with self._changing(ref.partition("@")[0]) as (folder, table):
            _, version = self.locate(ref)
            tags = dict(table.tags.get(version, {}))
            if key not in tags:
                raise UnknownName("no such tag", where=ref, got=key, allowed=", ".join(sorted(tags)) or "none")
            del tags[key]
            save_alias_table(folder, table.tagged(version, tags))
        return tags

    def gc(
        self,
        name: str | None = None,
        *,
        keep_last: int = KEEP_LAST,
        keep_tags: Collection[str] = (),
        keep_days: float | None = None,
        dry_run: bool = False,
    ) -> GcReport:
        """Delete the versions that no rule keeps, and the leftovers of killed processes, of one neuron or of all.

        :param keep_last: keep this many of the newest versions, and this many per alias: the one it points at and
            those that its rollbacks lead to, at least the first of these.
        :param keep_tags: keep versions with one of these tags: ``KEY``, or ``KEY=VALUE``.
        :param keep_days: keep versions created less than this many days ago.
        :param dry_run: return what would be deleted, and delete nothing.
        :raises UnknownName: no such neuron.
        :raises ConfigError: a rule is out of range.
        :raises RegistryError: an ``aliases.json`` is damaged; then nothing is deleted.
        """
        rules = Rules(keep_last, tuple(keep_tags), keep_days)
        folders = name_folders(self.root) if name is None else [self._folder(name)]
        if not folders:
            return collect([], rules, dry_run=dry_run)
        with locked(self.root, self.timeout):
            return collect(folders, rules, dry_run=dry_run)

    def _folder(self, name: str) -> Path:
        """Return the folder of an existing neuron; any other string is refused before it becomes a path."""
        folder = self.root / name if NAME.fullmatch(name) else None
        if folder is None or not is_name_folder(folder) or not is_neuron(folder):
            raise UnknownName("no such neuron", got=name, allowed=", ".join(self.names()) or "none: nothing published")
        return folder

    def _alias_table(self, name: str) -> AliasTable:
        return read_alias_table(self._folder(name) / ALIASES_FILE)

    def _entry(self, name: str, version: int) -> Entry:
        return read_entry(self.root / name / str(version))

    @contextlib.contextmanager
    def _changing(self, name: str) -> Iterator[tuple[Path, AliasTable]]:
        """Hold the lock for a change of an existing neuron, delete leftovers, and yield its folder and alias table."""
        folder = self._folder(name)
        with locked(self.root, self.timeout):
            sweep(folder)
            yield folder, read_alias_table(folder / ALIASES_FILE)


def _selectors(name: str, versions: list[int], aliases: dict[str, int]) -> str:
    return ", ".join(f"{name}@{selector}" for selector in (*sorted(aliases), *versions))
