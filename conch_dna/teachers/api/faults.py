"""What can go wrong with one request, and what follows: another attempt, a lost call, or the end of the run."""

from __future__ import annotations

import math
import time
from email.utils import parsedate_to_datetime
from typing import Literal
from urllib.parse import urlsplit

FATAL_RUN = {401, 402, 403, 404}  # the key, the credit, the right to the model, the model: all calls meet the same
TRANSIENT = {408, 429}  # the only statuses below 500 that ask for another attempt
OVERLOADED = {429, 529}
USED_UP = "output limit was reached"  # in a refusal (400) that comes after the model has thought, and may be charged
UNTOUCHED = {501, 503, 529}  # statuses from 500 that say that no work was done


class CallFault(Exception):
    """One request got no answer.

    :param reason: in a few words, for people; it never holds a key.
    :param kind: ``retry``: another attempt may do; ``fatal_call``: this call never gets an answer; ``fatal_run``: no
        call does.
    :param charged: the provider may have charged for it, so its reservation stays at the worst case.
    :param retry_after: seconds that the provider asks to wait.
    :param throttled: it was refused for haste or overload alone, which is no fault of this call.
    :param status: of HTTP, where there is one.
    :param unreachable: nothing was there to connect to: no such host, or nobody who listens.
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
    """No request was sent, for no more may be."""


def fault_of_status(status: int, reason: str, retry_after: str | None = None) -> CallFault:
    """Return what an HTTP status that is no success means.

    A request that was refused is not charged. One that broke down on the way, or whose gateway lost the answer (500,
    502, 504), may have been.

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
    """Return what to do about calls that an endpoint refuses.

    :param status: of HTTP, where there is one.
    :param official: the provider's own URL, which has the path that its clients go by.
    """
    path = urlsplit(official).path
    if status == 401:
        return f"Set {provider.upper()}_API_KEY to a key that this endpoint takes"
    if status in {402, 429}:
        return "See to the credit of the account"
    if status == 403:
        return "Check that the key may use this model"
    if not url.endswith(path):
        return f"Check the model's name, and whether the base URL should end in {path}"
    return "Check the model's name"


def seconds_of(retry_after: str | None) -> float | None:
    """Return how long a ``Retry-After`` header asks to wait: seconds, or until an HTTP date (RFC 9110, 10.2.3).

    :returns: ``None`` where there is none, or it is neither.
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
