"""A map between two vocabularies: tokens with the same bytes, and the images of all others."""

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
    """The map from a student's vocabulary to a teacher's.

    A class is a byte string that is a token of both, identified by the teacher's id. The map is X-Token's sparse
    row-stochastic matrix with one entry of 1 per row: the token with the same bytes if there is one, otherwise the
    first token of its bytes, since that token comes next. This is sufficient if the student merges what the teacher
    does not. In the opposite case (a numeral of three digits is one teacher token) no student token would map to the
    teacher's, which could then get no mass. The teacher's tokens are therefore mapped to classes by the same rule,
    through the student's tokenizer. With the same vocabulary on both sides, each token is a class of its own.

    :param student_classes_V, teacher_classes_V: int32, the class of each id; -1 for an id without a class.
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
        """Bool (V,): the student ids whose bytes, or whose meaning, the teacher's vocabulary has too."""
        ids = self.teacher.ids
        return np.array([not p or p in ids for p in self.student.pieces], bool)

    @cached_property
    def common_width(self) -> int:
        """The number of ids, from 0, that mean the same to both.

        :raises ConchError: an id that both have means different bytes; the error names the first.
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
    """Lists of ids, one per class, concatenated.

    :param ids_M: int32, all ids by class.
    :param begins_C: int64 (classes + 1,), the start of each class in ``ids_M``.
    """

    ids_M: np.ndarray
    begins_C: np.ndarray

    @classmethod
    def of(cls, classes_V: np.ndarray, count: int) -> Members:
        """Return the ids of each of ``count`` classes; ids of class -1 belong to none."""
        order = np.argsort(classes_V, kind="stable").astype(np.int32)
        begins = np.searchsorted(classes_V[order], np.arange(count + 1))
        return cls(order, begins)

    def of_rows(self, classes_NK: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the ids of all classes of each row and the column of each id's class, both int32 (N, L).

        L is the largest number of ids of a row, at least 1. Padding repeats the row's first id, with column K.
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
    """Return the map between two tokenizers; built once per pair and process.

    :raises ConchError: a tokenizer whose tokens cannot be written as bytes.
    """
    student, teacher = vocabulary_of(student_tokenizer), vocabulary_of(teacher_tokenizer)
    pair = student.digest, teacher.digest
    if pair not in _BUILT:
        _BUILT[pair] = _build(student, teacher)
    return _BUILT[pair]


def _build(student: Vocabulary, teacher: Vocabulary) -> VocabularyMap:
    """Compute the classes of both vocabularies."""
    to_teacher, to_student = _images(student, teacher), _images(teacher, student)
    shared = {teacher.ids[piece] for piece in student.ids.keys() & teacher.ids.keys()}
    classes_T = np.full(len(teacher.pieces), -1, np.int32)
    # A token that is not shared maps to the other vocabulary and back, each time to a shorter prefix of its bytes.
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
    """Return int64 (V,): the token with the same bytes, else the first token of the bytes, else -1."""

    def image(piece: bytes) -> int:
        same = to.ids.get(piece, -1)
        return to.first(piece) if same < 0 and piece else same

    return np.array([image(piece) for piece in from_.pieces], np.int64)
