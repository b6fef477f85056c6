"""``conch runs``: what runs there are, and how they ended."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from conch_dna.cli.app import App


@click.group(epilog="Examples:\n\n  conch runs list\n\n  conch runs show quick-1a2b3c4d --json")
def runs() -> None:
    """List runs and show how they ended."""


@runs.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_(app: App, as_json: bool) -> None:
    """List all runs, the newest first; a killed run is shown as interrupted."""
    from conch_dna.runs import list_runs

    found = [run.about() for run in list_runs(app.project / "runs")]
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for about in found:
        states = [f"{r['domain']} {r['state']}" for r in about["results"]]
        told = ", ".join(filter(None, [*states, about["stopped"]])) or "no domain finished"
        click.echo(f"{about['run']:<24} {about['state']:<12} {told}")
    if not found:
        click.echo("no runs yet: conch distill --all")


@runs.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def show(app: App, name: str, as_json: bool) -> None:
    """Show one run: settings, and each domain's figures and verdict."""
    from conch_dna.runs import find_run

    about = find_run(app.project / "runs", name).about()
    if as_json:
        click.echo(json.dumps(about, indent=2))
        return
    click.echo("  ".join(filter(None, (about["run"], about["state"], about["stopped"]))))
    config = about.get("config", {})
    shown = [f"{key}={config[key]}" for key in ("student", "teacher", "preset", "steps", "seed") if key in config]
    click.echo("  " + ("  ".join(shown) or "its settings cannot be read"))
    for result in about["results"]:
        _show_domain(result)


def _show_domain(result: dict[str, Any]) -> None:
    click.echo(f"{result['domain']}: {result['state']}, {result['steps']} steps, {result['seconds']:.0f} s")
    if result["error"]:
        click.echo(f"  {result['error']}")
    for check in (result["verdict"] or {}).get("checks", ()):
        click.echo(f"  {'passed' if check['passed'] else 'FAILED'}  {check['name']}: {check['reason']}")
