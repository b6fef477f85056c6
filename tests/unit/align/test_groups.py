"""Two tokenisations of a text meet at common byte offsets."""

import itertools

import numpy as np
import pytest
from languages import PROSE, TEXTS, byte_level, encode, pieces

from conch_dna.align.groups import LONGEST, align
from conch_dna.align.offsets import Spans, byte_spans
from conch_dna.align.vocabulary import vocabulary_of

KINDS = {"digits": lambda: byte_level(digits=True), "merged": lambda: byte_level(600, PROSE), "pieces": pieces}
PAIRS = [*itertools.product(KINDS, KINDS)]


def spans_of(kind, text):
    tokenizer = KINDS[kind]()
    return byte_spans(vocabulary_of(tokenizer), encode(tokenizer, text))


def cut(text, *ends, ended=False, blank=0):
    """Return the spans of a text cut after these bytes."""
    ends = [*ends, len(text)] + [len(text)] * ended
    return Spans(
        np.array([-blank, *ends[:-1]]), np.array(ends), np.array([False] * (len(ends) - ended) + [True] * ended),
        text, ended,
    )  # fmt: skip


def returned(groups):
    return [(a.tolist(), b.tolist()) for a, b in zip(groups.student_G2, groups.teacher_G2, strict=True)]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_groups_are_the_same_bytes_and_cover_the_text(ours, theirs, text):
    student, teacher = spans_of(ours, text), spans_of(theirs, text)
    groups = align(student, teacher)
    at = 0
    for (first_s, stop_s), (first_t, stop_t) in zip(groups.student_G2[:-1], groups.teacher_G2[:-1], strict=True):
        starts = max(0, student.starts_T[first_s]), max(0, teacher.starts_T[first_t])
        assert starts == (at, at)
        at = student.ends_T[stop_s - 1]
        assert teacher.ends_T[stop_t - 1] == at
        inside = set(student.ends_T[first_s : stop_s - 1]) & set(teacher.ends_T[first_t : stop_t - 1])
        assert not inside, "a group that could be cut is two"
    assert at == len(text.encode())
    assert groups.student_G2[-1].tolist() == [len(student.ends_T) - 1, len(student.ends_T)], "end aligns with end"
    assert groups.teacher_G2[-1].tolist() == [len(teacher.ends_T) - 1, len(teacher.ends_T)]
    pairs = {(s, t) for s, t in itertools.product(range(len(student.ends_T)), range(len(teacher.ends_T)))
             if student.starts_T[s] == teacher.starts_T[t] and student.marks_T[s] == teacher.marks_T[t]}  # fmt: skip
    assert {tuple(p) for p in groups.starts_P2.tolist()} == pairs


@pytest.mark.parametrize("kind", KINDS)
def test_one_tokenizer_on_both_sides_gives_groups_of_one(kind):
    for text in TEXTS:
        spans = spans_of(kind, text)
        one = [[i, i + 1] for i in range(len(spans.ends_T))]
        groups = align(spans, spans)
        assert groups.student_G2.tolist() == groups.teacher_G2.tolist() == one
        assert groups.starts_P2.tolist() == [[i, i] for i in range(len(one))]


def test_numerals_of_several_digits_meet_where_both_end():
    student, teacher = cut(b"12345 6", 1, 2, 3, 4, 5), cut(b"12345 6", 3, 5)
    assert returned(align(student, teacher)) == [([0, 3], [0, 1]), ([3, 5], [1, 2]), ([5, 6], [2, 3])]
    assert align(student, teacher).starts_P2.tolist() == [[0, 0], [3, 1], [5, 2]]


def test_an_end_on_one_side_alone_is_no_group():
    student, teacher = cut(b"ab", 1, ended=True), cut(b"ab", 1)
    assert returned(align(student, teacher)) == [([0, 1], [0, 1]), ([1, 2], [1, 2])]
    assert align(student, teacher).starts_P2.tolist() == [[0, 0], [1, 1]]


def test_a_blank_before_the_text_on_one_side_is_in_the_group_but_is_no_common_start():
    student, teacher = cut(b"ab c", 2, blank=1), cut(b"ab c", 2)
    assert returned(align(student, teacher)) == [([0, 1], [0, 1]), ([1, 2], [1, 2])]
    assert align(student, teacher).starts_P2.tolist() == [[1, 1]]


def test_a_blank_that_is_a_token_joins_the_group_after_it():
    student = Spans(np.array([-1, 0]), np.array([0, 2]), np.array([False] * 2), b"ab", False)
    groups = align(student, cut(b"ab"))
    assert returned(groups) == [([0, 2], [0, 1])]
    assert groups.starts_P2.tolist() == [[1, 0]], "after it, both start the text"


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        (cut(b"ab e\xcc\x81 cd", 3, 6), cut(b"ab \xc3\xa9 cd", 3, 5), [([2, 3], [2, 3])]),
        (cut(b"ab cd", 2, 3), cut(b"ab cdef", 2, 3), [([0, 1], [0, 1]), ([1, 2], [1, 2])]),
        (cut(b"xab", 1, 2), cut(b"ab", 1), [([2, 3], [1, 2])]),
        (cut(b"aab", 1, 2), cut(b"ab", 1), [([0, 1], [0, 1])]),
    ],
    ids=["composed", "longer", "more before", "more inside"],
)
def test_around_a_difference_nothing_is_aligned(ours, theirs, expected):
    groups = align(ours, theirs)
    got = returned(groups)
    assert got[-len(expected) :] == expected
    for (a, b), (c, d) in got:
        assert (
            ours.text[ours.starts_T[a] : ours.ends_T[b - 1]] == theirs.text[theirs.starts_T[c] : theirs.ends_T[d - 1]]
        )


def test_texts_with_nothing_in_common_do_not_meet():
    groups = align(cut(b"abc", 1), cut(b"xyz", 1))
    assert returned(groups) == []
    assert groups.starts_P2.tolist() == [[0, 0]], "nothing was said yet"


def test_a_group_that_is_no_word_any_more_is_left_out():
    text = b"x" * (LONGEST + 1) + b"y"
    single = cut(text, *range(1, len(text)))
    assert returned(align(single, cut(text, LONGEST + 1))) == [([LONGEST + 1, LONGEST + 2], [1, 2])]
