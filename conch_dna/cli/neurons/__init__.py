"""``conch neurons``: list, verify, tag, exchange and delete published neurons, and move their aliases."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conch_dna.pipeline.project import REGISTRY
from conch_dna.registry.store import Registry

if TYPE_CHECKING:
    from conch_dna.cli.app import App

# Each command and its import path. A command finds the registry in ctx.obj, and the App in ctx.find_root().obj.
COMMANDS = {
    "diff": "conch_dna.cli.neurons.look:diff",
    "export": "conch_dna.cli.convert:export",
    "gc": "conch_dna.cli.neurons.change:gc",
    "history": "conch_dna.cli.neurons.look:history",
    "import": "conch_dna.cli.convert:import_",
    "lineage": "conch_dna.cli.neurons.look:lineage",
    "list": "conch_dna.cli.neurons.look:list_",
    "promote": "conch_dna.cli.neurons.change:promote",
    "pull": "conch_dna.cli.remote:pull",
    "push": "conch_dna.cli.remote:push",
    "rm": "conch_dna.cli.neurons.change:rm",
    "rollback": "conch_dna.cli.neurons.change:rollback",
    "show": "conch_dna.cli.neurons.look:show",
    "sign": "conch_dna.cli.neurons.change:sign",
    "tag": "conch_dna.cli.neurons.change:tag",
    "untag": "conch_dna.cli.neurons.change:untag",
    "verify": "conch_dna.cli.neurons.look:verify",
}


class NeuronsGroup(click.Group):
    """The group of the commands in :data:`COMMANDS`, each imported when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command, or return ``None``."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


@click.group(cls=NeuronsGroup)
@click.option(
    "--registry",
    "root",
    type=click.Path(file_okay=False, path_type=Path),
    help=f"Registry folder; default: {REGISTRY} in the project.",
)
@click.pass_context
def neurons(ctx: click.Context, root: Path | None) -> None:
    """List, compare, verify, tag, exchange, roll back and delete published neurons.

    A REF is NAME (its current version), NAME@3 or NAME@ALIAS.
    """
    app: App = ctx.obj
    ctx.obj = Registry(root or app.registry)
