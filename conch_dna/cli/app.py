"""The state that all commands share, as ``ctx.obj``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from conch_dna.pipeline.project import Project, plugins_dir_of

if TYPE_CHECKING:
    from conch_dna.config import RecipeTypes
    from conch_dna.plugin.manager import PluginHost


@dataclass
class App:
    """The state of one call of ``conch``.

    :param project: the project folder.
    :param plugins_dir: the plug-in folder on the command line, or ``None`` for the one in ``conch.toml``.
    :param debug: whether tracebacks and debug logs are shown.
    :param json_logs: whether logs are JSON lines.
    """

    project: Path
    plugins_dir: Path | None = None
    debug: bool = False
    json_logs: bool = False

    @cached_property
    def host(self) -> PluginHost:
        """The plug-in host; the first access loads the plug-ins.

        :raises ConfigError: ``conch.toml`` cannot be read.
        :raises PluginError: a plug-in failed and ``CONCH_STRICT=1`` is set.
        """
        from conch_dna.plugin.manager import load_plugins  # `conch --version` loads no plug-in host

        return load_plugins(self.plugins_dir or plugins_dir_of(self.project))

    @property
    def recipe_types(self) -> RecipeTypes:
        """The settings of every recipe that a plug-in provides; reading ``[distill]`` of ``conch.toml`` needs them."""
        return Project(self.project, self.host).recipe_types
