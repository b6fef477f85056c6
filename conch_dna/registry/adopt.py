"""Taking in a version that was published elsewhere, with its card."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna.errors import NeuronRefused, UnknownName
from conch_dna.registry.aliases import ALIASES_FILE, CURRENT, read_book
from conch_dna.registry.entry import Entry, check_content
from conch_dna.registry.folders import save_book, sweep
from conch_dna.registry.lock import locked
from conch_dna.registry.publishing import next_number, write_version
from conch_dna.util.files import fsync_path

if TYPE_CHECKING:
    from pathlib import Path

    from conch_dna.registry.aliases import AliasBook
    from conch_dna.registry.card import Card
    from conch_dna.registry.store import Registry


def holding(registry: Registry, card: Card) -> Entry | None:
    """Return the sound version with the name, content and base of ``card``, the newest of several, if there is one."""
    versions = registry.versions(card.name) if card.name in registry.names() else []
    for version in reversed(versions):
        try:
            entry = registry.resolve(f"{card.name}@{version}")
            if (entry.card.digest, entry.card.base_digest) == (card.digest, card.base_digest):
                check_content(entry)
                return entry
        except (NeuronRefused, UnknownName):
            continue  # a damaged one is replaced by another version; one that was listed may be gone by now
    return None


def adopt(registry: Registry, folder: Path, card: Card) -> tuple[Entry, bool]:
    """Add the adapter in ``folder`` as the next version of ``card.name``; the card is kept but for its number.

    ``current`` moves to it only when there was none: it beat another incumbent than the one here. A kill at any moment
    leaves the registry as it was, or with the version whole; the same call again then finds it.

    :return: the entry, and whether it is new: content that some version has already is not added again.
    :raises NeuronRefused: the adapter is damaged, changes nothing, or is not what its card says.
    :raises RegistryError: the disk failed, or another process holds the lock.
    """
    from conch_dna.registry.adapter import check_invocation_tokens, read_adapter

    adapter = read_adapter(folder)
    if adapter.digest != card.digest:
        raise NeuronRefused("the content differs from the card's digest", where=folder)
    check_invocation_tokens(adapter, card.invocation_tokens, folder)
    home = registry.root / card.name
    with locked(registry.root, registry.timeout):
        home.mkdir(exist_ok=True)
        fsync_path(registry.root)
        sweep(home)
        book = read_book(home / ALIASES_FILE)
        found = holding(registry, card)
        entry = found or _added(home, folder, card, next_number(home, book))
        _settle(home, book, entry.version)
    return entry, found is None


def complete(registry: Registry, entry: Entry) -> None:
    """Point ``current`` at a version that is here, if a kill kept it from being set.

    :raises UnknownName: the version was removed meanwhile.
    :raises RegistryError: the disk failed, ``aliases.json`` is damaged, or another process holds the lock.
    """
    if CURRENT not in registry.aliases(entry.name):
        with locked(registry.root, registry.timeout):
            registry.locate(entry.ref)  # it may be gone by now
            home = registry.root / entry.name
            _settle(home, read_book(home / ALIASES_FILE), entry.version)


def _settle(home: Path, book: AliasBook, version: int) -> None:
    settled = book.model_copy(update={"next": max(book.next, version + 1)})
    if CURRENT not in book.aliases:
        settled = settled.moved(CURRENT, version, "publish")
    if settled != book:
        save_book(home, settled)


def _added(home: Path, folder: Path, card: Card, version: int) -> Entry:
    def card_of(files: dict[str, str]) -> Card:
        return card.model_copy(update={"version": version, "files": files})

    return write_version(home, version, folder, card.digest, card_of)
