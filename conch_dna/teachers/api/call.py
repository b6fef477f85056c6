"""Records of one call to an API: the call, its reply, its failure."""

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
    """The reply to one request.

    :param value: the answer; its type depends on the call.
    :param usage: the tokens that the provider reported; without them the call is settled at its worst case.
    :param limit: the rate limits in its headers.
    """

    value: Any
    usage: Usage | None = None
    limit: RateLimit | None = None


@dataclass(frozen=True)
class Call:
    """One call to send.

    :param key: the identity of the question, such as the digest of a prompt.
    :param input_tokens: an upper bound.
    :param output_tokens: the limit on generated tokens.
    :param send: makes one attempt within the given seconds, or raises :class:`CallFault`.
    """

    key: str
    input_tokens: int
    output_tokens: int
    send: Callable[[float], Reply]


@dataclass(frozen=True)
class Failure:
    """A call that failed permanently, with the reason of its last attempt."""

    key: str
    reason: str
