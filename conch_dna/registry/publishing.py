"""Adding a version: staged beside its place, flushed, renamed into it, and only then the meaning of ``current``."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from conch_dna.errors import NeuronRefused, RegistryError
from conch_dna.registry.aliases import ALIASES_FILE, CURRENT, now, read_book
from conch_dna.registry.card import CONTENT_FILES, Card, CardFields, content_digest, hash_files, write_card
from conch_dna.registry.entry import Entry, check_content, read_entry
from conch_dna.registry.folders import numbers_in, save_book, sweep
from conch_dna.util.files import new_folder
from conch_dna.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conch_dna.registry.aliases import AliasBook


def add_version(folder: Path, adapter_dir: Path, digest: str, fields: CardFields) -> Entry:
    """Add an adapter to the neuron in ``folder`` as :meth:`Registry.publish` says; the caller holds the lock.

    :param digest: the content digest that the adapter had when it was checked.
    :raises RegistryError: it has another one now, or ``aliases.json`` is damaged.
    """
    sweep(folder)
    book = read_book(folder / ALIASES_FILE)
    current = _sound(folder, book.aliases.get(CURRENT))
    if current and current.card.digest == digest:
        return current
    version = next_number(folder, book)
    if version > book.next:  # a publish was killed before it moved current
        found = _sound(folder, version - 1)
        if found and found.card.digest == digest:
            _make_current(folder, book, version - 1)
            return found

    def card_of(files: dict[str, str]) -> Card:
        return Card(
            **{key: getattr(fields, key) for key in CardFields.model_fields},
            name=folder.name,
            version=version,
            digest=digest,
            files=files,
            parent=current.card.digest if current else None,
            created_at=now(),
            conch_version=__version__,
        )

    entry = write_version(folder, version, adapter_dir, digest, card_of)
    _make_current(folder, book, version)
    return entry


def next_number(folder: Path, book: AliasBook) -> int:
    """Return the lowest number that no version has had, that of a killed publish included."""
    return max(book.next, 1 + max(numbers_in(folder), default=0))


def write_version(
    folder: Path, version: int, adapter_dir: Path, digest: str, card_of: Callable[[dict[str, str]], Card]
) -> Entry:
    """Copy an adapter to its place as a version, whole or not at all; the caller holds the lock.

    :param card_of: makes the card from the sha256 of each content file.
    :raises RegistryError: the adapter has another content digest than ``digest`` by now.
    """
    with new_folder(folder / str(version)) as staged:
        for file in CONTENT_FILES:
            shutil.copyfile(adapter_dir / file, staged / file)
        files = hash_files(staged)
        if content_digest(files) != digest:
            raise RegistryError("the adapter changed while it was published", where=adapter_dir)
        card = card_of(files)
        write_card(card, staged)
    return Entry(folder.name, version, folder / str(version), card)


def _make_current(folder: Path, book: AliasBook, version: int) -> None:
    save_book(folder, book.model_copy(update={"next": version + 1}).moved(CURRENT, version, "publish"))


def _sound(folder: Path, version: int | None) -> Entry | None:
    """Return a version's entry unless it is missing or damaged: republishing is how one is replaced."""
    if version is None:
        return None
    try:
        entry = read_entry(folder / str(version))
        check_content(entry)
    except NeuronRefused:
        return None
    return entry
