"""Names, references, and the aliases and tags of one neuron, with the history that rollback goes back through."""

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
    """Tell whether ``text`` may be an alias: a name, but no number, which would be a version."""
    return bool(NAME.fullmatch(text)) and not text.isdigit()


class Move(Record):
    """One move of an alias."""

    model_config = ConfigDict(populate_by_name=True)

    alias: str
    before: int | None = Field(default=None, validation_alias="from", serialization_alias="from")
    to: int
    at: str = Field(description="ISO 8601, UTC")
    how: Literal["publish", "promote", "rollback"]


class AliasBook(Record):
    """``aliases.json`` of one neuron: the only file of the registry that ever changes."""

    schema_version: int = SCHEMA_VERSION
    next: int = Field(default=1, ge=1, description="lowest number that no version has had")
    aliases: dict[str, int] = Field(default_factory=dict)
    history: tuple[Move, ...] = ()
    tags: dict[int, dict[str, str]] = Field(default_factory=dict, description="by version; only those that have any")

    def moved(self, alias: str, to: int, how: Literal["publish", "promote", "rollback"]) -> AliasBook:
        """Return the book with ``alias`` at version ``to``; the same book if it is there already."""
        before = self.aliases.get(alias)
        if before == to:
            return self
        move = Move(alias=alias, before=before, to=to, at=now(), how=how)
        return self.model_copy(update={"aliases": {**self.aliases, alias: to}, "history": (*self.history, move)})

    def tagged(self, version: int, tags: dict[str, str]) -> AliasBook:
        """Return the book with ``tags`` as the tags of a version."""
        return self.model_copy(update={"tags": {**self.tags, version: dict(sorted(tags.items()))}})

    def pruned(self, existing: Collection[int]) -> AliasBook:
        """Return the book without tags of versions that are gone, nor versions that have none."""
        kept = {version: tags for version, tags in sorted(self.tags.items()) if tags and version in existing}
        return self.model_copy(update={"tags": kept})

    def way_back(self, alias: str, existing: Collection[int]) -> list[int]:
        """Return the versions that one rollback of ``alias`` after another leads to.

        Moves forward push where they came from; a rollback pops, so that a second one goes further back instead of
        back and forth. Versions removed since are passed over.
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
        way, at = [], self.aliases.get(alias)
        for version in reversed(stack):
            if version in existing and version != at:
                way.append(version)
                at = version
        return way


def read_book(path: Path) -> AliasBook:
    """Read ``aliases.json``; a missing one is an empty book.

    :raises RegistryError: it is damaged.
    """
    try:
        return AliasBook.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return AliasBook()
    except (ValidationError, OSError) as fault:
        reason = fault.errors()[0]["msg"] if isinstance(fault, ValidationError) else fault.strerror
        raise RegistryError(
            f"the list of aliases is damaged: {reason}",
            where=path,
            next_step="The versions are untouched: delete this file and set `current` by `conch neurons promote`.",
        ) from fault


def write_book(path: Path, book: AliasBook) -> None:
    """Write ``aliases.json``, atomically."""
    write_atomic(path, book.model_dump_json(by_alias=True, indent=2) + "\n")


def now() -> str:
    """Return the time of this moment, ISO 8601, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
