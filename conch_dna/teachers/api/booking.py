"""Reservation of each call at its worst case before it is sent, and settlement at its real cost."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from conch_dna.errors import BudgetReached, LedgerError
from conch_dna.teachers.api.faults import CallFault, NotSent
from conch_dna.teachers.api.limits import STEP
from conch_dna.teachers.api.prices import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conch_dna.teachers.api.call import Call, Reply
    from conch_dna.teachers.api.ledger import Ledger
    from conch_dna.teachers.api.ledger_totals import Reservation
    from conch_dna.teachers.api.prices import Price


class Booking:
    """Reserves and settles the calls of one run; shared by its threads.

    :param price: the prices of the model.
    :param ledger: the project's, or ``None`` if the calls are free.
    :param note: ``PROVIDER:MODEL``.
    :param stopped: returns whether sending has stopped.
    :param fail: gets the error of a ledger write that must not cost an answer.
    """

    def __init__(
        self,
        price: Price,
        ledger: Ledger | None,
        note: str,
        stopped: Callable[[], bool],
        fail: Callable[[BaseException], None],
    ) -> None:
        self._price, self._ledger, self._note = price, ledger, note
        self._stopped, self._fail = stopped, fail
        self._closed = threading.Condition()
        self.in_flight = 0

    @contextlib.contextmanager
    def reserved(self, call: Call) -> Iterator[Reservation | None]:
        """Hold a reservation of the worst case for a block that sends the call and settles it with :meth:`settle`.

        The reservation is released if the block raises that nothing was sent or charged; after any other error it
        stays.

        :raises BudgetReached: it exceeds the budget, and no call in flight can free any of it.
        :raises NotSent: sending has stopped.
        """
        reservation = self._reserve(call)
        try:
            yield reservation
        except (NotSent, CallFault) as error:
            charged = isinstance(error, CallFault) and error.charged
            if self._ledger is not None and reservation is not None and not charged:
                with self._reporting():
                    self._ledger.release(reservation)
            raise
        finally:
            with self._closed:
                self.in_flight -= 1
                self._closed.notify_all()

    def settle(self, call: Call, reservation: Reservation | None, reply: Reply) -> tuple[Usage, int]:
        """Replace the reservation of a call by its real cost.

        :returns: its tokens and its cost in nano-USD; the worst case of both if the provider reported no usage. Every
            request has input, so a usage without input counts as none.
        """
        usage = reply.usage
        if usage is None or not usage.all_input:
            usage, cost = Usage(input=call.input_tokens, output=call.output_tokens), self._worst(call)
        else:
            cost = self._price.cost(usage)
        if reservation is not None and self._ledger is not None:
            with self._reporting():
                self._ledger.settle(reservation, cost, usage)
        return usage, cost

    def _reserve(self, call: Call) -> Reservation | None:
        """Reserve the worst case of a call; while it exceeds the budget, wait for calls in flight to settle."""
        with self._closed:
            while True:
                if self._stopped():
                    raise NotSent
                try:
                    made = self._ledger.reserve(call.key, self._worst(call), self._note) if self._ledger else None
                except BudgetReached:
                    if not self.in_flight:
                        raise
                    self._closed.wait(STEP)  # a signal handler cannot notify
                else:
                    self.in_flight += 1
                    return made

    def _worst(self, call: Call) -> int:
        return self._price.worst(call.input_tokens, call.output_tokens)

    @contextlib.contextmanager
    def _reporting(self) -> Iterator[None]:
        """Report a failed ledger write and continue: the reservation stays at its worst case, which is safe."""
        try:
            yield
        except (OSError, LedgerError) as error:
            self._fail(error)
