"""Faults of one request and their consequence: a retry, a lost call, or the end of the run."""

from __future__ import annotations

import math
import time
from email.utils import parsedate_to_datetime
from typing import Literal
from urllib.parse import urlsplit

from conch_dna.teachers.api.keys import names_of

FATAL_RUN = {401, 402, 403, 404}  # key, credit, permission, model: every call fails in the same way
TRANSIENT = {408, 429}  # the only statuses below 500 worth a retry
OVERLOADED = {429, 529}
USED_UP = "output limit was reached"  # in a refusal (400) after hidden reasoning, which may be charged
UNTOUCHED = {501, 503, 529}  # statuses from 500 for which no work was done


class CallFault(Exception):
    """A request without an answer.

    :param reason: a short text; it never contains a key.
    :param kind: ``retry``: another attempt may succeed; ``fatal_call``: this call will never succeed; ``fatal_run``:
        no call will.
    :param charged: the provider may have charged for it, so its reservation stays at the worst case.
    :param retry_after: seconds that the provider asks to wait.
    :param throttled: refused only because of a rate limit or overload, not because of this call.
    :param status: the HTTP status, if there is one.
    :param unreachable: the connection failed: unknown host, or nothing listens.
    """

    def __init__(
        self,
        reason: str,
        kind: Literal["retry", "fatal_call", "fatal_run"] = "retry",
        *,
        charged: bool = False,
        retry_after: float | None = None,
        throttled: bool = False,
        status: int | None = None,
        unreachable: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason, self.kind, self.charged = reason, kind, charged
        self.retry_after, self.throttled, self.status = retry_after, throttled, status
        self.unreachable = unreachable


class NotSent(Exception):
    """No request was sent, because sending has stopped."""


def fault_of_status(status: int, reason: str, retry_after: str | None = None) -> CallFault:
    """Return the fault of an HTTP status that is not a success.

    A refused request is not charged. A failed one, or one whose gateway lost the answer (500, 502, 504), may be.

    :param retry_after: the header of that name.
    """
    if status >= 500 or status in TRANSIENT:
        seconds = seconds_of(retry_after)
        throttled = status in OVERLOADED or seconds is not None
        charged = status >= 500 and status not in UNTOUCHED
        return CallFault(
            f"{status}: {reason}", charged=charged, retry_after=seconds, throttled=throttled, status=status
        )
    kind: Literal["fatal_run", "fatal_call"] = "fatal_run" if status in FATAL_RUN else "fatal_call"
    return CallFault(f"{status}: {reason}", kind, charged=USED_UP in reason, status=status)


def advice(status: int | None, provider: str, url: str, official: str) -> str:
    """Return advice for calls that an endpoint refuses.

    :param status: the HTTP status, if there is one.
    :param official: the provider's own URL, with the path that its clients expect.
    """
    path = urlsplit(official).path
    if status == 401:
        return f"Set {names_of(provider, url or official, official)[0]} to a key that this endpoint accepts"
    if status in {402, 429}:
        return "Check the credit of the account"
    if status == 403:
        return "Check that the key may use this model"
    if not url.endswith(path):
        return f"Check the model's name, and whether the base URL should end in {path}"
    return "Check the model's name"


def seconds_of(retry_after: str | None) -> float | None:
    """Return the seconds of a ``Retry-After`` header: a number, or an HTTP date (RFC 9110, 10.2.3).

    :returns: ``None`` if there is no header, or it is neither.
    """
    if retry_after is None:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(retry_after).timestamp() - time.time()
        except ValueError:
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
