"""The context that a command gives its API teachers: settings, ledger, cache, progress notes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from conch_dna.teachers.api.ledger import Ledger
from conch_dna.teachers.api.limits import Pace
from conch_dna.teachers.api.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conch_dna.teachers.api.settings import ApiSettings


def _unheard(text: str) -> None:
    """Ignore a note."""


@dataclass
class ApiContext:
    """Shared by all teachers of one command.

    :param settings: from ``conch.toml`` and the command line.
    :param ledger_file: the project's ledger; shared by all its commands.
    :param cache: the cache folder; answers are in ``completions``, probes and batch notes in ``api``.
    :param offline: no request may be sent, as in ``--dry-run``; capabilities come from an earlier probe.
    :param note: gets a short text for the progress line whenever the figures change.
    """

    settings: ApiSettings
    ledger_file: Path
    cache: Path
    offline: bool = False
    note: Callable[[str], None] = _unheard
    _paces: dict[str, Pace] = field(default_factory=dict)
    _metrics: dict[str, Metrics] = field(default_factory=dict)
    _noted: set[str] = field(default_factory=set)

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger, bounded by the budget."""
        return Ledger(self.ledger_file, self.settings.budget)

    def is_new(self, text: str) -> bool:
        """Return whether this text is new: teachers of several domains may share a model and would repeat it."""
        news = text not in self._noted
        self._noted.add(text)
        return news

    def pace(self, provider: str, host: str, counts: Literal["asked", "used"]) -> Pace:
        """Return the pace of one endpoint, shared by all its teachers."""
        return self._paces.setdefault(f"{provider} {host}", Pace(self.settings.endpoint(provider), counts=counts))

    def metrics(self, domain: str) -> Metrics:
        """Return the figures of one domain."""
        return self._metrics.setdefault(domain, Metrics())

    def write_metrics(self, domain: str, file: Path) -> None:
        """Append the figures of one domain to a metrics file, if an API teacher was asked for it."""
        if domain in self._metrics:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._metrics[domain].append(file)
