"""Grading of answers in each domain: a figure in [0, 1] called ``task``, and its parts."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from conch_dna.plugin.manager import load_plugins

if TYPE_CHECKING:
    from conch_dna.domains.domain import Domain
    from conch_dna.plugin.protocols import Verifier
    from conch_dna.records import Prompt


def grade(prompt: Prompt, answer: str, domain: Domain) -> dict[str, float] | None:
    """Grade an answer to a held-out prompt by the domain's verifier; ``None`` if the prompt has no reference for it.

    ``task`` is whether the answer is right, or a share where the verifier has one: facts that are kept if none is
    invented, and demands that are met.
    """
    if not domain.settings.verifier:
        return None
    figures = _verifier(domain.settings.verifier)(prompt, answer, domain)
    if figures is None:
        return None
    task = figures["right"]
    if "facts kept" in figures:
        task = figures["facts kept"] * (1 - figures["facts invented"])
    return {"task": figures.get("demands met", task), **figures}


@lru_cache
def _verifier(name: str) -> Verifier:
    verifier: Verifier = load_plugins().catalog.get("verifiers", name)
    return verifier
