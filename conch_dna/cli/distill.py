"""``conch distill``: train, gate and publish neurons."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from conch_dna.cli.app import App
from conch_dna.cli.complete import domain_names, run_names
from conch_dna.cli.options import SettingsCommand, api_options, given
from conch_dna.errors import BudgetReached, ConchError, GateFailed
from conch_dna.util.progress import Progress

if TYPE_CHECKING:
    from conch_dna.pipeline.run_folder import Run
    from conch_dna.records import DomainResult, Summary


@click.command(
    cls=SettingsCommand,
    epilog="Examples:\n\n  conch distill --all\n\n  conch distill thinking debug --preset standard\n\n"
    "  conch distill action --teacher mlx:embedded:smollm2-135m --steps 40\n\n"
    "  conch distill --prompts mine.jsonl --name mine --teacher llamacpp:big.gguf",
)
@click.argument("names", nargs=-1, metavar="[DOMAIN]...", shell_complete=domain_names)
@click.option("--all", "all_", is_flag=True, help="Distil every known domain.")
@click.option(
    "--prompts",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Train on this JSON-lines file of prompts.",
)
@click.option("--name", help="Name of the domain that --prompts makes.")
@click.option(
    "--run", "run_name", shell_complete=run_names, help="Name of the run folder; default: made from settings and data."
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    envvar="CONCH_JOBS",
    help="Number of domains to distil at once, each in a process of its own. Default: on a CPU with recorded answers "
    "one for each core, as far as the memory suffices; otherwise 1.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.option("--dry-run", is_flag=True, help="Print the resolved settings and the plan, and stop.")
@api_options
@click.pass_obj
def distill(
    app: App,
    /,
    names: tuple[str, ...],
    all_: bool,
    prompts: Path | None,
    name: str | None,
    run_name: str | None,
    jobs: int | None,
    as_json: bool,
    dry_run: bool,
    budget: str | None,
    base_url: str | None,
    **settings: Any,
) -> None:
    """Train one LoRA neuron for each DOMAIN, judge it on held-out prompts, and publish it if it passes.

    Run the same command again after a stop: it skips finished domains and resumes an unfinished one.

    A domain with a damaged recording or too few prompts fails; the others are distilled. Wrong settings, and settings
    that do not suit one of the domains, are refused before any work. Exit code 3: a domain did not pass its gate.

    Spending on teachers behind an API stays within the budget. At the budget the run stops with exit code 4; the same
    command with a larger budget resumes it.
    """
    # slow imports, which `conch distill --help` does not need
    from conch_dna.cli.bars import Bars
    from conch_dna.cli.plan import show_plan
    from conch_dna.pipeline.public import plan_setup, run_setup
    from conch_dna.pipeline.run_name import run_of
    from conch_dna.pipeline.selection import own_domain
    from conch_dna.pipeline.setup import set_up

    setup = set_up(
        app.loaded_project, names, all_=all_, own=own_domain(prompts, name), budget=budget,
        base_url=base_url, offline=dry_run, settings=given(settings), where="command line",
    )  # fmt: skip
    if dry_run:
        plans = plan_setup(setup, Progress())
        from conch_dna.pipeline.workers import jobs_for  # imports mlx, which the line above does in the right order

        show_plan(setup.config, plans, as_json, jobs_for(setup, plans, jobs))
        return
    run = run_of(setup, run_name)
    with Bars(len(setup.chosen)) as bars:
        try:
            summary = run_setup(setup, run, bars, jobs)
        except BudgetReached:
            if as_json and (stopped := run.stopped()):
                _report(stopped, run, as_json)
            raise
    _report(summary, run, as_json)
    _check_ended_well(summary, run)


def _check_ended_well(summary: Summary, run: Run) -> None:
    """Raise an error if a domain failed or did not pass its gate."""
    if any(r.state == "failed" for r in summary.results):
        reasons = "; ".join(f"{r.domain}: {r.error}" for r in summary.results if r.state == "failed")
        raise ConchError(f"some domains failed: {reasons}", next_step="Fix it and run the same command again")
    if failed := [r.domain for r in summary.results if r.state == "gate_failed"]:
        raise GateFailed(
            f"did not pass the gate: {', '.join(failed)}", where=run.path, next_step=f"See conch runs show {run.name}"
        )


def _report(summary: Summary, run: Run, as_json: bool) -> None:
    """Print the table of results on stdout, or the summary as JSON."""
    if as_json:
        click.echo(summary.model_dump_json(indent=2))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(f"{summary.student} taught by {summary.teacher}, {summary.seconds:.0f} s"))
    for column in ("domain", "right base → neuron", "quality", "bits/byte", "verdict", "version", "seconds"):
        justify: Literal["left", "right"] = "left" if column in {"domain", "verdict"} else "right"
        table.add_column(column, justify=justify, max_width=20)  # many failed checks are then on several lines
    for result in summary.results:
        table.add_row(*_row(result))
    Console(width=None if Console().is_terminal else 120).print(table)
    for result in summary.results:
        if result.verdict and not result.verdict.passed:
            click.echo(f"{result.domain} did not pass: {result.verdict.reason}")
    published = [r.domain for r in summary.results if r.state == "published"]
    if published:
        click.echo(
            f'Talk to one: conch ask {published[0]} "…"   Compare: conch compare "…" --neurons {published[0]},base'
        )
    click.echo(f"Files of this run: {run.path}")


def _row(result: DomainResult) -> list[str]:
    from rich.markup import escape

    verdict = result.verdict
    if verdict is None:  # the error message has its own line
        return [result.domain, "", "", "", f"[red]{result.state}", "", f"{result.seconds:.0f}"]
    base, neuron = verdict.base, verdict.candidate
    failed = ", ".join(c.name for c in verdict.checks if not c.passed)
    before, after = base.judged, neuron.judged
    bits = "-"  # without a teacher
    if base.bits_per_byte is not None and neuron.bits_per_byte is not None:
        bits = f"{base.bits_per_byte:.3f} → {neuron.bits_per_byte:.3f}"
    return [
        result.domain,
        f"{before.right:.2f} → {after.right:.2f} of {after.count}" if before and after else "unverified",
        f"{base.quality:.2f} → {neuron.quality:.2f}",
        bits,
        "[green]passed" if verdict.passed else f"[red]failed: {escape(failed)}",
        str(result.version or "-"),
        f"{result.seconds:.0f}",
    ]
