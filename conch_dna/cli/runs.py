"""``conch runs``: list runs and show their results."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import click

from conch_dna.cli.complete import run_names

if TYPE_CHECKING:
    from pathlib import Path

    from conch_dna.cli.app import App

SHOWN = ("student", "teacher", "preset", "minutes", "steps", "seed")  # settings


@click.group(epilog="Examples:\n\n  conch runs list\n\n  conch runs show quick-1a2b3c4d --json")
def runs() -> None:
    """List runs and show their results."""


@runs.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_(app: App, as_json: bool) -> None:
    """List all runs, the newest first; a killed run is listed as interrupted."""
    from conch_dna.pipeline.run_folder import list_runs  # imports pydantic: not for --help

    found = [run.about() for run in list_runs(app.runs)]
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for about in found:
        states = [f"{r['domain']} {_state(r)}" for r in about["results"]]
        states += [f"{domain} at {_step(step, about)}" for domain, step in about["last_steps"].items()]
        outcome = ", ".join(filter(None, [*states, about["stopped"]])) or "no domain finished"
        click.echo(f"{about['run']:<24} {about['state']:<12} {outcome}")
    if not found:
        click.echo("no runs yet: conch distill --all")


@runs.command()
@click.argument("name", shell_complete=run_names)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def show(app: App, name: str, as_json: bool) -> None:
    """Show one run: settings, figures and verdict of each domain, and the progress of unfinished ones.

    For each domain, a held-out answer that became right is shown, or else the one whose score rose most.
    """
    from conch_dna.pipeline.run_folder import find_run  # imports pydantic: not for --help

    run = find_run(app.runs, name)
    about = run.about()
    if as_json:
        click.echo(json.dumps(about, indent=2))
        return
    click.echo("  ".join(filter(None, (about["run"], about["state"], about["stopped"]))))
    config = about.get("config", {})
    shown = [f"{key}={config[key]}" for key in SHOWN if config.get(key) is not None]
    click.echo("  " + ("  ".join(shown) or "its settings are unreadable"))
    for result in about["results"]:
        _show_domain(result)
        _show_sample(run.folder(result["domain"]) / "samples.jsonl")
    for domain, step in about["last_steps"].items():
        click.echo(f"{domain}: {step['recipe']}, {_step(step, about)}, loss {step['loss']:.3f}")


def _step(step: dict[str, Any], about: dict[str, Any]) -> str:
    """Return the progress of a recipe, or of a round of it."""
    steps = about.get("config", {}).get("steps")  # `minutes` has none
    return f"step {step['step']}" + (f" of {steps}" if steps else "")


def _state(result: dict[str, Any]) -> str:
    """Return how a domain ended; a neuron is published as unverified if nothing decided whether its answers are right.

    :param result: a result as JSON.
    """
    unverified = result["state"] == "published" and not result["verified"]
    return f"{result['state']} unverified" if unverified else str(result["state"])


def _show_domain(result: dict[str, Any]) -> None:
    click.echo(f"{result['domain']}: {_state(result)}, {result['steps']} steps, {result['seconds']:.0f} s")
    if result["error"]:
        click.echo(f"  {result['error']}")
    verdict = result["verdict"] or {}
    for kind, after in verdict.get("candidate", {}).get("right", {}).items():
        before = verdict["base"]["right"][kind]
        click.echo(
            f"  right, {kind}: {before['right']:.2f} → {after['right']:.2f} [{after['low']:.2f}, {after['high']:.2f}] "
            f"of {after['count']}"
        )
    for check in verdict.get("checks", ()):
        click.echo(f"  {'passed' if check['passed'] else 'FAILED'}  {check['name']}: {check['reason']}")


def _show_sample(file: Path) -> None:
    """Show the answer that became right, or else whose score rose most, so that people can judge for themselves."""
    found: list[tuple[float, float, str]] = []
    for line in file.read_text(encoding="utf-8").splitlines() if file.is_file() else ():
        with contextlib.suppress(ValueError, LookupError, TypeError):  # skip a damaged line, keep the others
            row = json.loads(line)
            base, neuron, prompt = row["base"], row["candidate"], row["prompt"][-1]["content"]
            before, after = base.get("quality", 0.0), neuron.get("quality", 0.0)
            judged = base.get("held", base), neuron.get("held", neuron)
            corrected = (judged[1].get("right") or 0.0) - (judged[0].get("right") or 0.0)
            head = f"rose most, {before:.3f} → {after:.3f}"
            if corrected > 0:
                head, (base, neuron) = "became right", judged
            text = (
                f"  {head}: {_short(prompt)}\n"
                f"    base    {_short(base['answer'])}\n    neuron  {_short(neuron['answer'])}"
            )
            found.append((corrected, after - before, text))
    if found:
        click.echo(f"{max(found)[-1]}\n  all answers: {file}")


def _short(text: str) -> str:
    """Return the beginning of a text as one line."""
    line = " ".join(text.split())
    return line if len(line) <= 300 else f"{line[:298]} …"
