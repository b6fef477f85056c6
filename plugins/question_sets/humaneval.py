"""The ``humaneval`` questions: programs of HumanEval (MIT) with one bug to repair. It measures and is never trained on.

**Its grade runs generated code**, in the sandbox: see :mod:`conch_dna.sandbox.asserts`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna import hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conch_dna.plugin.protocols import Question, QuestionSet


class HumanEval:
    """Right programs with one bug of the generator ``debug``, graded by the tests of HumanEval."""

    domain, max_tokens = "debug", 384

    def questions(self) -> Sequence[Question]:
        """Return a question for each program that a bug makes fail its tests."""
        from ._humaneval import questions

        return questions()


@hookimpl
def register_question_sets() -> Mapping[str, QuestionSet]:
    """Provide the question set."""
    return {"humaneval": HumanEval()}
