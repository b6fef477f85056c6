"""One call to an API: what is asked, what came back, what failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from conch_dna.teachers.api.limits import RateLimit
    from conch_dna.teachers.api.prices import Usage

    Answer = tuple["Call", "Reply"]


@dataclass(frozen=True)
class Reply:
    """What one request brought.

    :param value: the answer, as the caller's business is.
    :param usage: the tokens that the provider told; without them the call is settled at its worst case.
    :param limit: what its headers tell.
    """

    value: Any
    usage: Usage | None = None
    limit: RateLimit | None = None


@dataclass(frozen=True)
class Call:
    """What is to be asked.

    :param key: what is asked for, such as the digest of a prompt.
    :param input_tokens: an upper bound.
    :param output_tokens: the most that it allows.
    :param send: makes one attempt within so many seconds, or raises :class:`CallFault`.
    """

    key: str
    input_tokens: int
    output_tokens: int
    send: Callable[[float], Reply]


@dataclass(frozen=True)
class Failure:
    """A call that failed for good, with the reason of its last attempt."""

    key: str
    reason: str
