"""The ``gsm8k`` questions: the test split of GSM8K (MIT). It measures and is never trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna import hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conch_dna.plugin.protocols import Question, QuestionSet


class Gsm8k:
    """Word problems with a number as the answer."""

    domain, max_tokens = "thinking", 192

    def questions(self) -> Sequence[Question]:
        """Return the questions of the test split."""
        from ._gsm8k import questions

        return questions()


@hookimpl
def register_question_sets() -> Mapping[str, QuestionSet]:
    """Provide the question set."""
    return {"gsm8k": Gsm8k()}
