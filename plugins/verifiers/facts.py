"""The ``facts`` verifier: every fact of the reference is in the response, and nothing is invented."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna import hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conch_dna.domains.domain import Domain
    from conch_dna.plugin.protocols import Verifier
    from conch_dna.records import Prompt


def facts(prompt: Prompt, response: str, domain: Domain) -> dict[str, float] | None:
    """Compare the facts of a response with those of ``reference.contains``.

    Numbers may be in words, and times with another separator. A response that copies the conversation selects nothing,
    so one with more words than the domain's longest answer, or with a long passage of a message, is wrong.

    :returns: ``right``; ``facts kept``, the share of facts in the response; ``facts invented``, whether it has a number
        or name of its own. If there is nothing to remember, ``right`` is whether the response says that alone.
    """
    if not prompt.reference.contains:
        return None
    from ._facts import compared  # compiles patterns, which `conch --help` does without

    return compared(prompt, response, domain)


@hookimpl
def register_verifiers() -> Mapping[str, Verifier]:
    """Provide the verifier."""
    return {"facts": facts}
