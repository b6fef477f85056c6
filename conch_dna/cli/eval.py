"""``conch eval``: count the right answers of neurons, the base or a teacher."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conch_dna.cli.app import App
from conch_dna.cli.complete import domain_names, eval_sets, names_of, teacher_names
from conch_dna.cli.options import api_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conch_dna.evaluation.eval_report import EvalReport, EvalRow, WrongAnswer

SHOWN = 3  # wrong answers after the table
WIDTH = 140  # of a table that is not for a terminal


@click.command(
    "eval",
    epilog="Examples:\n\n  conch eval action\n\n  conch eval action --on bfcl --held --n 100\n\n"
    "  conch eval quick-1a2b3c4d/debug --failures wrong.jsonl\n\n  conch eval base --domain thinking --on gsm8k\n\n"
    "  conch eval --all --html report.html",
)
@click.argument("neurons", nargs=-1, metavar="[NEURON]...")
@click.option("--all", "all_", is_flag=True, help="Evaluate every neuron of the registry.")
@click.option(
    "--on", default="heldout", show_default=True, metavar="SET", shell_complete=eval_sets,
    help="heldout, a public question set (bfcl, gsm8k, humaneval or a plug-in's), or a JSON-lines file of prompts.",
)  # fmt: skip
@click.option("--domain", default="", shell_complete=domain_names, help="Domain, if the neuron's name is not one.")
@click.option("--free", is_flag=True, help="Only answers as the model writes them.")
@click.option("--held", is_flag=True, help="Only answers held to the grammar of the prompts' tools.")
@click.option(
    "--n", type=click.IntRange(1),
    help="Most prompts of each set.  [default: all natural ones and all of a file, 200 of other sets]",
)  # fmt: skip
@click.option(
    "--against", default="", metavar="NEURON", help="Neuron to compare with, or none.  [default: base, for neurons]"
)
@click.option(
    "--verifier", default="", shell_complete=names_of("verifiers"),
    help="Verifier that decides whether an answer is right.  [default: the domain's]",
)  # fmt: skip
@click.option("--base", default="", help="Base model.  [default: the neuron's, or the project's student]")
@click.option("--teacher", default="recorded", show_default=True, shell_complete=teacher_names, help="The teacher.")
@api_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Also write one HTML page.")
@click.option(
    "--failures", type=click.Path(dir_okay=False, path_type=Path), help="Write the wrong answers as JSON lines."
)
@click.pass_obj
def eval_(
    app: App,
    /,
    neurons: tuple[str, ...],
    all_: bool,
    free: bool,
    held: bool,
    budget: str | None,
    base_url: str | None,
    as_json: bool,
    html: Path | None,
    failures: Path | None,
    **options: Any,
) -> None:
    """Count the right answers of each NEURON, with intervals, and compare them with the base's.

    NEURON is a name, name@version, name@alias, a folder with an adapter, RUN/DOMAIN for the adapter of a run (also if
    it did not pass its gate), RUN/DOMAIN/checkpoints/STEP, base, or teacher.

    The held-out prompts of the neuron's domain are the natural ones and those that its generator makes; they are
    counted apart. Where prompts offer tools, each set is asked twice: freely, and held to the grammar of the tools.
    """
    # slow imports, which `conch eval --help` does not need
    from conch_dna.cli.bars import Bars
    from conch_dna.pipeline.eval import evaluate_neurons

    with Bars(max(1, len(neurons))) as bars:
        report = evaluate_neurons(
            *neurons, project=app.loaded_project, all_neurons=all_, budget=budget, base_url=base_url, progress=bars,
            free=free or not held, held=held or not free, **options,
        )  # fmt: skip
    if failures is not None:
        _write_failures(failures, report)
    if html is not None:
        from conch_dna.cli.eval_page import page
        from conch_dna.util.files import write_atomic

        write_atomic(html, page(report))
    if as_json:
        click.echo(json.dumps(_as_json(report), indent=2, ensure_ascii=False))
        return
    _show(report)
    if failures is not None:
        click.echo(f"All wrong answers: {failures}")


def _write_failures(path: Path, report: EvalReport) -> None:
    from conch_dna.records import to_json_line
    from conch_dna.util.files import write_atomic

    write_atomic(path, "".join(map(to_json_line, report.wrong)))


def _as_json(report: EvalReport) -> dict[str, Any]:
    """Return the report without the wrong answers, which --failures writes, and with their number."""
    rows = [row.model_dump(mode="json") | {"tokens_per_second": row.tokens_per_second} for row in report.rows]
    return {**report.model_dump(mode="json", exclude={"wrong"}), "rows": rows, "wrong": len(report.wrong)}


def _show(report: EvalReport) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for column in COLUMNS:
        table.add_column(column, justify="left" if column in {"neuron", "domain", "set", "answers"} else "right")
    for row in report.rows:
        table.add_row(*map(Text, cells(row)))
    Console(width=None if Console().is_terminal else WIDTH).print(table)
    for reason in report.left_out:
        click.echo(f"left out: {reason}")
    for wrong in first_of_each(report.wrong, SHOWN):
        click.echo(_said(wrong))


COLUMNS = ("neuron", "domain", "set", "answers", "right [95 %]", "of", "difference", "further figures", "tokens/s", "s")


def cells(row: EvalRow) -> list[str]:
    """Return the texts of a row of the table."""
    right, compared = row.right, row.difference
    difference = "-"
    if compared is not None:
        difference = f"{compared.value:+.2f} [{compared.low:+.2f}, {compared.high:+.2f}] to {compared.against}"
    speed = row.tokens_per_second
    return [
        row.neuron, row.domain, row.set, "held" if row.held else "free",
        f"{right.right:.2f} [{right.low:.2f}, {right.high:.2f}]", str(right.count), difference,
        ", ".join(f"{name} {value:.2f}" for name, value in right.figures.items()) or "-",
        f"{speed:.0f}" if speed is not None else "-", f"{row.seconds:.1f}",
    ]  # fmt: skip


def first_of_each(wrong: Sequence[WrongAnswer], most: int) -> list[WrongAnswer]:
    """Return the first wrong answers, as evenly from all rows as possible."""
    seen: dict[tuple[str, str, str, bool], int] = {}
    ranked = []
    for place, one in enumerate(wrong):
        key = (one.neuron, one.domain, one.set, one.held)
        seen[key] = seen.get(key, 0) + 1
        ranked.append((seen[key], place))
    return [wrong[place] for _, place in sorted(ranked)[:most]]


def _said(wrong: WrongAnswer) -> str:
    reference = json.dumps(wrong.reference, ensure_ascii=False)
    return (
        f"wrong, {wrong.set}{' held' if wrong.held else ''}: {_short(str(wrong.prompt[-1]['content']))}\n"
        f"  {wrong.neuron:<9} {_short(wrong.answer)}\n  {'reference':<9} {_short(reference)}"
    )


def _short(text: str) -> str:
    """Return the beginning of a text as one line."""
    line = " ".join(text.split())
    return line if len(line) <= 200 else f"{line[:198]} …"
