"""``conch domains``: list, show, check and import the domains of plug-ins and of the project, and make prompts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conch_dna.cli.app import App
from conch_dna.cli.complete import domain_names
from conch_dna.cli.prompts import generate, grow, rewrite
from conch_dna.data.splits import shortage
from conch_dna.domains.discovery import domain_folders, open_domain
from conch_dna.errors import DataError
from conch_dna.pipeline.selection import domain_named
from conch_dna.util.text import counts_text

if TYPE_CHECKING:
    from conch_dna.domains.domain import Domain, Extract
    from conch_dna.domains.importing import Import

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
FILE = click.Path(dir_okay=False, path_type=Path)

# Imports of pydantic, NumPy and mlx-lm are inside the functions: --help and shell completion must not wait for them.


@click.group()
def domains() -> None:
    """List, show, check and import domains; generate, rewrite and grow their prompts."""


for command in (generate, rewrite, grow):
    domains.add_command(command)


@domains.command("list")
@JSON
@click.pass_obj
def list_(app: App, as_json: bool) -> None:
    """List every domain with its number of prompts, or its fault."""
    rows = [_row(app, name, folder) for name, folder in _folders(app).items()]
    if as_json:
        _print_json(rows)
        return
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        facts = f"{row['prompts']:>5}  {row['task_type']:<9}  {row['description']}"
        click.echo(f"{row['name']:<{width}}  {'FAULTY: ' + row['error'] if row['error'] else facts}")


def _row(app: App, name: str, folder: Path) -> dict[str, Any]:
    row = {"name": name, "folder": str(folder), "prompts": 0, "task_type": "", "description": "", "error": None}
    try:
        domain = open_domain(app.host, folder)
        row |= domain.settings.model_dump(include={"task_type", "description"})
        row["prompts"] = len(domain.prompts)
    except DataError as error:
        row["error"] = str(error)
    return row


@domains.command()
@click.argument("name", shell_complete=domain_names)
@JSON
@click.pass_obj
def show(app: App, name: str, as_json: bool) -> None:
    """Show the settings of domain NAME, its teacher context and its recordings."""
    domain = domain_named(app.loaded_project, name)
    settings = domain.settings
    recordings = sorted({path.stem for folder in domain.folders for path in folder.glob("recorded/*.jsonl")})
    if as_json:
        _print_json(
            settings.model_dump(mode="json")
            | {
                "folder": str(domain.folder),
                "prompts": len(domain.prompts),
                "data_digest": domain.data_digest,
                "context_digest": domain.context_digest,
                "recordings": recordings,
            }
        )
        return
    figures = {
        "name": settings.name,
        "description": settings.description,
        "folder": domain.folder,
        **({"extends": settings.extends} if settings.extends else {}),
        "prompts": len(domain.prompts),
        "task type": settings.task_type,
        "words": f"{settings.length.min} to {settings.length.max}, at most {settings.max_tokens} tokens",
        "scorers": ", ".join(f"{scorer} {weight:g}" for scorer, weight in settings.scorers.items()),
        "answer": "the whole text" if settings.extract is None else _options(settings.extract),
        "sources": "; ".join(f"{s.key}: {s.origin} ({s.licence})" for s in settings.sources) or "(none)",
        "recordings": ", ".join(recordings) or "(none)",
    }
    for key, value in figures.items():
        click.echo(f"{key:<12} {value}")
    click.echo("\nThe teacher sees this context before each prompt:")
    for message in domain.context:
        click.echo(f"\n[{message.role}]\n{message.content}")


@domains.command()
@click.argument("names", metavar="[NAME|PATH]...", nargs=-1, shell_complete=domain_names)
@click.pass_obj
def check(app: App, names: tuple[str, ...]) -> None:
    """Check domains and list every fault: by NAME, or by PATH of a domain folder or prompts file; by default all."""
    from conch_dna.domains.check import faults_of
    from conch_dna.domains.extract import extract_faults
    from conch_dna.domains.recorded_check import check_recorded

    folders = _folders(app)
    scorers = app.host.catalog.names("scorers")
    faults = []
    for name in names or folders:
        try:
            domain = _named(app, name, folders)
            recorded = check_recorded(app.host, domain)
            found = [
                *faults_of(domain, scorers, app.host.catalog.names("processors")),
                *extract_faults(app.host, domain),
                *recorded.faults,
            ]
            for warning in recorded.warnings:
                click.echo(f"warning: {warning}", err=True)
        except DataError as error:
            found = [str(error)]
        faults += found
        click.echo(f"{name}: {f'{len(found)} fault(s)' if found else f'{len(domain.prompts)} prompts, no fault'}")
    if faults:
        raise DataError(f"{len(faults)} fault(s)" + "".join(f"\n- {fault}" for fault in faults))


@domains.command()
@click.argument("name", required=False, shell_complete=domain_names)
@JSON
@click.pass_obj
def stats(app: App, name: str | None, as_json: bool) -> None:
    """Show statistics of domain NAME, or of all: words, turns, near-duplicates, first words, sources."""
    from conch_dna.domains.stats import stats_of

    share = app.loaded_project.config().held_out
    found = {
        each: stats_of(domain_named(app.loaded_project, each).prompts, share)
        for each in ([name] if name else _folders(app))
    }
    if as_json:
        _print_json({each: figures.model_dump(mode="json") for each, figures in found.items()})
        return
    for each, figures in found.items():
        turns = ", ".join(f"{count} of {turns}" for turns, count in figures.turns.items())
        start = figures.commonest_start
        click.echo(f"{each}: {figures.prompts} prompts")
        click.echo(f"  words            {figures.words.fewest} to {figures.words.most}, mean {figures.words.mean}")
        click.echo(f"  turns            {turns}")
        click.echo(f"  held out         {figures.held_out:.1%} (set to {share:.0%})")
        click.echo(f"  near-duplicates  {figures.near_duplicates}")
        click.echo(f"  commonest start  {start.words!r}, {start.share:.1%}")
        click.echo(f"  sources          {counts_text(figures.sources)}")
        click.echo(f"  references       {counts_text(figures.references)}")


@domains.command("import")
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option("--name", required=True, help="The new domain's name.")
@click.option("--column", help="Column of the turns; default: messages, conversations or conversation.")
@click.option("--split", help="Split of the folder; default: train, or the only one.")
@click.option("--limit", type=click.IntRange(min=1), help="Keep at most this many conversations.")
@click.option("--licence", default="unknown", show_default=True, help="Licence of the data.")
@JSON
@click.pass_obj
def import_(
    app: App,
    /,
    source: Path,
    name: str,
    column: str | None,
    split: str | None,
    limit: int | None,
    licence: str,
    as_json: bool,
) -> None:
    """Create a domain from existing conversations; then run: conch distill NAME --teacher recorded.

    SOURCE is a file of JSON lines or a JSON array, a Parquet file, or a folder of Parquet files or saved by Hugging
    Face's datasets. The last answer of each conversation is recorded; the turns before it are the prompt. Turns may
    have OpenAI's keys (role, content, tool_calls) or ShareGPT's (from, value). Unusable rows are counted by reason,
    including those longer than the project's max_length in tokens of its student.
    """
    from conch_dna.domains.importing import Limits, import_chats
    from conch_dna.models.load import load_tokenizer

    folder = _new_folder(app, name)
    config = app.loaded_project.config()
    limits = Limits(limit, config.max_length, config.held_out)
    made = import_chats(
        source, folder, load_tokenizer(config.student), limits, column=column, split=split, licence=licence
    )  # fmt: skip
    if as_json:
        _print_json(made.model_dump(mode="json"))
    else:
        _show_import(made)
    if short := shortage(made.train, made.held_out, made.share):
        click.echo(f"warning: {name} has too few prompts for training: {short}", err=True)


def _new_folder(app: App, name: str) -> Path:
    """Return the folder for a new domain.

    :raises DataError: the name is invalid or taken.
    """
    from conch_dna.domains.domain import NAME

    folder = app.project / "domains" / name
    if not re.fullmatch(NAME, name):
        raise DataError("not a domain name", where="--name", got=name, allowed=NAME)
    if name in _folders(app) or folder.exists():
        raise DataError(
            "a domain of that name already exists", where="--name", got=name, next_step="Choose another name"
        )
    return folder


def _show_import(made: Import) -> None:
    """Print the report of an import, and the first faults on stderr."""
    spans = {"tokens": made.tokens, "answers": made.answer_tokens, "words": made.answer_words}
    of = {"tokens": "per conversation", "answers": "tokens per answer", "words": "per answer"}
    click.echo(f"{made.name}: {made.kept} of {made.rows} rows kept in {made.folder}")
    click.echo(f"  dropped   {counts_text(made.dropped)}")
    click.echo(f"  split     {made.train} for training, {made.held_out} held out (set to {made.share:.0%})")
    for key, span in spans.items():
        click.echo(f"  {key:<9} {span.fewest} to {span.most}, mean {span.mean}, {of[key]}")
    click.echo(f"  turns     {', '.join(f'{count} of {turns}' for turns, count in made.turns.items())}")
    click.echo(f"  roles     {counts_text(made.roles)}")
    if made.tools or made.references:
        click.echo(f"  prompts   {made.tools} with tools of their own, {made.references} with a reference")
    click.echo(f"  unread    {counts_text(made.unread)}")
    for fault in made.faults:
        click.echo(fault, err=True)


def _folders(app: App) -> dict[str, Path]:
    return domain_folders(app.host, app.project)


def _named(app: App, name: str, folders: dict[str, Path]) -> Domain:
    """Return the domain with that name or at that path."""
    from conch_dna.domains.domain import domain_of_file

    path = Path(name)
    if name not in folders and path.is_dir():
        return open_domain(app.host, path.resolve())
    if name not in folders and path.is_file():
        return domain_of_file(path, "prompts")
    return domain_named(app.loaded_project, name)


def _options(extract: Extract) -> str:
    return ", ".join([extract.kind, *(f"{key} {value!r}" for key, value in extract.options.items())])


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))
