"""``conch neurons``: look at what is published, verify it, and move the aliases."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conch_dna.cli.app import App
from conch_dna.errors import ConchError, NeuronRefused, RegistryError
from conch_dna.registry.aliases import CURRENT
from conch_dna.registry.store import Registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conch_dna.registry.card import Card

REGISTRY_DIR = "adapters"
PIPE_COLUMNS = 200  # rich takes a pipe for 80 columns wide, which cuts references in two

_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_alias = click.option("--alias", default=CURRENT, show_default=True, help="The alias to move.")


@click.group()
@click.option(
    "--registry",
    "root",
    type=click.Path(file_okay=False, path_type=Path),
    help=f"Registry folder; default: {REGISTRY_DIR} in the project.",
)
@click.pass_context
def neurons(ctx: click.Context, root: Path | None) -> None:
    """List, compare, verify and roll back published neurons.

    A REF is NAME (its current version), NAME@3 or NAME@ALIAS.
    """
    app: App = ctx.obj
    ctx.obj = Registry(root or app.project / REGISTRY_DIR)


@neurons.command("list")
@_as_json
@click.pass_obj
def list_(registry: Registry, as_json: bool) -> None:
    """List every version, damaged ones with their fault."""
    rows = [row for name in registry.names() for row in _rows_of(registry, name)]
    if as_json:
        _print_json(rows)
        return
    if not rows:
        click.echo(f"nothing published in {registry.root}")
        return
    cells = ([row["ref"], ", ".join(row["aliases"]), row["base"], row["created_at"], row["error"]] for row in rows)
    _print_table(["neuron", "aliases", "base", "created", "fault"], cells)


def _rows_of(registry: Registry, name: str) -> list[dict[str, Any]]:
    """Return one row a version; neither a damaged version nor damaged aliases hide the others."""
    try:
        aliases, fault = registry.aliases(name), None
    except RegistryError as error:
        aliases, fault = {}, str(error)
    rows = []
    for version in registry.versions(name):
        row: dict[str, Any] = {
            "ref": f"{name}@{version}",
            "name": name,
            "version": version,
            "aliases": sorted(alias for alias, at in aliases.items() if at == version),
            "base": None,
            "digest": None,
            "created_at": None,
            "error": fault,
        }
        try:
            card = registry.resolve(row["ref"]).card
            row |= {"base": card.base, "digest": card.digest, "created_at": card.created_at}
        except NeuronRefused as error:
            row["error"] = str(error)
        rows.append(row)
    return rows


@neurons.command()
@click.argument("ref")
@_as_json
@click.pass_obj
def show(registry: Registry, ref: str, as_json: bool) -> None:
    """Show the card of REF."""
    entry = registry.resolve(ref)
    if as_json:
        _print_json({"ref": entry.ref, "path": str(entry.path), "card": entry.card.model_dump(mode="json")})
        return
    card = entry.card.model_dump(mode="json", exclude={"config", "metrics", "verdict", "files"})
    facts = {"ref": entry.ref, "path": str(entry.path), **card}
    _print_table(["field", "value"], facts.items())
    if entry.card.metrics:
        _print_table(["metric", "value"], sorted(entry.card.metrics.items()))
    _print_verdict(entry.card)


def _print_verdict(card: Card) -> None:
    from conch_dna.registry.card import verdict_rows

    if card.verdict is None:
        click.echo("no verdict: it was published without a gate")
        return
    head, *rows = verdict_rows(card.verdict)
    _print_table(head, rows)
    for check in card.verdict.checks:
        click.echo(f"{'passed' if check.passed else 'FAILED'}  {check.name}: {check.reason}")


@neurons.command()
@click.argument("a")
@click.argument("b")
@_as_json
@click.pass_obj
def diff(registry: Registry, a: str, b: str, as_json: bool) -> None:
    """Show what differs between A and B: provenance, settings, metrics, and the norm of each module's update."""
    rows = registry.diff(a, b)
    if as_json:
        _print_json([row.model_dump(mode="json") for row in rows])
    elif rows:
        _print_table(["section", "key", a, b], ([row.section, row.key, row.a, row.b] for row in rows))
    else:
        click.echo("no difference")


@neurons.command()
@click.argument("ref")
@_alias
@click.pass_obj
def promote(registry: Registry, ref: str, alias: str) -> None:
    """Point an alias at REF."""
    entry = registry.promote(*registry.locate(ref), alias)
    click.echo(f"{entry.name}@{alias} is {entry.ref}")


@neurons.command()
@click.argument("name")
@_alias
@click.pass_obj
def rollback(registry: Registry, name: str, alias: str) -> None:
    """Point an alias of NAME back at the version before; a second time goes further back."""
    entry = registry.rollback(name, alias)
    click.echo(f"{entry.name}@{alias} is {entry.ref}")


@neurons.command()
@click.argument("ref", required=False)
@_as_json
@click.pass_context
def verify(ctx: click.Context, ref: str | None, as_json: bool) -> None:
    """Check the files of REF, or of everything; exit with 1 when something is wrong."""
    registry: Registry = ctx.obj
    problems = registry.verify(ref)
    if as_json:
        _print_json([problem.model_dump(mode="json") for problem in problems])
    elif problems:
        for problem in problems:
            click.echo(f"{problem.ref}: {problem.reason}")
    else:
        click.echo("all sound")
    ctx.exit(ConchError.exit_code if problems else 0)


@neurons.command()
@click.argument("ref")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def rm(registry: Registry, ref: str, yes: bool) -> None:
    """Delete one version for good; refused while an alias points at it."""
    name, version = registry.locate(ref)
    if not yes:
        click.confirm(f"Delete {name}@{version} for good?", abort=True)
    registry.remove(name, version)
    click.echo(f"deleted {name}@{version}")


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def _print_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    # References and paths are data: nothing in them is markup.
    console = Console(markup=False, highlight=False, emoji=False, width=None if sys.stdout.isatty() else PIPE_COLUMNS)
    table = Table(box=SIMPLE_HEAD)
    for title in head:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    console.print(table)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
