"""Two vocabularies side by side: which tokens are the same bytes, and what the others come to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from conch_dna.align.vocabulary import vocabulary_of
from conch_dna.errors import ConchError

if TYPE_CHECKING:
    from conch_dna.align.vocabulary import Vocabulary

_BUILT: dict[tuple[str, str], VocabularyMap] = {}  # by the two digests, for the life of the process


@dataclass(frozen=True)
class VocabularyMap:
    """The way from a student's vocabulary to a teacher's.

    A class is a byte string that is a token of both, named by the teacher's id of it. The map is X-Token's sparse
    row-stochastic one with one entry of 1 a row: a token of the same bytes where there is one, else the first of the
    tokens that its bytes make, since that one comes next. Where the student merges what the teacher does not, that is
    all. Where the teacher does (a numeral of three digits is one token), no student token would come to the teacher's,
    which could then be given no mass at all: so the teacher's are sent to classes by the same rule, through the
    student's tokenizer. With one vocabulary on both sides each token is a class of its own.

    :param student_classes_V, teacher_classes_V: int32, the class of each id; -1 where there is none.
    """

    student: Vocabulary
    teacher: Vocabulary
    student_classes_V: np.ndarray
    teacher_classes_V: np.ndarray

    @cached_property
    def members(self) -> Members:
        """The student's ids of each class."""
        return Members.of(self.student_classes_V, len(self.teacher.pieces))

    @cached_property
    def shared(self) -> np.ndarray:
        """Whether each student id is a token of the same bytes, or of the same meaning, to the teacher; bool (V,)."""
        ids = self.teacher.ids
        return np.array([not p or p in ids for p in self.student.pieces], bool)

    @cached_property
    def common_width(self) -> int:
        """How many ids, from 0, mean the same to both.

        :raises ConchError: an id that both have means different bytes; the first of them is named.
        """
        pairs = zip_longest(self.student.pieces, self.teacher.pieces)
        width = min(len(self.student.pieces), len(self.teacher.pieces))
        for index, (ours, theirs) in enumerate(pairs):
            if index < width and ours != theirs:
                raise ConchError(
                    "the two tokenizers disagree on ids", where=f"token id {index}",
                    got=f"{ours!r} to the student, {theirs!r} to the teacher",
                    allowed="cross_tokenizer = bytes, or a loss that compares tokens by their bytes",
                )  # fmt: skip
        return width


@dataclass(frozen=True)
class Members:
    """Lists of ids of different lengths, one a class, end to end.

    :param ids_M: int32, all ids by class.
    :param begins_C: int64 (classes + 1,), where each class begins in ``ids_M``.
    """

    ids_M: np.ndarray
    begins_C: np.ndarray

    @classmethod
    def of(cls, classes_V: np.ndarray, count: int) -> Members:
        """Return the ids of each of ``count`` classes; ids of class -1 are in none."""
        order = np.argsort(classes_V, kind="stable").astype(np.int32)
        begins = np.searchsorted(classes_V[order], np.arange(count + 1))
        return cls(order, begins)

    def of_rows(self, classes_NK: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the ids of all classes of each row and the column of each id's class, both int32 (N, L).

        L is the most ids of a row, at least 1. What is over repeats the row's first id, with column K.
        """
        rows, columns = np.nonzero(classes_NK >= 0)
        firsts = self.begins_C[classes_NK[rows, columns]]
        sizes = self.begins_C[classes_NK[rows, columns] + 1] - firsts
        row_M = np.repeat(rows, sizes)
        of_class = np.arange(len(row_M)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        ids_M = self.ids_M[np.repeat(firsts, sizes) + of_class]
        lengths = np.bincount(row_M, minlength=len(classes_NK))
        place_M = np.arange(len(row_M)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        shape = (len(classes_NK), max(1, int(lengths.max(initial=0))))
        ids_NL, columns_NL = np.zeros(shape, np.int32), np.full(shape, classes_NK.shape[1], np.int32)
        ids_NL[row_M[place_M == 0]] = ids_M[place_M == 0][:, None]
        ids_NL[row_M, place_M], columns_NL[row_M, place_M] = ids_M, np.repeat(columns, sizes)
        return ids_NL, columns_NL


def vocabulary_map(student_tokenizer: Any, teacher_tokenizer: Any) -> VocabularyMap:
    """Return the way between two tokenizers; built once a pair in this process.

    :raises ConchError: a tokenizer whose tokens cannot be told in bytes.
    """
    student, teacher = vocabulary_of(student_tokenizer), vocabulary_of(teacher_tokenizer)
    pair = student.digest, teacher.digest
    if pair not in _BUILT:
        _BUILT[pair] = _build(student, teacher)
    return _BUILT[pair]


def _build(student: Vocabulary, teacher: Vocabulary) -> VocabularyMap:
    """Work out the classes of both vocabularies."""
    to_teacher, to_student = _images(student, teacher), _images(teacher, student)
    shared = {teacher.ids[piece] for piece in student.ids.keys() & teacher.ids.keys()}
    classes_T = np.full(len(teacher.pieces), -1, np.int32)
    # A token that is not shared goes over and back, to a start of its own bytes that is shorter each time.
    for index, piece in sorted(enumerate(teacher.pieces), key=lambda item: len(item[1])):
        here = teacher.ids.get(piece, -1)
        if here in shared:
            classes_T[index] = here
        elif to_student[index] >= 0 and to_teacher[to_student[index]] >= 0:
            classes_T[index] = classes_T[to_teacher[to_student[index]]]
    classes_S = np.where(to_teacher >= 0, classes_T[to_teacher], -1).astype(np.int32)
    for classes, vocabulary in ((classes_S, student), (classes_T, teacher)):
        classes[list(vocabulary.ends)] = min(teacher.ends, default=-1)
    return VocabularyMap(student, teacher, classes_S, classes_T)


def _images(from_: Vocabulary, to: Vocabulary) -> np.ndarray:
    """Return int64 (V,): the token of the same bytes, else the first one of those that the bytes make, else -1."""

    def image(piece: bytes) -> int:
        same = to.ids.get(piece, -1)
        return to.first(piece) if same < 0 and piece else same

    return np.array([image(piece) for piece in from_.pieces], np.int64)
