"""The ledger: what was spent and what may be, on disk before any call is sent, so that no budget is ever passed.

Every call is reserved at its worst case first and settled at what it really cost. What was reserved and neither settled
nor released, because the process died or the answer was lost, may have been charged: it counts at its worst case for
ever. So at every moment, whatever is killed when, the provider cannot have charged more than ``spent + reserved``,
and a reservation is only made where that stays within the cap.
"""

from __future__ import annotations

import contextlib
import os
import threading
import uuid
from typing import TYPE_CHECKING

import structlog
from filelock import FileLock

from conch_dna.errors import BudgetReached, ConchError, LedgerError
from conch_dna.teachers.api.ledger_totals import Damaged, Entry, LedgerTotals, Reservation, Spending, now
from conch_dna.teachers.api.money import usd
from conch_dna.util.files import fsync_path, naming

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conch_dna.teachers.api.prices import Usage

FILE = "ledger.jsonl"  # in the folder of a project's runs
WARN_AT = 80  # per cent of the cap
_POLL = 0.002  # seconds between two looks at a lock that another process holds
log = structlog.get_logger()


class Ledger:
    """One file of JSON lines, appended to by any number of threads and processes; amounts are nano-USD.

    A ledger object must not be carried over a fork: each process opens its own.

    :param path: the file; it is made by the first reservation, its folder too.
    :param cap: the most that all calls in the file may cost together, or ``None`` for no bound. Every process bounds
        its own reservations by its own cap, counting everybody's.
    :raises LedgerError: a line of it is damaged.
    """

    def __init__(self, path: Path, cap: int | None = None) -> None:
        self.path, self.cap = path, cap
        self._threads = threading.Lock()
        self._processes = FileLock(path.with_name(f".{path.name}.lock"), thread_local=False)
        self._totals = LedgerTotals()
        self._warned = False
        with self._current() as totals:
            self._overdrawn = totals.overdrawn  # those that the user has seen, and may have stated better prices for

    def reserve(self, key: str, amount: int, note: str = "") -> Reservation:
        """Set ``amount`` aside for one call; when this returns, it is on the disk and the call may be sent.

        :param key: what is called for, for people who read the file.
        :param note: ``PROVIDER:MODEL``, by which :meth:`summary` counts.
        :raises BudgetReached: it does not fit into the cap, or a provider charged more than its worst case while this
            ledger was open, so that no worst case can be trusted.
        :raises OSError: the disk took no line; nothing is reserved.
        """
        if amount < 0:
            raise LedgerError("cannot reserve less than nothing", where=self.path, got=amount)
        made = Reservation(id=uuid.uuid4().hex, key=key, amount=amount, note=note)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._current() as totals:
            self._check_room(totals, amount)
            self._write(totals, Entry(kind="reserve", id=made.id, key=key, note=note, amount=amount, at=now()))
            self._warn(totals)
        return made

    def settle(self, reservation: Reservation, amount: int, usage: Usage) -> None:
        """Put what the call really cost in the place of its reservation.

        More than was reserved is recorded as it is, and told; from then on this ledger reserves nothing.

        :raises LedgerError: the reservation is not open, or the amount is below 0.
        :raises OSError: the disk took no line; the reservation stays open, at its worst case.
        """
        if amount < 0:
            raise LedgerError("a call cannot cost less than nothing", where=self.path, got=amount)
        self._close(reservation, Entry(kind="settle", id=reservation.id, amount=amount, usage=usage, at=now()))
        if amount > reservation.amount:
            log.error("budget_overdrawn", model=reservation.note, reserved=usd(reservation.amount), charged=usd(amount))

    def release(self, reservation: Reservation) -> None:
        """Give a reservation back; only where the provider certainly charged nothing.

        :raises LedgerError, OSError: as :meth:`settle` does.
        """
        self._close(reservation, Entry(kind="release", id=reservation.id, at=now()))

    def is_open(self, reservation: Reservation) -> bool:
        """Tell whether a reservation, of this process or another, is neither settled nor released."""
        with self._current() as totals:
            return totals.is_open(reservation.id)

    @property
    def spent(self) -> int:
        """What settled calls cost, those of other processes included."""
        with self._current() as totals:
            return totals.spent

    @property
    def reserved(self) -> int:
        """What open reservations hold: calls in flight, and calls that nobody knows the end of."""
        with self._current() as totals:
            return totals.reserved

    @property
    def remaining(self) -> int | None:
        """What can still be reserved, or ``None`` where there is no cap."""
        with self._current() as totals:
            return None if self.cap is None else max(0, self.cap - totals.spent - totals.reserved)

    def summary(self) -> list[Spending]:
        """Return what each ``PROVIDER:MODEL`` has cost, by name."""
        with self._current() as totals:
            return totals.by_note()

    def _check_room(self, totals: LedgerTotals, amount: int) -> None:
        if totals.overdrawn > self._overdrawn:
            raise BudgetReached(
                "a provider charged more than the worst case of a call, so no budget can be kept", where=self.path,
                got=f"{usd(totals.spent)} spent",
                next_step="State the model's real prices under [prices] in conch.toml, and run the command again",
            )  # fmt: skip
        if self.cap is not None and totals.spent + totals.reserved + amount > self.cap:
            raise BudgetReached(
                f"the budget of {usd(self.cap)} is reached", where=self.path,
                got=f"{usd(totals.spent)} spent, {usd(totals.reserved)} in calls without a known end, "
                    f"{usd(amount)} at most for the next one",
                next_step="Run the same command again with a larger --budget: nothing answered is paid for twice",
            )  # fmt: skip

    def _warn(self, totals: LedgerTotals) -> None:
        counted = totals.spent + totals.reserved
        if self.cap is not None and not self._warned and counted * 100 >= self.cap * WARN_AT:
            self._warned = True
            log.warning("budget_nearly_reached", counted=usd(counted), budget=usd(self.cap), percent=WARN_AT)

    def _close(self, reservation: Reservation, entry: Entry) -> None:
        with self._current() as totals:
            if not totals.is_open(reservation.id):
                raise LedgerError("this reservation is not open", where=self.path, got=reservation.id)
            self._write(totals, entry)

    @contextlib.contextmanager
    def _current(self) -> Iterator[LedgerTotals]:
        """Hold the ledger against all other threads and processes, and yield the totals with every line of the file.

        A fault, Ctrl-C included, may leave the totals between two states: it is then read anew next time.
        """
        with self._threads:
            if not self.path.parent.is_dir():  # nothing was ever reserved
                yield self._totals
                return
            with self._processes.acquire(poll_interval=_POLL):
                try:
                    self._read_on()
                    yield self._totals
                except ConchError:  # raised between two changes of the totals
                    raise
                except BaseException:
                    self._totals = LedgerTotals()
                    raise

    def _read_on(self) -> None:
        """Read the lines that were added since; a last one that a kill cut short is taken away.

        Its writer is dead, for it would hold the lock, and has sent nothing for it.

        :raises LedgerError: a line is damaged, or lines that were read before are gone.
        """
        totals = self._totals
        size = self.path.stat().st_size if self.path.exists() else 0
        if size < totals.size:
            raise LedgerError("was cut short or removed while it was in use", where=self.path)
        if size == totals.size:
            return
        with self.path.open("rb") as file:
            file.seek(totals.size)
            *lines, torn = file.read().split(b"\n")
        for line in lines:
            try:
                totals.read(line + b"\n")
            except Damaged as error:
                raise LedgerError(
                    f"the ledger is damaged: {error}", where=f"{self.path}, line {totals.lines + 1}",
                    next_step="Restore the file, or move it away once you know from the provider what was spent",
                ) from error  # fmt: skip
        if torn:
            os.truncate(self.path, totals.size)

    def _write(self, totals: LedgerTotals, entry: Entry) -> None:
        """Append one line and flush it to the disk; a line that does not get there whole is taken away again."""
        line = totals.line(entry)
        first = not self.path.exists()
        with naming(self.path), self.path.open("ab", buffering=0) as file:
            try:
                written = file.write(line)
                if written != len(line):  # the disk took a part: the rest tells why it takes no more
                    file.write(line[written:])
                os.fsync(file.fileno())
            except OSError:
                os.truncate(self.path, totals.size)
                raise
        if first:
            fsync_path(self.path.parent)
            fsync_path(self.path.parent.parent)  # the folder may be new as well
        totals.read(line)
