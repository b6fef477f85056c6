"""Taking in a version that was published elsewhere, with its card."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from conch_dna.errors import NeuronRefused, RegistryError
from conch_dna.files import fsync_path, new_folder
from conch_dna.registry.aliases import ALIASES_FILE, CURRENT, read_book
from conch_dna.registry.card import CONTENT_FILES, hash_files, write_card
from conch_dna.registry.folders import numbers_in, save_book, sweep
from conch_dna.registry.lock import locked
from conch_dna.registry.store import Entry, check_content

if TYPE_CHECKING:
    from pathlib import Path

    from conch_dna.registry.card import Card
    from conch_dna.registry.store import Registry


def holding(registry: Registry, name: str, digest: str) -> Entry | None:
    """Return the sound version of ``name`` with that content, the newest of several; ``None`` if there is none."""
    versions = registry.versions(name) if name in registry.names() else []
    for version in reversed(versions):
        try:
            entry = registry.resolve(f"{name}@{version}")
            if entry.card.digest == digest:
                check_content(entry)
                return entry
        except NeuronRefused:
            continue  # a damaged one is replaced by another version
    return None


def adopt(registry: Registry, folder: Path, card: Card) -> tuple[Entry, bool]:
    """Add the adapter in ``folder`` as the next version of ``card.name``; the card is kept but for its number.

    ``current`` moves to it only when there was none: it beat another incumbent than the one here. A kill at any moment
    leaves the registry as it was, or with the version whole; the same call again then finds it.

    :return: the entry, and whether it is new: content that some version has already is not added again.
    :raises NeuronRefused: the adapter is damaged, changes nothing, or is not what its card says.
    :raises RegistryError: the disk failed, or another process holds the lock.
    """
    from conch_dna.registry.adapter import read_adapter

    if read_adapter(folder).digest != card.digest:
        raise NeuronRefused("the content differs from the card's digest", where=folder)
    home = registry.root / card.name
    with locked(registry.root, registry.timeout):
        home.mkdir(exist_ok=True)
        fsync_path(registry.root)
        sweep(home)
        book = read_book(home / ALIASES_FILE)
        found = holding(registry, card.name, card.digest)
        entry = found or _added(home, folder, card, max(book.next, 1 + max(numbers_in(home), default=0)))
        settled = book.model_copy(update={"next": max(book.next, entry.version + 1)})
        if CURRENT not in book.aliases:
            settled = settled.moved(CURRENT, entry.version, "publish")
        if settled != book:
            save_book(home, settled)
    return entry, found is None


def _added(home: Path, folder: Path, card: Card, version: int) -> Entry:
    card = card.model_copy(update={"version": version})
    with new_folder(home / str(version)) as staged:
        for file in CONTENT_FILES:
            shutil.copyfile(folder / file, staged / file)
        if hash_files(staged) != card.files:
            raise RegistryError("the adapter changed while it was taken in", where=folder)
        write_card(card, staged)
    return Entry(home.name, version, home / str(version), card)
