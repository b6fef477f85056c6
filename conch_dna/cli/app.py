"""What every command finds in ``ctx.obj``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from conch_dna.pipeline.project import plugins_dir_of

if TYPE_CHECKING:
    from conch_dna.plugin.manager import PluginHost


@dataclass
class App:
    """The state shared by the commands of one call.

    :param project: the project folder.
    :param plugins_dir: the plug-in folder that the user named, or ``None`` for what ``conch.toml`` says.
    :param debug: whether tracebacks and debug logs are shown.
    :param json_logs: whether logs are JSON lines.
    """

    project: Path
    plugins_dir: Path | None = None
    debug: bool = False
    json_logs: bool = False

    @cached_property
    def host(self) -> PluginHost:
        """The plug-in host; plug-ins are loaded when it is first asked for.

        :raises ConfigError: if ``conch.toml`` cannot be read.
        :raises PluginError: under ``CONCH_STRICT=1``.
        """
        from conch_dna.plugin.manager import load_plugins

        return load_plugins(self.plugins_dir or plugins_dir_of(self.project))
