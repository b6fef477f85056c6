"""The composite score is the weighted mean of a domain's scorers, and names the scorer that fails."""

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conch_dna.domains.domain import Domain, DomainSettings
from conch_dna.errors import PluginError, UnknownName
from conch_dna.evaluation.scoring import Scores, distinct, needs_perplexity, score
from conch_dna.plugin.manager import load_plugins
from conch_dna.records import Message, Prompt

PROMPT = Prompt(messages=(Message(role="user", content="?"),))
CATALOG = load_plugins().catalog
BUNDLED = {name: CATALOG.get("scorers", name) for name in CATALOG.names("scorers")}


def domain(**weights):
    return Domain(DomainSettings(name="x", description="x", scorers=weights), Path("prompts.jsonl"))


def always(rating):
    return lambda *_: rating


def test_weights_are_normalised():
    scores = score(PROMPT, "x", domain(good=3, bad=1), {"good": always(1.0), "bad": always(0.0)})
    assert scores == Scores(total=0.75, parts={"good": 1.0, "bad": 0.0})


def test_scorers_without_weight_are_not_called():
    scorers = {"good": always(0.5), "off": always(math.nan), "other": always(math.nan)}
    assert score(PROMPT, "x", domain(good=0.2, off=0), scorers) == Scores(total=0.5, parts={"good": 0.5})


def test_scorers_see_prompt_response_domain_and_perplexity():
    seen = []

    def scorer(prompt, response, context):
        seen.append((prompt, response, context.domain.name, context.perplexity))
        return True

    assert score(PROMPT, "hello", domain(s=1), {"s": scorer}, 7.5).total == 1.0
    assert seen == [(PROMPT, "hello", "x", 7.5)]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(1e-3, 1e3)), min_size=1, max_size=6))
@settings(max_examples=100, deadline=None, database=None)
def test_the_total_lies_between_the_parts(parts):
    scorers = {f"s{n}": always(rating) for n, (rating, _) in enumerate(parts)}
    total = score(PROMPT, "x", domain(**{f"s{n}": weight for n, (_, weight) in enumerate(parts)}), scorers).total
    assert 0.0 <= total <= 1.0
    assert min(r for r, _ in parts) - 1e-9 <= total <= max(r for r, _ in parts) + 1e-9


@pytest.mark.parametrize("rating", [math.nan, math.inf, -0.01, 1.01, None, "high", [1]], ids=str)
def test_a_rating_outside_0_to_1_names_the_scorer(rating):
    with pytest.raises(PluginError, match="plug-in 'odd' failed") as caught:
        score(PROMPT, "x", domain(good=1, odd=1), {"good": always(1), "odd": always(rating)})
    assert caught.value.name == "odd"
    assert caught.value.source == __file__


def test_a_scorer_that_raises_is_named_with_its_error():
    with pytest.raises(PluginError, match="'coherence' failed: ValueError: perplexity nan"):
        score(PROMPT, "x", domain(coherence=1), BUNDLED, math.nan)


def test_a_scorer_object_is_named_by_its_class():
    class Odd:
        def __call__(self, *_):
            raise ZeroDivisionError

    with pytest.raises(PluginError, match="'odd' failed: ZeroDivisionError"):
        score(PROMPT, "x", domain(odd=1), {"odd": Odd()})


def test_an_unknown_scorer_is_named_with_the_known_ones():
    with pytest.raises(UnknownName, match=r"\[scorers\] of domain x: no such scorer; got missing; allowed: good"):
        score(PROMPT, "x", domain(good=1, missing=1), {"good": always(1)})


@pytest.mark.parametrize(
    ("weights", "needed"),
    [
        ({"coherence": 1}, True),
        ({"length": 1, "someones_own": 1}, True),
        ({"task_completion": 1, "length": 1, "diversity": 1, "tests_pass": 1}, False),
        ({"length": 1, "coherence": 0}, False),
    ],
)
def test_the_perplexity_is_required_only_if_a_scorer_may_read_it(weights, needed):
    scorers = load_plugins(strict=True, block=[]).catalog.all("scorers")
    assert needs_perplexity(domain(**weights), {**scorers, "someones_own": always(1)}) is needed


@given(st.text(max_size=200), st.none() | st.floats(1, 1e9))
@settings(max_examples=60, deadline=None, database=None)
def test_the_bundled_scorers_rate_any_text(response, perplexity):
    default = Domain(DomainSettings(name="x", description="x"), Path("prompts.jsonl"))
    scores = score(PROMPT, response, default, BUNDLED, perplexity)
    assert 0.0 <= scores.total <= 1.0
    assert set(scores.parts) == {"task_completion", "coherence", "length", "diversity"}


def test_distinct_counts_pairs_of_words_over_all_answers():
    assert distinct(["a b c"]) == 1.0
    assert distinct(["a b", "a b", "a b", "a b"]) == 0.25
    assert distinct(["a", "a"]) == 0.5
    assert distinct(["a b c", "b c d"]) == 0.75
