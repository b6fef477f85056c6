"""Names and references, and the aliases and tags of a neuron with the history that rollback uses."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from pydantic import ConfigDict, Field, ValidationError

from conch_dna.errors import ConfigError, RegistryError
from conch_dna.records import SCHEMA_VERSION, Record
from conch_dna.util.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

BASE = "base"  # reserved: stands for the unadapted model where a neuron is named
CURRENT = "current"
ALIASES_FILE = "aliases.json"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
VERSION = re.compile(r"[1-9][0-9]{0,8}")


def check_not_base(name: str, where: str) -> None:
    """Check that a neuron or domain may have this name.

    :raises ConfigError: the name is reserved for the base.
    """
    if name == BASE:
        raise ConfigError(f"{BASE!r} is reserved for the unadapted model", where=where, got=name)


def is_alias(text: str) -> bool:
    """Return true if ``text`` is allowed as an alias: a name, but not a number, which is a version."""
    return bool(NAME.fullmatch(text)) and not text.isdigit()


class Move(Record):
    """One move of an alias."""

    model_config = ConfigDict(populate_by_name=True)

    alias: str
    before: int | None = Field(default=None, validation_alias="from", serialization_alias="from")
    to: int
    at: str = Field(description="ISO 8601, UTC")
    how: Literal["publish", "promote", "rollback"]


class AliasTable(Record):
    """``aliases.json`` of one neuron, the only file of the registry that ever changes."""

    schema_version: int = SCHEMA_VERSION
    next: int = Field(default=1, ge=1, description="lowest number that was never used")
    aliases: dict[str, int] = Field(default_factory=dict)
    history: tuple[Move, ...] = ()
    tags: dict[int, dict[str, str]] = Field(default_factory=dict, description="by version; only those with tags")

    def moved(self, alias: str, to: int, how: Literal["publish", "promote", "rollback"]) -> AliasTable:
        """Return the table with ``alias`` at version ``to``; the same table if it points there already."""
        before = self.aliases.get(alias)
        if before == to:
            return self
        move = Move(alias=alias, before=before, to=to, at=now(), how=how)
        return self.model_copy(update={"aliases": {**self.aliases, alias: to}, "history": (*self.history, move)})

    def tagged(self, version: int, tags: dict[str, str]) -> AliasTable:
        """Return the table with ``tags`` as all tags of a version."""
        return self.model_copy(update={"tags": {**self.tags, version: dict(sorted(tags.items()))}})

    def pruned(self, existing: Collection[int]) -> AliasTable:
        """Return the table without the tags of removed versions and without empty tags."""
        kept = {version: tags for version, tags in sorted(self.tags.items()) if tags and version in existing}
        return self.model_copy(update={"tags": kept})

    def rollback_versions(self, alias: str, existing: Collection[int]) -> list[int]:
        """Return the versions that repeated rollbacks of ``alias`` lead to, in that order.

        A publish or promotion pushes the version it moved from on a stack, and a rollback pops it, so that a second
        rollback goes further back instead of returning. Removed versions are skipped.
        """
        stack: list[int] = []
        for move in self.history:
            if move.alias != alias:
                continue
            if move.how != "rollback":
                stack += [] if move.before is None else [move.before]
                continue
            while stack and stack.pop() != move.to:
                pass
        found, at = [], self.aliases.get(alias)
        for version in reversed(stack):
            if version in existing and version != at:
                found.append(version)
                at = version
        return found


def read_alias_table(path: Path) -> AliasTable:
    """Read ``aliases.json``; a missing file is an empty table.

    :raises RegistryError: it is damaged.
    """
    try:
        return AliasTable.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return AliasTable()
    except (ValidationError, OSError) as fault:
        reason = fault.errors()[0]["msg"] if isinstance(fault, ValidationError) else fault.strerror
        raise RegistryError(
            f"the list of aliases is damaged: {reason}",
            where=path,
            next_step="The versions are intact: delete this file and set `current` by `conch neurons promote`.",
        ) from fault


def write_alias_table(path: Path, table: AliasTable) -> None:
    """Write ``aliases.json``, atomically."""
    write_atomic(path, table.model_dump_json(by_alias=True, indent=2) + "\n")


def now() -> str:
    """Return the current time in UTC as ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
