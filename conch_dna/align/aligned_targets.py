"""Alignment of a teacher's targets with a student's tokens, for one answer and for a batch."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from conch_dna.align.groups import align
from conch_dna.align.offsets import byte_spans
from conch_dna.align.vocabulary_map import VocabularyMap, vocabulary_map
from conch_dna.errors import TeacherError
from conch_dna.plugin.protocols import Aligned, Groups, Targets

if TYPE_CHECKING:
    from collections.abc import Sequence

NONE = -1  # no token


def align_answers(
    ours: Sequence[Sequence[int]],
    theirs: Sequence[Sequence[int]],
    targets: Sequence[Targets],
    student_tokenizer: Any,
    teacher_tokenizer: Any,
) -> list[Aligned | None]:
    """Return the targets of each answer aligned with the student's tokens; plain arrays, safe to pickle.

    ``None`` is an answer without any aligned token: its text differs from the one the student is trained on.

    :param ours: token ids of each answer in the student's vocabulary.
    :param theirs: token ids of the same answers in the teacher's, including the end of the answer if it has one.
    :param targets: the teacher's, one row per token of ``theirs``.
    :raises ConchError: a tokenizer whose tokens cannot be written as bytes.
    :raises TeacherError: targets that do not cover the answer.
    """
    between = vocabulary_map(student_tokenizer, teacher_tokenizer)
    triples = zip(ours, theirs, targets, strict=True)
    return [_aligned(between, *triple, place) for place, triple in enumerate(triples)]


def _aligned(
    between: VocabularyMap, ours: Sequence[int], theirs: Sequence[int], targets: Targets, place: int
) -> Aligned | None:
    if len(targets.tail) != len(theirs):
        raise TeacherError("returned soft targets that do not fit its answer", where=f"answer {place}",
                           got=f"{len(targets.tail)} positions", allowed=f"{len(theirs)}, one a token")  # fmt: skip
    student, teacher = byte_spans(between.student, ours), byte_spans(between.teacher, theirs)
    groups = align(student, teacher)
    if student.text and len(groups.student_G2) == (student.ended and teacher.ended):
        return None
    end = ours[-1] if student.ended else min(between.student.ends, default=NONE)
    matches, single = [], []
    for (first_s, stop_s), (first_t, stop_t) in zip(groups.student_G2, groups.teacher_G2, strict=True):
        before_s = _spelled(between.student.pieces, ours[first_s : stop_s - 1], student.starts_T[first_s])
        before_t = _spelled(between.teacher.pieces, theirs[first_t : stop_t - 1], teacher.starts_T[first_t])
        single.append(stop_s - first_s == stop_t - first_t == 1 and before_s == before_t)
        matches.append(_matches(between, before_s, before_t, targets.ids[stop_t - 1], end))
    labels_N, said_R = np.array(ours, np.int32), _said(targets, theirs)
    matches_GK = np.array(matches, np.int32).reshape(-1, targets.ids.shape[1])
    return Aligned(labels_N, targets, said_R, groups, matches_GK, np.array(single, bool))


def _spelled(pieces: Sequence[bytes], ids: Sequence[int], start: int) -> tuple[bytes, int]:
    """Return the bytes of a group's earlier tokens, and the number of bytes of the group that are not in the text."""
    return b"".join(pieces[i] for i in ids), int(start < 0)


def _matches(
    between: VocabularyMap, before_s: tuple[bytes, int], before_t: tuple[bytes, int], ids_K: np.ndarray, end: int
) -> list[int]:
    """Return, for each teacher id, the student's last token with which the group spells the same bytes, or -1."""
    (ours, our_blank), (theirs, their_blank) = before_s, before_t
    same_place = ours[our_blank:] == theirs[their_blank:]
    found = []
    for index in ids_K.tolist():
        if index in between.teacher.ends:
            found.append(end if same_place else NONE)
            continue
        piece = between.teacher.pieces[index] if index < len(between.teacher.pieces) else b""
        text = theirs + piece
        # A blank that only one tokenizer puts before the text is removed from theirs and added to ours.
        reads = b" " * our_blank + text[their_blank:]
        spelled = piece and text[:their_blank] == b" " * their_blank and reads.startswith(ours)
        found.append(between.student.ids.get(reads[len(ours) :], NONE) if spelled else NONE)
    return found


def _said(targets: Targets, answer: Sequence[int]) -> np.ndarray:
    """Return float32 (R,): the log-probability of the answer's own tokens, NaN if the targets do not contain it."""
    if targets.chosen is not None:
        return targets.chosen.astype(np.float32)
    hits_RK = targets.ids == np.array(answer)[:, None]
    at_R = hits_RK.argmax(axis=1)
    rows = np.arange(len(answer))
    return np.where(hits_RK.any(axis=1), targets.log_probs[rows, at_R], np.nan).astype(np.float32)


def without_untrained(aligned: Aligned, trained_N: Sequence[bool]) -> Aligned:
    """Return the targets of one answer at its trained tokens alone; groups with another token are left out.

    :param trained_N: whether each of the student's tokens is trained.
    """
    kept_N = np.array(trained_N, bool)
    before = np.concatenate([[0], np.cumsum(kept_N)])  # number of trained tokens before each token
    student_G2, teacher_G2, starts_P2 = aligned.groups
    whole_G = before[student_G2[:, 1]] - before[student_G2[:, 0]] == student_G2[:, 1] - student_G2[:, 0]
    starts_P2 = starts_P2[kept_N[starts_P2[:, 0]]]
    starts_P2 = np.stack([before[starts_P2[:, 0]], starts_P2[:, 1]], axis=1)
    groups = Groups(before[student_G2[whole_G]], teacher_G2[whole_G], starts_P2)
    return replace(
        aligned, labels_N=aligned.labels_N[kept_N], groups=groups, matches_GK=aligned.matches_GK[whole_G],
        single_G=aligned.single_G[whole_G],
    )  # fmt: skip


def collate_aligned(parts: Sequence[Aligned]) -> Aligned:
    """Join answers in the order of the trained positions that ``collate`` gives a batch with soft targets."""
    labels = np.cumsum([0, *(len(p.labels_N) for p in parts)])[:-1]
    rows = np.cumsum([0, *(len(p.targets.tail) for p in parts)])[:-1]
    joined = [np.concatenate(arrays) for arrays in zip(*map(_columns, parts, labels, rows), strict=True)]
    labels_N, ids, log_probs, tail, said_R, student_G2, teacher_G2, starts_P2, matches_GK, single_G = joined
    groups = Groups(student_G2, teacher_G2, starts_P2)
    return Aligned(labels_N, Targets(ids, log_probs, tail), said_R, groups, matches_GK, single_G)


def _columns(part: Aligned, label: int, row: int) -> tuple[np.ndarray, ...]:
    """Return the arrays of one answer, with indices counted from the start of the batch."""
    targets, groups = part.targets, part.groups
    ranges = groups.student_G2 + label, groups.teacher_G2 + row, groups.starts_P2 + np.array([label, row])
    soft = targets.ids, targets.log_probs, targets.tail, part.said_R
    return part.labels_N, *soft, *ranges, part.matches_GK, part.single_G
