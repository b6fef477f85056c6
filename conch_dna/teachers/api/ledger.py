"""The ledger of API costs: every amount is on disk before a call is sent, so that the budget is never exceeded.

Each call is first reserved at its worst case and then settled at its real cost. A reservation that is neither settled
nor released, because the process died or the answer was lost, may have been charged: it counts at its worst case
forever. So at any moment, even after a kill, the provider has charged at most ``spent + reserved``, and a reservation
is made only if that sum stays within the cap.
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
from conch_dna.teachers.api.witness import Witness
from conch_dna.util.files import fsync_path, naming

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conch_dna.teachers.api.prices import Usage

FILE = "ledger.jsonl"  # in the folder of a project's runs
WARN_AT = 80  # percent of the cap
_POLL = 0.002  # seconds between two attempts at a lock that another process holds
log = structlog.get_logger()


class Ledger:
    """A file of JSON lines that any number of threads and processes append to; amounts are nano-USD.

    Do not share a ledger object across a fork: each process opens its own.

    :param path: the file; the first reservation creates it and its folder.
    :param cap: the limit on the total cost of all calls in the file, or ``None``. Each process applies its own cap to
        its own reservations, and counts those of all processes.
    :raises LedgerError: a line is damaged, or the file lacks what was written to it.
    """

    def __init__(self, path: Path, cap: int | None = None) -> None:
        self.path, self.cap = path, cap
        self._threads = threading.Lock()
        self._processes = FileLock(path.with_name(f".{path.name}.lock"), thread_local=False)
        self._totals = LedgerTotals()
        self._warned = False
        self._witness = Witness(path)
        with self._current() as totals:
            self._witness.check(totals.size)
            # Overdrafts before this ledger was opened are known to the user, who may have corrected the prices.
            self._overdrawn = totals.overdrawn

    def reserve(self, key: str, amount: int, note: str = "") -> Reservation:
        """Reserve ``amount`` for one call; when this returns, it is on disk and the call may be sent.

        :param key: the identity of the call, for readers of the file.
        :param note: ``PROVIDER:MODEL``, by which :meth:`summary` groups.
        :raises BudgetReached: it exceeds the cap, or a provider charged more than its worst case while this ledger was
            open, so that worst cases cannot be trusted.
        :raises OSError: the write failed; nothing is reserved.
        """
        if amount < 0:
            raise LedgerError("cannot reserve a negative amount", where=self.path, got=amount)
        made = Reservation(id=uuid.uuid4().hex, key=key, amount=amount, note=note)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._current() as totals:
            self._check_room(totals, amount)
            self._write(totals, Entry(kind="reserve", id=made.id, key=key, note=note, amount=amount, at=now()))
            self._witness.note(totals.size, totals.spent + totals.reserved)
            self._warn(totals)
        return made

    def settle(self, reservation: Reservation, amount: int, usage: Usage) -> None:
        """Replace a reservation by the real cost of the call.

        A cost above the reservation is recorded and logged; after that this ledger makes no more reservations.

        :raises LedgerError: the reservation is not open, or the amount is negative.
        :raises OSError: the write failed; the reservation stays open, at its worst case.
        """
        if amount < 0:
            raise LedgerError("a call cannot have a negative cost", where=self.path, got=amount)
        self._close(reservation, Entry(kind="settle", id=reservation.id, amount=amount, usage=usage, at=now()))
        if amount > reservation.amount:
            log.error("budget_overdrawn", model=reservation.note, reserved=usd(reservation.amount), charged=usd(amount))

    def release(self, reservation: Reservation) -> None:
        """Release a reservation; only if the provider certainly charged nothing.

        :raises LedgerError, OSError: as :meth:`settle` does.
        """
        self._close(reservation, Entry(kind="release", id=reservation.id, at=now()))

    def is_open(self, reservation: Reservation) -> bool:
        """Return whether a reservation, of this process or another, is neither settled nor released."""
        with self._current() as totals:
            return totals.is_open(reservation.id)

    @property
    def spent(self) -> int:
        """The cost of all settled calls, those of other processes included."""
        with self._current() as totals:
            return totals.spent

    @property
    def reserved(self) -> int:
        """The sum of open reservations: calls in flight, and calls with an unknown outcome."""
        with self._current() as totals:
            return totals.reserved

    @property
    def remaining(self) -> int | None:
        """The amount that can still be reserved, or ``None`` without a cap."""
        with self._current() as totals:
            return None if self.cap is None else max(0, self.cap - totals.spent - totals.reserved)

    def summary(self) -> list[Spending]:
        """Return the cost of each ``PROVIDER:MODEL``, by name."""
        with self._current() as totals:
            return totals.by_note()

    def _check_room(self, totals: LedgerTotals, amount: int) -> None:
        if totals.overdrawn > self._overdrawn:
            raise BudgetReached(
                "a provider charged more than the worst case of a call, so no budget is safe", where=self.path,
                got=f"{usd(totals.spent)} spent",
                next_step="State the model's real prices under [prices] in conch.toml, and run the command again",
            )  # fmt: skip
        if self.cap is not None and totals.spent + totals.reserved + amount > self.cap:
            raise BudgetReached(
                f"the budget of {usd(self.cap)} is reached", where=self.path,
                got=f"{usd(totals.spent)} spent, {usd(totals.reserved)} in calls with an unknown outcome, "
                    f"up to {usd(amount)} for the next one",
                next_step="Run the same command again with a larger --budget: no answer is paid for twice",
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
        """Lock the ledger against other threads and processes, and yield totals with all lines of the file.

        Ctrl-C or a fault may leave the totals inconsistent; they are then read again from the start next time.
        """
        with self._threads:
            if not self.path.parent.is_dir():  # no reservation was ever made
                yield self._totals
                return
            with self._processes.acquire(poll_interval=_POLL):
                try:
                    self._read_on()
                    yield self._totals
                except ConchError:  # raised between two changes of the totals, which are consistent
                    raise
                except BaseException:
                    self._totals = LedgerTotals()
                    raise

    def _read_on(self) -> None:
        """Read the lines added since the last read; remove a last line that a kill truncated.

        The writer of a truncated line is dead, because it would hold the lock, and has not sent its call.

        :raises LedgerError: a line is damaged, or lines that were read before are gone.
        """
        totals = self._totals
        size = self.path.stat().st_size if self.path.exists() else 0
        if size < totals.size:
            raise LedgerError("was truncated or removed while in use", where=self.path)
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
                    next_step="Restore the file, or move it away after checking the amount spent with the provider",
                ) from error  # fmt: skip
        if torn:
            os.truncate(self.path, totals.size)

    def _write(self, totals: LedgerTotals, entry: Entry) -> None:
        """Append one line and flush it to disk; remove a line that was written partially."""
        line = totals.line(entry)
        first = not self.path.exists()
        with naming(self.path), self.path.open("ab", buffering=0) as file:
            try:
                written = file.write(line)
                if written != len(line):  # a partial write: writing the rest raises the reason
                    file.write(line[written:])
                os.fsync(file.fileno())
            except OSError:
                os.truncate(self.path, totals.size)
                raise
        if first:
            fsync_path(self.path.parent)
            fsync_path(self.path.parent.parent)  # the folder may be new, too
        totals.read(line)
