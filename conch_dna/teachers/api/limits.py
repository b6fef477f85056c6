"""How fast an endpoint may be asked: the stated limits, what its headers tell, and the pace that keeps both."""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Condition, Lock
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from conch_dna.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable

MINUTE = 60.0  # seconds
BURST = 0.03  # of a limit: what may be asked at once after a rest
SLACK = 0.005  # of a limit: by so much a request may be late without loss
STEP = 0.1  # seconds between two looks at whether a waiting caller was stopped
WORTH_TELLING = 1.0  # seconds: for shorter waits nobody wonders


class Limits(Record):
    """How an endpoint may be asked; the fields that every API teacher's table in ``conch.toml`` has."""

    requests_per_minute: int = Field(0, ge=0, description="most requests a minute; 0: as its headers tell")
    tokens_per_minute: int = Field(0, ge=0, description="most tokens a minute; 0: as its headers tell")
    concurrency: int = Field(8, ge=1, le=256, description="most requests at once")
    timeout: float = Field(60.0, gt=0, le=3600, description="seconds until a request is given up")
    attempts: int = Field(6, ge=1, le=20, description="requests for one answer, refusals for haste not counted")
    backoff: float = Field(0.5, gt=0, le=60, description="seconds before the second attempt, then doubled each time")
    max_failed: float = Field(0.02, ge=0, lt=1, description="share of the calls that may fail for good")


class RateLimit(Record):
    """What the headers of one answer tell of the provider's limits; ``None`` where they do not.

    When a limit is whole again is left out: no call waits for that.
    """

    requests: int | None = Field(None, ge=0, description="most requests a minute")
    tokens: int | None = Field(None, ge=0, description="most tokens a minute")
    requests_left: int | None = Field(None, description="requests that would be taken now")
    tokens_left: int | None = Field(None, description="tokens that would be taken now")


@dataclass(eq=False)
class PacedRequest:
    """A place in the pace of one endpoint, taken by one request, and no other.

    :param amounts: requests (1) and tokens that were counted.
    :param lowest: the least that each bucket held since the request was let go; ``None`` without such a limit.
    """

    amounts: tuple[int, int]
    lowest: list[float | None]


class _Bucket:
    """One limit as a token bucket that fits into any minute, wherever the provider's own minute begins.

    In no minute is more let through than was in the bucket at its start and what flowed in. So the bucket holds little
    and fills at the rest of the limit: the sum of both is the limit. A provider that fills a bucket of its own
    continuously, and one that counts in fixed minutes, then never has a reason to refuse.

    :param limit: most in a minute.
    :param minute: seconds of a minute.
    """

    def __init__(self, limit: int, minute: float) -> None:
        self.limit, self.minute = limit, minute
        self.size = max(1.0, BURST * limit)
        self.level, self._at = self.size, time.monotonic()

    def seconds_until(self, amount: int) -> float:
        """Return how long it takes until ``amount`` may be let through; the bucket grows to hold it."""
        self.size = max(self.size, min(amount + SLACK * self.limit, self.limit / 2))
        self._fill()
        # A call of more than half a limit is let through by a full bucket, and owed for afterwards.
        return max(0.0, min(float(amount), self.size) - self.level) / self._rate

    def add(self, amount: float) -> None:
        """Put something in, or, below 0, take it out; the bucket may then owe."""
        self._fill()
        self.level = min(self.size, self.level + amount)

    def lower(self, limit: int) -> None:
        """Take a smaller limit over."""
        self._fill()
        self.limit, self.size = limit, max(1.0, BURST * limit)
        self.level = min(self.level, self.size)

    @property
    def _rate(self) -> float:
        """What flows in a second."""
        return max(self.limit - self.size, self.limit / 2) / self.minute

    def _fill(self) -> None:
        now = time.monotonic()
        self.level = min(self.size, self.level + (now - self._at) * self._rate)
        self._at = now


class Pace:
    """Keeps all requests to one endpoint within its limits; shared by any number of threads.

    :param limits: what the user stated; lower limits in the headers of answers are taken over.
    :param counts: what the provider counts of a request's tokens: its input and the most output that it ``asked`` for,
        or what it ``used`` in the end.
    :param minute: seconds of a minute; less in a test of scaled-down time.
    :ivar held_by: the limit that the last request had to wait for, such as ``20 requests/min``; empty where none.
    """

    def __init__(self, limits: Limits, *, counts: Literal["asked", "used"] = "asked", minute: float = MINUTE) -> None:
        self.counts, self._minute, self.held_by = counts, minute, ""
        stated = (limits.requests_per_minute, limits.tokens_per_minute)
        self._buckets = [_Bucket(limit, minute) if limit else None for limit in stated]
        self._turn = Lock()
        self._changed = Condition()
        self._held_until = 0.0
        self._slots: set[PacedRequest] = set()

    def wait(
        self, tokens: int, stopped: Callable[[], bool] = lambda: False, paced: Callable[[str], None] = lambda _: None
    ) -> PacedRequest | None:
        """Sleep until a request of at most ``tokens`` may be sent, and count it as sent.

        Callers go one after the other, so that no large request is overtaken for ever.

        :param stopped: is asked while waiting.
        :param paced: hears which limit it is, where a limit makes it wait for long.
        :returns: its place, to be handed to :meth:`finish`; ``None`` where it was stopped.
        """
        amounts = (1, tokens)
        with self._turn, self._changed:
            self.held_by = self._limit_of(amounts)
            if self.held_by:
                paced(self.held_by)
            while seconds := self._seconds_until(amounts):
                if stopped():
                    return None
                self._changed.wait(min(seconds, STEP))
            slot = PacedRequest(amounts, [])
            self._add(tuple(-amount for amount in amounts))
            slot.lowest = [bucket.level if bucket else None for bucket in self._buckets]
            self._slots.add(slot)
            return slot

    def finish(self, slot: PacedRequest, tokens: int | None = None, told: RateLimit | None = None) -> None:
        """Take note of how a request ended.

        :param tokens: those that the provider counted, where it told; the rest is given back.
        :param told: its headers. Where it has less left than was in the bucket at any time since the request was let
            go, somebody else asks under the same limit, or it counts more than we do: the difference is taken out.
        """
        with self._changed:
            self._slots.remove(slot)
            if tokens is not None:
                self._add((0, slot.amounts[1] - tokens))
            if told is not None:
                self._take_over(slot, told)
            self._changed.notify()

    def pause(self, seconds: float) -> None:
        """Hold everybody for so long, as a provider asks by ``Retry-After``; of two holds the longer counts."""
        with self._changed:
            self._held_until = max(self._held_until, time.monotonic() + seconds)

    def _seconds_until(self, amounts: tuple[int, int]) -> float:
        held = max(0.0, self._held_until - time.monotonic())
        pairs = zip(self._buckets, amounts, strict=True)
        return max(held, *(bucket.seconds_until(amount) if bucket else 0.0 for bucket, amount in pairs))

    def _limit_of(self, amounts: tuple[int, int]) -> str:
        """Return the limit that keeps a request waiting for the longest, in words; nothing where none does for long."""
        waits = [
            (bucket.seconds_until(amount), f"{bucket.limit} {kind}/min")
            for bucket, amount, kind in zip(self._buckets, amounts, ("requests", "tokens"), strict=True)
            if bucket
        ]
        seconds, limit = max(waits, default=(0.0, ""))
        return limit if seconds >= WORTH_TELLING else ""

    def _add(self, amounts: tuple[float, ...]) -> None:
        """Add to the buckets, and keep the lowest levels that each request in flight has seen."""
        for place, (bucket, amount) in enumerate(zip(self._buckets, amounts, strict=True)):
            if bucket is None:
                continue
            bucket.add(amount)
            for slot in self._slots:
                seen = slot.lowest[place]
                slot.lowest[place] = bucket.level if seen is None else min(seen, bucket.level)

    def _take_over(self, slot: PacedRequest, told: RateLimit) -> None:
        limits, left = (told.requests, told.tokens), (told.requests_left, told.tokens_left)
        for place, limit in enumerate(limits):
            bucket = self._buckets[place]
            if limit and bucket is None:
                self._buckets[place] = _Bucket(limit, self._minute)
            elif limit and bucket is not None and limit < bucket.limit:
                bucket.lower(limit)
        missing = [
            max(0.0, seen - now) if seen is not None and now is not None else 0.0
            for seen, now in zip(slot.lowest, left, strict=True)
        ]
        self._add(tuple(-amount for amount in missing))
