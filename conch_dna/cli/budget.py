"""``conch budget``: the costs of API teachers in this project, and the remaining budget."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from conch_dna.errors import LedgerError
from conch_dna.pipeline.project import CONFIG_FILE
from conch_dna.teachers.api.money import exact, usd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conch_dna.cli.app import App
    from conch_dna.teachers.api.ledger_totals import Spending


@click.group(epilog="Examples:\n\n  conch budget show\n\n  conch budget show --json")
def budget() -> None:
    """Show the costs of API teachers in this project.

    Every call is written to runs/ledger.jsonl at its worst-case price before it is sent, and corrected to its actual
    price afterwards. The budget (--budget USD, or budget under [api] in conch.toml) limits the total of the project.
    """


@budget.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def show(app: App, as_json: bool) -> None:
    """Show the costs by model, and the remaining budget.

    Calls without a known end are in flight, or their answer was lost. They count at their worst-case price, because
    the provider may have charged for them.
    """
    # pydantic and structlog: not for --help.
    from conch_dna.teachers.api.ledger import FILE, Ledger
    from conch_dna.teachers.api.settings import read_api

    ledger = Ledger(app.runs / FILE, read_api(app.project / CONFIG_FILE).budget)
    found = ledger.summary()
    spent, reserved = sum(one.spent for one in found), sum(one.reserved for one in found)
    if as_json:
        click.echo(json.dumps(_as_json(ledger.cap, spent, reserved, found), indent=2))
        return
    for line in _lines(ledger.cap, spent, reserved, found):
        click.echo(line)


@budget.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def reset(app: App, yes: bool) -> None:
    """Begin the budget again from nothing, after the ledger was deleted.

    What was spent before no longer counts. Your configuration folder notes how long the ledger of a project was, so
    that a deleted runs folder does not lift its budget.
    """
    from conch_dna.teachers.api.ledger import FILE
    from conch_dna.teachers.api.witness import Witness

    ledger = app.runs / FILE
    if ledger.exists():
        raise LedgerError("the ledger is there", where=ledger, next_step="Move it away first, to begin again.")
    if not yes:
        click.confirm("Count nothing of what this project has spent?", abort=True)
    click.echo("begins from nothing" if Witness(ledger).forget() else "nothing was noted")


def _as_json(cap: int | None, spent: int, reserved: int, found: Sequence[Spending]) -> dict[str, Any]:
    """Return the sums in decimal USD."""
    left = None if cap is None else exact(max(0, cap - spent - reserved))
    return {
        "budget": None if cap is None else exact(cap), "spent": exact(spent), "reserved": exact(reserved),
        "remaining": left, "models": [one.model_dump(mode="json") for one in found],
    }  # fmt: skip


def _lines(cap: int | None, spent: int, reserved: int, found: Sequence[Spending]) -> list[str]:
    """Return the sums as lines of text."""
    lines = []
    for one in found:
        usage = one.usage
        cached = f" ({usage.cached_input} from the prompt cache)" if usage.cached_input else ""
        lines.append(f"{one.note}: {one.calls} calls, {usd(one.spent)}")
        lines.append(f"  {usage.all_input} input tokens{cached}, {usage.output} output tokens")
        if one.open:
            lines.append(f"  {one.open} calls without a known end, at most {usd(one.reserved)}")
        if one.released:
            lines.append(f"  {one.released} calls refused or not sent, at no cost")
    unknown = f", and at most {usd(reserved)} in calls without a known end" if reserved else ""
    if cap is None:
        return [
            *lines,
            f"{usd(spent)} spent{unknown}; no budget is set (budget under [api] in conch.toml, or --budget)",
        ]
    left = usd(max(0, cap - spent - reserved))
    return [*lines, f"{usd(spent)} of {usd(cap)} spent{unknown}; {left} left"]
