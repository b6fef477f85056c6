"""The process that distils one domain for another one, which started it.

It reads an :class:`Order` from its input and writes messages to its output, each a line of JSON: a kind and its values.
Each life-cycle event is answered with one byte. The process ends at once when its input ends, because then the one that
started it is gone.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

import structlog

from conch_dna.errors import BudgetReached, ConchError, Interrupted
from conch_dna.models import accel
from conch_dna.pipeline.project import Project
from conch_dna.pipeline.run_folder import Run
from conch_dna.pipeline.setup import set_up
from conch_dna.plugin.manager import load_plugins
from conch_dna.records import Record
from conch_dna.util import interrupts
from conch_dna.util.progress import Progress

if TYPE_CHECKING:
    from structlog.types import EventDict

Kind = Literal["stage", "advance", "note", "fetched", "log", "step", "published", "result", "budget", "disk", "error"]


class Order(Record):
    """The domain to distil, and where it is found.

    :param arguments: of :func:`~conch_dna.pipeline.setup.set_up`, beside project and domain.
    """

    project: Path
    plugins_dir: Path | None
    run: str
    domain: str
    arguments: dict[str, Any]


class Messages(Progress):
    """Writes progress, log events and the events of trackers as messages; any number of threads may do so."""

    def __init__(self, out: IO[str]) -> None:
        self._out, self._writing, self.answers = out, threading.Lock(), threading.Semaphore(0)

    def send(self, kind: Kind, *values: Any) -> None:
        """Write one message."""
        line = json.dumps([kind, *values], default=str) + "\n"
        with self._writing:
            self._out.write(line)
            self._out.flush()

    def stage(self, domain: str, name: str, total: int) -> None:
        """Send the beginning of a stage."""
        self.send("stage", domain, name, total)

    def advance(self, units: int = 1, note: str = "") -> None:
        """Send the number of units."""
        self.send("advance", units, note)

    def note(self, text: str) -> None:
        """Send the text."""
        self.send("note", text)

    def fetched(self, done: int, total: int) -> None:
        """Send the number of bytes."""
        self.send("fetched", done, total)

    def emit(self, event: str, **about: Any) -> None:
        """Send a life-cycle event, as :meth:`~conch_dna.plugin.trackers.Trackers.emit` takes it, and wait for its end.

        A tracker may read the files of the run, which must not change meanwhile.
        """
        if event == "step_finished":
            self.send("step", about["report"].model_dump(mode="json"))
        else:
            self.send("published", about["version"], about["path"])
        self.answers.acquire()

    def log(self, _: Any, method: str, event: EventDict) -> EventDict:
        """Send a log event; it is the last of structlog's processors."""
        self.send("log", method, event)
        raise structlog.DropEvent


def main() -> None:
    """Distil the domain of the order on the standard input. SIGINT and SIGTERM leave a run that can be resumed."""
    interrupts.listen(signal.SIGINT, signal.SIGTERM)  # a parent in the background may ignore the first
    messages = Messages(os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8"))
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a plug-in prints is no message
    order = Order.model_validate_json(sys.stdin.buffer.readline())
    threading.Thread(target=_read_input, args=(messages.answers,), daemon=True).start()
    structlog.configure(processors=[_dropped])  # the parent has logged what set_up logs
    try:
        _distil(order, messages)
    except BudgetReached as error:
        messages.send("budget", str(error))
    except (KeyboardInterrupt, Interrupted):
        sys.exit(Interrupted.exit_code)
    except ConchError as error:
        messages.send("error", str(error))
    except OSError as error:
        messages.send("disk", error.errno, error.strerror, error.filename)


def _distil(order: Order, messages: Messages) -> None:
    accel.switch_on()  # before the first import of mlx
    from conch_dna.pipeline.distill import Distillation  # imports mlx
    from conch_dna.registry.store import Registry

    project = Project(order.project, load_plugins(order.plugins_dir))
    setup = set_up(project, [order.domain], **order.arguments)
    setup.api.note = messages.note
    structlog.configure(processors=[
        structlog.contextvars.merge_contextvars, structlog.processors.format_exc_info, messages.log,
    ])  # fmt: skip
    work = Distillation(setup, Run(project.runs / order.run), Registry(project.registry), messages, messages)
    messages.send("result", work.of(setup.chosen[order.domain]).model_dump(mode="json"))


def _dropped(_logger: Any, _method: str, _event: EventDict) -> EventDict:
    raise structlog.DropEvent


def _read_input(answers: threading.Semaphore) -> None:
    """Count the answers, and end the process with its input; a run is safe against that, as against SIGKILL."""
    while os.read(0, 1):  # not sys.stdin, whose lock would be taken when the interpreter ends
        answers.release()
    os._exit(1)


if __name__ == "__main__":
    main()
