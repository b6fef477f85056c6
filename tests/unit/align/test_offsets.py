"""Offsets of tokens in a text are in bytes and never come from decoded strings."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from languages import PROSE, TEXTS, byte_level, encode, pieces

from conch_dna.align.offsets import byte_spans
from conch_dna.align.vocabulary import vocabulary_of

KINDS = {"digits": lambda: byte_level(digits=True), "merged": lambda: byte_level(600, PROSE), "pieces": pieces}


def check(kind, text):
    tokenizer = KINDS[kind]()
    ids = encode(tokenizer, text)
    spans = byte_spans(vocabulary_of(tokenizer), ids)
    assert spans.text == text.encode()
    assert np.array_equal(spans.starts_T[1:], spans.ends_T[:-1])
    assert spans.starts_T[0] == (-1 if kind == "pieces" else 0)
    assert (spans.starts_T[-1], spans.ends_T[-1]) == (len(text.encode()),) * 2, "the end token has no width"
    assert spans.ended
    assert spans.marks_T.tolist() == [False] * (len(ids) - 1) + [True]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("kind", KINDS)
def test_offsets_are_those_of_the_text(kind, text):
    check(kind, text)


@settings(max_examples=60, deadline=None)
@given(kind=st.sampled_from([*KINDS]), text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
def test_the_offsets_of_any_text_are_in_bytes(kind, text):
    check(kind, text)


def test_a_character_cut_into_tokens_has_offsets_inside_it():
    tokenizer = byte_level()
    spans = byte_spans(vocabulary_of(tokenizer), encode(tokenizer, "a🐚b"))
    assert spans.ends_T.tolist() == [1, 2, 3, 4, 5, 6, 6]


def test_a_beginning_has_no_width():
    tokenizer = byte_level()
    spans = byte_spans(vocabulary_of(tokenizer), [tokenizer.bos_token_id, *encode(tokenizer, "ab")])
    assert spans.starts_T[:2].tolist() == [0, 0]
    assert spans.marks_T[0]


def test_an_answer_that_was_cut_off_has_not_ended():
    tokenizer = byte_level()
    assert not byte_spans(vocabulary_of(tokenizer), encode(tokenizer, "ab")[:-1]).ended
    empty = byte_spans(vocabulary_of(tokenizer), [])
    assert (len(empty.starts_T), empty.text, empty.ended) == (0, b"", False)
