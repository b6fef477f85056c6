"""A published version on disk: its card and the check of its content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conch_dna.errors import NeuronRefused
from conch_dna.registry.card import README_FILE, Card, hash_files, read_card
from conch_dna.util.files import sha256_file

if TYPE_CHECKING:
    from pathlib import Path


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
        """The reference ``name@version``, which always means this version."""
        return f"{self.name}@{self.version}"


def read_entry(path: Path) -> Entry:
    """Return the entry of the version folder at ``path``.

    :raises NeuronRefused: its card is missing or damaged.
    """
    card = read_card(path)
    return Entry(card.name, card.version, path, card)


def check_readme(entry: Entry) -> None:
    """Compare the README with its digest on the card, if that has one.

    :raises NeuronRefused: it differs, or is missing.
    """
    path = entry.path / README_FILE
    if entry.card.readme is not None and (not path.is_file() or sha256_file(path) != entry.card.readme):
        raise NeuronRefused("the README differs from the card's digest", where=path, got=README_FILE)


def check_content(entry: Entry) -> None:
    """Compare the files with the digests on the card.

    :raises NeuronRefused: a file differs, or the version was removed meanwhile.
    """
    if not entry.path.is_dir():
        raise NeuronRefused("the version was removed after it was looked up", where=entry.ref, next_step="Try again.")
    for file, sha256 in hash_files(entry.path).items():
        if sha256 != entry.card.files[file]:
            raise NeuronRefused("the content differs from the card's digest", where=entry.path / file, got=sha256)
