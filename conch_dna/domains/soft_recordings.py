"""Soft targets of recorded answers: the teacher's top-k probabilities for each token, in a file beside the text."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from conch_dna.data.codec import decode, encode
from conch_dna.data.target_files import TargetFile, dump, read
from conch_dna.errors import DataError
from conch_dna.plugin.protocols import Targets
from conch_dna.records import SoftToken
from conch_dna.util.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

NOWHERE = -80.0  # the log-probability of a token that only fills a row
END = 0  # the number of the end of the turn


def write_soft(path: Path, answers: Mapping[str, Sequence[SoftToken]]) -> None:
    """Write the tokens of ``answers``, by prompt digest; rows are as wide as the token with the most choices.

    Tokens are numbered by frequency, and the numbers are coded like ids: see :mod:`conch_dna.data.codec`.
    """
    tokens = [token for answer in answers.values() for token in answer]
    counts = Counter(piece for t in tokens for piece in (t.piece, *(p for p, _ in t.choices)) if piece is not None)
    pieces = sorted(counts, key=lambda piece: (-counts[piece], piece))
    ids: dict[str | None, int] = {None: END, **{piece: i for i, piece in enumerate(pieces, 1)}}
    k = max(len(t.choices) for t in tokens)
    blobs = {digest: encode(_targets(answer, ids, k)) for digest, answer in answers.items()}
    tokens_N = np.array([ids[token.piece] for token in tokens], np.uint32)
    write_atomic(path, dump(TargetFile({"pieces": pieces}, blobs, tokens_N)))


def _targets(answer: Sequence[SoftToken], ids: Mapping[str | None, int], k: int) -> Targets:
    rows = [_row([(ids[piece], value) for piece, value in token.choices], k) for token in answer]
    log_probs_TK = np.array([[value for _, value in row] for row in rows], np.float32)
    rest_T = 1 - np.exp(log_probs_TK.astype(np.float64)).sum(axis=1)
    return Targets(
        np.array([[token for token, _ in row] for row in rows], np.int32),
        log_probs_TK,
        np.log(np.maximum(rest_T, 1e-6)).astype(np.float32),
    )


def _row(choices: list[tuple[int, float]], k: int) -> list[tuple[int, float]]:
    """Extend ``choices`` to ``k`` with other tokens of negligible probability."""
    taken = {token for token, _ in choices}
    others = (token for token in range(2 * k) if token not in taken)
    return choices + [(next(others), NOWHERE) for _ in range(k - len(choices))]


def read_soft(path: Path) -> dict[str, tuple[SoftToken, ...]]:
    """Return the tokens of every answer in the file, by prompt digest.

    :raises DataError: the file is damaged or has other content.
    """
    content = read(path)
    try:
        pieces: list[str | None] = [None, *map(str, content.about["pieces"])]
        tokens = iter(content.tokens.tolist())
        return {digest: _answer(decode(blob), tokens, pieces) for digest, blob in content.blobs.items()}
    except (KeyError, IndexError, StopIteration) as error:
        raise DataError("contains no recorded answers", where=path, next_step="Record them again") from error


def _answer(targets: Targets, tokens: Iterator[int], pieces: Sequence[str | None]) -> tuple[SoftToken, ...]:
    found = []
    for ids, values in zip(targets.ids.tolist(), targets.log_probs.tolist(), strict=True):
        choices = tuple((pieces[i], value) for i, value in zip(ids, values, strict=True) if value > NOWHERE / 2)
        found.append(SoftToken(piece=pieces[next(tokens)], choices=choices))
    return tuple(found)
