"""``conch estimate``: the cost of teachers behind an API, estimated before anything is sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from conch_dna.cli.complete import domain_names, teacher_names
from conch_dna.cli.options import api_options
from conch_dna.errors import ConfigError
from conch_dna.pipeline.selection import domain_named, known_domains

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conch_dna.cli.app import App
    from conch_dna.domains.domain import Domain
    from conch_dna.pipeline.project import Project
    from conch_dna.teachers.api.context import ApiContext
    from conch_dna.teachers.api.estimate import Estimate


@click.command(
    epilog="Examples:\n\n  conch estimate --teacher openai:gpt-4o-mini\n\n"
    "  conch estimate thinking debug --teacher openai:gpt-4.1 --teacher anthropic:claude-haiku-4-5 --budget 5"
)
@click.argument("names", nargs=-1, metavar="[DOMAIN]...", shell_complete=domain_names)
@click.option(
    "--teacher", "references", multiple=True, shell_complete=teacher_names,
    help="Teacher, with its model; may be repeated.  [default: the teacher of conch.toml]",
)  # fmt: skip
@api_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def estimate(
    app: App,
    /,
    names: tuple[str, ...],
    references: tuple[str, ...],
    budget: str | None,
    base_url: str | None,
    as_json: bool,
) -> None:
    """Estimate the cost of one answer to every prompt of the DOMAINs, by default of all domains.

    Nothing is sent. The low end assumes answers as long as the recorded ones, or half of the domain's max_tokens; the
    high end is the most that each call can cost. Cached answers cost nothing. The cost of judging pairs of answers, in
    the recipe preference, is only in the plan of conch distill --dry-run. With a budget, the output says whether the
    rest of it is enough.
    """
    project = app.loaded_project
    if base_url is not None and len(references) > 1:
        raise ConfigError("goes with one teacher", where="--base-url", got=", ".join(references))
    references = references or (_project_teacher(project),)
    api = project.api_context(references[0], budget, base_url, offline=True)
    domains = _domains(project, names)
    found = {reference: _estimates(app, reference, domains, api) for reference in dict.fromkeys(references)}
    left = api.ledger.remaining
    if as_json:
        click.echo(json.dumps(_as_json(found, left), indent=2))
        return
    _show(found, left)


def _project_teacher(project: Project) -> str:
    """Return the teacher that ``conch.toml`` names.

    :raises ConfigError: it names none.
    """
    config = project.config()
    if "teacher" not in config.model_fields_set:
        raise ConfigError(
            "no teacher is named", where="conch estimate",
            next_step=f"Add --teacher NAME:MODEL, or set teacher under [distill] in {project.config_file}",
        )  # fmt: skip
    return config.teacher


def _domains(project: Project, names: Sequence[str]) -> list[Domain]:
    """Load the domains that are named, or all that are known."""
    if names:
        return [domain_named(project, name) for name in dict.fromkeys(names)]
    return list(known_domains(project).values())


def _estimates(app: App, reference: str, domains: Iterable[Domain], api: ApiContext) -> list[Estimate]:
    """Return the estimate of each domain, or none for a teacher on this machine, which costs nothing."""
    from conch_dna.teachers.answer_cache import CompletionCache
    from conch_dna.teachers.api.estimate import estimates
    from conch_dna.teachers.references import make_teacher

    cache, found = CompletionCache.within(api.cache), []
    for domain in domains:
        teacher = make_teacher(app.host, reference, domain, api=api)
        found += estimates(teacher, domain, domain.prompts, cache)
        teacher.close()
    return found


def _as_json(found: dict[str, list[Estimate]], left: int | None) -> dict[str, Any]:
    """Return all figures, amounts as decimal USD; ``remaining`` is null where there is no budget.

    ``low`` and ``high`` are of all teachers together.
    """
    from conch_dna.teachers.api.money import exact
    from conch_dna.teachers.api.prices import checked

    teachers = [
        {"teacher": reference, **_sums(rows), "domains": [one.model_dump(mode="json") for one in rows]}
        for reference, rows in found.items()
    ]
    remaining = None if left is None else exact(left)
    return {
        "remaining": remaining, "list_prices_checked": checked(), "teachers": teachers,
        **_sums([one for rows in found.values() for one in rows]),
    }  # fmt: skip


def _sums(rows: Sequence[Estimate]) -> dict[str, str]:
    from conch_dna.teachers.api.money import exact

    return {"low": exact(sum(one.low for one in rows)), "high": exact(sum(one.high for one in rows))}


def _show(found: dict[str, list[Estimate]], left: int | None) -> None:
    """Print a table of all domains, a line for each teacher, and one for several together."""
    from rich.console import Console
    from rich.table import Table

    from conch_dna.teachers.api.money import usd
    from conch_dna.teachers.api.prices import checked

    table = Table()
    for column in ("domain", "teacher", "prompts", "cached", "calls", "tokens in", "tokens out", "USD"):
        table.add_column(column, justify="left" if column in {"domain", "teacher"} else "right")
    for one in (one for rows in found.values() for one in rows):
        table.add_row(
            one.domain, ", ".join([one.model, *one.options]), str(one.prompts), str(one.cached), str(one.calls),
            f"{one.input_low} - {one.input_high}", f"{one.output_low} - {one.output_high}",
            f"{usd(one.low)} - {usd(one.high)}",
        )  # fmt: skip
    if table.row_count:
        Console(width=None if Console().is_terminal else 140).print(table)
    for reference, rows in found.items():
        if not rows:
            click.echo(f"{reference}: runs on this machine or makes no calls; it costs nothing")
            continue
        click.echo(_line(reference, rows, left))
    paid = [rows for rows in found.values() if rows]
    if len(paid) > 1:
        click.echo(_line("all together", [one for rows in paid for one in rows], left))
    click.echo(f"List prices as of {checked()}, unless conch.toml has your own: check them before you rely on them.")


def _line(who: str, rows: Sequence[Estimate], left: int | None) -> str:
    """Return the cost of the rows together, compared with the rest of the budget."""
    from conch_dna.teachers.api.estimate import FREE_HERE
    from conch_dna.teachers.api.money import usd

    if all(one.free for one in rows):
        return f"{who}: {FREE_HERE}"
    low, high = sum(one.low for one in rows), sum(one.high for one in rows)
    return f"{who}: {usd(low)} to {usd(high)}{_verdict(low, high, left)}"


def _verdict(low: int, high: int, left: int | None) -> str:
    """Return whether the rest of the budget is enough, as a text."""
    from conch_dna.teachers.api.money import usd

    if left is None:
        return ""
    word = "is enough" if high <= left else "may be enough" if low <= left else "is not enough"
    return f"; {usd(left)} left of the budget, which {word}"
