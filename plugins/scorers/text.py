"""The scorers ``coherence``, ``length`` and ``diversity``, which need no reference answer."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from conch_dna import hookimpl
from conch_dna.plugin.protocols import without_perplexity
from conch_dna.util.text import words

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from conch_dna.plugin.protocols import ScoreContext, Scorer
    from conch_dna.records import Prompt

FLUENT = 5.0  # the perplexity of plain, correct prose under a small base model
NEUTRAL = 0.5  # the rating if the perplexity was not measured


def coherence(prompt: Prompt, response: str, context: ScoreContext) -> float:  # noqa: ARG001 - the hook's signature
    """Rate fluency by the response's perplexity under the base model: ``sqrt(5 / perplexity)``, at most 1.

    This is 1 up to perplexity 5, 0.5 at 20 and 0.1 at 500. An empty response is rated 0. Without a measured perplexity
    the rating is 0.5, which does not affect comparisons between models.

    :raises ValueError: the perplexity is not a positive number.
    """
    if not response.strip():
        return 0.0
    if context.perplexity is None:
        return NEUTRAL
    if not context.perplexity > 0:
        msg = f"perplexity {context.perplexity} is not a positive number"
        raise ValueError(msg)
    return float(min(1.0, (FLUENT / context.perplexity) ** 0.5))


@without_perplexity
def length(prompt: Prompt, response: str, context: ScoreContext) -> float:  # noqa: ARG001 - the hook's signature
    """Return 1 within the domain's range of words (separated by white space), falling linearly to 0 outside.

    It reaches 0 at zero words and at twice the maximum.
    """
    allowed = context.domain.settings.length
    count = len(response.split())
    if count < allowed.min:
        return count / allowed.min
    return min(1.0, max(0.0, (2 * allowed.max - count) / allowed.max))


@without_perplexity
def diversity(prompt: Prompt, response: str, context: ScoreContext) -> float:  # noqa: ARG001 - the hook's signature
    """Return the mean of distinct-1 and distinct-2 (Li et al. 2016, arXiv:1510.03055) over words.

    A response without words is rated 0. A single word has no pairs, so only distinct-1 is used: 1.
    """
    found = words(response)
    if not found:
        return 0.0
    singles = _distinct(found)
    pairs = list(pairwise(found))
    return (singles + _distinct(pairs)) / 2 if pairs else singles


def _distinct(items: Sequence[Hashable]) -> float:
    return len(set(items)) / len(items)


@hookimpl
def register_scorers() -> Mapping[str, Scorer]:
    """Provide the three scorers."""
    return {"coherence": coherence, "length": length, "diversity": diversity}
