"""A teacher's choices, returned as bytes, become soft targets in the student's tokens."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from languages import pieces
from mlx_lm.tokenizer_utils import load
from tiny import write_tokenizer

from conch_dna.align.byte_projection import Projection, as_bytes
from conch_dna.align.vocabulary import vocabulary_of
from conch_dna.plugin.protocols import Targets
from conch_dna.records import SoftToken

END = "<|im_end|>"


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    """Single bytes and a few merges, ``he`` and ``" the"`` among them."""
    folder = tmp_path_factory.mktemp("tokenizer")
    write_tokenizer(folder)
    return load(folder)


@pytest.fixture(scope="module")
def projection(tokenizer):
    return Projection(vocabulary_of(tokenizer), 300)


def said(piece, **others):
    """A token that was said with the probability left over by its alternatives, and by a hundredth that is unknown."""
    choices = {piece: 0.99 - sum(others.values()), **{None if k == "end" else k: v for k, v in others.items()}}
    ranked = sorted(choices.items(), key=lambda c: -c[1])
    return SoftToken(piece=piece, choices=tuple((p, math.log(mass)) for p, mass in ranked if mass > 0))


def masses(tokenizer, targets, place):
    """The probabilities at one place by token text, those of filled-up ids left out."""
    names = {int(i): tokenizer.decode([int(i)]) for i in targets.ids[place]}
    found = {names[int(i)]: math.exp(p) for i, p in zip(targets.ids[place], targets.log_probs[place], strict=True)}
    return {name: round(p, 4) for name, p in found.items() if p > 1e-4}


def ids_of(tokenizer, text):
    return [*tokenizer.encode(text, add_special_tokens=False), tokenizer.eos_token_id]


def test_with_the_same_tokens_the_targets_are_the_teachers_own_choices(tokenizer, projection):
    tokens = [said("x", y=0.3), said("z", end=0.2), said(None, q=0.1)]
    targets = projection.targets(tokens, ids_of(tokenizer, "xz"), 6)
    assert masses(tokenizer, targets, 0) == {"x": 0.69, "y": 0.3}
    assert masses(tokenizer, targets, 1) == {"z": 0.79, END: 0.2}
    assert masses(tokenizer, targets, 2) == {END: 0.89, "q": 0.1}
    assert np.allclose(np.exp(targets.tail), 0.01, atol=2e-4)


def test_two_tokens_of_the_same_bytes_are_one_choice_with_the_mass_of_both():
    """SentencePiece has ``a`` as a character and as a byte to fall back on."""
    teacher = pieces()
    a, byte, b = teacher.convert_tokens_to_ids(["a", "<0x61>", "b"])
    ids, shares = np.array([[a, byte, b]], np.int32), np.array([[0.6, 0.3, 0.05]])
    targets = Targets(ids, np.log(shares).astype(np.float32), np.log(np.array([0.05], np.float32)))
    (token,) = as_bytes(teacher, [teacher.eos_token_id], targets)
    assert {piece: round(math.exp(value), 5) for piece, value in token.choices} == {"a": 0.9, "b": 0.05}


def test_inside_a_longer_token_of_the_teacher_only_choices_that_begin_alike_are_left(tokenizer, projection):
    targets = projection.targets([said("xyz", xyq=0.3, w=0.09), said(None)], ids_of(tokenizer, "xyz"), 6)
    assert masses(tokenizer, targets, 0) == {"x": 0.9, "w": 0.09}
    assert masses(tokenizer, targets, 1) == {"y": 0.99}
    assert masses(tokenizer, targets, 2) == pytest.approx({"z": 0.66, "q": 0.33})


def test_shorter_tokens_of_the_teacher_are_joined_by_the_chain_rule(tokenizer, projection):
    tokens = [said(" t", x=0.2), said("h", q=0.49), said("e", z=0.09), said(None)]
    targets = projection.targets(tokens, ids_of(tokenizer, " the"), 6)
    assert len(targets.tail) == 2
    t, h, e = 0.79, 0.5, 0.9
    expected = {" the": t * h * e, " t": t * (h * 0.09 + 0.49), "x": 0.2}
    assert masses(tokenizer, targets, 0) == pytest.approx(expected, abs=1e-4)


def test_a_turn_that_might_have_ended_inside_the_students_token_gives_the_shorter_one(tokenizer, projection):
    targets = projection.targets([said("h"), said("e", end=0.4), said(None)], ids_of(tokenizer, "he"), 4)
    assert masses(tokenizer, targets, 0) == pytest.approx({"he": 0.99 * 0.59, "h": 0.99 * 0.4}, abs=1e-4)


def test_the_choice_that_was_said_goes_to_the_students_own_token(tokenizer, projection):
    """Alone, the text might be written with other tokens than inside the answer."""
    ids = [tokenizer.encode(c, add_special_tokens=False)[0] for c in "the"] + [tokenizer.eos_token_id]
    targets = projection.targets([said("the"), said(None)], ids, 4)
    assert [int(i) for i in targets.ids[:, 0]] == ids


@pytest.mark.parametrize("text", ["🐚", "é中"], ids=["emoji", "accents and CJK"])
def test_tokens_that_split_a_character_are_followed_by_their_bytes(tokenizer, projection, text):
    data = text.encode().decode("latin-1")
    tokens = [SoftToken(piece=data[:2], choices=((data[:2], 0.0),)), said(data[2:]), said(None)]
    targets = projection.targets(tokens, ids_of(tokenizer, text), 4)
    assert [int(i) for i in targets.ids[:, 0]] == ids_of(tokenizer, text)


def test_another_text_gives_no_targets(tokenizer, projection):
    assert projection.targets([said("a"), said(None)], ids_of(tokenizer, "b"), 4) is None


def test_blank_that_the_student_is_not_trained_on_is_passed_over(tokenizer, projection):
    """A student's template may trim the text; what the teacher went on with after it counts for the end."""
    tokens = [said("\n "), said("x", y=0.3), said("z ", q=0.2), said("\n", end=0.4), said(None)]
    targets = projection.targets(tokens, ids_of(tokenizer, "xz"), 6)
    assert masses(tokenizer, targets, 0) == {"x": 0.69, "y": 0.3}
    assert masses(tokenizer, targets, 1) == {"z": 0.79, "q": 0.2}
    assert masses(tokenizer, targets, 2) == pytest.approx({END: 0.99})


def test_blank_that_only_the_students_template_writes_is_certain(tokenizer, projection):
    targets = projection.targets([said("x", y=0.3), said(None, q=0.2)], ids_of(tokenizer, "\nx "), 6)
    assert [masses(tokenizer, targets, place) for place in range(4)] == [
        {"\n": pytest.approx(1, abs=1e-4)}, {"x": 0.69, "y": 0.3}, {" ": pytest.approx(1, abs=1e-4)},
        {END: 0.79, "q": 0.2},
    ]  # fmt: skip


def test_an_added_blank_that_joins_the_first_word_is_followed_into_it(tokenizer, projection):
    targets = projection.targets([said("the", x=0.3), said(None)], ids_of(tokenizer, " the"), 6)
    assert len(targets.tail) == 2
    assert masses(tokenizer, targets, 0) == {" the": 0.69, " ": 0.3}


@pytest.mark.parametrize("text", ["a b", "ab c", "", " "], ids=repr)
def test_no_more_than_blank_at_the_ends_may_differ(tokenizer, projection, text):
    assert projection.targets([said("ab"), said(None)], ids_of(tokenizer, text), 4) is None


@settings(deadline=None)
@given(st.text("thexyz é中", min_size=1, max_size=12), st.data())
def test_whatever_the_tokens_the_targets_are_distributions(tokenizer, projection, text, data):
    raw = text.encode()
    cuts = data.draw(st.sets(st.integers(1, len(raw) - 1)) if len(raw) > 1 else st.just(set()))
    edges = [0, *sorted(cuts), len(raw)]
    others = st.dictionaries(st.sampled_from(["t", "th", "q", "xy", " the"]), st.floats(0.01, 0.15), max_size=3)
    tokens = []
    for start, end in pairwise(edges):
        piece = raw[start:end].decode("latin-1")
        tokens.append(said(piece, **{k: v for k, v in data.draw(others).items() if k != piece}))
    ids = ids_of(tokenizer, text)
    targets = projection.targets([*tokens, said(None)], ids, 8)
    assert targets.ids.shape == (len(ids), 8)
    assert all(len(set(row)) == 8 for row in targets.ids.tolist())
    assert np.allclose(np.exp(targets.log_probs).sum(axis=1) + np.exp(targets.tail), 1, atol=1e-5)
    assert (np.diff(targets.log_probs, axis=1) <= 1e-6).all()
