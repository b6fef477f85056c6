"""The project folder: its ``conch.toml``, its plug-ins, and the folders of its runs and neurons."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from conch_dna.errors import ConfigError, UnknownName
from conch_dna.models.cache import cache_dir
from conch_dna.plugin import trust
from conch_dna.plugin.manager import PluginHost, load_plugins

if TYPE_CHECKING:
    from conch_dna.config import DistillConfig, RecipeTypes
    from conch_dna.teachers.api.context import ApiContext

CONFIG_FILE = "conch.toml"
RUNS = "runs"
REGISTRY = "adapters"


@dataclass(frozen=True)
class Project:
    """A project folder with the plug-ins that are loaded for it."""

    folder: Path
    host: PluginHost

    @property
    def config_file(self) -> Path:
        """The path of ``conch.toml``; the file may not exist."""
        return self.folder / CONFIG_FILE

    @property
    def runs(self) -> Path:
        """The folder of all runs."""
        return self.folder / RUNS

    @property
    def registry(self) -> Path:
        """The folder of the published neurons."""
        return self.folder / REGISTRY

    @property
    def recipe_types(self) -> RecipeTypes:
        """The settings of every recipe that a plug-in provides."""
        return {name: recipe.settings for name, recipe in self.host.catalog.all("recipes").items()}

    def config(self) -> DistillConfig:
        """Return the settings of ``conch.toml`` over the preset.

        :raises ConfigError: the file is faulty; every fault is listed.
        """
        # Imported here, because `conch --help` reads this module and must not wait for pydantic.
        from conch_dna.config import read_project, resolve

        return resolve(read_project(self.config_file), recipes=self.recipe_types, where=str(self.config_file))

    def api_context(
        self, teacher: str, budget: str | None = None, base_url: str | None = None, *, offline: bool = False
    ) -> ApiContext:
        """Return the budget, limits and cache of API teachers, from ``conch.toml`` and the arguments.

        :param teacher: the reference of the teacher at ``base_url``.
        :param offline: no request may be sent.
        :raises ConfigError: a setting is wrong.
        :raises UnknownName: ``conch.toml`` has a table for a teacher that does not exist.
        """
        # Imported here, because `conch --help` reads this module and must not wait for pydantic.
        from conch_dna.teachers.api.context import ApiContext
        from conch_dna.teachers.api.ledger import FILE as LEDGER
        from conch_dna.teachers.api.settings import read_api
        from conch_dna.teachers.references import kind_of

        settings = read_api(self.config_file)
        known = self.host.catalog.names("teachers")
        if unknown := sorted(settings.endpoints.keys() - set(known)):
            raise UnknownName("no such teacher", where=f"[api] of {CONFIG_FILE}", got=", ".join(unknown),
                              allowed=", ".join(known))  # fmt: skip
        settings = settings.with_options(kind_of(teacher), budget, base_url)
        return ApiContext(settings, self.runs / LEDGER, cache_dir(), offline)


def open_project(folder: Path | str, plugins_dir: Path | None = None) -> Project:
    """Return the project of ``folder`` with its plug-ins loaded.

    The plug-ins that ``conch.toml`` names are left out, with a warning in the log, if the user has not trusted them
    (:mod:`conch_dna.plugin.trust`).

    :param plugins_dir: a folder of plug-ins to load instead of the one that ``conch.toml`` names.
    :raises ConfigError: ``conch.toml`` cannot be read.
    :raises PluginError: under ``CONCH_STRICT=1``, a plug-in is broken.
    """
    found = find_project(Path(folder))
    if plugins_dir is None:
        plugins_dir, left_out = trusted_plugins(found)
        if left_out:
            import structlog  # here, since `conch --help` does not log

            structlog.get_logger().warning("plugins_left_out", reason=left_out)
    return Project(found, load_plugins(plugins_dir))


def find_project(start: Path) -> Path:
    """Return the nearest folder at or above ``start`` with a ``conch.toml``, otherwise ``start``."""
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / CONFIG_FILE).is_file():
            return folder
    return start


def trusted_plugins(project: Path) -> tuple[Path | None, str]:
    """Return the plug-in folder that a project names, or ``None`` and why the user does not let it run.

    The reason is empty if the project names no folder.

    :raises ConfigError: as :func:`plugins_dir_of` does.
    """
    own = plugins_dir_of(project)
    if own is None or not (fault := trust.fault(own)):
        return own, ""
    return None, f"the plug-ins in {own} are not loaded: {fault}. {trust.NEXT_STEP}"


def plugins_dir_of(project: Path) -> Path | None:
    """Return the plug-in folder that the project's ``conch.toml`` names, or ``None``.

    Plug-ins are loaded only if ``conch.toml`` names their folder, so that no code runs just because it is in a project.

    :raises ConfigError: the file is not TOML, or its ``[plugins]`` table does not name a folder.
    """
    path = project / CONFIG_FILE
    if not path.is_file():
        return None
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig")).get("plugins", {})
    except ValueError as fault:  # TOMLDecodeError and UnicodeDecodeError
        raise ConfigError(f"not valid TOML: {fault}", where=path) from fault
    if not isinstance(table, dict) or table.keys() - {"dir"}:
        raise ConfigError("[plugins] must have one setting", where=path, got=table, allowed='dir = "FOLDER"')
    if "dir" not in table:
        return None
    if not isinstance(table["dir"], str) or not (project / table["dir"]).is_dir():
        raise ConfigError(
            "[plugins] dir is not a folder",
            where=path,
            got=table["dir"],
            next_step="Create the folder or remove the line.",
        )
    return project / str(table["dir"])
