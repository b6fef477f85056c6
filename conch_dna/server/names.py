"""The models of a server: the base and the registry's names, aliases and versions."""

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
MAX_LISTED = 100  # names in an error message; /v1/models lists all


class Model(NamedTuple):
    """One entry of ``/v1/models``.

    :param root: the version that the name refers to.
    :param activated: whether the neuron shares the base's context.
    :param verified: whether a verifier decided how many of its answers are right.
    """

    id: str
    root: str
    digest: str
    created: int
    activated: bool = False
    verified: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the entry in OpenAI's format."""
        parent = None if self.root in {AUTO, BASE} else BASE
        return {"object": "model", "owned_by": "conch-dna", "parent": parent, **self._asdict()}


class Models:
    """The model names that a server accepts.

    :param base_digest: digest of the base; neurons of other bases are left out.
    :param router: name of the router behind ``auto``; without a router that model does not exist.
    """

    def __init__(self, registry: Registry, base_digest: str, router: str | None = None) -> None:
        self.registry, self.base_digest, self._router = registry, base_digest, router

    def all(self) -> list[Model]:
        """Return the base, then the name, aliases and versions of every neuron that it can run."""
        found = [Model(BASE, BASE, self.base_digest, 0)]
        if self._router is not None:
            found.append(Model(AUTO, AUTO, f"router:{self._router}", 0))
        for name in self.registry.names():
            # With a router, `auto` means the router; a neuron of that name keeps its aliases and versions.
            found += [model for model in self._of(name) if self._router is None or model.id != AUTO]
        return found

    def neurons(self) -> list[str]:
        """Return the names of the neurons that the base can run, without aliases and versions."""
        return [model.id for model in self.all() if model.as_dict()["parent"] and "@" not in model.id]

    def get(self, model: str) -> Model:
        """Return one model.

        :raises ApiFault: 404, no such model exists.
        """
        self.check(model)
        for found in self.all():
            if found.id == model:
                return found
        raise self.unknown(model)

    def check(self, model: str) -> None:
        """Check the syntax of a name, so that no other text is used in a path.

        :raises ApiFault: 404, the syntax is invalid.
        """
        if not MODEL.fullmatch(model):
            raise self.unknown(model)

    def unknown(self, model: str) -> Exception:
        """Return the error for a name that does not exist."""
        valid = [found.id for found in self.all()]
        more = f" and {len(valid) - MAX_LISTED} more in /v1/models" if len(valid) > MAX_LISTED else ""
        return unknown_model(model, ", ".join(valid[:MAX_LISTED]) + more)

    def _of(self, name: str) -> Iterator[Model]:
        """Yield a neuron's models; leaves out versions that are damaged or were removed meanwhile."""
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
                shares_context = bool(card.invocation_tokens)
                yield Model(id_, f"{name}@{version}", card.digest, created, shares_context, card.verified)
