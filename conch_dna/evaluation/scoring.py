"""What answers are worth: the domain's scorers, weighted as its ``[scorers]`` table says, and their variety."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conch_dna.errors import PluginError, UnknownName
from conch_dna.plugin.protocols import ScoreContext

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conch_dna.domains.domain import Domain
    from conch_dna.plugin.protocols import Scorer
    from conch_dna.records import Prompt

LEAST_DIVERSITY = 0.5  # of the base's; with less, a score was paid for with variety


@dataclass(frozen=True)
class Scores:
    """How good one answer is.

    :param total: the weighted mean of the parts, in [0, 1].
    :param parts: each scorer's rating, in [0, 1], of those with a weight above 0.
    """

    total: float
    parts: dict[str, float]


def needs_perplexity(domain: Domain, scorers: Mapping[str, Scorer]) -> bool:
    """Tell whether any scorer of ``domain`` may read the response's perplexity under the base model.

    Measuring it costs one pass of the base an answer. A scorer that does without says so
    (:func:`~conch_dna.plugin.protocols.without_perplexity`); any other may read it.
    """
    return any(getattr(scorers.get(name), "needs_perplexity", True) for name in _weights(domain))


def score(
    prompt: Prompt, response: str, domain: Domain, scorers: Mapping[str, Scorer], perplexity: float | None = None
) -> Scores:
    """Rate ``response`` by every scorer of ``domain`` that has a weight above 0.

    :param scorers: scorers by name; those that the domain does not name are not called.
    :param perplexity: of the response under the base model, where :func:`needs_perplexity` asks for it.
    :raises UnknownName: the domain names a scorer that ``scorers`` lacks.
    :raises PluginError: a scorer raised, or returned anything but a number from 0 to 1.
    """
    weights = _weights(domain)
    if missing := sorted(weights.keys() - scorers.keys()):
        raise UnknownName(
            "no such scorer",
            where=f"[scorers] of domain {domain.name}",
            got=", ".join(missing),
            allowed=", ".join(sorted(scorers)),
        )
    context = ScoreContext(domain=domain, perplexity=perplexity)
    parts = {name: _rating(name, scorers[name], prompt, response, context) for name in weights}
    total = sum(weights[name] * part for name, part in parts.items()) / sum(weights.values())
    # Rounding may carry a mean of ones past 1.
    return Scores(min(1.0, total), parts)


def distinct(texts: Sequence[str], n: int = 2) -> float:
    """Return the share of different n-grams of words among all of the texts together; a short text is one gram."""
    grams = []
    for text in texts:
        words = text.split()
        grams += [tuple(words[i : i + n]) for i in range(max(1, len(words) - n + 1))]
    return len(set(grams)) / len(grams)


def _weights(domain: Domain) -> dict[str, float]:
    return {name: weight for name, weight in domain.settings.scorers.items() if weight > 0}


def _rating(name: str, scorer: Scorer, prompt: Prompt, response: str, context: ScoreContext) -> float:
    code = getattr(scorer, "__code__", None)
    source = code.co_filename if code else type(scorer).__module__
    try:
        rating = float(scorer(prompt, response, context))
    except Exception as error:
        raise PluginError(name, source, error) from error
    # Written so that NaN fails too.
    if not 0 <= rating <= 1:
        raise PluginError(name, source, f"returned {rating}, not a number from 0 to 1")
    return rating
