"""``conch neurons export`` and ``conch neurons import``, in the formats that plug-ins provide."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from conch_dna.cli.neurons.tables import json_option, print_json
from conch_dna.plugin.protocols import Importer
from conch_dna.registry.aliases import CURRENT

if TYPE_CHECKING:
    from conch_dna.cli.app import App
    from conch_dna.plugin.protocols import Exporter
    from conch_dna.registry.store import Registry


def _formats(ctx: click.Context) -> dict[str, Exporter]:
    """Return the formats that the command of ``ctx`` can use, by name."""
    app: App = ctx.find_root().obj
    return app.host.catalog.all("exporters", Importer if ctx.info_name == "import" else None)


def _format_names(ctx: click.Context, _: click.Parameter, word: str) -> list[str]:
    return [name for name in _formats(ctx) if name.startswith(word)]


def _print_formats(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    found = _formats(ctx)
    width = max(map(len, found), default=0)
    for name, exporter in found.items():
        click.echo(f"{name:<{width}}  {exporter.summary}")
    ctx.exit()


_list_option = click.option(
    "--list", is_flag=True, is_eager=True, expose_value=False, callback=_print_formats,
    help="Print the installed formats and exit.",
)  # fmt: skip


@click.command("export")
@click.argument("ref")
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--format", "format_name", required=True, shell_complete=_format_names,
    help="The format to write; --list prints the formats.",
)  # fmt: skip
@_list_option
@click.option("--base", help="The base model's reference; default: the one on the neuron's card.")
@click.option("--force", is_flag=True, help="Replace an earlier export in OUT.")
@json_option
@click.pass_context
def export(
    ctx: click.Context, ref: str, out: Path, format_name: str, base: str | None, force: bool, as_json: bool
) -> None:
    """Write REF as a new folder OUT for another program; a failed export leaves no folder."""
    from conch_dna.models import accel

    accel.switch_on()  # before the import below, which imports mlx
    from conch_dna.exporters.transfer import export_neuron

    registry: Registry = ctx.obj
    app: App = ctx.find_root().obj
    entry = export_neuron(app.host, registry, ref, out, format_name, base=base, force=force)
    if as_json:
        print_json({"ref": entry.ref, "digest": entry.card.digest, "format": format_name, "path": str(out.absolute())})
    else:
        click.echo(f"exported {entry.ref} as {format_name} to {out}")


@click.command("import")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("name")
@click.option(
    "--format", "format_name", required=True, shell_complete=_format_names,
    help="The format of FOLDER; --list prints the formats.",
)  # fmt: skip
@_list_option
@click.option("--base", help="The base model it was made for; default: the one that its config names.")
@click.option("--ungated", is_flag=True, help=f"Move {CURRENT} to it, although no gate has judged it.")
@json_option
@click.pass_context
def import_(
    ctx: click.Context, folder: Path, name: str, format_name: str, base: str | None, ungated: bool, as_json: bool
) -> None:
    """Publish the adapter in FOLDER as the next version of NAME, without a gate.

    The alias `current` does not move; only a new name gets one.
    """
    from conch_dna.models import accel

    accel.switch_on()  # before the import below, which imports mlx
    from conch_dna.exporters.transfer import import_neuron

    registry: Registry = ctx.obj
    app: App = ctx.find_root().obj
    entry = import_neuron(app.host, registry, folder, name, format_name, base=base, ungated=ungated)
    at = registry.aliases(name).get(CURRENT)
    if as_json:
        print_json({"ref": entry.ref, "digest": entry.card.digest, "path": str(entry.path), CURRENT: at})
        return
    click.echo(f"{name}@{CURRENT} is {name}@{at}; no gate has judged {entry.ref}")
    if at != entry.version:
        click.echo(f"To use it by its name: conch neurons promote {entry.ref}")
