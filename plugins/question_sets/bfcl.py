"""The ``bfcl`` questions: single and parallel calls of the Berkeley Function-Calling Leaderboard (Apache-2.0).

It measures and is never trained on: no tool and no question of it may enter a generator or a domain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna import hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conch_dna.plugin.protocols import Question, QuestionSet


class Bfcl:
    """Requests for one call, with one tool or several, and requests for parallel calls."""

    domain, max_tokens = "action", 192

    def questions(self) -> Sequence[Question]:
        """Return the questions of ``simple_python`` and ``multiple``, and those of ``parallel`` as another kind."""
        from ._bfcl import questions

        return questions()


@hookimpl
def register_question_sets() -> Mapping[str, QuestionSet]:
    """Provide the question set."""
    return {"bfcl": Bfcl()}
