"""The commands of ``conch domains`` that make prompts: ``generate``, ``rewrite`` and ``grow``."""

from __future__ import annotations

import json
from contextlib import ExitStack, closing
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conch_dna.cli.complete import domain_names, teacher_names
from conch_dna.cli.options import api_options
from conch_dna.domains.discovery import check_own
from conch_dna.errors import DataError
from conch_dna.pipeline.selection import domain_named
from conch_dna.util.text import counts_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from conch_dna.cli.app import App
    from conch_dna.domains.domain import Domain
    from conch_dna.domains.generation import NamedGenerator

FILE = click.Path(dir_okay=False, path_type=Path)
SEED = click.IntRange(min=0)

# Imports of pydantic, NumPy and mlx-lm are inside the functions: --help and shell completion must not wait for them.


def _by_teacher(does: str, *, seed: str, out: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator with the options of a command that lets a teacher fill a file with prompts.

    :param does: what the teacher does.
    :param seed: what the seed is of.
    :param out: the name of the file.
    """
    options = (
        click.argument("name", shell_complete=domain_names),
        click.option(
            "--teacher", "spec", metavar="TEACHER[:MODEL]", required=True, help=f"Teacher that {does}.",
            shell_complete=teacher_names,
        ),
        click.option(
            "--n", "count", type=click.IntRange(min=1), required=True, help="Number of prompts in the file when done."
        ),
        click.option("--seed", type=SEED, default=0, show_default=True, help=f"Seed of the {seed}."),
        click.option(
            "--avoid", type=FILE, multiple=True,
            help="Evaluation file; prompts similar to its texts are dropped. Repeatable.",
        ),
        click.option("--out", type=FILE, help=f"File of kept prompts; default: {out} in the domain's folder."),
        api_options,
    )  # fmt: skip
    return lambda command: reduce(lambda made, option: option(made), reversed(options), command)


@click.command()
@_by_teacher("proposes the prompts", seed="sampling", out="grown.jsonl")
@click.pass_obj
def grow(
    app: App,
    /,
    name: str,
    spec: str,
    count: int,
    seed: int,
    avoid: tuple[Path, ...],
    out: Path | None,
    budget: str | None,
    base_url: str | None,
) -> None:
    """Let a teacher propose new prompts for domain NAME; a second call continues the first.

    Kept prompts go to grown.jsonl, the others with a reason to grown.dropped.jsonl. Review them before use: append the
    good ones to prompts.jsonl and add their source to domain.toml.
    """
    from conch_dna.pipeline.grow import dropped_file, growing_domain
    from conch_dna.pipeline.grow import grow as grow_prompts
    from conch_dna.teachers.answer_cache import CompletionCache
    from conch_dna.teachers.references import make_teacher

    domain = domain_named(app.loaded_project, name)
    if out is None:
        out = domain.prompts_file.with_name("grown.jsonl")
        check_own(out.parent, app.project)
    api = app.loaded_project.api_context(spec, budget, base_url)
    teacher = make_teacher(app.host, spec, growing_domain(domain), api=api)
    try:
        growth = grow_prompts(
            domain, teacher, out, n=count, seed=seed, held_out=app.loaded_project.config().held_out, avoid=avoid,
            cache=CompletionCache.within(api.cache),
        )  # fmt: skip
    finally:
        teacher.close()
    click.echo(f"{out}: {growth.kept} of {count} prompts")
    if growth.dropped:
        click.echo(f"{dropped_file(out)}: {growth.dropped} proposals dropped")
    if growth.stale:
        click.echo("Stopped: the last rounds produced no new prompt. Try another --seed or teacher.")


@click.command(epilog="Example: conch domains generate action --n 5000 --seed 0 --out generated")
@click.argument("name", shell_complete=domain_names)
@click.option("--n", "count", type=click.IntRange(min=1), default=1000, show_default=True, help="Number of prompts.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Equal seeds give equal bytes.")
@click.option("--held-out", is_flag=True, help="Prompts for measurement, of tools, templates and names never trained.")
@click.option(
    "--avoid", type=FILE, multiple=True, help="Evaluation file; prompts equal to its texts are dropped. Repeatable."
)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path),
    help="Folder of prompts.jsonl, recorded/ and report.json; default: NAME-generated.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def generate(
    app: App, name: str, count: int, seed: int, held_out: bool, avoid: tuple[Path, ...], out: Path | None, as_json: bool
) -> None:
    """Generate prompts of domain NAME with their right answers, each verified; print the report."""
    from conch_dna.domains.generation import generate as make
    from conch_dna.domains.generation import write_generated
    from conch_dna.pipeline.grow import texts_to_avoid

    domain = domain_named(app.loaded_project, name)
    generator = _generator(app, domain)
    avoided = texts_to_avoid(domain, avoid)
    with app.host.blaming("generators", generator.name):
        made = make(domain, generator, count, seed=seed, held_out=held_out, avoid=avoided)
    folder = out or Path(f"{name}-generated")
    write_generated(folder, made)
    if as_json:
        click.echo(json.dumps(made.report.model_dump(mode="json"), indent=2, ensure_ascii=False))
        return
    report = made.report
    click.echo(f"{folder}: {report.kept} prompts, {report.distinct_answers:.0%} of their answers distinct")
    click.echo(f"  kinds            {counts_text(report.kinds)}")
    click.echo(f"  tools            {report.tools}")
    for key, words in (("prompt words", report.prompt_words), ("answer words", report.answer_words)):
        click.echo(f"  {key:<16} {words.fewest} to {words.most}, mean {words.mean}")
    click.echo(f"  near-duplicates  {report.near_duplicates}")
    click.echo(f"  rejected         {counts_text(report.rejected)}")


@click.command(epilog="Example: conch domains rewrite action --teacher llamacpp:embedded:qwen2.5-coder-1.5b --n 500")
@_by_teacher("rewrites and answers", seed="generator and of the sampling", out="rewritten.jsonl")
@click.pass_obj
def rewrite(
    app: App,
    /,
    name: str,
    spec: str,
    count: int,
    seed: int,
    avoid: tuple[Path, ...],
    out: Path | None,
    budget: str | None,
    base_url: str | None,
) -> None:
    """Let a teacher put generated prompts of domain NAME in other words; a second call continues the first.

    A prompt is kept in rewritten.jsonl if every value is still there, no other is, and the teacher's own answer to it
    is right; the others go to rewritten.dropped.jsonl with the reason. Training mixes the kept ones in, by `rewritten`
    in the [generate] table of domain.toml.
    """
    from conch_dna.domains.extract import AnswerExtractor
    from conch_dna.domains.rewritten import FILE as REWRITTEN
    from conch_dna.pipeline.grow import dropped_file
    from conch_dna.pipeline.rewrite import Rewriter, rewriting_domain
    from conch_dna.teachers.answer_cache import CompletionCache
    from conch_dna.teachers.references import make_teacher

    domain = domain_named(app.loaded_project, name)
    generator = _generator(app, domain)
    if generator.verifier is None:
        raise DataError(
            "the domain names no verifier, so no answer can be found right", where=domain.folder,
            next_step="Set `verifier` in domain.toml",
        )  # fmt: skip
    if out is None:
        out = domain.prompts_file.with_name(REWRITTEN)
        check_own(out.parent, app.project)
    api = app.loaded_project.api_context(spec, budget, base_url)
    with ExitStack() as stack:
        writer, answerer = (
            stack.enter_context(closing(make_teacher(app.host, spec, each, api=api)))
            for each in (rewriting_domain(domain), domain)
        )
        rewriter = Rewriter(
            domain, generator, generator.verifier, writer, answerer, AnswerExtractor(app.host, domain),
            CompletionCache.within(api.cache), avoid,
        )  # fmt: skip
        with app.host.blaming("generators", generator.name):
            made = rewriter.write(out, n=count, seed=seed)
    click.echo(f"{out}: {made.kept} of {count} prompts")
    if made.dropped:
        click.echo(f"{dropped_file(out)}: dropped {counts_text(made.dropped)}")
    if made.stale:
        click.echo("Stopped: the last rounds kept no prompt. Try another --seed or teacher.")


def _generator(app: App, domain: Domain) -> NamedGenerator:
    """Return the domain's generator.

    :raises DataError: it has none.
    """
    from conch_dna.domains.generation import generator_of

    generator = generator_of(app.host.catalog, domain)
    if generator is None:
        raise DataError(
            "the domain names no generator", where=domain.folder, next_step="Add a [generate] table to domain.toml"
        )
    return generator
