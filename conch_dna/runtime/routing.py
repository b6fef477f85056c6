"""Routing: a router plug-in chooses the neuron for a conversation that names none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conch_dna.domains.discovery import domain_folders, open_domain
from conch_dna.errors import PluginError
from conch_dna.registry.aliases import BASE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from conch_dna.plugin.catalog import Owner
    from conch_dna.plugin.manager import PluginHost
    from conch_dna.plugin.protocols import Router

AUTO = "auto"  # in place of a neuron's name: the router chooses
DEFAULT = "ngrams"


@dataclass(frozen=True)
class Routing:
    """A router and the domain descriptions that it receives.

    :param name: name of the router.
    :param owner: the plug-in that provides it.
    :param about: descriptions of domains by name.
    """

    name: str
    owner: Owner
    router: Router
    about: Mapping[str, str]

    def choose(self, messages: Sequence[Mapping[str, str]], names: Iterable[str]) -> str:
        """Return the name in ``names``, or ``base``, that should answer.

        :raises PluginError: the router failed or chose a name that is not in ``names``.
        """
        neurons = {name: self.about.get(name, "") for name in sorted(names)}
        try:
            chosen = self.router(messages, neurons)
        except Exception as fault:
            raise self._broken(fault) from fault
        if chosen != BASE and chosen not in neurons:
            raise self._broken(f"router {self.name!r} chose {chosen!r}, which does not exist")
        return chosen

    def _broken(self, fault: Exception | str) -> PluginError:
        return PluginError(self.owner.name, self.owner.source, fault, "register_routers")


def make_routing(host: PluginHost, project: Path, name: str) -> Routing:
    """Return the router of the given name, set up with all domains of the project.

    :raises UnknownName: no such router exists.
    :raises DataError: a domain is invalid.
    :raises PluginError: the router's factory failed.
    """
    factory, owner = host.catalog.get("routers", name), host.catalog.owner("routers", name)
    domains = {domain: open_domain(host, folder) for domain, folder in domain_folders(host, project).items()}
    try:
        router: Router = factory(domains)
    except Exception as fault:
        raise PluginError(owner.name, owner.source, fault, "register_routers") from fault
    return Routing(name, owner, router, {key: domain.settings.description for key, domain in domains.items()})
