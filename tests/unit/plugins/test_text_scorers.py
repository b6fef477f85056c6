"""``coherence``, ``length`` and ``diversity`` stay within [0, 1] and rise and fall as they say."""

from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from conch_dna.domains.domain import Domain, DomainSettings
from conch_dna.plugin.manager import load_plugins
from conch_dna.plugin.protocols import ScoreContext
from conch_dna.records import Message, Prompt

CATALOG = load_plugins().catalog
COHERENCE, LENGTH, DIVERSITY = (CATALOG.get("scorers", name) for name in ("coherence", "length", "diversity"))
PROMPT = Prompt(messages=(Message(role="user", content="?"),))
QUICK = settings(max_examples=100, deadline=None, database=None)


def context(least=4, most=10, perplexity=None):
    described = DomainSettings(name="x", description="x", length={"min": least, "max": most})
    return ScoreContext(domain=Domain(described, Path("prompts.jsonl")), perplexity=perplexity)


def of_words(count):
    return " ".join(f"w{n}" for n in range(count))


def coherence(perplexity, response="Plain words."):
    return COHERENCE(PROMPT, response, context(perplexity=perplexity))


def length(count, **bounds):
    return LENGTH(PROMPT, of_words(count), context(**bounds))


def diversity(response):
    return DIVERSITY(PROMPT, response, context())


@pytest.mark.parametrize("scorer", [COHERENCE, LENGTH, DIVERSITY], ids=["coherence", "length", "diversity"])
@given(response=st.text(max_size=300), perplexity=st.none() | st.floats(min_value=0, exclude_min=True))
@QUICK
def test_any_text_is_rated_from_0_to_1(scorer, response, perplexity):
    assert 0.0 <= scorer(PROMPT, response, context(perplexity=perplexity)) <= 1.0


@pytest.mark.parametrize(("perplexity", "rating"), [(1, 1.0), (5, 1.0), (20, 0.5), (500, 0.1), (float("inf"), 0.0)])
def test_coherence_falls_with_the_root_of_the_perplexity(perplexity, rating):
    assert coherence(perplexity) == pytest.approx(rating)


@given(st.floats(1, 1e12), st.floats(1, 1e12))
@QUICK
def test_coherence_never_rises_with_the_perplexity(one, other):
    assert coherence(max(one, other)) <= coherence(min(one, other))


def test_coherence_is_neutral_where_the_perplexity_was_not_measured():
    assert coherence(None) == 0.5


def test_an_empty_response_is_not_coherent():
    assert coherence(None, "") == coherence(1.0, "  ") == 0.0


@pytest.mark.parametrize("perplexity", [0.0, -1.0, float("nan")])
def test_an_impossible_perplexity_is_refused(perplexity):
    with pytest.raises(ValueError, match="not a positive number"):
        coherence(perplexity)


@pytest.mark.parametrize(
    ("count", "rating"), [(0, 0.0), (1, 0.25), (3, 0.75), (4, 1.0), (10, 1.0), (15, 0.5), (20, 0.0), (400, 0.0)]
)
def test_length_is_full_in_the_range_and_falls_linearly_outside(count, rating):
    assert length(count) == rating


def test_a_range_from_0_takes_an_empty_response():
    assert length(0, least=0) == 1.0


@given(st.integers(0, 60), st.integers(1, 20), st.integers(0, 20))
@QUICK
def test_length_never_falls_towards_the_range(count, least, wider):
    most = least + wider
    assume(not least <= count <= most)
    nearer = count + 1 if count < least else count - 1
    assert length(count, least=least, most=most) <= length(nearer, least=least, most=most)


@pytest.mark.parametrize(
    ("response", "rating"),
    [
        ("", 0.0),
        ("... !", 0.0),
        ("word", 1.0),
        ("one two three", 1.0),
        ("Go go", 0.75),
        ("a a a a", (1 / 4 + 1 / 3) / 2),
    ],
)
def test_diversity_is_the_mean_of_distinct_1_and_distinct_2(response, rating):
    assert diversity(response) == pytest.approx(rating)


@given(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=30))
@QUICK
def test_a_repeated_text_is_less_diverse(text):
    assert diversity(" ".join(text * 2)) < diversity(" ".join(text))
