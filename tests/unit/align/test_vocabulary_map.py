"""The way between two vocabularies: same bytes, else the first token that the bytes make; and back."""

import itertools

import numpy as np
import pytest
from languages import CODE, NUMBERS, PROSE, byte_level, pieces, widened, wrapped
from mlx_lm.tokenizer_utils import load
from tokenizers import Tokenizer

from conch_dna.align.vocabulary_map import Members, vocabulary_map
from conch_dna.errors import ConchError
from conch_dna.models import refs

KINDS = {
    "digits": lambda: byte_level(digits=True), "merged": lambda: byte_level(600, PROSE), "pieces": pieces,
    "code": lambda: byte_level(900, CODE),
}  # fmt: skip
PAIRS = [*itertools.permutations(KINDS, 2)]


def check_classes(between):
    """Properties of any two vocabularies."""
    student, teacher = between.student, between.teacher
    shared = student.ids.keys() & teacher.ids.keys()
    for vocabulary, classes in ((student, between.student_classes_V), (teacher, between.teacher_classes_V)):
        assert len(classes) == len(vocabulary.pieces)
        for index, (piece, found) in enumerate(zip(vocabulary.pieces, classes, strict=True)):
            if index in vocabulary.ends:
                assert found == min(teacher.ends)
            elif piece in shared:
                assert found == teacher.ids[piece], "the same bytes are a class"
            elif found >= 0:
                assert teacher.pieces[found] in shared
                assert piece.startswith(teacher.pieces[found])


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_every_class_is_a_token_of_both_and_begins_its_members(ours, theirs):
    between = vocabulary_map(KINDS[ours](), KINDS[theirs]())
    check_classes(between)
    for vocabulary, classes in (
        (between.student, between.student_classes_V), (between.teacher, between.teacher_classes_V),
    ):  # fmt: skip
        lost = [i for i in np.flatnonzero(classes < 0) if vocabulary.pieces[i]]
        assert not lost, "both have all bytes, so every token has a class"


@pytest.mark.real
@pytest.mark.parametrize("kind", KINDS)
def test_a_real_vocabulary_has_the_same_classes(kind):
    real = load(refs.resolve("embedded:smollm2-135m"))
    check_classes(vocabulary_map(real, KINDS[kind]()))
    check_classes(vocabulary_map(KINDS[kind](), real))


def classes_of(ours, theirs, *, digits):
    """Return the classes of tokens of digits: student's, teacher's, as texts."""
    between = vocabulary_map(ours, theirs)
    texts = [p.decode() if p.isascii() else "" for p in between.teacher.pieces]
    return [
        {p.decode(): texts[classes[i]] for p, i in vocabulary.ids.items() if p.isdigit() and len(p) in digits}
        for vocabulary, classes in ((between.student, between.student_classes_V),
                                    (between.teacher, between.teacher_classes_V))
    ]  # fmt: skip


def test_numerals_that_the_teacher_merges_go_to_the_digit_that_comes_first():
    ours, theirs = classes_of(byte_level(digits=True), byte_level(600, NUMBERS), digits={1, 2, 3, 4})
    assert ours == {digit: digit for digit in "0123456789"}
    assert any(len(numeral) == 3 for numeral in theirs)
    assert all(found == numeral[0] for numeral, found in theirs.items())


def test_numerals_that_the_student_merges_do_so_too():
    ours, theirs = classes_of(byte_level(600, NUMBERS), byte_level(digits=True), digits={1, 2, 3, 4})
    assert theirs == {digit: digit for digit in "0123456789"}
    assert any(len(numeral) == 3 for numeral in ours)
    assert all(found == numeral[0] for numeral, found in ours.items())


@pytest.mark.parametrize("kind", ["digits", "merged", "code"])
def test_one_vocabulary_on_both_sides_maps_to_itself(kind):
    between = vocabulary_map(KINDS[kind](), KINDS[kind]())
    itself = [i for i, piece in enumerate(between.teacher.pieces) if piece]
    assert between.student_classes_V[itself].tolist() == between.teacher_classes_V[itself].tolist() == itself
    assert between.shared.all()
    assert between.common_width == len(between.teacher.pieces)


def test_shared_tokens_are_distinguished_from_unshared_ones():
    between = vocabulary_map(byte_level(digits=True), byte_level(600, PROSE))
    shared = {between.student.pieces[i] for i in np.flatnonzero(between.shared)} - {b""}
    assert shared == between.student.ids.keys() & between.teacher.ids.keys()


def test_a_pair_is_bridged_once():
    assert vocabulary_map(byte_level(), pieces()) is vocabulary_map(byte_level(), pieces())
    assert vocabulary_map(pieces(), byte_level()) is not vocabulary_map(byte_level(), pieces())


def test_tokenizers_that_disagree_on_ids_are_refused_with_the_first_that_differs():
    with pytest.raises(ConchError) as caught:
        _ = vocabulary_map(byte_level(), pieces()).common_width
    assert str(caught.value).startswith("token id 0: the two tokenizers disagree on ids; got b'!' to the student, b''")


def test_equal_width_with_two_ids_exchanged_is_refused():
    ours = byte_level()
    content = ours.backend_tokenizer.to_str()
    a, b = ours.get_vocab()["a"], ours.get_vocab()["b"]
    swapped = content.replace(f'"a":{a},', f'"a":{b},').replace(f'"b":{b},', f'"b":{a},')
    theirs = wrapped(Tokenizer.from_str(swapped))
    assert len(theirs) == len(ours)
    assert theirs.get_vocab()["a"] == b
    with pytest.raises(ConchError, match=rf"token id {min(a, b)}: .*b'a' to the student, b'b' to the teacher"):
        _ = vocabulary_map(ours, theirs).common_width


def test_more_ids_on_one_side_are_no_disagreement():
    ours, theirs = byte_level(), widened(byte_level(), "<tool>", "</tool>")
    assert vocabulary_map(ours, theirs).common_width == vocabulary_map(theirs, ours).common_width == len(ours)


def test_members_are_listed_by_row_and_what_is_over_repeats_the_first():
    members = Members.of(np.array([2, -1, 0, 2, 2, 0, 3]), 5)
    ids, columns = members.of_rows(np.array([[2, 4, 0], [-1, 3, -1], [-1, -1, -1]]))
    assert ids.tolist() == [[0, 3, 4, 2, 5], [6, 6, 6, 6, 6], [0, 0, 0, 0, 0]]
    assert columns.tolist() == [[0, 0, 0, 2, 2], [1, 3, 3, 3, 3], [3, 3, 3, 3, 3]]
