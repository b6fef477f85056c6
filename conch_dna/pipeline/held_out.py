"""Generated held-out prompts of a domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna.domains.generation import generate, generator_of

if TYPE_CHECKING:
    from conch_dna.domains.domain import Domain
    from conch_dna.plugin.manager import PluginHost
    from conch_dna.records import Prompt

SEED = 0  # the same prompts for every run, whatever the seed of its training


def generated_prompts(host: PluginHost, domain: Domain, count: int) -> tuple[Prompt, ...]:
    """Return ``count`` verified prompts that the domain's generator makes for measurement.

    :returns: none if the domain has no generator, or no verifier that could say whether an answer is right.
    :raises DataError: the generator does not make so many.
    :raises PluginError: generator or verifier fails.
    """
    generator = generator_of(host.catalog, domain)
    if not count or generator is None or generator.verifier is None:
        return ()
    with host.blaming("generators", generator.name):
        made = generate(domain, generator, count, seed=SEED, held_out=True)
    return tuple(draft.prompt for draft in made.drafts)
