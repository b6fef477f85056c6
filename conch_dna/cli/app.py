"""The state that all commands share, as ``ctx.obj``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from conch_dna.pipeline.project import REGISTRY, RUNS, Project, trusted_plugins

if TYPE_CHECKING:
    from conch_dna.plugin.manager import PluginHost


@dataclass
class App:
    """The state of one call of ``conch``.

    :param project: the project folder.
    :param plugins_dir: the plug-in folder on the command line, or ``None`` for the one in ``conch.toml``.
    :param debug: whether tracebacks and debug logs are shown.
    :param json_logs: whether logs are JSON lines.
    :param helping: whether the call only shows help or completes a word, for which no plug-in of the project runs.
    """

    project: Path
    plugins_dir: Path | None = None
    debug: bool = False
    json_logs: bool = False
    helping: bool = False

    @cached_property
    def own_plugins(self) -> tuple[Path | None, str]:
        """The plug-in folder to load, if any, and why the one that ``conch.toml`` names is left out, if it is.

        :raises ConfigError: ``conch.toml`` cannot be read.
        """
        if self.plugins_dir or self.helping:
            return self.plugins_dir, ""
        return trusted_plugins(self.project)

    @cached_property
    def host(self) -> PluginHost:
        """The plug-in host; the first access loads the plug-ins.

        :raises ConfigError: ``conch.toml`` cannot be read.
        :raises PluginError: a plug-in failed and ``CONCH_STRICT=1`` is set.
        """
        from conch_dna.plugin.manager import load_plugins  # `conch --version` loads no plug-in host

        return load_plugins(self.own_plugins[0])

    @property
    def loaded_project(self) -> Project:
        """The project with its plug-ins, which the first access loads; it raises what :attr:`host` raises."""
        return Project(self.project, self.host)

    @property
    def runs(self) -> Path:
        """The folder of all runs; no plug-in is loaded."""
        return self.project / RUNS

    @property
    def registry(self) -> Path:
        """The folder of the published neurons; no plug-in is loaded."""
        return self.project / REGISTRY
