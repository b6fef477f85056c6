"""Curve of right answers against training examples: the checkpoints of a run, asked the held-out prompts.

Train with checkpoints that stay, then ask them; each set is a row of ``curves.jsonl``, and rows that exist are not
measured again. The rates of a cosine schedule are those of the whole run, so an early checkpoint is below what a run of
its length reaches.

    conch distill action --preset standard --checkpoint-every 25 --keep-checkpoints 100
    python benchmarks/curve.py runs/RUN/action --step 25 --step 100 --step 400 [--n 100] [--on bfcl]
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

ROWS = Path(__file__).with_name("curves.jsonl")
MEASURED = {"set", "held", "right", "difference"}


@click.command(help=__doc__)
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--step", "steps", type=int, multiple=True, help="Only these checkpoints.")
@click.option("--n", default=100, show_default=True, help="Most prompts of a set.")
@click.option("--on", default="heldout", show_default=True, help="A set of conch eval.")
@click.option("--rows", "path", default=ROWS, type=click.Path(path_type=Path), help="File to append rows to.")
def main(folder: Path, steps: tuple[int, ...], n: int, on: str, path: Path) -> None:
    """Measure the checkpoints that have no rows yet, and print all rows of the run."""
    from conch_dna import evaluate_neurons

    folder = folder.resolve()
    config = json.loads((folder.parent / "config.json").read_text())["config"]
    per_step, run = config["batch_size"] * config["accumulation"], f"{folder.parent.name}/{folder.name}"
    known = {(row["run"], row["step"], row["on"], row["n"]) for row in _read(path)}
    for checkpoint in sorted((folder / "checkpoints").iterdir()):
        step = int(checkpoint.name)
        if (steps and step not in steps) or (run, step, on, n) in known:
            continue
        report = evaluate_neurons(str(checkpoint), project=folder.parents[2], on=on, n=n, domain=folder.name)
        about = {"run": run, "step": step, "examples": step * per_step, "on": on, "n": n}
        with path.open("a", encoding="utf-8") as file:
            for row in report.rows:
                file.write(json.dumps(about | row.model_dump(mode="json", include=MEASURED)) + "\n")
        click.echo(f"step {step}: {report.seconds:.0f} s", err=True)
    click.echo(table([row for row in _read(path) if row["run"] == run]))


def table(rows: list[dict[str, Any]]) -> str:
    """Return a Markdown table with a line for each number of examples and a column for each set."""
    kinds = list(dict.fromkeys((row["set"], row["held"]) for row in rows))
    lines = ["| examples | " + " | ".join(name + (" held" if held else "") for name, held in kinds) + " |"]
    lines.append("|---:" * (len(kinds) + 1) + "|")
    for examples in sorted({row["examples"] for row in rows}):
        found = {(row["set"], row["held"]): row["right"] for row in rows if row["examples"] == examples}
        cells = [_cell(found[kind]) if kind in found else "" for kind in kinds]
        lines.append(f"| {examples:,} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(share: dict[str, Any]) -> str:
    further = "".join(f", {name} {value:.2f}" for name, value in share["figures"].items())
    return f"{share['right']:.2f} [{share['low']:.2f}, {share['high']:.2f}] of {share['count']}{further}"


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


if __name__ == "__main__":
    main()
