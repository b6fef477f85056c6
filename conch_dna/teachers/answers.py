"""Final answers extracted from a teacher's completions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna.domains.extract import MISSING, AnswerExtractor
from conch_dna.teachers.answer_cache import answers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conch_dna.domains.domain import Domain
    from conch_dna.plugin.protocols import Teacher
    from conch_dna.records import Completion, Prompt, Sampling
    from conch_dna.teachers.answer_cache import CompletionCache


def final_answers(
    teacher: Teacher,
    domain: Domain,
    prompts: Sequence[Prompt],
    sampling: Sampling,
    cache: CompletionCache,
    extractor: AnswerExtractor,
) -> Iterator[tuple[Completion, str | None]]:
    """Yield an answer to every prompt, cached ones first, with the reason that it is unusable, or ``None``.

    The reasons are ``empty``, ``cut off`` (training on it would teach the student not to stop) and ``no final answer``.
    The text of a usable completion is its final answer. The teacher's exceptions propagate.
    """
    for completion in answers(teacher, domain, prompts, sampling, cache):
        if not completion.text.strip():
            yield completion, "empty"
        elif completion.finish_reason == "length":
            yield completion, "cut off"
        elif (final := extractor.final(completion)) is None:
            yield completion, MISSING
        else:
            yield final, None
