"""The models of a server: the base, and what the registry's names, aliases and versions stand for."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from conch_dna.errors import RegistryError, UnknownName
from conch_dna.registry.aliases import BASE, CURRENT, NAME, VERSION
from conch_dna.runtime.routing import AUTO
from conch_dna.server.faults import unknown_model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conch_dna.registry.card import Card
    from conch_dna.registry.store import Registry

MODEL = re.compile(rf"({NAME.pattern})(@({NAME.pattern}|{VERSION.pattern}))?")
TOLD = 100  # names in an error; all are in /v1/models


class Model(NamedTuple):
    """One line of ``/v1/models``.

    :param root: the version that the name stands for.
    :param activated: whether it is a neuron that shares the base's context.
    """

    id: str
    root: str
    digest: str
    created: int
    activated: bool = False

    def told(self) -> dict[str, Any]:
        """Return it as clients expect it."""
        parent = None if self.root in {AUTO, BASE} else BASE
        return {"object": "model", "owned_by": "conch-dna", "parent": parent, **self._asdict()}


class Models:
    """The names that may be asked for.

    :param base_digest: of the base; neurons of another base are no models here.
    :param router: the name of the router behind ``auto``; without one there is no such model.
    """

    def __init__(self, registry: Registry, base_digest: str, router: str | None = None) -> None:
        self.registry, self.base_digest, self._router = registry, base_digest, router

    def all(self) -> list[Model]:
        """Return the base, and every name, alias and version that it can run, in that order for each neuron."""
        found = [Model(BASE, BASE, self.base_digest, 0)]
        if self._router is not None:
            found.append(Model(AUTO, AUTO, f"router:{self._router}", 0))
        for name in self.registry.names():
            # Behind a router `auto` is nobody's name; a neuron of that name still has its aliases and versions.
            found += [model for model in self._of(name) if self._router is None or model.id != AUTO]
        return found

    def neurons(self) -> list[str]:
        """Return the names of the neurons that can be run, without aliases and versions."""
        return [model.id for model in self.all() if model.told()["parent"] and "@" not in model.id]

    def get(self, model: str) -> Model:
        """Return one model.

        :raises ApiFault: 404, there is none of that name.
        """
        self.check(model)
        for found in self.all():
            if found.id == model:
                return found
        raise self.unknown(model)

    def check(self, model: str) -> None:
        """Check the form of a name, so that nothing else ever comes near a path.

        :raises ApiFault: 404, no name looks like that.
        """
        if not MODEL.fullmatch(model):
            raise self.unknown(model)

    def unknown(self, model: str) -> Exception:
        """Return the answer to a name that stands for nothing."""
        valid = [found.id for found in self.all()]
        more = f" and {len(valid) - TOLD} more in /v1/models" if len(valid) > TOLD else ""
        return unknown_model(model, ", ".join(valid[:TOLD]) + more)

    def _of(self, name: str) -> Iterator[Model]:
        """Yield a neuron's models; what is damaged or was removed meanwhile is left out."""
        try:
            aliases, versions = self.registry.aliases(name), self.registry.versions(name)
        except (UnknownName, RegistryError):
            return
        cards: dict[int, Card] = {}
        for version in versions:
            try:
                cards[version] = self.registry.resolve(f"{name}@{version}").card
            except (UnknownName, RegistryError):
                continue
        ids = [(name, aliases.get(CURRENT, 0))]
        ids += [(f"{name}@{alias}", version) for alias, version in sorted(aliases.items()) if alias != CURRENT]
        ids += [(f"{name}@{version}", version) for version in versions]
        for id_, version in ids:
            card = cards.get(version)
            if card is not None and card.base_digest == self.base_digest:
                created = int(datetime.fromisoformat(card.created_at).timestamp())
                yield Model(id_, f"{name}@{version}", card.digest, created, bool(card.invocation_tokens))
