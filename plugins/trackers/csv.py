"""The ``csv`` tracker: one row per optimizer step in ``metrics.csv``, all domains in one table.

A shorter start for a tracker of your own: ``conch plugins new NAME --kind tracker``.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from conch_dna import hookimpl
from conch_dna.plugin.trackers import BaseTracker
from conch_dna.util.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from conch_dna.plugin.protocols import TrackerFactory
    from conch_dna.records import StepReport

FILE = "metrics.csv"


class CsvTracker(BaseTracker):
    """Writes ``metrics.csv`` into the run folder, with the columns ``domain`` and those of :class:`StepReport`.

    Training keeps each stage's reports in ``metrics.jsonl`` and cuts that file back to the checkpoint when it resumes.
    So the first step of a domain in a process rebuilds the domain's rows from there, and later steps are appended:
    steps that a resumed run repeats are not in the table twice.
    """

    def __init__(self) -> None:
        self._rebuilt: set[str] = set()

    def step_finished(self, run_dir: Path, domain: str, report: StepReport) -> None:
        """Add the row of a step."""
        path, columns = run_dir / FILE, ["domain", *type(report).model_fields]
        if domain in self._rebuilt:
            with path.open("a", newline="", encoding="utf-8") as file:
                csv.DictWriter(file, columns).writerow(_row(domain, report))
            return
        rows = [row for row in _read(path) if row["domain"] != domain]
        rows += [_row(domain, earlier) for earlier in _reports(run_dir / domain, type(report))]
        if not rows or rows[-1] != _row(domain, report):
            rows.append(_row(domain, report))
        _replace(path, columns, rows)
        self._rebuilt.add(domain)


def _row(domain: str, report: StepReport) -> dict[str, str]:
    figures = report.model_dump(mode="json")
    return {"domain": domain, **{name: "" if value is None else str(value) for name, value in figures.items()}}


def _read(path: Path) -> list[dict[str, str]]:
    """Return the whole rows of the table; a kill may have cut the last one short."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if None not in row and None not in row.values()]


def _reports(folder: Path, kind: type[StepReport]) -> Iterator[StepReport]:
    """Yield the step reports in the folder of a domain: its stages in order, other lines left out."""
    # here, since `conch --help` imports this file
    from pydantic import ValidationError

    from conch_dna.pipeline.run_folder import stage_metrics

    for path in stage_metrics(folder):
        for line in path.read_bytes().splitlines():
            try:
                yield kind.model_validate_json(line)
            except ValidationError:
                continue


def _replace(path: Path, columns: list[str], rows: list[dict[str, str]]) -> None:
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, columns, restval="", extrasaction="ignore")
    table.writeheader()
    table.writerows(rows)
    write_atomic(path, text.getvalue())


@hookimpl
def register_trackers() -> Mapping[str, TrackerFactory]:
    """Return the tracker; ``--tracker csv`` chooses it."""
    return {"csv": CsvTracker}
