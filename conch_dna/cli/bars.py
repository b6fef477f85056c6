"""Progress bars: rich on a terminal, one line a stage elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from conch_dna.progress import Progress

if TYPE_CHECKING:
    from types import TracebackType


class Bars(Progress):
    """Draws the stages on stderr; a context manager.

    :param domains: how many domains the whole command has, for the line that counts them.
    """

    def __init__(self, domains: int) -> None:
        self.console = Console(stderr=True)
        self.domains, self._seen = domains, list[str]()
        self._bars = RichProgress(
            TextColumn("{task.description:<34}", style="bold", markup=False), BarColumn(), MofNCompleteColumn(),
            TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(), TextColumn("{task.fields[note]}"),
            console=self.console, disable=not self.console.is_terminal,
        )  # fmt: skip
        self._all = self._bars.add_task("all domains", total=domains, note="", visible=domains > 1)
        self._task: TaskID | None = None
        self._fetch: TaskID | None = None
        self._begun = 0.0
        self._name = ""

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close_stage()
        self._bars.stop()

    def stage(self, domain: str, name: str, total: int) -> None:
        """Begin a bar; the one before is closed."""
        self._close_stage()
        if domain not in self._seen:
            self._seen.append(domain)
            self._bars.update(self._all, completed=len(self._seen) - 1, note=domain)
        self._name, self._begun = f"{domain} · {name}", time.perf_counter()
        self._task = self._bars.add_task(self._name, total=total, note="")

    def advance(self, units: int = 1, note: str = "") -> None:
        """Move the bar."""
        if self._task is not None:
            shown = note or self._bars.tasks[self._task].fields["note"]
            self._bars.update(self._task, advance=units, note=shown)

    def note(self, text: str) -> None:
        """Show a text behind the bar."""
        self.advance(0, text)

    def fetched(self, done: int, total: int) -> None:
        """Show a model's fetch, in megabytes."""
        if self._fetch is None:
            self._fetch = self._bars.add_task("fetching the model (MB)", total=total // 1_000_000, note="")
        self._bars.update(self._fetch, completed=done // 1_000_000)

    def _close_stage(self) -> None:
        if self._task is None:
            return
        note = self._bars.tasks[self._task].fields["note"]
        self._bars.update(self._task, visible=False)
        self._task = None
        seconds = time.perf_counter() - self._begun
        line = f"{self._name:<42} {seconds:6.1f} s  {note}".rstrip()
        self._bars.console.print(line, highlight=False, markup=False, soft_wrap=True)
