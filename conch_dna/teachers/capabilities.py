"""Capabilities of a teacher, and the ways in which its distributions reach the student."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna.errors import TeacherError, UnknownName
from conch_dna.plugin.protocols import Judge, Scores, ScoresText

if TYPE_CHECKING:
    from conch_dna.config import DistillConfig
    from conch_dna.plugin.catalog import Catalog
    from conch_dna.plugin.protocols import CrossTokenizerLoss, Scorable, Teacher, TextScoringTeacher
    from conch_dna.teachers.compatibility import Signal

BYTES, OFF = "bytes", "off"  # the values of `cross_tokenizer` that need no plug-in


def signal_of(capabilities: frozenset[str], config: DistillConfig) -> Signal | None:
    """Return how a teacher's distributions reach the student; ``None`` if only its text does.

    ``exact``: the teacher scores the student's tokens. The value of ``cross_tokenizer``: it scores its own tokens.
    ``bytes``: it returns the choices of each token as bytes, either with its answers or for any text.
    """
    if "top_k" in capabilities:
        return "exact"
    if "own_top_k" in capabilities and config.cross_tokenizer != OFF:
        return config.cross_tokenizer
    return BYTES if {"soft", "forced"} & capabilities and config.cross_tokenizer == BYTES else None


def cross_tokenizer_loss(catalog: Catalog, config: DistillConfig) -> CrossTokenizerLoss | None:
    """Return the plug-in loss that ``cross_tokenizer`` names; ``None`` for ``bytes`` and ``off``, which need none.

    :raises UnknownName: no plug-in provides it.
    """
    kind, name = "cross_tokenizer_losses", config.cross_tokenizer
    if name in {BYTES, OFF}:
        return None
    names = catalog.names(kind)
    if name not in names:
        raise UnknownName("no such way to compare tokenizers", where="cross_tokenizer", got=name,
                          allowed=", ".join((BYTES, OFF, *names)), next_step=catalog.hints(kind, name))  # fmt: skip
    found: CrossTokenizerLoss = catalog.get(kind, name)
    return found


def scorer_of(teacher: Teacher) -> Scorable:
    """Return ``teacher`` as one that scores tokens.

    :raises TeacherError: it has no method ``score``.
    """
    if not isinstance(teacher, Scores):
        raise _lacks(teacher, "gives no soft targets", "score")
    return teacher


def text_scorer_of(teacher: Teacher) -> TextScoringTeacher:
    """Return ``teacher`` as one that scores any text.

    :raises TeacherError: it has no method ``score_text``.
    """
    if not isinstance(teacher, ScoresText):
        raise _lacks(teacher, "scores no given text", "score_text")
    return teacher


def judge_of(teacher: Teacher) -> Judge:
    """Return ``teacher`` as one that compares answers.

    :raises TeacherError: it has no method ``prefer``.
    """
    if not isinstance(teacher, Judge):
        raise _lacks(teacher, "compares no answers", "prefer")
    return teacher


def _lacks(teacher: Teacher, what: str, method: str) -> TeacherError:
    return TeacherError(what, where=f"teacher {teacher.fingerprint}", got=f"no method {method}",
                        allowed=", ".join(sorted(teacher.capabilities)) or "nothing")  # fmt: skip
