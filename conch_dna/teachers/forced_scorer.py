"""A teacher that tells the choices of any text, asked for those of the student's answers, in the student's tokens."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

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
    from conch_dna.records import Prompt


@dataclass(frozen=True)
class ForcedScorer:
    """Scores answers in the student's tokens by giving the teacher their text.

    :param teacher: one with the capability ``"forced"``.
    :param student: whose tokens the answers are in.
    """

    teacher: Any
    student: LoadedModel

    @property
    def fingerprint(self) -> str:
        """The teacher's."""
        return str(self.teacher.fingerprint)

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        return vocabulary_of(self.student.tokenizer)

    @cached_property
    def _projection(self) -> Projection:
        return Projection(self._vocabulary, self.student.width)

    def score(self, prompts: Sequence[Prompt], answers: Sequence[Sequence[int]], top_k: int) -> list[Targets]:
        """Return the distributions over the first tokens of each answer, as many as make a text.

        A student may write half a character, or a token that no text holds: what comes from there on cannot be sent to
        anybody. An answer of which nothing is left has targets without rows.
        """
        whole = [self._whole(answer) for answer in answers]
        texts = [byte_spans(self._vocabulary, ids).text.decode() for ids in whole]
        asked = [i for i, text in enumerate(texts) if text.strip()]
        told = self.teacher.score_text([prompts[i] for i in asked], [texts[i] for i in asked], CHOICES)
        found = dict(zip(asked, told, strict=True))
        return [self._targets(found.get(i, ()), ids, answers[i], top_k) for i, ids in enumerate(whole)]

    def _whole(self, answer: Sequence[int]) -> list[int]:
        """Return the longest start of an answer that is a text, without the end of the turn."""
        vocabulary = self._vocabulary
        known = len(vocabulary.pieces)
        text, length = b"", 0
        for place, token in enumerate(answer, 1):
            if token >= known or token in vocabulary.added or not vocabulary.pieces[token]:
                break
            text += vocabulary.pieces[token]
            if _is_text(text):
                length = place
        return list(answer[:length])

    def _targets(self, told: Sequence[Any], whole: Sequence[int], answer: Sequence[int], top_k: int) -> Targets:
        """Project what was told of a text onto its tokens, and onto the end of the turn where that came next."""
        ends = self._vocabulary.ends
        ended = len(answer) == len(whole) + 1 and answer[-1] in ends
        ids = [*whole, answer[-1] if ended else min(ends)]
        targets = self._projection.targets(told, ids, top_k) if told else None
        if targets is None:
            k = min(top_k, self.student.width - 1)
            empty = np.zeros(0, np.float32)
            return Targets(np.zeros((0, k), np.int32), np.zeros((0, k), np.float32), empty, chosen=empty)
        rows = slice(len(whole) + ended)
        chosen = None if targets.chosen is None else targets.chosen[rows]
        return Targets(targets.ids[rows], targets.log_probs[rows], targets.tail[rows], chosen=chosen)


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
