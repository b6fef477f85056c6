"""What a project adds to the bundled data: its own domain folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from conch_dna.plugin.manager import PluginHost


def domain_folders(host: PluginHost, project: Path) -> dict[str, Path]:
    """Return the folders of all domains by name: those of plug-ins, and ``domains/*/`` of the project.

    :raises DataError: a project's domain has the name of a plug-in's, from another folder.
    """
    catalog = host.catalog
    folders: dict[str, Path] = {name: catalog.get("domains", name) for name in catalog.names("domains")}
    # A dot begins the name of a folder that a killed process left half-written.
    for own in sorted(path.parent for path in project.glob("domains/[!.]*/domain.toml")):
        known = folders.setdefault(own.name, own)
        # A project that is the checkout itself finds the bundled folders a second time.
        if known.resolve() != own.resolve():
            owner = catalog.owner("domains", own.name).name
            raise DataError(
                f"the domain name {own.name!r} is taken by plug-in {owner!r} ({known})",
                where=own,
                next_step="Rename the folder and the name in its domain.toml",
            )
    return dict(sorted(folders.items()))


def check_own(folder: Path, project: Path) -> None:
    """Refuse to write into a domain's folder that is not the project's: what is installed belongs to all projects.

    :raises DataError: it lies elsewhere, or among the packages of an environment inside the project.
    """
    found, root = folder.resolve(), project.resolve()
    if not found.is_relative_to(root) or "site-packages" in found.relative_to(root).parts:
        raise DataError(
            "is not in the project, so nothing is written there", where=folder, allowed=root / "domains",
            next_step="Copy the folder to domains/NEW, with that name in its domain.toml too, or train from the "
            "teacher directly: its answers are cached all the same",
        )  # fmt: skip
