"""The lineage of a version: its parents and the adapters that training started from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from conch_dna.errors import NeuronRefused, UnknownName
from conch_dna.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conch_dna.registry.entry import Entry
    from conch_dna.registry.store import Registry

Relation = Literal["itself", "parent", "start"]


class Ancestor(Record):
    """One version in a lineage; if the registry does not have it, only its digest is known."""

    ref: str | None = Field(None, description="None if no valid card of the registry has this digest")
    relations: tuple[Relation, ...] = Field(description="its relation to the version `of`")
    of: str | None = Field(None, description="reference of its successor; None for the requested version")
    depth: int = Field(description="steps from the requested version")
    digest: str
    base: str | None = None
    base_digest: str | None = None
    teacher: str | None = None
    teacher_fingerprint: str | None = None
    data_digest: str | None = None
    created_at: str | None = None


def ancestors_of(registry: Registry, ref: str) -> list[Ancestor]:
    """Return a version and its ancestors as far as the registry has them, each once, nearest first.

    Ancestors are the parents and the adapters that training started from.

    :raises UnknownName: no version is called ``ref``.
    :raises NeuronRefused: the version's card is damaged.
    """
    entry, known = registry.resolve(ref), _Known(registry)
    found = [_ancestor(entry, ("itself",), None, 0)]
    seen, queue = {entry.ref}, [(entry, 0)]
    for child, depth in queue:
        for digest, relations in _origins(child).items():
            older = known.before(child, digest)
            if older is None:
                found.append(Ancestor(relations=relations, of=child.ref, depth=depth + 1, digest=digest))
            elif older.ref not in seen:
                seen.add(older.ref)
                found.append(_ancestor(older, relations, child.ref, depth + 1))
                queue.append((older, depth + 1))
    return found


def _origins(entry: Entry) -> dict[str, tuple[Relation, ...]]:
    """Return the digests that a card names as parent and start; often both are the same."""
    parent, start = entry.card.parent, entry.card.start_digest
    origins: dict[str, tuple[Relation, ...]] = {}
    if parent:
        origins[parent] = ("parent", "start") if parent == start else ("parent",)
    if start and start != parent:
        origins[start] = ("start",)
    return origins


def _ancestor(entry: Entry, relations: tuple[Relation, ...], of: str | None, depth: int) -> Ancestor:
    card = entry.card
    return Ancestor(
        ref=entry.ref, relations=relations, of=of, depth=depth, digest=card.digest, base=card.base,
        base_digest=card.base_digest, teacher=card.teacher, teacher_fingerprint=card.teacher_fingerprint,
        data_digest=card.data_digest, created_at=card.created_at,
    )  # fmt: skip


class _Known:
    """The valid cards of a registry by digest; those of a neuron are read when they are first needed."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._cards: dict[str, list[Entry]] = {}

    def before(self, child: Entry, digest: str) -> Entry | None:
        """Return the version with this content: the newest one of the same neuron before ``child``, else any."""
        names = [child.name, *(name for name in self._registry.names() if name != child.name)]
        for name in names:
            same = [one for one in self._of(name) if one.card.digest == digest]
            older = [one for one in same if name != child.name or one.version < child.version]
            if older:
                return older[-1]
        return None

    def _of(self, name: str) -> list[Entry]:
        if name not in self._cards:
            self._cards[name] = list(self._read(name))
        return self._cards[name]

    def _read(self, name: str) -> Iterator[Entry]:
        for version in self._registry.versions(name):
            try:
                yield self._registry.resolve(f"{name}@{version}")
            except (NeuronRefused, UnknownName):  # damaged, or removed meanwhile
                continue
