"""The ``tests_pass`` scorer: the share of the reference's asserts that the answer's code passes.

**This scorer runs generated code**, in the sandbox: see :mod:`conch_dna.sandbox.asserts`. It runs only if a domain
gives it a weight under ``[scorers]`` or ``conch record --require tests_pass=1`` names it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna import hookimpl
from conch_dna.plugin.protocols import withheld_if, without_perplexity
from conch_dna.sandbox.asserts import run_asserts, withheld
from conch_dna.util.text import fenced_code

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conch_dna.plugin.protocols import ScoreContext, Scorer
    from conch_dna.records import Prompt


@withheld_if(withheld)
@without_perplexity
def tests_pass(prompt: Prompt, response: str, context: ScoreContext) -> float:  # noqa: ARG001 - the hook's signature
    """Run the reference's asserts on the first fenced block of ``response``, each in a separate process.

    :returns: the share that passes; 1 if the reference has no tests, 0 if the response has no code.
    """
    tests = prompt.reference.tests
    if not tests:
        return 1.0
    block = fenced_code(response)
    if block is None:
        return 0.0
    return sum(run_asserts(block.code, [test]).passed for test in tests) / len(tests)


@hookimpl
def register_scorers() -> Mapping[str, Scorer]:
    """Provide the scorer."""
    return {"tests_pass": tests_pass}
