"""Progress display: bars on a terminal, log events elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

import structlog
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from conch_dna.util.progress import Progress

if TYPE_CHECKING:
    from types import TracebackType

    from rich.progress import Task

EVERY = 30.0  # seconds between two log events of one stage
log = structlog.get_logger()


class Stages(Progress):
    """Draws the stages of some work, one after the other, or logs them if stderr is not a terminal.

    :param bars: where they are drawn.
    """

    def __init__(self, bars: RichProgress) -> None:
        self._bars, self._draws = bars, bars.console.is_terminal
        self._task: TaskID | None = None
        self._fetch: TaskID | None = None
        self._begun = self._logged = 0.0
        self._stage: dict[str, str] = {}

    def stage(self, domain: str, name: str, total: int) -> None:
        """Begin a bar and close the previous one."""
        self.close()
        self._stage = {"domain": domain, "stage": name}
        self._begun = self._logged = time.perf_counter()
        self._task = self._bars.add_task(f"{domain} · {name}", total=total, note="")
        if not self._draws:
            log.info("stage_begun", **self._stage, of=total)

    def advance(self, units: int = 1, note: str = "") -> None:
        """Move the bar."""
        if self._task is None:
            return
        task = self._bars.tasks[self._task]
        self._bars.update(self._task, advance=units, note=note or task.fields["note"])
        if not self._draws and self._is_time():
            self._log("stage_progressed", task, of=int(task.total or 0), left=task.time_remaining)

    def note(self, text: str) -> None:
        """Show a text after the bar."""
        self.advance(0, text)

    def fetched(self, done: int, total: int) -> None:
        """Show the download of a model, in megabytes."""
        if self._fetch is None:
            self._fetch = self._bars.add_task("fetching the model (MB)", total=total // 1_000_000, note="")
        self._bars.update(self._fetch, completed=done // 1_000_000)
        if not self._draws and self._is_time():
            log.info("model_fetch_progressed", megabytes=done // 1_000_000, of=total // 1_000_000)

    def close(self, domain: str | None = None) -> None:
        """End the stage, or leave it if it is not one of ``domain``."""
        if self._task is None or domain not in {None, self._stage["domain"]}:
            return
        task = self._bars.tasks[self._task]
        self._bars.update(self._task, visible=False)
        if self._draws:
            line = f"{task.description:<42} {time.perf_counter() - self._begun:6.1f} s  {task.fields['note']}".rstrip()
            self._bars.console.print(line, highlight=False, markup=False, soft_wrap=True)
        else:
            self._log("stage_ended", task)
        self._task = None

    def _is_time(self) -> bool:
        """Return whether it is time for the next log event."""
        now = time.perf_counter()
        if now - self._logged < EVERY:
            return False
        self._logged = now
        return True

    def _log(self, event: str, task: Task, **more: float | None) -> None:
        """Log the state of the stage; unknown figures are left out."""
        seconds = round(time.perf_counter() - self._begun, 1)
        figures = {"done": int(task.completed), **more, "seconds": seconds, "note": task.fields["note"] or None}
        log.info(event, **self._stage, **{name: value for name, value in figures.items() if value is not None})


class Bars(Stages):
    """Context manager that shows the progress of a command on stderr.

    :param domains: the number of domains in the command, for the line that counts them.
    """

    def __init__(self, domains: int) -> None:
        console = Console(stderr=True)
        bars = RichProgress(
            TextColumn("{task.description:<34}", style="bold", markup=False), BarColumn(), MofNCompleteColumn(),
            TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(), TextColumn("{task.fields[note]}"),
            console=console, disable=not console.is_terminal,
        )  # fmt: skip
        super().__init__(bars)
        self._all = bars.add_task("all domains", total=domains, note="", visible=domains > 1)
        self._beside = list[Stages]()

    def ended(self, domain: str) -> None:
        """End the domain's stage and count the domain."""
        self._close_all(domain)
        self._bars.update(self._all, advance=1, note=f"{domain} is done")

    def beside(self) -> Stages:
        """Return a receiver whose stages have bars of their own."""
        self._beside.append(Stages(self._bars))
        return self._beside[-1]

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close_all()
        self._bars.stop()

    def _close_all(self, domain: str | None = None) -> None:
        for stages in (self, *self._beside):
            stages.close(domain)
