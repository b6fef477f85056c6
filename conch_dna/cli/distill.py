"""``conch distill``: train, gate and publish neurons."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conch_dna.cli.api import api_context, api_options
from conch_dna.cli.app import CONFIG_FILE, App
from conch_dna.cli.complete import domain_names, run_names
from conch_dna.cli.options import given, setting_options
from conch_dna.config import read_project, read_routes, resolve
from conch_dna.errors import BudgetReached, ConchError, ConfigError, DataError, GateFailed, UnknownName

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conch_dna.config import DistillConfig
    from conch_dna.domains.domain import Domain
    from conch_dna.pipeline.context import Session
    from conch_dna.pipeline.recipe_choice import Mode
    from conch_dna.pipeline.run_folder import Run
    from conch_dna.plugin.protocols import Teacher
    from conch_dna.records import DomainResult, Summary
    from conch_dna.teachers.api.context import ApiContext

RUNS = "runs"
REGISTRY = "adapters"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@click.command(
    epilog="Examples:\n\n  conch distill --all\n\n  conch distill thinking debug --preset standard\n\n"
    "  conch distill action --teacher mlx:embedded:smollm2-135m --steps 40\n\n"
    "  conch distill --prompts mine.jsonl --name mine --teacher llamacpp:big.gguf"
)
@click.argument("names", nargs=-1, metavar="[DOMAIN]...", shell_complete=domain_names)
@click.option("--all", "all_", is_flag=True, help="Every domain that is known.")
@click.option(
    "--prompts", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A JSONL file of your own."
)
@click.option("--name", help="With --prompts: the new domain's name.")
@click.option(
    "--run", "run_name", shell_complete=run_names, help="Name of the run folder; default: made from settings and data."
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.option("--dry-run", is_flag=True, help="Print the resolved settings and the plan, and stop.")
@api_options
@setting_options
@click.pass_obj
def distill(
    app: App,
    /,
    names: tuple[str, ...],
    all_: bool,
    prompts: Path | None,
    name: str | None,
    run_name: str | None,
    as_json: bool,
    dry_run: bool,
    budget: str | None,
    base_url: str | None,
    **settings: Any,
) -> None:
    """Train one LoRA neuron a domain, judge it on held-out prompts, and publish it if it passes.

    A teacher behind an API is asked within the budget; at the budget the run stops with exit code 4, and the same
    command with a larger one goes on.

    Run the same command again after a stop: finished domains are skipped, an unfinished one goes on where it was.
    A domain whose recording is damaged, or whose prompts are too few, fails alone; wrong settings, and settings that do
    not suit one of the domains, end the run before it begins. Exit code 3 when a domain did not pass its gate.
    """
    from conch_dna.cli.plan import check_plan, make_plan, show_plan
    from conch_dna.domains.extract import Taker

    in_file = read_project(app.project / CONFIG_FILE)
    resolve(in_file, where=str(app.project / CONFIG_FILE))
    config = resolve(in_file, given(settings), where="command line")
    if run_name is not None and not NAME.fullmatch(run_name):
        raise ConfigError("not a name for a run", where="--run", got=run_name, allowed=NAME.pattern)
    domains = _domains(app, names, all_)
    chosen = _chosen(domains, names, all_, prompts, name)
    picked = [domains[n] for n in chosen]
    routes = read_routes(app.project / CONFIG_FILE)
    _check_names(app, config, picked)
    takers = {domain.name: Taker(app.host, domain) for domain in picked}
    _check_routes(domains, routes)
    api = api_context(app, config.teacher, budget, base_url, offline=dry_run)
    teachers = _teachers(app, config, picked, routes, api)
    modes = _modes(config, picked, routes, teachers)
    if dry_run:
        from conch_dna.teachers.answer_cache import CompletionCache

        cache = CompletionCache.within(api.cache)
        show_plan(config, make_plan(config, picked, teachers, modes, takers, app.project / RUNS, cache=cache), as_json)
        return
    from conch_dna.models import accel

    accel.switch_on()  # the imports below bring mlx
    from conch_dna.cli.bars import Bars
    from conch_dna.models.cache import cache_dir
    from conch_dna.pipeline.context import Session
    from conch_dna.pipeline.distill import distill_all
    from conch_dna.pipeline.distill import run_name as default_name
    from conch_dna.pipeline.run_folder import Run
    from conch_dna.registry.store import Registry

    sound = {name: teacher for name, teacher in teachers.items() if not isinstance(modes[name], DataError)}
    run = Run(app.project / RUNS / (run_name or default_name(config, picked, routes, sound)))
    with Bars(len(chosen)) as bars:
        check_plan(make_plan(config, picked, teachers, modes, takers, on_fetch=bars.fetched))
        session = Session(
            config, app.host, Registry(app.project / REGISTRY), run, domains, cache_dir(), bars, bars.fetched, routes,
            api,
        )  # fmt: skip
        api.note = bars.note
        try:
            summary = distill_all(session, chosen)
        except BudgetReached:
            if as_json and (stopped := run.stopped()):
                _report(stopped, session, as_json)
            raise
    _report(summary, session, as_json)
    _check_ended_well(summary, run)


def _check_ended_well(summary: Summary, run: Run) -> None:
    """Give a domain that failed, or did not pass its gate, the exit code of the command."""
    if any(r.state == "failed" for r in summary.results):
        reasons = "; ".join(f"{r.domain}: {r.error}" for r in summary.results if r.state == "failed")
        raise ConchError(f"some domains failed: {reasons}", next_step="Mend it and run the same command again")
    if failed := [r.domain for r in summary.results if r.state == "gate_failed"]:
        raise GateFailed(
            f"did not pass the gate: {', '.join(failed)}", where=run.path, next_step=f"See conch runs show {run.name}"
        )


def _domains(app: App, names: tuple[str, ...], all_: bool) -> dict[str, Domain]:
    """Load every domain that is known; a faulty one matters only to a run that needs it."""
    from conch_dna.domains.discovery import domain_folders
    from conch_dna.domains.domain import load_domain

    found = {}
    for name, folder in domain_folders(app.host, app.project).items():
        try:
            found[name] = load_domain(folder)
        except DataError as error:
            if all_ or name in names:
                raise
            click.echo(f"warning: domain {name} is left out: {error}", err=True)
    return found


def _chosen(
    domains: dict[str, Domain], names: tuple[str, ...], all_: bool, prompts: Path | None, name: str | None
) -> list[str]:
    """Return the domains to train, adding the one made of ``--prompts``."""
    from conch_dna.domains.domain import domain_of_file

    if prompts is not None:
        if names or all_ or not name:
            raise ConfigError("--prompts goes with --name NAME, and with no other domain", where="conch distill")
        if name in domains:
            raise ConfigError("a domain has that name already", where="--name", got=name)
        domains[name] = domain_of_file(prompts, name)
        return [name]
    if all_ == bool(names):
        raise ConfigError(
            "name the domains, or say --all", where="conch distill", allowed=", ".join(domains) or "(none)"
        )
    chosen = list(domains) if all_ else list(dict.fromkeys(names))
    if unknown := [n for n in chosen if n not in domains]:
        raise UnknownName("no such domain", got=", ".join(unknown), allowed=", ".join(domains) or "(none)")
    for n in chosen:
        _ = domains[n].prompts  # a faulty file is told of before anything else begins
    return chosen


def _check_names(app: App, config: DistillConfig, domains: list[Domain]) -> None:
    """Find everything that is named before any work begins."""
    catalog = app.host.catalog
    catalog.get("losses", config.loss)
    catalog.get("gates", config.gate)
    for domain in domains:
        if domain.name == "base":
            raise ConfigError("this name means no neuron at all", where="domain", got="base")
        for scorer, weight in domain.settings.scorers.items():
            if weight > 0 and scorer not in catalog.names("scorers"):
                raise UnknownName(
                    "no such scorer", where=f"[scorers] of domain {domain.name}", got=scorer,
                    allowed=", ".join(catalog.names("scorers")),
                )  # fmt: skip


def _check_routes(domains: Mapping[str, Domain], routes: Mapping[str, str]) -> None:
    """Refuse a route of ``conch.toml`` that leads from nowhere."""
    from conch_dna.teachers.references import SOURCE

    if unknown := [key for key in routes if not key.startswith(SOURCE) and key not in domains]:
        raise ConfigError(
            "no such domain", where=f"[teachers] of {CONFIG_FILE}", got=", ".join(unknown),
            allowed=f"{SOURCE}KEY, or one of {', '.join(domains)}",
        )  # fmt: skip
    wanted = [key for key in routes if key.startswith(SOURCE)]
    sources: set[str] = set()
    for domain in domains.values() if wanted else ():
        with contextlib.suppress(DataError):  # told where that domain is needed
            sources |= {SOURCE + prompt.source for prompt in domain.prompts}
    if unknown := [key for key in wanted if key not in sources]:
        raise ConfigError(
            "no prompt has this source", where=f"[teachers] of {CONFIG_FILE}", got=", ".join(unknown),
            allowed=", ".join(sorted(sources)) or "(none)",
        )  # fmt: skip


def _teachers(
    app: App, config: DistillConfig, domains: list[Domain], routes: Mapping[str, str], api: ApiContext
) -> dict[str, Teacher]:
    """Build each domain's teacher without a student: its tokenizer is taken for the student's, and nothing is loaded.

    :raises UnknownName: a teacher does not exist.
    """
    from conch_dna.teachers.references import references, teacher_of

    found = {}
    for domain in domains:
        named = references(config, domain, routes)
        if domain.folder is None and "recorded" in named.values():
            raise ConfigError(
                "a file of prompts has no recording", where="--teacher", got="recorded",
                next_step="Name a live teacher, such as --teacher mlx:MODEL or llamacpp:MODEL",
            )  # fmt: skip
        found[domain.name] = teacher_of(app.host, named, domain, config.student, api=api)
    return found


def _modes(
    config: DistillConfig, domains: list[Domain], routes: Mapping[str, str], teachers: Mapping[str, Teacher]
) -> dict[str, Mode | DataError]:
    """Return what would train each domain, or why its prompts are too few or the files of its teacher tell nothing.

    :raises ConfigError: a recipe that was asked for needs what the domain's teacher cannot do.
    """
    from conch_dna.data.splits import split
    from conch_dna.pipeline.recipe_choice import choose, machine_memory
    from conch_dna.teachers.references import parts_for, references

    memory = machine_memory()
    found: dict[str, Mode | DataError] = {}
    for domain in domains:
        named, teacher = references(config, domain, routes), teachers[domain.name]
        try:
            split(domain.prompts, config.held_out)  # too few are told before a teacher is probed, which may cost
            found[domain.name] = choose(
                config, named, teacher.capabilities, memory, extracts=domain.settings.extract is not None,
                supposed=any(getattr(part, "supposed", False) for part, _ in parts_for(teacher, domain.prompts)),
            )  # fmt: skip
        except DataError as error:
            found[domain.name] = error
    return found


def _report(summary: Summary, session: Session, as_json: bool) -> None:
    """Print the table of results on stdout, or the summary as JSON."""
    if as_json:
        click.echo(summary.model_dump_json(indent=2))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(f"{summary.student} taught by {summary.teacher}, {summary.seconds:.0f} s"))
    for column in (
        "domain",
        "bits/byte base → neuron",
        "fit",
        "quality base → neuron",
        "verdict",
        "version",
        "seconds",
    ):
        table.add_column(column, justify="left" if column in {"domain", "verdict"} else "right")
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
    click.echo(f"Everything of this run: {session.run.path}")


def _row(result: DomainResult) -> list[str]:
    from rich.markup import escape

    verdict = result.verdict
    if verdict is None:  # its error is told on a line of its own
        return [result.domain, "", "", "", f"[red]{result.state}", "", f"{result.seconds:.0f}"]
    base, neuron = verdict.base, verdict.candidate
    failed = ", ".join(c.name for c in verdict.checks if not c.passed)
    bits = fit = "-"  # nobody taught
    if base.bits_per_byte is not None and neuron.bits_per_byte is not None:
        bits = f"{base.bits_per_byte:.3f} → {neuron.bits_per_byte:.3f}"
        fit = f"{neuron.bits_per_byte / base.bits_per_byte - 1:+.1%}"
    return [
        result.domain,
        bits,
        fit,
        f"{base.quality:.3f} → {neuron.quality:.3f}",
        "[green]passed" if verdict.passed else f"[red]failed: {escape(failed)}",
        str(result.version or "-"),
        f"{result.seconds:.0f}",
    ]
