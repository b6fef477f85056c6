"""Totals of a ledger's lines (reservations, settlements, releases), chained by checksums."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Literal

from pydantic import Field, ValidationError, field_serializer

from conch_dna.records import Record
from conch_dna.teachers.api.money import exact
from conch_dna.teachers.api.prices import Usage

_DIGITS = 16  # hex digits of a checksum that are kept


class Reservation(Record):
    """The worst-case cost of one call, reserved before it is sent; amounts are nano-USD."""

    id: str = Field(min_length=1)
    key: str = Field(description="the identity of the call, such as the digest of a prompt")
    amount: int = Field(ge=0)
    note: str = Field("", description="PROVIDER:MODEL")


class Entry(Record):
    """One line of a ledger."""

    kind: Literal["reserve", "settle", "release"]
    id: str = Field(min_length=1, description="of the reservation")
    key: str = ""
    note: str = ""
    amount: int = Field(0, ge=0, description="nano-USD reserved or charged")
    usage: Usage | None = None
    at: str = Field("", description="clock time, for readers; not used")


class Spending(Record):
    """The cost of one PROVIDER:MODEL; amounts are nano-USD."""

    note: str
    calls: int = Field(0, description="settled: answered, or known to be charged")
    released: int = Field(0, description="calls that the provider certainly did not charge")
    open: int = Field(0, description="reservations of calls in flight, and of calls with an unknown outcome")
    spent: int = Field(0, description="settled")
    reserved: int = Field(0, description="in open reservations, at their worst case")
    usage: Usage = Usage()

    @field_serializer("spent", "reserved", when_used="json")
    def _decimal(self, amount: int) -> str:
        """Serialise amounts as decimal USD."""
        return exact(amount)


class Damaged(ValueError):
    """A line that no ledger wrote at this position."""


def now() -> str:
    """Return the current time as ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _checksum(previous: str, text: str) -> str:
    return sha256(f"{previous}{text}".encode()).hexdigest()[:_DIGITS]


def _canonical(fields: Any) -> str:
    return json.dumps(fields, sort_keys=True)


class LedgerTotals:
    """The totals over a ledger's lines, read in order; amounts are nano-USD.

    :ivar size: bytes read so far.
    :ivar lines: lines read so far.
    :ivar spent, reserved: settled cost, and the sum of open reservations.
    :ivar overdrawn: number of settlements above their reservation.
    """

    def __init__(self) -> None:
        self.size = self.lines = 0
        self.spent = self.reserved = self.overdrawn = 0
        self._last = ""  # checksum of the last line
        self._open: dict[str, Entry] = {}
        self._by_note: dict[str, Spending] = {}

    def is_open(self, reservation: str) -> bool:
        """Return whether the reservation with this id is neither settled nor released."""
        return reservation in self._open

    def line(self, entry: Entry) -> bytes:
        """Return ``entry`` as the line that follows the last one read."""
        text = _canonical(entry.model_dump(mode="json", exclude_defaults=True))
        return f"{_canonical({'entry': json.loads(text), 'sum': _checksum(self._last, text)})}\n".encode()

    def read(self, raw: bytes) -> None:
        """Add a complete line, including its newline.

        :raises Damaged: it is not a line of a ledger, does not follow the last one, or contradicts an earlier one.
        """
        try:
            line = json.loads(raw)
            text, stated = _canonical(line["entry"]), line["sum"]
            entry = Entry.model_validate(line["entry"])
        except (ValueError, KeyError, TypeError, RecursionError, ValidationError) as error:
            raise Damaged("it is not a line of a ledger") from error
        if stated != _checksum(self._last, text):
            raise Damaged("its checksum does not match it and the lines before it")
        self._add(entry)
        self._last = stated
        self.size += len(raw)
        self.lines += 1

    def _add(self, entry: Entry) -> None:
        if entry.kind == "reserve":
            if entry.id in self._open:
                raise Damaged("it repeats an open reservation")
            self._open[entry.id] = entry
            self.reserved += entry.amount
            self._count(entry.note, open=1, reserved=entry.amount)
            return
        reserved = self._open.pop(entry.id, None)
        if reserved is None:
            raise Damaged("it closes a reservation that is not open")
        self.reserved -= reserved.amount
        if entry.kind == "release":
            self._count(reserved.note, open=-1, reserved=-reserved.amount, released=1)
            return
        self.spent += entry.amount
        self.overdrawn += entry.amount > reserved.amount
        self._count(reserved.note, open=-1, reserved=-reserved.amount, calls=1, spent=entry.amount,
                    usage=entry.usage or Usage())  # fmt: skip

    def _count(self, note: str, **more: Any) -> None:
        """Add to the totals of one model."""
        old = self._by_note.get(note, Spending(note=note))
        self._by_note[note] = old.model_copy(update={name: getattr(old, name) + add for name, add in more.items()})

    def by_note(self) -> list[Spending]:
        """Return the totals of each model, by name."""
        return [self._by_note[note] for note in sorted(self._by_note)]
