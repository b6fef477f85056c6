"""The domains of a project, and those that a command names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from conch_dna.domains.discovery import domain_folders, open_domain
from conch_dna.domains.domain import domain_of_file
from conch_dna.errors import ConfigError, DataError, UnknownName

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from conch_dna.domains.domain import Domain
    from conch_dna.pipeline.project import Project

log = structlog.get_logger()


def known_domains(project: Project, needed: Collection[str] | None = None) -> dict[str, Domain]:
    """Load every domain of the project and its plug-ins; a faulty domain is left out with a warning.

    :param needed: domains that must not be left out; ``None`` for all.
    :raises DataError: a needed domain is faulty.
    """
    found = {}
    for name, folder in domain_folders(project.host, project.folder).items():
        try:
            found[name] = open_domain(project.host, folder)
        except DataError as error:
            if needed is None or name in needed:
                raise
            log.warning("domain_left_out", domain=name, reason=str(error))
    return found


def domain_named(project: Project, name: str) -> Domain:
    """Load one domain.

    :raises UnknownName: no domain has that name.
    """
    folders = domain_folders(project.host, project.folder)
    check_known([name], folders)
    return open_domain(project.host, folders[name])


def check_known(names: Sequence[str], known: Collection[str]) -> None:
    """Refuse names of domains that do not exist.

    :raises UnknownName: some names are unknown; the message has them and the known names.
    """
    if unknown := [name for name in names if name not in known]:
        raise UnknownName("no such domain", got=", ".join(unknown), allowed=", ".join(known) or "(none)")


def chosen_domains(
    known: Mapping[str, Domain], names: Sequence[str], *, all_: bool = False, own: Domain | None = None
) -> dict[str, Domain]:
    """Return the domains to work on: those named, all, or the one made of a file of prompts.

    :raises ConfigError: both or neither of names and all are given, or the name of the new domain is taken.
    :raises UnknownName: a domain does not exist.
    :raises DataError: the prompts of a domain cannot be read.
    """
    if own is not None:
        if names or all_:
            raise ConfigError("a file of prompts goes with no other domain", where="--prompts")
        if own.name in known:
            raise ConfigError("a domain has that name already", where="--name", got=own.name)
        return {own.name: own}
    if all_ == bool(names):
        raise ConfigError("name the domains, or say --all", where="domains", allowed=", ".join(known) or "(none)")
    check_known(names, known)
    found = {name: known[name] for name in (known if all_ else names)}
    for domain in found.values():
        _ = domain.prompts  # a faulty file is reported before any work
    return found


def own_domain(prompts: Path | str | None, name: str | None) -> Domain | None:
    """Return the domain made of a file of prompts; ``None`` without a file.

    :raises ConfigError: only one of file and name is given.
    """
    if prompts is None and name is None:
        return None
    if prompts is None or not name:
        raise ConfigError("--prompts goes with --name NAME, and with no other domain", where="conch distill")
    return domain_of_file(Path(prompts), name)
