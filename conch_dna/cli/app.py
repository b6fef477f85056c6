"""The state that all commands share, as ``ctx.obj``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from conch_dna.pipeline.project import REGISTRY, RUNS, Project, plugins_dir_of

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
    def left_out(self) -> str:
        """Why the plug-ins that ``conch.toml`` names are not loaded; empty if they are, or if it names none.

        :raises ConfigError: ``conch.toml`` cannot be read.
        """
        from conch_dna.plugin.trust import NEXT_STEP, fault  # `conch --version` reads no digests

        own = None if self.plugins_dir or self.helping else plugins_dir_of(self.project)
        found = own and fault(own)
        return f"the plug-ins in {own} are not loaded: {found}. {NEXT_STEP}" if found else ""

    @cached_property
    def host(self) -> PluginHost:
        """The plug-in host; the first access loads the plug-ins.

        :raises ConfigError: ``conch.toml`` cannot be read.
        :raises PluginError: a plug-in failed and ``CONCH_STRICT=1`` is set.
        """
        from conch_dna.plugin.manager import load_plugins  # `conch --version` loads no plug-in host

        own = None if self.helping or self.left_out else plugins_dir_of(self.project)
        return load_plugins(self.plugins_dir or own)

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
