"""Near-duplicates are found by shared word 3-grams, as a direct comparison of all pairs would find them."""

import random
import time
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conch_dna.domains.near_duplicates import Index, near_duplicates, overlaps
from conch_dna.records import Message, Prompt
from conch_dna.util.text import words

QUICK = settings(max_examples=60, deadline=None, database=None)


def prompts(*texts):
    return [Prompt(messages=(Message(role="user", content=text),)) for text in texts]


def jaccard(one, other):
    grams = []
    for text in (one, other):
        found = words(text)
        grams.append({tuple(found[i : i + 3]) for i in range(max(1, len(found) - 2))})
    return len(grams[0] & grams[1]) / len(grams[0] | grams[1])


@pytest.mark.parametrize(
    ("one", "other", "similarity"),
    [
        ("What is the capital of France?", "what is the CAPITAL of france", 1.0),
        ("What is the capital of France?", "What is the capital of Spain?", 3 / 5),
        ("Go home", "go home!", 1.0),
        ("?!", "?!", 1.0),
    ],
    ids=["case-and-marks", "one-word", "too-short-for-a-3-gram", "no-words"],
)
def test_alike_texts_are_a_pair(one, other, similarity):
    assert near_duplicates(prompts(one, "Something else altogether here", other)) == [(0, 2, pytest.approx(similarity))]


@pytest.mark.parametrize(
    ("one", "other"),
    [("Go home", "Go away"), ("?!", "!?"), ("What is 37 * 48?", "What is 37 * 49?"), ("a b c d e", "e d c b a")],
)
def test_other_texts_are_none(one, other):
    assert near_duplicates(prompts(one, other)) == []


def test_no_prompts_have_no_pairs():
    assert near_duplicates([]) == []


def test_all_turns_are_compared():
    shared = (
        Message(role="user", content="Plan my long holiday in Rome"),
        Message(role="assistant", content="Gladly."),
    )
    pair = [Prompt(messages=(*shared, Message(role="user", content=last))) for last in ("Cheaper.", "Shorter.")]
    assert near_duplicates(pair)[0].similarity > 0.5


@given(st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=8).map(" ".join), max_size=8), st.floats(0.1, 1))
@QUICK
def test_the_index_finds_what_comparing_all_pairs_finds(texts, threshold):
    expected = [
        (i, j, jaccard(texts[i], texts[j]))
        for i, j in combinations(range(len(texts)), 2)
        if jaccard(texts[i], texts[j]) >= threshold
    ]
    assert near_duplicates(prompts(*texts), threshold) == expected


@given(st.text(), st.text())
@QUICK
def test_similarity_is_symmetric_and_full_only_with_itself(one, other):
    forth, back = overlaps(one, Index([other]), 0.0), overlaps(other, Index([one]), 0.0)
    assert forth == back
    assert overlaps(one, Index([one])) == [(0, 1.0)]


def test_overlaps_come_most_similar_first():
    index = Index(["one two three four five", "one two three four", "six seven eight"])
    assert [place for place, _ in overlaps("one two three four", index)] == [1, 0]
    assert overlaps("nine ten eleven", index) == []


def test_two_thousand_prompts_take_moments():
    draw = random.Random(0)
    vocabulary = [f"word{n}" for n in range(300)]
    many = prompts(*(" ".join(draw.choices(vocabulary, k=25)) + f" {n}" for n in range(2000)))
    started = time.perf_counter()
    assert near_duplicates(many) == []
    assert time.perf_counter() - started < 5
