"""Lazy commands: a command's module is imported when it is called, not when it is listed."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import click

from conch_dna.errors import ModelError, PluginError

if TYPE_CHECKING:
    from conch_dna.plugin.catalog import Owner


class LazyCommand(click.Command):
    """Placeholder for the command at ``target`` in lists and completions.

    :param name: the command's name.
    :param target: ``"module:attribute"``.
    :param short_help: its line in the list of commands.
    :param owner: the plug-in that registered it.
    """

    def __init__(self, name: str, target: str, short_help: str, owner: Owner) -> None:
        super().__init__(name, short_help=short_help)
        self._target, self._owner = target, owner

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Import the real command and let it parse ``args``.

        :raises PluginError: it cannot be imported, or is not a click command.
        """
        return self.load().make_context(info_name, args, parent=parent, **extra)

    def load(self) -> click.Command:
        """Import the real command.

        :raises PluginError: it cannot be imported, or is not a click command.
        :raises ModelError: it needs mlx, and the installed backend cannot be loaded.
        """
        module, _, attribute = self._target.partition(":")
        try:
            command = getattr(importlib.import_module(module), attribute)
        except ModelError:  # mlx cannot be loaded: the fault is the installation's, not the plug-in's
            raise
        except Exception as fault:
            raise PluginError(self._owner.name, self._owner.source, fault, "register_commands") from fault
        if not isinstance(command, click.Command):
            fault_text = f"{self._target} is a {type(command).__name__}, not a click command"
            raise PluginError(self._owner.name, self._owner.source, fault_text, "register_commands")
        return command


def as_command(name: str, value: click.Command | str | tuple[str, str], owner: Owner) -> click.Command:
    """Return the command that was registered as ``value``."""
    if isinstance(value, click.Command):
        return value
    target, short_help = value if isinstance(value, tuple) else (value, "")
    return LazyCommand(name, target, short_help, owner)
