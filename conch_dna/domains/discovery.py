"""Discovery of domain folders: those of plug-ins and those of the project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from conch_dna.domains.domain import Domain
    from conch_dna.plugin.manager import PluginHost


def domain_folders(host: PluginHost, project: Path) -> dict[str, Path]:
    """Return the folders of all domains by name: those of plug-ins, and ``domains/*/`` of the project.

    A domain of the project stands for a plug-in's domain of the same name if its ``domain.toml`` says so: it extends a
    domain, or has ``replaces = true``.

    :raises DataError: a domain of the project has the name of a plug-in's domain without saying so.
    """
    folders = plugin_folders(host)
    # Names that begin with a dot are temporary folders of killed processes.
    for own in sorted(path.parent for path in project.glob("domains/[!.]*/domain.toml")):
        known = folders.setdefault(own.name, own)
        # If the project is the checkout itself, the bundled folders are found a second time.
        if known.resolve() == own.resolve():
            continue
        if not _replaces(own):
            owner = host.catalog.owner("domains", own.name).name
            raise DataError(
                f"the domain name {own.name!r} is taken by plug-in {owner!r} ({known})",
                where=own,
                next_step=f'Add extends = "{own.name}" or replaces = true to its domain.toml, or rename the folder and '
                "the name in it",
            )
        folders[own.name] = own
    return dict(sorted(folders.items()))


def plugin_folders(host: PluginHost) -> dict[str, Path]:
    """Return the folders of the plug-ins' domains by name, which other domains may extend."""
    return {name: host.catalog.get("domains", name) for name in host.catalog.names("domains")}


def open_domain(host: PluginHost, folder: Path) -> Domain:
    """Read the domain in a folder; it may extend a domain of a plug-in.

    :raises DataError: its ``domain.toml`` is faulty.
    """
    from conch_dna.domains.domain import load_domain  # imports pydantic, which shell completion does not wait for

    return load_domain(folder, plugin_folders(host))


def _replaces(folder: Path) -> bool:
    """Return whether a domain says that it stands for a plug-in's domain; a faulty file is reported when it is read."""
    from conch_dna.domains.domain import read_toml  # as above

    try:
        data = read_toml(folder / "domain.toml")
    except DataError:
        return True
    return bool(data.get("extends")) or data.get("replaces") is True


def check_own(folder: Path, project: Path) -> None:
    """Check that a domain's folder belongs to the project: installed domains are shared and must not be changed.

    :raises DataError: the folder is outside the project, or in the packages of an environment inside it.
    """
    found, root = folder.resolve(), project.resolve()
    if not found.is_relative_to(root) or "site-packages" in found.relative_to(root).parts:
        raise DataError(
            "is outside the project, so nothing is written there", where=folder, allowed=root / "domains",
            next_step="Extend it by a domain of the project (docs/domains.md), or train from the teacher directly: its "
            "answers are cached too",
        )  # fmt: skip
