"""``conch record``: record a teacher's answers to a domain's prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from conch_dna.cli.complete import domain_names, teacher_names
from conch_dna.cli.options import api_options
from conch_dna.errors import ConfigError

if TYPE_CHECKING:
    from conch_dna.cli.app import App

DEFAULT_REQUIRED = ("task_completion=0.6",)


@click.command(
    epilog="Examples:\n\n  conch record mine --teacher llamacpp:embedded:qwen2.5-coder-1.5b\n\n"
    "  conch record my-debug --teacher llamacpp:big.gguf --require tests_pass=1\n\n"
    "  conch record mine --teacher openai:gpt-4.1-mini --budget 5"
)
@click.argument("name", metavar="DOMAIN", shell_complete=domain_names)
@click.option(
    "--teacher", required=True, help="Teacher, with its model after a colon.", shell_complete=teacher_names
)  # fmt: skip
@click.option(
    "--temperature",
    default=0.0,
    show_default=True,
    type=click.FloatRange(0, 5),
    help="Sampling temperature; 0 is greedy.",
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
@click.option(
    "--require", multiple=True, default=DEFAULT_REQUIRED, show_default=True, metavar="SCORER=LEAST",
    help="Drop answers with a lower score; may be repeated.",
)  # fmt: skip
@click.option(
    "--top-log-probs", default=0, show_default=True, type=click.IntRange(0, 64),
    help="Keep this many choices of every token as soft targets, if the teacher returns them.",
)  # fmt: skip
@api_options
@click.option("--json", "as_json", is_flag=True, help="Print the recording's card as JSON.")
@click.pass_obj
def record(
    app: App,
    /,
    name: str,
    teacher: str,
    temperature: float,
    seed: int,
    require: tuple[str, ...],
    top_log_probs: int,
    budget: str | None,
    base_url: str | None,
    as_json: bool,
) -> None:
    """Ask a teacher every prompt of DOMAIN and keep the good answers in its recorded/ folder.

    Answers are cached as they arrive, so the same command resumes after a stop. DOMAIN must be in the project:
    extend a bundled domain first (extends = "NAME" in a domain.toml of the project).
    """
    # slow imports, which `conch record --help` does not need
    from conch_dna.cli.bars import Bars
    from conch_dna.pipeline.public import record as record_domain

    with Bars(1) as bars:
        path, card = record_domain(
            name, teacher, project=app.loaded_project, require=_required(require), temperature=temperature,
            seed=seed, top_log_probs=top_log_probs, budget=budget, base_url=base_url, progress=bars,
        )  # fmt: skip
    if as_json:
        click.echo(card.model_dump_json(indent=2))
        return
    dropped = ", ".join(f"{count} {reason}" for reason, count in card.dropped.items()) or "none"
    click.echo(f"{name}: {card.kept} of {card.prompts} answers kept in {path}; dropped: {dropped}")


def _required(pairs: tuple[str, ...]) -> dict[str, float]:
    """Parse ``SCORER=LEAST`` pairs."""
    required = {}
    for pair in pairs:
        scorer, _, least = pair.partition("=")
        try:
            required[scorer] = float(least)
        except ValueError:
            required[scorer] = -1.0
        if not 0 <= required[scorer] <= 1:
            raise ConfigError("not a requirement", where="--require", got=pair, allowed="SCORER=NUMBER, from 0 to 1")
    return required
