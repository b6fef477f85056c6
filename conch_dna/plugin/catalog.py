"""The catalog of what plug-ins provide: objects by kind and name, each with its owner."""

from __future__ import annotations

import difflib
import importlib
import re
from dataclasses import dataclass
from typing import Any

from conch_dna.errors import PluginError, UnknownName

KINDS = {
    "teachers": "teacher",
    "scorers": "scorer",
    "verifiers": "verifier",
    "generators": "generator",
    "processors": "processor",
    "question_sets": "question set",
    "losses": "loss",
    "recipes": "recipe",
    "cross_tokenizer_losses": "cross-tokenizer loss",
    "extractors": "extractor",
    "gates": "gate",
    "routers": "router",
    "exporters": "exporter",
    "trackers": "tracker",
    "commands": "command",
    "domains": "domain",
}
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")


@dataclass(frozen=True)
class Owner:
    """The plug-in that registered a name.

    :param name: the plug-in's name.
    :param source: the file or distribution it came from.
    """

    name: str
    source: str


class Catalog:
    """Registered names of every kind in :data:`KINDS`; a domain maps to its folder, any other name to its object.

    :ivar broken: the errors of plug-ins that failed to load; the error for an unknown name lists them, since one of
        them may have provided it.
    """

    def __init__(self) -> None:
        self._entries: dict[str, dict[str, tuple[Any, Owner]]] = {kind: {} for kind in KINDS}
        self.broken: list[PluginError] = []

    def add(self, kind: str, name: str, value: Any, owner: Owner) -> None:
        """Register ``value`` as ``name``.

        :raises PluginError: the name is malformed or taken; the message names both owners and their sources.
        """
        if not _NAME.fullmatch(name):
            fault = f"{KINDS[kind]} name {name!r} must match {_NAME.pattern}"
            raise PluginError(owner.name, owner.source, fault)
        if name in self._entries[kind]:
            other = self._entries[kind][name][1]
            fault = (
                f"{KINDS[kind]} {name!r} is already provided by plug-in {other.name!r} ({other.source}); "
                f"plug-in {owner.name!r} ({owner.source}) must choose another name"
            )
            raise PluginError(owner.name, owner.source, fault)
        self._entries[kind][name] = (value, owner)

    def drop(self, owner: Owner) -> None:
        """Remove everything that ``owner`` provides."""
        for entries in self._entries.values():
            for name in [name for name, (_, by) in entries.items() if by == owner]:
                del entries[name]

    def get(self, kind: str, name: str) -> Any:
        """Return the object registered as ``name``.

        A recipe that is registered as ``"module:attribute"`` is imported on first use.

        :raises UnknownName: nothing is; the message has the valid names, the nearest one, and the plug-ins that failed
            to load.
        """
        value, owner = self._entry(kind, name)
        if kind == "recipes" and isinstance(value, str):
            value = self._imported(name, value, owner)
            self._entries[kind][name] = (value, owner)
        return value

    def _imported(self, name: str, reference: str, owner: Owner) -> Any:
        """Return the recipe that ``"module:attribute"`` names: an instance, or one made of a class.

        :raises PluginError: it cannot be imported, or is no recipe of that name.
        """
        module, _, attribute = reference.partition(":")
        try:
            found = getattr(importlib.import_module(module), attribute)
            recipe = found() if isinstance(found, type) else found
            check_recipe(name, recipe)
        except Exception as fault:
            raise PluginError(owner.name, owner.source, fault, f"register_recipes, {name}") from fault
        return recipe

    def owner(self, kind: str, name: str) -> Owner:
        """Return the plug-in that provides ``name``.

        :raises UnknownName: as :meth:`get` does.
        """
        return self._entry(kind, name)[1]

    def names(self, kind: str) -> tuple[str, ...]:
        """Return the names of ``kind``, sorted."""
        return tuple(sorted(self._entries[kind]))

    def all(self, kind: str, protocol: type | None = None) -> dict[str, Any]:
        """Return all objects of a kind by name.

        :param protocol: return only those that implement this protocol, which must be ``runtime_checkable``.
        """
        found = {name: self.get(kind, name) for name in self.names(kind)}
        return (
            found if protocol is None else {name: value for name, value in found.items() if isinstance(value, protocol)}
        )

    def provided_by(self, owner: Owner) -> dict[str, tuple[str, ...]]:
        """Return the names that ``owner`` provides, by kind; kinds without a name are left out."""
        found = {
            kind: tuple(sorted(name for name, (_, by) in entries.items() if by == owner))
            for kind, entries in self._entries.items()
        }
        return {kind: names for kind, names in found.items() if names}

    def hints(self, kind: str, name: str) -> str | None:
        """Return the nearest name and the broken plug-ins as advice for an unknown ``name``, or ``None``."""
        near = difflib.get_close_matches(name, self._entries[kind], n=1)
        parts = [f"Did you mean {near[0]!r}?"] if near else []
        parts += [
            f"Plug-in {e.name!r} ({e.source}) did not load and may have provided it: {e.fault}" for e in self.broken
        ]
        return " ".join(parts) or None

    def _entry(self, kind: str, name: str) -> tuple[Any, Owner]:
        try:
            return self._entries[kind][name]
        except KeyError:
            raise UnknownName(
                f"no {KINDS[kind]} is named {name!r}",
                allowed=", ".join(self.names(kind)) or "(none)",
                next_step=self.hints(kind, name),
            ) from None


def check_recipe(name: str, value: object) -> None:
    """Check that an object is a recipe of that name.

    :raises TypeError: it is no instance of a recipe.
    :raises ValueError: it has another name.
    """
    if isinstance(value, type):
        raise TypeError(f"{name!r} is a class, not an instance of a recipe")
    if not callable(getattr(value, "run", None)) or not callable(getattr(value, "plan", None)):
        raise TypeError(f"{name!r} is a {type(value).__name__}, not a conch_dna.plugin.recipes.Recipe")
    if (own := getattr(value, "name", None)) != name:
        raise ValueError(f"the recipe registered as {name!r} names itself {own!r}")
