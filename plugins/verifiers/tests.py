"""The ``tests`` verifier: the answer's code passes every assert of the reference.

**This verifier runs generated code**, in the sandbox: see :mod:`conch_dna.sandbox.asserts`. It runs only for a domain
that names it in ``domain.toml``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna import hookimpl
from conch_dna.plugin.protocols import withheld_if
from conch_dna.sandbox.asserts import run_asserts, withheld
from conch_dna.util.text import fenced_code

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conch_dna.domains.domain import Domain
    from conch_dna.plugin.protocols import Verifier
    from conch_dna.records import Prompt


@withheld_if(withheld)
def tests(prompt: Prompt, response: str, domain: Domain) -> dict[str, float] | None:  # noqa: ARG001 - the hook's signature
    """Run the reference's asserts on the first fenced block of ``response``, all in one process.

    :returns: ``right``, whether all pass; ``has code``, whether there is a block; ``code runs``, whether the code
        completes on its own.
    """
    asserts = prompt.reference.tests
    if not asserts:
        return None
    block = fenced_code(response)
    if block is None:
        return {"right": 0.0, "has code": 0.0, "code runs": 0.0}
    outcome = run_asserts(block.code, asserts)
    return {"right": float(outcome.passed), "has code": 1.0, "code runs": float(outcome.ran)}


@hookimpl
def register_verifiers() -> Mapping[str, Verifier]:
    """Provide the verifier."""
    return {"tests": tests}
