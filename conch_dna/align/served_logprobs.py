"""Token log-probabilities that a server returns with an answer or for a given text, as bytes with their choices.

Servers differ. llama.cpp joins tokens that end inside a character; others write such a token as U+FFFD, or as its
bytes. Some return the token that ended the turn, some do not. These functions give the same form for all of them.
"""

from __future__ import annotations

import math
import re
from itertools import groupby
from typing import TYPE_CHECKING, Any

from conch_dna.records import SoftToken

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

LEAST = -80.0  # nats; servers write -9999 for values that they did not compute
MOST_MASS = 1.02  # of the choices of one token: servers round the values
MANY = 16  # values that are not all equal by chance
UNKNOWN = "\ufffd".encode().decode("latin-1")  # half a character, from a server that returns no bytes
_BYTES = re.compile(r"\\x([0-9a-fA-F]{2})")


def soft_tokens(choice: Mapping[str, Any]) -> tuple[SoftToken, ...]:
    """Return the tokens of a chat response (one of its ``choices``) with their top choices.

    llama.cpp joins tokens that end inside a UTF-8 character with those after them and returns the choices of the last
    one; the bytes before it become a token with a single choice. If the server returns the token that ended the answer,
    it is the end of the turn; any other special token stays in the tail.

    :returns: an empty tuple if the tokens' bytes differ from the text, or if the response has no tokens.
    """
    items = returned_items(choice)
    text = (choice["message"]["content"] or "").encode()
    end = _end(items, text) if choice["finish_reason"] == "stop" else None

    def piece(item: Mapping[str, Any]) -> str | None:
        return None if _name(item) == end else bytes_of(item).decode("latin-1")

    found: list[SoftToken] = []
    for item in items:
        top = [*item.get("top_logprobs", ())]
        own = next((t for t in top if _name(t) == _name(item)), item)
        if joined := bytes_of(item).removesuffix(bytes_of(own)):
            found.append(SoftToken(piece=joined.decode("latin-1"), choices=((joined.decode("latin-1"), 0.0),)))
        if own is item:  # sampled from outside the top choices
            top.append(item)
        choices = {piece(t): t["logprob"] for t in reversed(top) if bytes_of(t) or _name(t) == end}
        # If all top choices are special tokens, only the answer's own token is left.
        found.append(soft_token(piece(own), choices or {piece(own): own["logprob"]}))
    return spelled(found, text) or ()


def returned_items(choice: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the tokens of a chat response as the server returned them, even if they do not spell its text."""
    return (choice.get("logprobs") or {}).get("content") or []


def soft_token(piece: str | None, choices: Mapping[str | None, float]) -> SoftToken:
    """Return a token with its choices, likeliest first, without those that have no mass."""
    kept = {p: round(max(value, LEAST), 4) for p, value in choices.items() if value > LEAST or p == piece}
    return SoftToken(piece=piece, choices=tuple(sorted(kept.items(), key=lambda c: -c[1])))


def spelled(tokens: Sequence[SoftToken], text: bytes) -> tuple[SoftToken, ...] | None:
    """Return ``tokens`` if they spell ``text``, or ``None``.

    Halves of characters returned as U+FFFD get the bytes of the text at their position; several in a row become one
    token.
    """
    wanted = text.decode("latin-1")
    if "".join(token.piece or "" for token in tokens) == wanted:
        return tuple(tokens)
    runs = [(half, list(run)) for half, run in groupby(tokens, lambda t: UNKNOWN in (t.piece or ""))]
    found: list[SoftToken] = []
    place = 0
    for number, (half, run) in enumerate(runs):
        if half:
            after = "".join(t.piece or "" for t in runs[number + 1][1]) if number + 1 < len(runs) else ""
            end = wanted.find(after, place + 1) if after else len(wanted)
            if end <= place:
                return None
            piece = wanted[place:end]
            found.append(soft_token(piece, {piece: sum(dict(t.choices)[t.piece] for t in run)}))
            place = end
        else:
            joined = "".join(t.piece or "" for t in run)
            if not wanted.startswith(joined, place):
                return None
            found += [soft_token(t.piece, {p: v for p, v in t.choices if UNKNOWN not in (p or "")}) for t in run]
            place += len(joined)
    return tuple(found) if place == len(wanted) else None


def answer_in(tokens: Sequence[SoftToken], text: str, trail: int) -> tuple[SoftToken, ...] | None:
    """Return the tokens of an answer from the tokens of a conversation that ends with it.

    White space at the ends of the answer may differ, since chat templates trim it. The token after the answer is the
    end of the turn, here and among the choices of all tokens.

    :param trail: the number of tokens that the template writes after an answer, including the one that ends the turn.
    :returns: ``None`` if the conversation does not end with that text.
    """
    last = len(tokens) - trail
    for wanted in dict.fromkeys((text.encode(), text.strip().encode())):
        for start in range(last - 1, -1, -1):
            if wanted and (found := spelled(tokens[start:last], wanted)):
                return _ended(found, tokens[last]) if trail else found
    return None


def trail_behind(tokens: Sequence[SoftToken], text: str) -> int | None:
    """Return the number of tokens after the last occurrence of ``text`` in a conversation; ``None`` if it is absent."""
    return next((n for n in range(len(tokens)) if answer_in(tokens, text, n)), None)


def _ended(tokens: Iterable[SoftToken], end: SoftToken) -> tuple[SoftToken, ...]:
    """Replace the token ``end`` by the end of the turn, also among the choices."""

    def named(token: SoftToken) -> SoftToken:
        choices = tuple((None if piece == end.piece else piece, value) for piece, value in token.choices)
        return SoftToken(piece=None if token is end else token.piece, choices=choices)

    return (*map(named, tokens), named(end))


def is_absent(answers: Sequence[Sequence[SoftToken]]) -> str | None:
    """Return why the choices of some answers are no usable signal, or ``None`` if they are one.

    Endpoints exist that fill in zeros, a constant, or values that are no log-probabilities.
    """
    values = [[value for _, value in token.choices] for tokens in answers for token in tokens]
    flat = [value for row in values for value in row]
    if not flat:
        return "no token has log-probabilities"
    if any(math.isnan(value) or value > math.log(MOST_MASS) for value in flat):
        return "log-probabilities above 0, or not a number"
    if any(sum(map(math.exp, row)) > MOST_MASS for row in values):
        return "the probabilities of a token's choices add up to more than 1"
    if len(flat) >= MANY and len(set(flat)) == 1:
        return f"all log-probabilities are {flat[0]:g}"
    return None


def bytes_of(item: Mapping[str, Any]) -> bytes:
    """Return the bytes of a token in a chat response; empty for a special token."""
    if "bytes" in item:
        return bytes(item["bytes"] or ())
    return str(item.get("token", "")).encode()


def raw_piece(written: str) -> str:
    """Return, as Latin-1, the bytes of a token in a raw completion: plain text, or escaped after ``bytes:``."""
    if written.startswith("bytes:"):
        return "".join(chr(int(digits, 16)) for digits in _BYTES.findall(written))
    return written.encode().decode("latin-1")


def _name(item: Mapping[str, Any]) -> object:
    return item["id"] if "id" in item else (item.get("token"), bytes_of(item))


def _end(items: Sequence[Mapping[str, Any]], text: bytes) -> object:
    """Return the name of the token that ended an answer, or ``None`` if the server does not return it."""
    if not items:
        return None
    last = items[-1]
    own = bytes_of(last)
    if not own or b"".join(map(bytes_of, items)) == text + own:
        return _name(last)
    return None
