"""Groups of tokens of two tokenizers that cover the same bytes of one text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from conch_dna.plugin.protocols import Groups

if TYPE_CHECKING:
    from collections.abc import Callable

    from conch_dna.align.offsets import Spans

LONGEST = 16  # tokens of a group on one side; a longer group is not a word, and the chain rule multiplies errors
NOWHERE = -2  # a byte offset that the other text does not have


def align(student: Spans, teacher: Spans) -> Groups:
    """Return the groups and common starts of two tokenisations of one text.

    If the texts differ (a tokenizer normalises, or lacks a token for a character), nothing is aligned between the first
    and the last byte that differ; offsets after that are counted from the end.
    """
    wide_s, wide_t = (np.flatnonzero(s.ends_T > s.starts_T) for s in (student, teacher))
    first, onto = _difference(student.text, teacher.text)
    ends, at_s, at_t = np.intersect1d(onto(student.ends_T[wide_s]), teacher.ends_T[wide_t], return_indices=True)
    student_G2, teacher_G2 = _ranges(wide_s, at_s), _ranges(wide_t, at_t)
    sound = (np.diff(student_G2)[:, 0] <= LONGEST) & (np.diff(teacher_G2)[:, 0] <= LONGEST)
    sound[np.searchsorted(ends, first, side="right") :][:1] = False  # the group around the difference
    _, at_s, at_t = np.intersect1d(onto(student.starts_T[wide_s]), teacher.starts_T[wide_t], return_indices=True)
    starts_P2 = np.stack([wide_s[at_s], wide_t[at_t]], axis=1)
    student_G2, teacher_G2 = student_G2[sound], teacher_G2[sound]
    if student.ended and teacher.ended:
        last_s, last_t = len(student.ends_T) - 1, len(teacher.ends_T) - 1
        student_G2 = np.append(student_G2, [[last_s, last_s + 1]], axis=0)
        teacher_G2 = np.append(teacher_G2, [[last_t, last_t + 1]], axis=0)
        starts_P2 = np.append(starts_P2, [[last_s, last_t]], axis=0)
    return Groups(student_G2, teacher_G2, starts_P2)


def _ranges(wide: np.ndarray, at_G: np.ndarray) -> np.ndarray:
    """Return consecutive half-open ranges of tokens that end with the tokens ``wide[at_G]``."""
    firsts = np.concatenate([[0], at_G[:-1] + 1])[: len(at_G)].astype(np.int64)
    return np.stack([wide[firsts], wide[at_G] + 1], axis=1)


def _difference(ours: bytes, theirs: bytes) -> tuple[int, Callable[[np.ndarray], np.ndarray]]:
    """Return the first byte that differs, and a function from offsets in our text to offsets in theirs."""
    if ours == theirs:
        return len(theirs) + 1, lambda offsets: offsets
    shortest = min(len(ours), len(theirs))
    first = _common(ours, theirs)
    last = min(_common(ours[::-1], theirs[::-1]), shortest - first)

    def onto(offsets: np.ndarray) -> np.ndarray:
        moved = offsets + len(theirs) - len(ours)
        behind = (offsets >= len(ours) - last) & (moved > first)
        return np.where(offsets <= first, offsets, np.where(behind, moved, NOWHERE))

    return first, onto


def _common(one: bytes, other: bytes) -> int:
    """Return the length of the common prefix of two texts, in bytes."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
