"""Content-addressed cache of soft targets; a second run with the same answers loads no teacher."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna.data import codec
from conch_dna.data.shards import Shards
from conch_dna.errors import DataError, TeacherError
from conch_dna.records import SCHEMA_VERSION, digest_of
from conch_dna.teachers.capabilities import scorer_of
from conch_dna.teachers.references import parts_for
from conch_dna.util.cache_lock import writing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from conch_dna.plugin.protocols import Targets, Teacher
    from conch_dna.records import Prompt

GROUP = 16  # answers scored and stored together; a kill loses at most these


class TargetCache:
    """A cache of distributions, keyed by teacher, prompt, answer tokens and k."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def key(self, teacher: str, prompt: Prompt, answer: Sequence[int], top_k: int) -> str:
        """Return the sha256 of schema and codec version, teacher fingerprint, prompt, answer and k."""
        return digest_of([SCHEMA_VERSION, codec.FORMAT, teacher, prompt.digest, list(answer), top_k])

    def shards(self, teacher: str) -> Shards:
        """Return the store of one teacher's targets."""
        return Shards(self.root / digest_of(teacher)[:16], teacher)

    def fill(
        self,
        teacher: Teacher,
        prompts: Sequence[Prompt],
        answers: Sequence[Sequence[int]],
        top_k: int,
        on_scored: Callable[[int], None],
    ) -> list[Targets]:
        """Return targets for all answers; ask ``teacher``, or its parts, for those that are not stored.

        All returned values have passed through the codec, so that a resumed run sees the same numbers. The request
        fixes the groups, and a group with anything missing is scored whole: the last bits of a live teacher's values
        depend on the rest of the batch.

        :param on_scored: called once per group with the number of its answers.
        :raises TeacherError: the teacher's targets do not fit the answers or are not finite; they are not stored.
        """
        found: dict[int, Targets] = {}
        for part, places in parts_for(teacher, prompts):
            of_part = [prompts[i] for i in places], [answers[i] for i in places]
            found.update(zip(places, self._filled(part, *of_part, top_k, on_scored), strict=True))
        return [found[i] for i in range(len(prompts))]

    def _filled(
        self,
        teacher: Teacher,
        prompts: Sequence[Prompt],
        answers: Sequence[Sequence[int]],
        top_k: int,
        on_scored: Callable[[int], None],
    ) -> list[Targets]:
        keys = [self.key(teacher.fingerprint, p, a, top_k) for p, a in zip(prompts, answers, strict=True)]
        with writing(self.root):
            shards = self.shards(teacher.fingerprint)
            found = shards.get(keys)
            for start in range(0, len(keys), GROUP):
                group = slice(start, start + GROUP)
                if any(key not in found for key in keys[group]):
                    blobs = _scored(teacher, prompts[group], answers[group], top_k)
                    new = {k: blob for k, blob in zip(keys[group], blobs, strict=True) if k not in found}
                    found.update(shards.put(new))
                on_scored(len(keys[group]))
        return [codec.decode(found[key]) for key in keys]


def check_ids(targets: Sequence[Targets], width: int, teacher: str) -> None:
    """Check that all ids of targets exist in a student's head; a larger id would read a logit past its end.

    :param width: number of ids of the student's head.
    :param teacher: the teacher's fingerprint.
    :raises TeacherError: an id is larger.
    """
    largest = max((int(t.ids.max(initial=0)) for t in targets), default=0)
    if largest >= width:
        raise TeacherError("returned soft targets for an id that the student's head does not have", where=teacher,
                           got=largest, allowed=f"0 to {width - 1}",
                           next_step=f"If an old version stored them: conch cache gc --teacher {teacher}")  # fmt: skip


def _scored(teacher: Teacher, prompts: Sequence[Prompt], answers: Sequence[Sequence[int]], top_k: int) -> list[bytes]:
    """Return the teacher's targets in encoded form.

    :raises TeacherError: they do not fit the answers or are unusable.
    """
    scored = scorer_of(teacher).score(prompts, answers, top_k)
    if len(scored) != len(answers):
        raise TeacherError("returned soft targets for some answers only", where=teacher.fingerprint,
                           got=len(scored), allowed=len(answers))  # fmt: skip
    for targets, answer in zip(scored, answers, strict=True):
        if len(targets.tail) != len(answer):
            raise TeacherError("returned soft targets that do not fit the answer", where=teacher.fingerprint,
                               got=f"{len(targets.tail)} positions", allowed=len(answer))  # fmt: skip
    try:
        return [codec.encode(targets) for targets in scored]
    except DataError as error:
        raise TeacherError(f"returned unusable targets: {error}", where=teacher.fingerprint) from error
