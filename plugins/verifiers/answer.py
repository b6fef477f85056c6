"""The ``answer`` verifier: the final answer of a response is that of the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna import hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conch_dna.domains.domain import Domain
    from conch_dna.plugin.protocols import Verifier
    from conch_dna.records import Prompt


def answer(prompt: Prompt, response: str, domain: Domain) -> dict[str, float] | None:  # noqa: ARG001 - the hook's signature
    """Compare the final answer of the response with that of the reference.

    :returns: ``right``; ``has answer line``, whether a line of the response begins with ``Answer:``.
    """
    truth = prompt.reference.answer
    if truth is None:
        return None
    from ._answer import answer_right, has_answer_line  # compiles patterns, which `conch --help` does without

    return {"right": float(answer_right(truth, response)), "has answer line": float(has_answer_line(response))}


@hookimpl
def register_verifiers() -> Mapping[str, Verifier]:
    """Provide the verifier."""
    return {"answer": answer}
