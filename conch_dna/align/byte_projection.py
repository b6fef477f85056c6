"""Projection of a teacher's token choices, given as bytes, onto the tokens of a student with any tokenizer.

At every byte of the answer at which a student's token starts, collect the strings with which the teacher might have
continued, and their probabilities, by the chain rule over the teacher's own tokens. Each string's mass goes to the
first token with which the student would write it. The result is ordinary soft targets; later code need not know that
the tokenizers differ.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from dataclasses import replace
from functools import cache
from itertools import accumulate, islice
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from conch_dna.align.offsets import byte_spans
from conch_dna.align.vocabulary import vocabulary_of
from conch_dna.plugin.protocols import Targets
from conch_dna.records import SoftToken

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conch_dna.align.vocabulary import Vocabulary

LEAST = 1e-6  # mass below which a string is not extended, and the least mass of the tail


class Choice(NamedTuple):
    """A string that the teacher might have continued with.

    :param text: its bytes; ``None`` is the end of the turn.
    :param mass: its probability.
    :param said: the answer continues with it.
    """

    text: bytes | None
    mass: float
    said: bool


class TokenChoices:
    """A teacher's tokens and their choices, by byte offset in the answer."""

    def __init__(self, tokens: Sequence[SoftToken]) -> None:
        self.pieces = [_bytes(t.piece) for t in tokens]
        self.choices = [[(_bytes(piece), math.exp(value)) for piece, value in t.choices] for t in tokens]
        sizes = [len(piece or b"") for piece in self.pieces]
        self.starts = [*accumulate(sizes, initial=0)][:-1]

    def strings(self, start: int, end: int) -> list[Choice]:
        """Return the strings that the teacher might have continued with from byte ``start``.

        The string of the answer itself is extended by the next tokens up to byte ``end``; the others end with the
        teacher's token. The mass missing to 1 is unknown.
        """
        place = bisect_right(self.starts, start) - 1
        piece = self.pieces[place]
        passed = start - self.starts[place]
        if piece is not None and passed >= len(piece):  # after the end of an answer that was cut off
            return []
        found = [Choice(text, mass, text == piece) for text, mass in self.choices[place]]
        if passed and piece is not None:
            # Inside a token, only choices with the same beginning remain; the unknown mass is assumed to keep its
            # share.
            left = [c for c in found if c.text and c.text[:passed] == piece[:passed] and len(c.text) > passed]
            scale = sum(c.mass for c in found) / (sum(c.mass for c in left) or 1.0)
            found = [Choice((c.text or b"")[passed:], c.mass * scale, c.said) for c in left]
        return [after for choice in found for after in self._followed(choice, place + 1, end - start)]

    def _followed(self, choice: Choice, place: int, size: int) -> Iterator[Choice]:
        """Yield the choice; if the answer has it and it is shorter than ``size`` bytes, yield its continuations."""
        text, mass, said = choice
        if not said or text is None or len(text) >= size or mass < LEAST or place == len(self.pieces):
            yield choice
            return
        for more, share in self.choices[place]:
            goes_on = more is not None and more == self.pieces[place]
            yield from self._followed(Choice(text + (more or b""), mass * share, goes_on), place + 1, size)


def _bytes(piece: str | None) -> bytes | None:
    return None if piece is None else piece.encode("latin-1")


def as_bytes(tokenizer: Any, answer_ids: Sequence[int], targets: Targets) -> tuple[SoftToken, ...]:
    """Return an answer's tokens and targets, both of ``tokenizer``, as bytes; ids without bytes stay in the tail.

    :param answer_ids: R token ids; the last one is the end of the turn.
    :param targets: one row per token, in the same vocabulary.
    """
    vocabulary = vocabulary_of(tokenizer)
    end = answer_ids[-1]

    def piece(token: int) -> str | None:
        return None if token == end else vocabulary.pieces[token].decode("latin-1")

    found = []
    for token, ids, values in zip(answer_ids, targets.ids.tolist(), targets.log_probs.tolist(), strict=True):
        choices: dict[str | None, float] = {}
        for i, value in zip(ids, values, strict=True):
            if i == end or _has_bytes(vocabulary, i):
                before = choices.get(name := piece(i))  # another token with the same bytes
                choices[name] = value if before is None else float(np.logaddexp(before, value))
        # The answer's own token may not be among the k.
        found.append(SoftToken(piece=piece(token), choices=tuple(choices.items()) or ((piece(token), 0.0),)))
    return tuple(found)


def _has_bytes(vocabulary: Vocabulary, token: int) -> bool:
    return token < len(vocabulary.pieces) and bool(vocabulary.pieces[token])


class Projection:
    """A projection from a teacher's tokens to soft targets in a student's.

    :param vocabulary: the student's.
    :param width: the number of ids of the student's head.
    """

    def __init__(self, vocabulary: Vocabulary, width: int) -> None:
        self.vocabulary, self.width = vocabulary, width
        self._first = cache(vocabulary.first)

    def targets(self, tokens: Sequence[SoftToken], answer_ids: Sequence[int], top_k: int) -> Targets | None:
        """Return soft targets of one answer, or ``None`` if teacher and student have different texts.

        White space at the ends may differ: a student's chat template may trim or pad the text.

        :param tokens: the teacher's; the last one is the end of the turn, if the turn ended.
        :param answer_ids: the student's T tokens of the same answer; the last one is its end-of-turn token.
        :returns: (T, k) and (T,); ids that fill up the k without being among the choices share the tail evenly. The
            answer's own tokens have at least the probability :data:`LEAST`.
        """
        spans = byte_spans(self.vocabulary, answer_ids)
        laid = _laid_along(tokens, spans.text)
        if laid is None:
            return None
        choices, skipped = TokenChoices(laid[0]), laid[1]
        found = [
            self._masses(choices.strings(skipped + max(start, 0), skipped + end), label, answer_ids[-1])
            for start, end, label in zip(spans.starts_T.tolist(), spans.ends_T.tolist(), answer_ids, strict=True)
        ]
        chosen_T = [masses.get(label, 0.0) for masses, label in zip(found, answer_ids, strict=True)]
        targets = _as_targets(found, min(top_k, self.width - 1), self.width)
        return replace(targets, chosen=np.log(np.maximum(chosen_T, LEAST)).astype(np.float32))

    def _masses(self, choices: Sequence[Choice], label: int, end: int) -> dict[int, float]:
        """Return the mass of each student token at one position; mass without a known token is left out."""
        masses: defaultdict[int, float] = defaultdict(float)
        for text, mass, said in choices:
            token = label if said else end if text is None else self._first(text)
            if token >= 0:
                masses[token] += mass
        return dict(masses) or {label: 1.0}


def _laid_along(tokens: Sequence[SoftToken], text: bytes) -> tuple[list[SoftToken], int] | None:
    """Fit a teacher's tokens to the text that the student is trained on, whose white space at the ends may differ.

    White space that only the student's template writes was not the teacher's choice: it gets probability 1.

    :returns: the tokens with such white space, and the offset of the text in their bytes; ``None`` if more differs.
    """
    theirs = b"".join(_bytes(t.piece) or b"" for t in tokens)
    (our_lead, our_words, our_trail), (lead, words, trail) = _parted(text), _parted(theirs)
    skipped = max(0, len(lead) - len(our_lead))
    before, after = our_lead[: max(0, len(our_lead) - len(lead))], our_trail[len(trail) :]
    if our_words != words or not (before + theirs + after).startswith(text, skipped):
        return None
    last = len(tokens) - (not tokens or tokens[-1].piece is None)
    return [*_certain(before), *tokens[:last], *_certain(after), *tokens[last:]], skipped


def _parted(text: bytes) -> tuple[bytes, bytes, bytes]:
    """Return the white space before a text's words, the words, and the white space after them."""
    written = text.decode(errors="surrogateescape")
    words = written.strip()
    lead, _, trail = written.partition(words) if words else (written, "", "")
    return lead.encode(), words.encode(errors="surrogateescape"), trail.encode()


def _certain(text: bytes) -> list[SoftToken]:
    piece = text.decode("latin-1")
    return [SoftToken(piece=piece, choices=((piece, 0.0),))] if piece else []


def _as_targets(found: Sequence[dict[int, float]], k: int, width: int) -> Targets:
    """Return the k likeliest tokens of each position, filled up to k by ids that share the tail, and the tail."""
    ids_TK, masses_TK = np.zeros((len(found), k), np.int32), np.zeros((len(found), k))
    for row, masses in enumerate(found):
        best = sorted(masses.items(), key=lambda item: (-item[1], item[0]))[:k]
        taken = {token for token, _ in best}
        filling = islice((i for i in range(width) if i not in taken), k - len(best))
        ids_TK[row] = [*(token for token, _ in best), *filling]
        masses_TK[row, : len(best)] = [mass for _, mass in best]
    tail_T = np.maximum(1.0 - masses_TK.sum(axis=1), LEAST)
    share_T = tail_T / width
    filled_TK = np.where(masses_TK > 0, masses_TK, share_T[:, None])
    tail_T -= share_T * (masses_TK == 0).sum(axis=1)
    whole_T = filled_TK.sum(axis=1) + tail_T
    order_TK = np.argsort(-filled_TK, axis=1, kind="stable")
    return Targets(
        np.take_along_axis(ids_TK, order_TK, axis=1),
        np.log(np.take_along_axis(filled_TK, order_TK, axis=1) / whole_T[:, None]).astype(np.float32),
        np.log(tail_T / whole_T).astype(np.float32),
    )
