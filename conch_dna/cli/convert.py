"""``conch neurons import`` and ``export``: adapters of PEFT and mlx-lm, and whole models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from conch_dna.cli.neurons.tables import json_option, print_json
from conch_dna.registry.aliases import CURRENT

if TYPE_CHECKING:
    from conch_dna.exporters.transfer import ExportFormat, ImportFormat
    from conch_dna.registry.store import Registry


@click.command("export")
@click.argument("ref")
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(["peft", "mlx", "fused"]), required=True,
    help="PEFT's adapter, mlx-lm's adapter, or the base with the neuron merged into it.",
)  # fmt: skip
@click.option("--base", help="Where the base is now; default: where the neuron's card says.")
@click.option("--force", is_flag=True, help="Replace an earlier export in OUT.")
@json_option
@click.pass_obj
def export(
    registry: Registry, ref: str, out: Path, form: ExportFormat, base: str | None, force: bool, as_json: bool
) -> None:
    """Write REF as a new folder OUT for another program; whole or not at all."""
    from conch_dna.models import accel

    accel.switch_on()  # the import below brings mlx
    from conch_dna.exporters.transfer import export_neuron

    entry = export_neuron(registry, ref, out, form, base=base, force=force)
    if as_json:
        print_json({"ref": entry.ref, "digest": entry.card.digest, "format": form, "path": str(out.absolute())})
    else:
        click.echo(f"exported {entry.ref} as {form} to {out}")


@click.command("import")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("name")
@click.option("--format", "form", type=click.Choice(["peft", "mlx"]), required=True, help="Whose adapter FOLDER holds.")
@click.option("--base", help="The base it was made for; default: the one that its config names.")
@click.option("--ungated", is_flag=True, help=f"Move {CURRENT} to it, although no gate has judged it.")
@json_option
@click.pass_obj
def import_(
    registry: Registry, folder: Path, name: str, form: ImportFormat, base: str | None, ungated: bool, as_json: bool
) -> None:
    """Publish the adapter in FOLDER as the next version of NAME, without a gate.

    The alias `current` stays where it is; a name that has none gets one.
    """
    from conch_dna.models import accel

    accel.switch_on()  # the import below brings mlx
    from conch_dna.exporters.transfer import import_neuron

    entry = import_neuron(registry, folder, name, form, base=base, ungated=ungated)
    at = registry.aliases(name).get(CURRENT)
    if as_json:
        print_json({"ref": entry.ref, "digest": entry.card.digest, "path": str(entry.path), CURRENT: at})
        return
    click.echo(f"{name}@{CURRENT} is {name}@{at}; no gate has judged {entry.ref}")
    if at != entry.version:
        click.echo(f"To use it by its name: conch neurons promote {entry.ref}")
