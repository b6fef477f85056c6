"""A scorer of the student's tokens made from a teacher that scores text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from conch_dna.align.byte_projection import Projection
from conch_dna.align.offsets import byte_spans
from conch_dna.align.vocabulary import vocabulary_of
from conch_dna.plugin.protocols import Targets
from conch_dna.records import CHOICES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conch_dna.align.vocabulary import Vocabulary
    from conch_dna.models.load import LoadedModel
    from conch_dna.plugin.protocols import TextScoringTeacher
    from conch_dna.records import Prompt, SoftToken


@dataclass(frozen=True)
class TextScorer:
    """Scores answers in the student's tokens by sending their text to a teacher.

    :param teacher: a teacher with the capability ``"forced"``.
    :param student: the model whose tokens the answers are in.
    """

    teacher: TextScoringTeacher
    student: LoadedModel

    @property
    def fingerprint(self) -> str:
        """The teacher's fingerprint."""
        return self.teacher.fingerprint

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        return vocabulary_of(self.student.tokenizer)

    @cached_property
    def _projection(self) -> Projection:
        return Projection(self._vocabulary, self.student.width)

    def score(self, prompts: Sequence[Prompt], answers: Sequence[Sequence[int]], top_k: int) -> list[Targets]:
        """Return the distributions over the first tokens of each answer, as many as form valid text.

        A student may generate half a character or a special token; neither that token nor what follows it can be sent
        as text. An answer without any text has targets without rows.
        """
        valid = [self._valid_start(answer) for answer in answers]
        texts = [byte_spans(self._vocabulary, ids).text.decode() for ids in valid]
        asked = [i for i, text in enumerate(texts) if text.strip()]
        returned = self.teacher.score_text([prompts[i] for i in asked], [texts[i] for i in asked], CHOICES)
        found = dict(zip(asked, returned, strict=True))
        return [self._targets(found.get(i, ()), ids, answers[i], top_k) for i, ids in enumerate(valid)]

    def _valid_start(self, answer: Sequence[int]) -> list[int]:
        """Return the longest start of an answer that is valid text, without the end of the turn."""
        vocabulary = self._vocabulary
        known = len(vocabulary.pieces)
        text, length = b"", 0
        for place, token in enumerate(answer, 1):
            if token >= known or token in vocabulary.added or not vocabulary.pieces[token]:
                break
            text += vocabulary.pieces[token]
            if _is_utf8(text):
                length = place
        return list(answer[:length])

    def _targets(self, soft: Sequence[SoftToken], valid: Sequence[int], answer: Sequence[int], top_k: int) -> Targets:
        """Project the choices of a text onto its tokens, and onto the end of the turn if that comes next."""
        ends = self._vocabulary.ends
        ended = len(answer) == len(valid) + 1 and answer[-1] in ends
        ids = [*valid, answer[-1] if ended else min(ends)]
        targets = self._projection.targets(soft, ids, top_k) if soft else None
        if targets is None:
            k = min(top_k, self.student.width - 1)
            empty = np.zeros(0, np.float32)
            return Targets(np.zeros((0, k), np.int32), np.zeros((0, k), np.float32), empty, chosen=empty)
        rows = slice(len(valid) + ended)
        chosen = None if targets.chosen is None else targets.chosen[rows]
        return Targets(targets.ids[rows], targets.log_probs[rows], targets.tail[rows], chosen=chosen)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
