"""Byte offsets of tokens in a text.

Offsets are never computed from decoded strings: a token may hold half a character, which decodes to another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conch_dna.align.vocabulary import Vocabulary


class Spans(NamedTuple):
    """The tokens of one text.

    :param starts_T, ends_T: int64 byte offsets in the UTF-8 text. A blank that the tokenizer adds before the text is at
        offset -1, so the first token then starts at -1. Tokens without bytes start and end at the same offset.
    :param marks_T: bool, tokens that only mark a beginning, an end or padding.
    :param text: the bytes that the tokens spell, without the added blank.
    :param ended: whether the last token ends the answer.
    """

    starts_T: np.ndarray
    ends_T: np.ndarray
    marks_T: np.ndarray
    text: bytes
    ended: bool


def byte_spans(vocabulary: Vocabulary, ids: Sequence[int]) -> Spans:
    """Return the start and end of each of the tokens ``ids``, which are the beginning of a text."""
    known = len(vocabulary.pieces)
    pieces = [vocabulary.pieces[i] if 0 <= i < known else b"" for i in ids]
    text = b"".join(pieces)
    blank = int(vocabulary.virtual_blank and text.startswith(b" "))
    ends_T = np.cumsum([len(piece) for piece in pieces], dtype=np.int64) - blank
    starts_T = np.concatenate([[-blank], ends_T[:-1]]).astype(np.int64)[: len(pieces)]
    marks_T = np.array([i in vocabulary.marks for i in ids], bool)
    return Spans(starts_T, ends_T, marks_T, text[blank:], bool(ids) and ids[-1] in vocabulary.ends)
