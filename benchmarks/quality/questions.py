"""Questions of the public sets that suit each domain, for the base, the teacher and every neuron."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna.evaluation.question_sets import in_stable_order
from conch_dna.plugin.manager import load_plugins

if TYPE_CHECKING:
    from conch_dna.plugin.protocols import Question

SETS = ("bfcl", "gsm8k")


def questions_of(domain: str, count: int) -> list[Question]:
    """Return ``count`` questions for a domain, the same on each call; none if the domain has no public set."""
    sets = [load_plugins().catalog.get("question_sets", name) for name in SETS]
    found = [q for one in sets if one.domain == domain for q in one.questions() if not q.kind]
    return [found[i] for i in in_stable_order(q.prompt for q in found)[:count]]
