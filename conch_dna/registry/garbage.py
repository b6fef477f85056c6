"""Garbage collection: the rules that keep a version, and the deletion of all others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import Field

from conch_dna.errors import ConfigError, NeuronRefused
from conch_dna.records import Record
from conch_dna.registry.aliases import ALIASES_FILE, AliasTable, read_alias_table
from conch_dna.registry.card import read_card
from conch_dna.registry.folders import leftovers_in, remove_versions, size_of, sweep, versions_in
from conch_dna.registry.tags import has_tag

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DAY = 86_400  # seconds


class Collected(Record):
    """One version that was deleted, or would be with ``dry_run``."""

    ref: str
    digest: str | None = Field(description="content digest; None if the card is damaged")
    bytes: int


class Kept(Record):
    """One version that is kept, and every rule that keeps it."""

    ref: str
    reasons: tuple[str, ...]


class GcReport(Record):
    """The result of one collection, or with ``dry_run`` its plan."""

    removed: tuple[Collected, ...] = ()
    kept: tuple[Kept, ...] = ()
    leftovers: int = Field(0, description="deleted files and folders of killed processes")
    bytes: int = Field(0, description="bytes freed, leftovers included")
    dry_run: bool = False


@dataclass(frozen=True)
class Rules:
    """The rules that keep versions in addition to aliases, see :meth:`Registry.gc`.

    :raises ConfigError: a number is out of range.
    """

    keep_last: int
    keep_tags: tuple[str, ...]
    keep_days: float | None

    def __post_init__(self) -> None:
        if self.keep_last < 0:
            raise ConfigError("out of range", where="keep_last", got=self.keep_last, allowed="0 or more")
        if self.keep_days is not None and not self.keep_days >= 0:  # `not >=` so that NaN is refused too
            raise ConfigError("out of range", where="keep_days", got=self.keep_days, allowed="0 or more")


@dataclass(frozen=True)
class _Plan:
    """The plan for one neuron: the reasons that keep each version, and the leftovers."""

    folder: Path
    table: AliasTable
    reasons: dict[int, list[str]]
    leftovers: list[Path]

    @property
    def removable(self) -> list[int]:
        return [version for version, reasons in self.reasons.items() if not reasons]


def collect(folders: Sequence[Path], rules: Rules, *, dry_run: bool) -> GcReport:
    """Delete the versions that no rule keeps, and leftovers; the caller holds the lock.

    The plan for all neurons is complete before the first deletion, so that a damaged table stops the collection.

    :raises RegistryError: an ``aliases.json`` is damaged.
    """
    plans = [_plan(folder, rules) for folder in folders]
    removed = [_collected(plan.folder / str(version)) for plan in plans for version in plan.removable]
    leftovers = [path for plan in plans for path in plan.leftovers]
    report = GcReport(
        removed=tuple(removed),
        kept=tuple(
            Kept(ref=f"{plan.folder.name}@{version}", reasons=tuple(reasons))
            for plan in plans
            for version, reasons in plan.reasons.items()
            if reasons
        ),
        leftovers=len(leftovers),
        bytes=sum(one.bytes for one in removed) + sum(map(size_of, leftovers)),
        dry_run=dry_run,
    )
    for plan in () if dry_run else plans:
        sweep(plan.folder)
        if plan.removable:
            remove_versions(plan.folder, plan.table, plan.removable)
    return report


def _plan(folder: Path, rules: Rules) -> _Plan:
    versions, table = versions_in(folder), read_alias_table(folder / ALIASES_FILE)
    reasons: dict[int, list[str]] = {version: [] for version in versions}
    newest = versions[-rules.keep_last :] if rules.keep_last else []
    for alias, at in sorted(table.aliases.items()):
        if at in reasons:  # an alias edited by hand may point at no version
            reasons[at].append(f"{alias} points at it")
        # The version it points at counts as one of keep_last; one rollback stays possible even with keep_last 0 or 1.
        for step in dict.fromkeys(table.rollback_versions(alias, versions)[: max(rules.keep_last - 1, 1)]):
            reasons[step].append(f"{alias} rolls back to it")
    for version in versions:
        tags = table.tags.get(version, {})
        if version in newest:
            reasons[version].append(f"among the newest {rules.keep_last}")
        reasons[version] += [f"tag {wanted}" for wanted in rules.keep_tags if has_tag(tags, wanted)]
        if rules.keep_days is not None and _age(folder / str(version)) < rules.keep_days * DAY:
            reasons[version].append(f"younger than {rules.keep_days:g} days")
    return _Plan(folder, table, reasons, leftovers_in(folder))


def _age(path: Path) -> float:
    """Return the age of a version in seconds; -1 if its card is damaged, so that --keep-days keeps it."""
    try:
        made = datetime.fromisoformat(read_card(path).created_at)
    except (NeuronRefused, ValueError):
        return -1.0
    return (datetime.now(UTC) - (made if made.tzinfo else made.replace(tzinfo=UTC))).total_seconds()


def _collected(path: Path) -> Collected:
    try:
        digest = read_card(path).digest
    except NeuronRefused:
        digest = None
    return Collected(ref=f"{path.parent.name}@{path.name}", digest=digest, bytes=size_of(path))
