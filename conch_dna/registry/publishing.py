"""Addition of a version: staged, flushed, renamed to its number, and last the move of ``current``."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from conch_dna.errors import NeuronRefused, RegistryError
from conch_dna.registry.aliases import ALIASES_FILE, CURRENT, now, read_alias_table
from conch_dna.registry.card import CONTENT_FILES, Card, CardFields, content_digest, hash_files, write_card
from conch_dna.registry.entry import Entry, check_content, read_entry
from conch_dna.registry.folders import numbers_in, save_alias_table, sweep
from conch_dna.util.files import new_folder
from conch_dna.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conch_dna.registry.aliases import AliasTable


def add_version(folder: Path, adapter_dir: Path, digest: str, fields: CardFields) -> Entry:
    """Add an adapter to the neuron in ``folder`` for :meth:`Registry.publish`; the caller holds the lock.

    :param digest: the content digest that the adapter had when it was checked.
    :raises RegistryError: its content has changed since, or ``aliases.json`` is damaged.
    """
    sweep(folder)
    table = read_alias_table(folder / ALIASES_FILE)
    current = _sound(folder, table.aliases.get(CURRENT))
    if current and current.card.digest == digest:
        return current
    version = next_number(folder, table)
    if version > table.next:  # a publish was killed before it moved current
        found = _sound(folder, version - 1)
        if found and found.card.digest == digest:
            _make_current(folder, table, version - 1)
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
    _make_current(folder, table, version)
    return entry


def next_number(folder: Path, table: AliasTable) -> int:
    """Return the lowest number that was never used, not even by a killed publish."""
    return max(table.next, 1 + max(numbers_in(folder), default=0))


def write_version(
    folder: Path, version: int, adapter_dir: Path, digest: str, card_of: Callable[[dict[str, str]], Card]
) -> Entry:
    """Copy an adapter to the folder of a version atomically; the caller holds the lock.

    :param card_of: makes the card from the sha256 of each content file.
    :raises RegistryError: the content digest of the adapter is not ``digest`` any more.
    """
    with new_folder(folder / str(version)) as staged:
        for file in CONTENT_FILES:
            shutil.copyfile(adapter_dir / file, staged / file)
        files = hash_files(staged)
        if content_digest(files) != digest:
            raise RegistryError("the adapter changed while it was published", where=adapter_dir)
        card = write_card(card_of(files), staged)
    return Entry(folder.name, version, folder / str(version), card)


def _make_current(folder: Path, table: AliasTable, version: int) -> None:
    save_alias_table(folder, table.model_copy(update={"next": version + 1}).moved(CURRENT, version, "publish"))


def _sound(folder: Path, version: int | None) -> Entry | None:
    """Return a version's entry, or ``None`` if it is missing or damaged; publishing again replaces such a version."""
    if version is None:
        return None
    try:
        entry = read_entry(folder / str(version))
        check_content(entry)
    except NeuronRefused:
        return None
    return entry
