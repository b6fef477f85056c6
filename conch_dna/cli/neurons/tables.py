"""Output of the commands of ``conch neurons`` as JSON and tables."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PIPE_COLUMNS = 200  # rich assumes 80 columns for a pipe, which would wrap references

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def print_json(value: object) -> None:
    """Print ``value`` as indented JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table with one title per column; ``None`` is a blank cell."""
    # Imported here, since --json and --help do not need rich.
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    # Without markup: references and paths may contain brackets.
    console = Console(markup=False, highlight=False, emoji=False, width=None if sys.stdout.isatty() else PIPE_COLUMNS)
    table = Table(box=SIMPLE_HEAD)
    for title in head:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    console.print(table)


def as_words(tags: Mapping[str, str]) -> str:
    """Return tags as ``a=1, b=2``, sorted."""
    return ", ".join(f"{key}={value}" for key, value in sorted(tags.items()))


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
