"""The published neuron that an exporter receives."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from conch_dna.exporters.base import Base, open_base
from conch_dna.models import refs
from conch_dna.registry.adapter import Adapter, check_fits, read_adapter
from conch_dna.registry.card import check_base

if TYPE_CHECKING:
    from conch_dna.registry.card import Card
    from conch_dna.registry.entry import Entry

__all__ = ["Base", "NeuronSource"]


@dataclass(frozen=True)
class NeuronSource:
    """A published version whose files match its card.

    :param entry: the version; ``entry.path`` holds ``adapters.safetensors`` and ``adapter_config.json``.
    :param base_ref: the reference that :attr:`base` is opened by.
    """

    entry: Entry
    base_ref: str

    @property
    def card(self) -> Card:
        """The card of the version."""
        return self.entry.card

    @cached_property
    def adapter(self) -> Adapter:
        """The adapter, read on first access.

        :raises NeuronRefused: it is damaged or changes nothing.
        """
        return read_adapter(self.entry.path)

    @cached_property
    def base(self) -> Base:
        """The base model, opened on first access; it is the one of the card, and the adapter fits it.

        :raises ModelError: it cannot be found, fetched, converted or loaded.
        :raises NeuronRefused: it is another base than the card's, or the adapter is damaged or does not fit it.
        """
        base = open_base(self.base_ref)
        check_base(self.card, base.digest, refs.text_digest(base.folder), self.entry.ref)
        check_fits(self.adapter, base.target_modules)
        return base

    @property
    def portable_base(self) -> str | None:
        """The card's base reference if other programs can resolve it, a hub id or a folder; else ``None``."""
        ref = self.card.base
        return ref if refs.HUB_ID.fullmatch(ref) or Path(ref).is_dir() else None
