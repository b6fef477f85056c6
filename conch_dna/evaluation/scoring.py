"""Scores of answers: the weighted mean of a domain's scorers (its ``[scorers]`` table), and the answers' diversity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conch_dna.errors import ConfigError, PluginError, UnknownName
from conch_dna.plugin.protocols import ScoreContext, why_withheld

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conch_dna.domains.domain import Domain
    from conch_dna.plugin.protocols import Scorer
    from conch_dna.records import Prompt

LEAST_DIVERSITY = 0.5  # share of the base's diversity; below it, a higher score is the result of repetition


@dataclass(frozen=True)
class Scores:
    """The scores of one answer.

    :param total: the weighted mean of the parts, in [0, 1].
    :param parts: the rating in [0, 1] by each scorer with a weight above 0.
    """

    total: float
    parts: dict[str, float]


def refuse_withheld(name: str, scorer: Scorer, where: str) -> None:
    """Refuse a scorer that does not work on this machine, before any work.

    :raises ConfigError: it says why.
    """
    if reason := why_withheld(scorer):
        raise ConfigError(
            "the scorer does not work on this machine", where=where, got=f"{name}: {reason}",
            next_step="Leave it out, or use a machine where `conch doctor` says that programs can be confined.",
        )  # fmt: skip


def needs_perplexity(domain: Domain, scorers: Mapping[str, Scorer]) -> bool:
    """Return whether any scorer of ``domain`` may read the response's perplexity under the base model.

    The perplexity costs one forward pass of the base for each answer. A scorer that does not read it declares this with
    :func:`~conch_dna.plugin.protocols.without_perplexity`.
    """
    return any(getattr(scorers.get(name), "needs_perplexity", True) for name in _weights(domain))


def score(
    prompt: Prompt, response: str, domain: Domain, scorers: Mapping[str, Scorer], perplexity: float | None = None
) -> Scores:
    """Rate ``response`` by every scorer of ``domain`` that has a weight above 0.

    :param scorers: scorers by name; only those that the domain names are called.
    :param perplexity: perplexity of the response under the base model, required if :func:`needs_perplexity` is true.
    :raises UnknownName: the domain names a scorer that ``scorers`` lacks.
    :raises PluginError: a scorer raised an exception, or did not return a number from 0 to 1.
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
    # Rounding may put a mean of ones above 1.
    return Scores(min(1.0, total), parts)


def distinct(texts: Sequence[str], n: int = 2) -> float:
    """Return the share of distinct n-grams of words in all texts together; a text with fewer words is one n-gram."""
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
