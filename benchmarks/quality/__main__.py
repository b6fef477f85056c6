"""Run with ``python -m benchmarks.quality run`` and ``python -m benchmarks.quality report``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from conch_dna.models import accel

accel.switch_on()  # before the imports below, which import mlx

from benchmarks.quality.report import tables  # noqa: E402
from benchmarks.quality.rows import METHODS, NEED_CHOICES, REFERENCES, Bench  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
ROWS = Path(__file__).with_name("rows.jsonl")
SEEDED = ("thinking", "action")  # domains that are measured with several seeds


@click.group()
def main() -> None:
    """Measure the effect of each recipe. A row takes minutes; existing rows are not repeated."""


@main.command()
@click.option("--domain", "domains", multiple=True, help="Only these domains.")
@click.option("--method", "methods", multiple=True, type=click.Choice([*REFERENCES, *METHODS]))
@click.option("--seeds", default=3, show_default=True, help="Seeds for thinking and action; other domains use one.")
@click.option("--rows", "path", default=ROWS, type=click.Path(path_type=Path), help="File to append rows to.")
@click.option("--work", default=ROOT / "runs" / "quality", type=click.Path(path_type=Path), help="Folder for runs.")
@click.argument("extra", nargs=-1)
def run(
    domains: tuple[str, ...], methods: tuple[str, ...], seeds: int, path: Path, work: Path, extra: tuple[str, ...]
) -> None:
    """Add missing rows. EXTRA options after a double dash are passed to conch distill."""
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
            click.echo(f"{domain} {method}: skipped, its recording has no per-token choices", err=True)
            continue
        row = bench.row(domain, method, seed, extra)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        click.echo(f"{domain} {method} {seed}: {row['row_seconds']} s", err=True)
    click.echo(tables(_read(path)))


@main.command()
@click.option("--rows", "path", default=ROWS, type=click.Path(path_type=Path))
def report(path: Path) -> None:
    """Print tables of the existing rows."""
    click.echo(tables(_read(path)))


def _read(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []


if __name__ == "__main__":
    sys.exit(main())
