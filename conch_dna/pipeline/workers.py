"""Domains that are distilled at the same time, each in a process of its own.

On a CPU only matrix products use several cores, so processes with one thread each do more than one process with all
threads (``benchmarks/jobs.py``).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import structlog

from conch_dna.errors import BudgetReached, ConchError, ConfigError, DataError
from conch_dna.models.backend import active_backend
from conch_dna.pipeline.recipe_choice import machine_memory
from conch_dna.pipeline.worker import Order
from conch_dna.records import DomainResult, StepReport
from conch_dna.train.memory_estimate import limit
from conch_dna.util.threads import cores

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from conch_dna.domains.domain import Domain
    from conch_dna.pipeline.plan import DomainPlan
    from conch_dna.pipeline.run_folder import Run
    from conch_dna.pipeline.setup import Setup
    from conch_dna.plugin.trackers import Listener
    from conch_dna.util.progress import Progress

SHARE = 0.75  # of the machine's memory; not of what is free, so that a run resumes alike
STOPPING = 60.0  # seconds that an interrupted process may take to end
log = structlog.get_logger()


def jobs_for(setup: Setup, plans: Sequence[DomainPlan], asked: int | None = None) -> int:
    """Return how many domains to distil at once.

    :param asked: the caller's choice; ``None`` for what suits the machine: on a CPU with teachers that replay
        recordings one for each core, as far as the memory suffices, and one otherwise.
    :raises ConfigError: the memory does not suffice for the caller's choice.
    """
    need = max((plan.memory.get("total", 0) for plan in plans), default=0)
    available = limit(setup.config) if setup.config.max_memory else int(SHARE * machine_memory())
    fitting = max(1, available // need) if need else len(plans)
    if asked is not None:
        jobs = min(asked, len(plans))
        if jobs > fitting:
            raise ConfigError(
                f"{jobs} trainings at once would not fit into memory", where="--jobs",
                got=f"{jobs * need / 1e9:.1f} GB", allowed=f"{available / 1e9:.1f} GB",
                next_step=f"Take --jobs {fitting}",
            )  # fmt: skip
        return jobs
    backend = active_backend()
    sound = [name for name, choice in setup.choices.items() if not isinstance(choice, DataError)]
    replays = all("replay" in setup.teachers[name].capabilities for name in sound)
    if backend is None or backend.device != "cpu" or not replays:
        return 1
    return max(1, min(len(plans), cores(), fitting))


@dataclass
class Workers:
    """The processes of one run.

    :param jobs: how many work at once; each has an equal share of the cores.
    """

    setup: Setup
    run: Run
    progress: Progress
    trackers: Listener
    jobs: int
    _messages: SimpleQueue[tuple[str, list[Any] | None]] = field(default_factory=SimpleQueue)

    def results(self, domains: Iterable[Domain]) -> Iterator[DomainResult]:
        """Yield the result of each domain when it is there. If the caller stops, the processes are interrupted.

        :raises BudgetReached: the next call of a process could cost more than the budget has left.
        :raises OSError: a process cannot read or write the disk.
        :raises ConchError: a plug-in failed; under the host's ``strict`` only.
        """
        waiting, working = deque(domains), dict[str, _Worker]()
        free = [self.progress.beside() for _ in range(self.jobs)]
        try:
            while waiting or working:
                while waiting and free:
                    domain = waiting.popleft()
                    working[domain.name] = self._started(domain, free.pop())
                name, message = self._messages.get()
                worker = working[name]
                if message is not None:
                    self._take(worker, message)
                    continue
                del working[name]
                worker.end()
                free.append(worker.progress)
                yield worker.result or self._died(worker)
        finally:
            for worker in working.values():
                worker.process.terminate()
            for worker in working.values():
                worker.end()

    def _started(self, domain: Domain, progress: Progress) -> _Worker:
        """Start the process of a domain and give it its order."""
        project, arguments = self.setup.project, dict(self.setup.arguments)
        order = Order(project=project.folder, plugins_dir=project.host.folder, run=self.run.name, domain=domain.name,
                      arguments=arguments)  # fmt: skip
        share = {"OPENBLAS_NUM_THREADS": str(max(1, cores() // self.jobs))}
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", Order.__module__],  # -P: nothing is imported from the working folder
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, encoding="utf-8", errors="replace",
            start_new_session=True,  # Ctrl-C reaches this process, which interrupts the others
            env={"TRANSFORMERS_NO_ADVISORY_WARNINGS": "1", **share, **os.environ},
        )  # fmt: skip
        worker = _Worker(domain.name, process, progress)
        threading.Thread(target=worker.read, args=(self._messages,), daemon=True).start()
        threading.Thread(target=worker.show, daemon=True).start()
        worker.tell(order.model_dump_json())
        return worker

    def _take(self, worker: _Worker, message: list[Any]) -> None:
        """Act on a message of a process."""
        kind, *values = message
        match kind:
            case "log":
                method, event = values
                getattr(log, method)(event.pop("event"), **event)
            case "step":
                report = StepReport.model_validate(values[0])
                self.trackers.emit("step_finished", run_dir=self.run.path, domain=worker.domain, report=report)
                worker.tell("")
            case "published":
                version, path = values
                self.trackers.emit("neuron_published", domain=worker.domain, version=version, path=Path(path))
                worker.tell("")
            case "result":
                worker.result = DomainResult.model_validate(values[0])
            case "budget":
                raise BudgetReached(*values)
            case "disk":
                raise OSError(*values)
            case "error":
                raise ConchError(*values)
            case _:
                getattr(worker.progress, kind)(*values)

    def _died(self, worker: _Worker) -> DomainResult:
        """Return the result of a domain whose process ended without one, and keep it."""
        code = worker.process.returncode
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        more = "; the system may lack memory: take fewer --jobs" if code == -signal.SIGKILL else ""
        result = DomainResult(domain=worker.domain, state="failed", error=f"its process {how}{more}")
        log.error("domain_failed", domain=worker.domain, reason=result.error)
        self.run.save_result(result)
        return result


@dataclass
class _Worker:
    """The process of one domain.

    :param progress: receives its stages.
    """

    domain: str
    process: subprocess.Popen[str]
    progress: Progress
    result: DomainResult | None = None

    def tell(self, line: str) -> None:
        """Write a line to the process: its order, or an empty one that answers an event."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it died; its end is read
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()

    def read(self, messages: SimpleQueue[tuple[str, list[Any] | None]]) -> None:
        """Put the messages of the process into a queue, and ``None`` at its end."""
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                with contextlib.suppress(ValueError):  # the kill of a process may cut off its last line
                    messages.put((self.domain, json.loads(line)))
        messages.put((self.domain, None))

    def show(self) -> None:
        """Copy what the process writes to its stderr to this one's."""
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            for line in lines:
                sys.stderr.write(line)

    def end(self) -> None:
        """Wait for the process, which ends by itself or was interrupted; kill it if it takes too long."""
        assert self.process.stdin is not None
        try:
            self.process.wait(STOPPING)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
