"""The money of the calls in flight: each reserved at its worst case before it is sent, and settled at its real cost."""

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
    """Books the calls of one run; shared by its threads.

    :param price: of the model.
    :param ledger: the project's, or ``None`` where nothing is booked.
    :param note: ``PROVIDER:MODEL``.
    :param stopped: whether no more may be sent.
    :param fail: hears of a ledger that takes no line, where an answer must not be lost for that.
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
        """Hold the worst case of a call reserved for a block that sends it, and settles it with :meth:`settle`.

        It is given back where the block raises that nothing was sent or charged; after any other error it stays.

        :raises BudgetReached: it does not fit, and none of our calls in flight can make room any more.
        :raises NotSent: no more may be sent.
        """
        reservation = self._reserve(call)
        try:
            yield reservation
        except (NotSent, CallFault) as error:
            charged = isinstance(error, CallFault) and error.charged
            if self._ledger is not None and reservation is not None and not charged:
                with self._telling():
                    self._ledger.release(reservation)
            raise
        finally:
            with self._closed:
                self.in_flight -= 1
                self._closed.notify_all()

    def settle(self, call: Call, reservation: Reservation | None, reply: Reply) -> tuple[Usage, int]:
        """Put what the call cost in the place of its reservation.

        :returns: its tokens and its cost in nano-USD; the worst case of both where the provider did not tell. No
            request is without input, so a usage without any is none.
        """
        usage = reply.usage
        if usage is None or not usage.all_input:
            usage, cost = Usage(input=call.input_tokens, output=call.output_tokens), self._worst(call)
        else:
            cost = self._price.cost(usage)
        if reservation is not None and self._ledger is not None:
            with self._telling():
                self._ledger.settle(reservation, cost, usage)
        return usage, cost

    def _reserve(self, call: Call) -> Reservation | None:
        """Reserve the worst case of a call; where it does not fit, wait until one in flight turns out cheaper."""
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
    def _telling(self) -> Iterator[None]:
        """Tell of a ledger that takes no line, and go on: the reservation stays at its worst case, which is safe."""
        try:
            yield
        except (OSError, LedgerError) as error:
            self._fail(error)
