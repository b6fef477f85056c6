"""Test that the budget holds: random schedules of calls by processes and threads, with faults and real SIGKILLs.

A schedule is one project. Several processes with several threads share one ledger under one cap. They make calls with
a random worst case and real price, and meet faults: an answer lost after it was charged, a call refused without charge,
a disk full in the middle of a line, a death in the middle of a line, SIGKILL between any two steps and at any time from
outside. Then other processes continue, some with a larger cap. The provider is a separate file to which each charge is
appended in one write, so that the charges are known whatever dies.

Overspend is the amount charged above the cap. With --careless the same schedules run on a ledger that limits settled
costs and ignores reservations. This control must overspend, and stops when it does.

    python benchmarks/budget_schedules.py [--schedules 10000] [--first 0] [--careless]
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import resource
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import structlog

from conch_dna.errors import BudgetReached
from conch_dna.teachers.api.ledger import Ledger
from conch_dna.teachers.api.prices import Usage

if TYPE_CHECKING:
    from conch_dna.teachers.api.ledger_totals import LedgerTotals

WORST = 100  # nano-USD: the dearest call
AT_CAP, DISK_FULL, FAULT = 1, 2, 4  # bits of a worker's exit code: what its threads met
ENDS = ("settled", "settled", "settled", "lost", "never charged", "refused")
STEPS = ("reserved", "charged", "closed")  # after which a process may kill itself
LINE = 200  # bytes, about: how far behind the ledger's end the disk of an unlucky worker ends


class Careless(Ledger):
    """The control: it admits a call while the settled cost is below the cap."""

    def _check_room(self, totals: LedgerTotals, amount: int) -> None:
        if self.cap is not None and totals.spent + amount > self.cap:
            raise BudgetReached("the budget is reached")


@dataclass(frozen=True)
class Plan:
    """The actions and faults of one worker process.

    :param kill_after: the step after which it kills itself, or ``None``.
    :param disk: bytes by which the ledger may still grow, or ``None`` for no limit.
    :param dies_of_disk: the first excess byte kills it in the middle of a line; otherwise it is an error.
    """

    seed: str
    cap: int
    threads: int
    calls: int
    kill_after: str | None
    disk: int | None
    dies_of_disk: bool


class Provider:
    """The real charges: one line each, appended by one write."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def charge(self, amount: int) -> None:
        """Charge for a call."""
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(handle, f"{amount}\n".encode())
        os.close(handle)

    @property
    def charges(self) -> list[int]:
        """Every charge."""
        return list(map(int, self.path.read_text().split())) if self.path.exists() else []


def drawing(seed: str) -> random.Random:
    """Return a separate random generator for this seed."""
    return random.Random(seed)  # noqa: S311 - not used for secrets


def work(folder: Path, plan: Plan, kind: type[Ledger]) -> NoReturn:
    """Run one worker process; never returns."""
    met: list[int] = []
    try:
        ledger, provider = kind(folder / "ledger.jsonl", plan.cap), Provider(folder / "charges")
        if plan.disk is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL if plan.dies_of_disk else signal.SIG_IGN)
            size = ledger.path.stat().st_size if ledger.path.exists() else 0
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + plan.disk, resource.RLIM_INFINITY))
        doomed = drawing(f"{plan.seed} doom").randrange(plan.calls) if plan.kill_after else None
        threads = [
            threading.Thread(target=call, args=(ledger, provider, plan, number, doomed, met))
            for number in range(plan.threads)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    except BaseException:  # noqa: BLE001 - every fault is reported to the parent
        traceback.print_exc()
        met.append(FAULT)
    finally:
        os._exit(sum(set(met)))


def call(ledger: Ledger, provider: Provider, plan: Plan, number: int, doomed: int | None, met: list[int]) -> None:
    """Make the calls of one thread until the cap is reached or the disk is full; record which."""
    draw = drawing(f"{plan.seed} {number}")

    def survive(step: str, turn: int) -> None:
        if turn == doomed and step == plan.kill_after:
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        for turn in range(plan.calls):
            worst = draw.randint(0, WORST)
            held = ledger.reserve(f"prompt {turn}", worst, "test:model")
            survive("reserved", turn)
            end = draw.choice(ENDS)
            real = draw.choice((worst, draw.randint(0, worst)))
            if end in {"settled", "lost"}:
                provider.charge(real)
            survive("charged", turn)
            if end == "settled":
                ledger.settle(held, real, Usage(output=real))
            elif end == "refused":
                ledger.release(held)
            survive("closed", turn)
    except BudgetReached:
        met.append(AT_CAP)
    except OSError:
        met.append(DISK_FULL)
    except BaseException:  # noqa: BLE001 - a thread's fault must not be lost
        traceback.print_exc()
        met.append(FAULT)


def plans(draw: random.Random, seed: str, cap: int) -> list[Plan]:
    """Draw the plans of the workers of one phase."""
    found = []
    for number in range(draw.randint(1, 3)):
        fate = draw.random()
        found.append(
            Plan(
                seed=f"{seed} {number}", cap=cap, threads=draw.randint(1, 3), calls=draw.randint(1, 6),
                kill_after=draw.choice(STEPS) if fate < 0.35 else None,
                disk=draw.randint(0, 4 * LINE) if fate > 0.75 else None, dies_of_disk=draw.random() < 0.5,
            )
        )  # fmt: skip
    return found


def run_phase(folder: Path, todo: list[Plan], draw: random.Random, kind: type[Ledger]) -> Counter[str]:
    """Start the workers, perhaps kill one at a random moment, and wait for all; return how they ended."""
    workers = []
    for plan in todo:
        if (worker := os.fork()) == 0:
            work(folder, plan, kind)
        workers.append(worker)
    if draw.random() < 0.4:
        time.sleep(draw.uniform(0, 0.02))
        os.kill(draw.choice(workers), signal.SIGKILL)  # the id is still ours: the process has not been waited for
    seen: Counter[str] = Counter()
    for worker in workers:
        status = os.waitpid(worker, 0)[1]
        if os.WIFSIGNALED(status):
            seen[signal.Signals(os.WTERMSIG(status)).name] += 1
            continue
        met = os.WEXITSTATUS(status)
        if met & FAULT:
            raise SystemExit("a worker failed")
        seen["workers that met the cap"] += bool(met & AT_CAP)
        seen["workers that met a full disk"] += bool(met & DISK_FULL)
    path = folder / "ledger.jsonl"
    text = path.read_bytes() if path.exists() else b""
    seen["lines cut short"] += bool(text) and not text.endswith(b"\n")
    return seen


def run_schedule(number: int, folder: Path, kind: type[Ledger]) -> tuple[int, Counter[str]]:
    """Run one schedule; return its overspend in nano-USD, and counts of events.

    :raises SystemExit: the ledger counts less than was charged, or more than the cap.
    """
    draw = drawing(str(number))
    cap, overspend, seen = draw.randint(1, 8 * WORST), 0, Counter[str]()
    provider = Provider(folder / "charges")
    for phase in range(draw.randint(1, 3)):
        seen += run_phase(folder, plans(draw, f"{number} {phase}", cap), draw, kind)
        charged = sum(provider.charges)
        overspend = max(overspend, charged - cap)
        left = Ledger(folder / "ledger.jsonl", cap)
        counted = left.spent + left.reserved
        if kind is Ledger and not charged <= counted <= cap:
            raise SystemExit(f"schedule {number}: {charged} charged, {counted} counted, the cap is {cap}")
        seen["reservations left open"] += sum(one.open for one in left.summary())
        cap += draw.choice((0, draw.randint(1, 4 * WORST)))
    seen["calls charged"] += len(provider.charges)
    return overspend, seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schedules", type=int, default=10_000, help="number of schedules")
    parser.add_argument("--first", type=int, default=0, help="number of the first; it is the seed")
    parser.add_argument("--careless", action="store_true", help="run the control, which ignores reservations")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores", flush=True)
    kind = Careless if options.careless else Ledger
    worst, over, number, seen = 0, 0, options.first, Counter[str]()
    for number in range(options.first, options.first + options.schedules):
        with tempfile.TemporaryDirectory() as folder:
            overspend, found = run_schedule(number, Path(folder), kind)
        seen += found
        worst, over = max(worst, overspend), over + (overspend > 0)
        if options.careless and over:
            break
        if sys.stderr.isatty():
            print(f"\r{number + 1 - options.first}", end="", file=sys.stderr)
    print(f"schedules {options.first} to {number}")
    for name, count in sorted(seen.items()):
        print(f"{count:>9} {name}")
    print(f"{over:>9} schedules overspent")
    print(f"{worst:>9} nano-USD: maximum overspend")


if __name__ == "__main__":
    main()
