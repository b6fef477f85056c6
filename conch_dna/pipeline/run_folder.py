"""Run folders: settings, lock, state and results of a run."""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from filelock import FileLock, Timeout
from pydantic import ValidationError

from conch_dna.config import differences, upgraded
from conch_dna.errors import CheckpointError, RegistryError, UnknownName
from conch_dna.records import DomainResult, StepReport, Summary
from conch_dna.util.files import sweep, write_atomic

if TYPE_CHECKING:
    from pathlib import Path

    from conch_dna.config import DistillConfig

RUN_CONFIG, FINISHED, STOPPED = "config.json", "summary.json", "stopped.json"
PEEK = 1.0  # seconds; `conch runs list` holds the lock for a moment, which must not count as a second process
State = Literal["running", "finished", "interrupted"]


@dataclass(frozen=True)
class Run:
    """One run folder under ``runs/``.

    ``config.json`` has the settings and domains, ``summary.json`` the results of a finished run, ``stopped.json`` those
    of a run that stopped by itself; each domain has a folder with ``result.json``, ``metrics.jsonl``, ``checkpoints/``,
    ``adapter/`` and ``samples.jsonl``. With several recipes, each has metrics, checkpoints and adapter in a
    separate folder, such as ``1-kd/``.
    """

    path: Path

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def state(self) -> State:
        """The run's state; a killed run is interrupted, because its lock ended with its process."""
        if self._is_locked():
            return "running"
        return "finished" if (self.path / FINISHED).is_file() else "interrupted"

    def folder(self, domain: str) -> Path:
        """Return a domain's folder."""
        return self.path / domain

    def lock(self) -> FileLock:
        """Return the lock that a process holds while it works on the run."""
        self.path.mkdir(parents=True, exist_ok=True)
        return FileLock(self.path / ".lock", timeout=PEEK)

    def _is_locked(self) -> bool:
        lock = FileLock(self.path / ".lock", timeout=0)
        if not (self.path / ".lock").exists():
            return False
        try:
            with lock:
                return False
        except Timeout:
            return True

    def begin(self, config: DistillConfig, domains: list[str]) -> None:
        """Write the settings, and remove an earlier summary and the temporary files of a killed process.

        :raises CheckpointError: the folder has a run with other settings; each difference is named.
        """
        path = self.path / RUN_CONFIG
        about: dict[str, Any] = {"config": config.flat(), "domains": domains}
        if path.is_file():
            old = self._begun()
            if not old:
                raise CheckpointError("is damaged", where=path, next_step="Give the run another name with --run")
            if different := differences(upgraded(old["config"], about["config"]), about["config"]):
                raise CheckpointError(
                    "the run was begun with " + "; ".join(different), where=path,
                    next_step="Go back to those settings, or give the run another name with --run",
                )  # fmt: skip
            about["domains"] = sorted({*old["domains"], *domains})
        sweep(self.path)
        write_atomic(path, json.dumps(about, indent=2) + "\n")
        for file in (FINISHED, STOPPED):
            (self.path / file).unlink(missing_ok=True)

    def result(self, domain: str) -> DomainResult | None:
        """Return the result of a domain, or ``None`` if it has none."""
        try:
            return DomainResult.model_validate_json((self.folder(domain) / "result.json").read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def results(self) -> list[DomainResult]:
        """Return the results of all domains, sorted by name."""
        found = (self.result(p.parent.name) for p in sorted(self.path.glob("*/result.json")))
        return [result for result in found if result is not None]

    def save_result(self, result: DomainResult) -> None:
        """Write a domain's result, last of all its files."""
        write_atomic(self.folder(result.domain) / "result.json", result.model_dump_json(indent=2) + "\n")

    def save_summary(self, summary: Summary) -> None:
        """Write the summary of a finished run, or of one that stopped by itself."""
        file = STOPPED if summary.stopped else FINISHED
        write_atomic(self.path / file, summary.model_dump_json(indent=2) + "\n")

    def stopped(self) -> Summary | None:
        """Return the summary of a run that stopped by itself before its end; ``None`` for any other run."""
        try:
            return Summary.model_validate_json((self.path / STOPPED).read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def last_steps(self) -> dict[str, StepReport]:
        """Return the last step of each domain without a result; a resumed run continues there or before."""
        found = {}
        for folder in sorted(self.path.glob("*/")):
            if (folder / "result.json").exists():
                continue
            if step := next(filter(None, map(_last_step, reversed(stage_metrics(folder)))), None):
                found[folder.name] = step
        return found

    def about(self) -> dict[str, Any]:
        """Return the run as a JSON object: name, state, reason of a stop, settings, results and last steps."""
        results = [{**r.model_dump(mode="json"), "verified": r.verified} for r in self.results()]
        steps = {domain: step.model_dump(mode="json") for domain, step in self.last_steps().items()}
        state, stopped = self.state, self.stopped()
        why = stopped.stopped if stopped and state == "interrupted" else None
        about = {"run": self.name, "state": state, "stopped": why, **self._begun()}
        return {**about, "results": results, "last_steps": steps}

    def _begun(self) -> dict[str, Any]:
        """Return settings and domains, empty if the file is missing or damaged."""
        try:
            begun = json.loads((self.path / RUN_CONFIG).read_bytes())
            return {"config": dict(begun["config"]), "domains": list(begun["domains"])}
        except (OSError, ValueError, KeyError, TypeError):
            return {}


def stage_metrics(folder: Path) -> list[Path]:
    """Return the files of metrics in a domain's folder, in the order of its stages, which are numbered folders."""

    def place(path: Path) -> list[tuple[int, str]]:
        """Return a sort key by which ``iteration-10`` follows ``iteration-9``."""
        return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", str(path))]

    return sorted(folder.rglob("metrics.jsonl"), key=place)


def _last_step(metrics: Path) -> StepReport | None:
    """Return the last complete report in a file of metrics; other and incomplete lines are ignored."""
    for line in reversed(metrics.read_bytes().splitlines()):
        with contextlib.suppress(ValidationError):
            return StepReport.model_validate_json(line)
    return None


def list_runs(root: Path) -> list[Run]:
    """Return all runs, the last modified one first."""
    folders = [p for p in root.glob("*") if (p / RUN_CONFIG).is_file()] if root.is_dir() else []
    return [Run(p) for p in sorted(folders, key=lambda p: p.stat().st_mtime, reverse=True)]


def find_run(root: Path, name: str) -> Run:
    """Return the run of that name.

    :raises UnknownName: there is none.
    """
    known = {run.name: run for run in list_runs(root)}
    if name not in known:
        raise UnknownName("no such run", where=root, got=name, allowed=", ".join(known) or "(none)")
    return known[name]


def refuse_second(run: Run) -> RegistryError:
    """Return the error for a run that another process works on."""
    return RegistryError(
        "another process is working on this run", where=run.path, next_step="Wait for it, or name another with --run"
    )
