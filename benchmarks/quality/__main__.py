"""Run with ``python -m benchmarks.quality run`` and ``python -m benchmarks.quality report``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from conch_dna.models import accel

accel.switch_on()  # the imports below bring mlx

from benchmarks.quality.report import tables  # noqa: E402
from benchmarks.quality.rows import METHODS, NEED_CHOICES, REFERENCES, Bench  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
ROWS = Path(__file__).with_name("rows.jsonl")
SEEDED = ("thinking", "action")  # the domains that get three seeds first


@click.group()
def main() -> None:
    """Measure what each recipe teaches; a row costs minutes, and rows that are there are not made again."""


@main.command()
@click.option("--domain", "domains", multiple=True, help="These domains alone.")
@click.option("--method", "methods", multiple=True, type=click.Choice([*REFERENCES, *METHODS]))
@click.option("--seeds", default=3, show_default=True, help="Of thinking and action; the other domains get one.")
@click.option("--rows", "path", default=ROWS, type=click.Path(path_type=Path), help="The file that rows are added to.")
@click.option("--work", default=ROOT / "runs" / "quality", type=click.Path(path_type=Path), help="Where runs are kept.")
@click.argument("extra", nargs=-1)
def run(
    domains: tuple[str, ...], methods: tuple[str, ...], seeds: int, path: Path, work: Path, extra: tuple[str, ...]
) -> None:
    """Add the rows that are missing; EXTRA options go to conch distill, after a double dash."""
    bench = Bench(ROOT, work.resolve())
    there = {(row["domain"], row["method"], row["seed"]) for row in _read(path)}
    wanted = [(d, m, 0) for m in REFERENCES for d in bench.domains]
    wanted += [
        (d, m, seed)
        for seed in range(seeds)
        for m in METHODS
        for d in (SEEDED if seed else (*SEEDED, *sorted(bench.domains.keys() - set(SEEDED))))
    ]
    for domain, method, seed in wanted:
        chosen = (not domains or domain in domains) and (not methods or method in methods)
        if not chosen or (domain, method, seed) in there:
            continue
        if method in NEED_CHOICES and not bench.has_choices(domain):
            click.echo(f"{domain} {method}: left out, its recording does not tell the teacher's choices", err=True)
            continue
        row = bench.row(domain, method, seed, extra)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        click.echo(f"{domain} {method} {seed}: {row['row_seconds']} s", err=True)
    click.echo(tables(_read(path)))


@main.command()
@click.option("--rows", "path", default=ROWS, type=click.Path(path_type=Path))
def report(path: Path) -> None:
    """Print the tables of the rows that are there."""
    click.echo(tables(_read(path)))


def _read(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []


if __name__ == "__main__":
    sys.exit(main())
