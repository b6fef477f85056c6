"""Discovery of domain folders: those of plug-ins and those of the project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from conch_dna.plugin.manager import PluginHost


def domain_folders(host: PluginHost, project: Path) -> dict[str, Path]:
    """Return the folders of all domains by name: those of plug-ins, and ``domains/*/`` of the project.

    :raises DataError: a domain of the project has the name of a plug-in's domain in another folder.
    """
    catalog = host.catalog
    folders: dict[str, Path] = {name: catalog.get("domains", name) for name in catalog.names("domains")}
    # Names that begin with a dot are temporary folders of killed processes.
    for own in sorted(path.parent for path in project.glob("domains/[!.]*/domain.toml")):
        known = folders.setdefault(own.name, own)
        # If the project is the checkout itself, the bundled folders are found a second time.
        if known.resolve() != own.resolve():
            owner = catalog.owner("domains", own.name).name
            raise DataError(
                f"the domain name {own.name!r} is taken by plug-in {owner!r} ({known})",
                where=own,
                next_step="Rename the folder and the name in its domain.toml",
            )
    return dict(sorted(folders.items()))


def check_own(folder: Path, project: Path) -> None:
    """Check that a domain's folder belongs to the project: installed domains are shared and must not be changed.

    :raises DataError: the folder is outside the project, or in the packages of an environment inside it.
    """
    found, root = folder.resolve(), project.resolve()
    if not found.is_relative_to(root) or "site-packages" in found.relative_to(root).parts:
        raise DataError(
            "is outside the project, so nothing is written there", where=folder, allowed=root / "domains",
            next_step="Copy the folder to domains/NEW and change the name in domain.toml, or train from the teacher "
            "directly: its answers are cached too",
        )  # fmt: skip
