"""Addition of a version that was published elsewhere, with its card."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna.errors import NeuronRefused, UnknownName
from conch_dna.registry.aliases import ALIASES_FILE, CURRENT, read_alias_table
from conch_dna.registry.entry import Entry, check_content
from conch_dna.registry.folders import save_alias_table, sweep
from conch_dna.registry.lock import locked
from conch_dna.registry.publishing import next_number, write_version
from conch_dna.util.files import fsync_path

if TYPE_CHECKING:
    from pathlib import Path

    from conch_dna.registry.aliases import AliasTable
    from conch_dna.registry.card import Card
    from conch_dna.registry.store import Registry


def find_same(registry: Registry, card: Card) -> Entry | None:
    """Return the newest undamaged version with the name, content and base of ``card``, or ``None``."""
    versions = registry.versions(card.name) if card.name in registry.names() else []
    for version in reversed(versions):
        try:
            entry = registry.resolve(f"{card.name}@{version}")
            if (entry.card.digest, entry.card.base_digest) == (card.digest, card.base_digest):
                check_content(entry)
                return entry
        except (NeuronRefused, UnknownName):
            continue  # damaged, or removed since it was listed
    return None


def adopt(registry: Registry, folder: Path, card: Card) -> tuple[Entry, bool]:
    """Add the adapter in ``folder`` as the next version of ``card.name``; only the number on the card changes.

    ``current`` moves to it only if the name has none, since its gate compared it with another incumbent than the one
    here. A kill leaves the registry unchanged or with the complete version, which the same call then finds.

    :return: the entry, and true if it is new; content that a version has already is not added again.
    :raises NeuronRefused: the adapter is damaged, changes nothing, or differs from its card.
    :raises RegistryError: the disk failed, or another process holds the lock.
    """
    from conch_dna.registry.adapter import check_invocation_tokens, read_adapter  # imports mlx

    adapter = read_adapter(folder)
    if adapter.digest != card.digest:
        raise NeuronRefused("the content differs from the card's digest", where=folder)
    check_invocation_tokens(adapter, card.invocation_tokens, folder)
    neuron_folder = registry.root / card.name
    with locked(registry.root, registry.timeout):
        neuron_folder.mkdir(exist_ok=True)
        fsync_path(registry.root)
        sweep(neuron_folder)
        table = read_alias_table(neuron_folder / ALIASES_FILE)
        found = find_same(registry, card)
        entry = found or _added(neuron_folder, folder, card, next_number(neuron_folder, table))
        _settle(neuron_folder, table, entry.version)
    return entry, found is None


def complete(registry: Registry, entry: Entry) -> None:
    """Point ``current`` at an existing version if a killed pull did not set it.

    :raises UnknownName: the version was removed meanwhile.
    :raises RegistryError: the disk failed, ``aliases.json`` is damaged, or another process holds the lock.
    """
    if CURRENT not in registry.aliases(entry.name):
        with locked(registry.root, registry.timeout):
            registry.locate(entry.ref)  # it may have been removed
            neuron_folder = registry.root / entry.name
            _settle(neuron_folder, read_alias_table(neuron_folder / ALIASES_FILE), entry.version)


def _settle(neuron_folder: Path, table: AliasTable, version: int) -> None:
    settled = table.model_copy(update={"next": max(table.next, version + 1)})
    if CURRENT not in table.aliases:
        settled = settled.moved(CURRENT, version, "publish")
    if settled != table:
        save_alias_table(neuron_folder, settled)


def _added(neuron_folder: Path, folder: Path, card: Card, version: int) -> Entry:
    def card_of(files: dict[str, str]) -> Card:
        return card.model_copy(update={"version": version, "files": files})

    return write_version(neuron_folder, version, folder, card.digest, card_of)
