"""Rate limits of an endpoint: configured limits, limits in response headers, and the pace that keeps both."""

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
BURST = 0.03  # share of a limit that may be used at once after a pause
SLACK = 0.005  # share of a limit by which a request may be late without loss
STEP = 0.1  # seconds between two checks whether a waiting caller was stopped
WORTH_REPORTING = 1.0  # seconds: shorter waits are not shown


class Limits(Record):
    """Limits on requests to an endpoint; every API teacher's table in ``conch.toml`` has these fields."""

    requests_per_minute: int = Field(0, ge=0, description="requests per minute; 0: the limit in its headers")
    tokens_per_minute: int = Field(0, ge=0, description="tokens per minute; 0: the limit in its headers")
    concurrency: int = Field(8, ge=1, le=256, description="concurrent requests")
    timeout: float = Field(60.0, gt=0, le=3600, description="seconds until a request times out")
    attempts: int = Field(6, ge=1, le=20, description="requests per answer, not counting rate-limit refusals")
    backoff: float = Field(0.5, gt=0, le=60, description="seconds before the second attempt, doubled each time")
    max_failed: float = Field(0.02, ge=0, lt=1, description="share of the calls that may fail permanently")


class RateLimit(Record):
    """The provider's limits in the headers of one response; ``None`` for a missing header.

    Reset times are not read: no call waits for them.
    """

    requests: int | None = Field(None, ge=0, description="requests per minute")
    tokens: int | None = Field(None, ge=0, description="tokens per minute")
    requests_left: int | None = Field(None, description="requests that are left")
    tokens_left: int | None = Field(None, description="tokens that are left")


@dataclass(eq=False)
class PacedRequest:
    """A request that the pace of an endpoint has admitted.

    :param amounts: the counted requests (1) and tokens.
    :param lowest: the lowest level of each bucket since the request was admitted; ``None`` without such a limit.
    """

    amounts: tuple[int, int]
    lowest: list[float | None]


class _Bucket:
    """One limit as a token bucket that holds in any minute, wherever the provider's own minute begins.

    In any minute it admits at most its level at the start plus the inflow. The bucket is therefore small and fills at
    the rest of the limit, so that both add up to the limit. Neither a provider with a continuously filled bucket nor
    one that counts in fixed minutes then has a reason to refuse.

    :param limit: amount per minute.
    :param minute: seconds of a minute.
    """

    def __init__(self, limit: int, minute: float) -> None:
        self.limit, self.minute = limit, minute
        self.size = max(1.0, BURST * limit)
        self.level, self._at = self.size, time.monotonic()

    def seconds_until(self, amount: int) -> float:
        """Return the seconds until ``amount`` is admitted; the bucket grows to hold it."""
        self.size = max(self.size, min(amount + SLACK * self.limit, self.limit / 2))
        self._fill()
        # A full bucket admits a call of more than half a limit; its level is negative afterwards.
        return max(0.0, min(float(amount), self.size) - self.level) / self._rate

    def add(self, amount: float) -> None:
        """Add an amount, or remove it if negative; the level may become negative."""
        self._fill()
        self.level = min(self.size, self.level + amount)

    def lower(self, limit: int) -> None:
        """Adopt a lower limit."""
        self._fill()
        self.limit, self.size = limit, max(1.0, BURST * limit)
        self.level = min(self.level, self.size)

    @property
    def _rate(self) -> float:
        """The inflow per second."""
        return max(self.limit - self.size, self.limit / 2) / self.minute

    def _fill(self) -> None:
        now = time.monotonic()
        self.level = min(self.size, self.level + (now - self._at) * self._rate)
        self._at = now


class Pace:
    """Keeps all requests to one endpoint within its limits; shared by any number of threads.

    :param limits: the configured limits; lower limits in response headers replace them.
    :param counts: the tokens that the provider counts per request: its input and the maximum output that it ``asked``
        for, or those that it ``used``.
    :param minute: seconds of a minute; less in tests with scaled time.
    :ivar held_by: the limit that delayed the last request, such as ``20 requests/min``; empty if there was none.
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

        Callers are served in order, so that small requests cannot overtake a large one forever.

        :param stopped: called while waiting; ends the wait.
        :param paced: called with the limit that causes a long wait.
        :returns: the admitted request, an argument of :meth:`finish`; ``None`` if it was stopped.
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

    def finish(self, slot: PacedRequest, tokens: int | None = None, reported: RateLimit | None = None) -> None:
        """Record the end of a request.

        :param tokens: those that the provider counted, if known; the rest is returned to the bucket.
        :param reported: the limits in its headers. If they have less left than the bucket ever held since the request
            was admitted, another client uses the same limit, or the provider counts more than we do: the difference is
            removed from the bucket.
        """
        with self._changed:
            self._slots.remove(slot)
            if tokens is not None:
                self._add((0, slot.amounts[1] - tokens))
            if reported is not None:
                self._adopt(slot, reported)
            self._changed.notify()

    def pause(self, seconds: float) -> None:
        """Delay all requests by some seconds, as ``Retry-After`` asks; of two delays the longer counts."""
        with self._changed:
            self._held_until = max(self._held_until, time.monotonic() + seconds)

    def _seconds_until(self, amounts: tuple[int, int]) -> float:
        held = max(0.0, self._held_until - time.monotonic())
        pairs = zip(self._buckets, amounts, strict=True)
        return max(held, *(bucket.seconds_until(amount) if bucket else 0.0 for bucket, amount in pairs))

    def _limit_of(self, amounts: tuple[int, int]) -> str:
        """Return the limit that delays a request most, as text; empty if no delay is long."""
        waits = [
            (bucket.seconds_until(amount), f"{bucket.limit} {kind}/min")
            for bucket, amount, kind in zip(self._buckets, amounts, ("requests", "tokens"), strict=True)
            if bucket
        ]
        seconds, limit = max(waits, default=(0.0, ""))
        return limit if seconds >= WORTH_REPORTING else ""

    def _add(self, amounts: tuple[float, ...]) -> None:
        """Add to the buckets, and update the lowest levels of all requests in flight."""
        for place, (bucket, amount) in enumerate(zip(self._buckets, amounts, strict=True)):
            if bucket is None:
                continue
            bucket.add(amount)
            for slot in self._slots:
                seen = slot.lowest[place]
                slot.lowest[place] = bucket.level if seen is None else min(seen, bucket.level)

    def _adopt(self, slot: PacedRequest, reported: RateLimit) -> None:
        limits, left = (reported.requests, reported.tokens), (reported.requests_left, reported.tokens_left)
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
