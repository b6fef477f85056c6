"""What a command lends to its API teachers: settings, the ledger, the cache, and somebody who hears of the figures."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conch_dna.teachers.api.ledger import Ledger
    from conch_dna.teachers.api.limits import Pace
    from conch_dna.teachers.api.metrics import Metrics
    from conch_dna.teachers.api.settings import ApiSettings


def _unheard(text: str) -> None:
    """Let a note pass."""


@dataclass
class ApiContext:
    """Shared by all teachers of one command.

    :param settings: of ``conch.toml`` and the command line.
    :param ledger_file: what the project has ever spent; shared by all its commands.
    :param cache: the cache's root; answers lie in ``completions``, what else is to be remembered in ``api``.
    :param offline: nothing may be asked, as in ``--dry-run``: what an endpoint can do is taken from an earlier probe.
    :param note: hears a short text for the progress line, as figures change.
    """

    settings: ApiSettings
    ledger_file: Path
    cache: Path
    offline: bool = False
    note: Callable[[str], None] = _unheard
    _paces: dict[str, Pace] = field(default_factory=dict)
    _metrics: dict[str, Metrics] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger, bounded by the budget."""
        from conch_dna.teachers.api.ledger import Ledger

        return Ledger(self.ledger_file, self.settings.budget)

    def is_news(self, text: str) -> bool:
        """Tell whether this is said for the first time: each domain has a teacher of its own, of the same model."""
        news = text not in self._told
        self._told.add(text)
        return news

    def pace(self, provider: str, host: str, counts: Literal["asked", "used"]) -> Pace:
        """Return the pace of one endpoint, which all its teachers keep together."""
        from conch_dna.teachers.api.limits import Pace

        return self._paces.setdefault(f"{provider} {host}", Pace(self.settings.endpoint(provider), counts=counts))

    def metrics(self, domain: str) -> Metrics:
        """Return the figures of one domain."""
        from conch_dna.teachers.api.metrics import Metrics

        return self._metrics.setdefault(domain, Metrics())

    def write_metrics(self, domain: str, file: Path) -> None:
        """Add the figures of one domain to a file of metrics, where an API teacher was asked for it."""
        if domain in self._metrics:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._metrics[domain].append(file)
