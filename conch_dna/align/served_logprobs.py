"""The tokens that a server told with an answer, or of a text that it was given, as bytes with their choices.

Servers differ in what they tell. llama.cpp joins tokens that end inside a character; others write such a token as
U+FFFD, or as its bytes. Some tell the token that ended the turn, some do not. What comes out is the same for all.
"""

from __future__ import annotations

import math
import re
from itertools import groupby
from typing import TYPE_CHECKING, Any

from conch_dna.records import SoftToken

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

LEAST = -80.0  # nats; servers write -9999 for what they did not work out
MOST_MASS = 1.02  # of the choices of one token: figures are rounded on their way
MANY = 16  # values that are not all the same by chance
UNKNOWN = "\ufffd".encode().decode("latin-1")  # half a character, as a server writes it that tells no bytes
_BYTES = re.compile(r"\\x([0-9a-fA-F]{2})")


def soft_tokens(choice: Mapping[str, Any]) -> tuple[SoftToken, ...]:
    """Return the tokens of a chat's reply (one of its ``choices``) with what else they might have been.

    llama.cpp joins tokens that end inside a UTF-8 character with those after them and tells the choices of the last
    one; the bytes before it are taken as a token without another choice. Where the server tells the token that ended
    the answer, that is the end of the turn; any other special token stays in the tail.

    :returns: nothing where the tokens' bytes are not those of the text, or where no tokens are told.
    """
    items = told_items(choice)
    text = (choice["message"]["content"] or "").encode()
    end = _end(items, text) if choice["finish_reason"] == "stop" else None

    def piece(item: Mapping[str, Any]) -> str | None:
        return None if _name(item) == end else bytes_of(item).decode("latin-1")

    found: list[SoftToken] = []
    for item in items:
        told = [*item.get("top_logprobs", ())]
        own = next((t for t in told if _name(t) == _name(item)), item)
        if joined := bytes_of(item).removesuffix(bytes_of(own)):
            found.append(SoftToken(piece=joined.decode("latin-1"), choices=((joined.decode("latin-1"), 0.0),)))
        if own is item:  # drawn from outside the likeliest
            told.append(item)
        choices = {piece(t): t["logprob"] for t in reversed(told) if bytes_of(t) or _name(t) == end}
        # Special tokens alone leave nothing but what was said.
        found.append(soft_token(piece(own), choices or {piece(own): own["logprob"]}))
    return spelled(found, text) or ()


def told_items(choice: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return what is told of the tokens of a chat's reply, whether or not they spell its text."""
    return (choice.get("logprobs") or {}).get("content") or []


def soft_token(piece: str | None, choices: Mapping[str | None, float]) -> SoftToken:
    """Return a token with its choices, likeliest first; those without any mass are left out."""
    told = {p: round(max(value, LEAST), 4) for p, value in choices.items() if value > LEAST or p == piece}
    return SoftToken(piece=piece, choices=tuple(sorted(told.items(), key=lambda c: -c[1])))


def spelled(tokens: Sequence[SoftToken], text: bytes) -> tuple[SoftToken, ...] | None:
    """Return ``tokens`` where they spell ``text``, or ``None``.

    Halves of characters that were told as U+FFFD are given the bytes that the text has in their place, several in a row
    as one token.
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
    """Find an answer among the tokens of a conversation that ends with it, and return its tokens.

    Blank at the answer's ends may differ, since chat templates trim it. The token behind the answer is the end of the
    turn, here and among the choices of all others.

    :param trail: how many tokens the template writes behind an answer, the one that ends the turn included.
    :returns: ``None`` where the conversation does not end with that text.
    """
    last = len(tokens) - trail
    for wanted in dict.fromkeys((text.encode(), text.strip().encode())):
        for start in range(last - 1, -1, -1):
            if wanted and (found := spelled(tokens[start:last], wanted)):
                return _ended(found, tokens[last]) if trail else found
    return None


def trail_behind(tokens: Sequence[SoftToken], text: str) -> int | None:
    """Return how many tokens stand behind ``text`` at its last place in a conversation; ``None`` where it is not."""
    return next((n for n in range(len(tokens)) if answer_in(tokens, text, n)), None)


def _ended(tokens: Iterable[SoftToken], end: SoftToken) -> tuple[SoftToken, ...]:
    """Call the token ``end`` the end of the turn wherever it is told."""

    def named(token: SoftToken) -> SoftToken:
        choices = tuple((None if piece == end.piece else piece, value) for piece, value in token.choices)
        return SoftToken(piece=None if token is end else token.piece, choices=choices)

    return (*map(named, tokens), named(end))


def is_absent(answers: Sequence[Sequence[SoftToken]]) -> str | None:
    """Say why the choices of some answers are no signal at all, or return ``None`` where they are one.

    Nothing is learnt from an endpoint that fills in zeros or a constant, and what is no probability teaches nonsense.
    """
    values = [[value for _, value in token.choices] for tokens in answers for token in tokens]
    flat = [value for row in values for value in row]
    if not flat:
        return "no token has log-probabilities"
    if any(math.isnan(value) or value > math.log(MOST_MASS) for value in flat):
        return "log-probabilities above 0, or none at all"
    if any(sum(map(math.exp, row)) > MOST_MASS for row in values):
        return "the choices of a token have a probability above 1 together"
    if len(flat) >= MANY and len(set(flat)) == 1:
        return f"all log-probabilities are {flat[0]:g}"
    return None


def bytes_of(item: Mapping[str, Any]) -> bytes:
    """Return the bytes of a token as a chat tells it; none for a special token."""
    if "bytes" in item:
        return bytes(item["bytes"] or ())
    return str(item.get("token", "")).encode()


def raw_piece(written: str) -> str:
    """Return, as Latin-1, the bytes of a token as raw completions write it: as text, or escaped behind ``bytes:``."""
    if written.startswith("bytes:"):
        return "".join(chr(int(digits, 16)) for digits in _BYTES.findall(written))
    return written.encode().decode("latin-1")


def _name(item: Mapping[str, Any]) -> object:
    return item["id"] if "id" in item else (item.get("token"), bytes_of(item))


def _end(items: Sequence[Mapping[str, Any]], text: bytes) -> object:
    """Return the name of the token that ended an answer, or ``None`` where it is not told."""
    if not items:
        return None
    last = items[-1]
    own = bytes_of(last)
    if not own or b"".join(map(bytes_of, items)) == text + own:
        return _name(last)
    return None
