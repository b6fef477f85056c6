"""Right answers: what a domain's verifier says of the answers to its held-out prompts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conch_dna.domains.figures import figures_of
from conch_dna.errors import PluginError
from conch_dna.records import HELD, Share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conch_dna.domains.domain import Domain
    from conch_dna.domains.figures import Figures
    from conch_dna.plugin.protocols import Verifier
    from conch_dna.records import Prompt

NATURAL, GENERATED = "natural", "generated"  # kinds of held-out prompts


@dataclass(frozen=True)
class Answered:
    """A model's answers to the prompts of one kind.

    :param figures: what the verifier says of each answer; ``None`` if its prompt has no reference for the verifier.
    """

    answers: Sequence[str]
    figures: Sequence[Figures | None]

    @property
    def share(self) -> Share | None:
        """The share of right answers; ``None`` if no answer was verified. Each further figure is the mean of those."""
        found = [one for one in self.figures if one is not None]
        if not found:
            return None
        names = sorted({name for one in found for name in one} - {"right"})
        said = {name: [one[name] for one in found if name in one] for name in names}
        means = {name: sum(values) / len(values) for name, values in said.items()}
        return Share.of(sum(one["right"] for one in found), len(found), means)


def verified(
    verifier: Verifier, domain: Domain, prompts: Sequence[Prompt], answers: Sequence[str]
) -> list[Figures | None]:
    """Return what the verifier says of each answer.

    :raises PluginError: it raised an exception, or returned something else than figures in [0, 1] with ``right``.
    """
    return [figures_of(verifier, domain, *pair) for pair in zip(prompts, answers, strict=True)]


def checkable(verifier: Verifier, domain: Domain, prompts: Sequence[Prompt]) -> list[Prompt]:
    """Return the prompts with a reference that the verifier reads.

    :raises PluginError: as :func:`verified` does.
    """
    found = verified(verifier, domain, prompts, [""] * len(prompts))
    return [prompt for prompt, figures in zip(prompts, found, strict=True) if figures is not None]


def judged(answered: Mapping[str, Mapping[str, Answered]], domain: Domain) -> dict[str, list[float]]:
    """Return 1 or 0 for each verified answer that a gate judges, by model and paired by prompt.

    These are the answers of :attr:`~conch_dna.records.HeldOut.judged`.

    :param answered: by model, its answers by kind of prompt.
    :returns: without models if no answer was verified.
    :raises PluginError: the verifier finds a reference for one model's answer to a prompt and none for another's.
    """
    chosen = {role: _chosen(kinds) for role, kinds in answered.items()}
    if len({tuple(found is None for found in figures) for figures in chosen.values()}) > 1:
        fault = "whether it returns None depends on the answer, not on the prompt alone"
        raise PluginError(domain.settings.verifier, "its verdicts on several models", fault)
    right = {role: [found["right"] for found in figures if found is not None] for role, figures in chosen.items()}
    return right if any(right.values()) else {}


def _chosen(kinds: Mapping[str, Answered]) -> list[Figures | None]:
    held = [one for kind, one in kinds.items() if kind.endswith(HELD)]
    return [found for one in held or kinds.values() for found in one.figures]
