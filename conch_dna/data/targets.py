"""Soft targets by content: one safetensors file an answer, so that a second run loads no teacher at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from conch_dna.errors import TeacherError
from conch_dna.files import write_atomic
from conch_dna.interfaces import Targets
from conch_dna.records import SCHEMA_VERSION, digest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from conch_dna.interfaces import Teacher
    from conch_dna.records import Prompt

GROUP = 16  # prompts scored between two writes, so that a kill loses little


class TargetCache:
    """Distributions on disk, keyed by teacher, prompt, answer tokens and k."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def _path(self, teacher: str, prompt: Prompt, answer: Sequence[int], top_k: int) -> Path:
        key = digest_of([SCHEMA_VERSION, teacher, prompt.digest, list(answer), top_k])
        return self.root / key[:2] / f"{key}.safetensors"

    def get(self, path: Path, length: int) -> Targets | None:
        """Return what is cached for an answer of ``length`` tokens; a damaged file counts as none."""
        try:
            arrays = load(path.read_bytes())
            found = Targets(arrays["ids"], arrays["log_probs"], arrays["tail"])
        except (FileNotFoundError, SafetensorError, KeyError):
            return None
        return found if _usable(found, length) else None

    def fill(
        self,
        teacher: Teacher,
        prompts: Sequence[Prompt],
        answers: Sequence[Sequence[int]],
        top_k: int,
        on_scored: Callable[[int], None],
    ) -> list[Targets]:
        """Return targets for all answers, asking ``teacher`` for those that are not cached.

        :raises TeacherError: the teacher's targets do not fit the answers or are not finite; those are not stored.
        """
        paths = [self._path(teacher.fingerprint, p, a, top_k) for p, a in zip(prompts, answers, strict=True)]
        found = [self.get(path, len(a)) for path, a in zip(paths, answers, strict=True)]
        missing = [i for i, targets in enumerate(found) if targets is None]
        on_scored(len(found) - len(missing))
        for start in range(0, len(missing), GROUP):
            some = missing[start : start + GROUP]
            scored = teacher.score([prompts[i] for i in some], [answers[i] for i in some], top_k)
            if len(scored) != len(some):
                raise TeacherError("gave soft targets for some answers only", where=teacher.fingerprint,
                                   got=len(scored), allowed=len(some))  # fmt: skip
            for i, targets in zip(some, scored, strict=True):
                if not _usable(targets, len(answers[i])):
                    raise TeacherError("gave soft targets that do not fit the answer or are not finite",
                                       where=teacher.fingerprint, got=f"{len(targets.tail)} positions",
                                       allowed=f"{len(answers[i])} positions, finite log-probabilities")  # fmt: skip
                arrays = {"ids": targets.ids, "log_probs": targets.log_probs, "tail": targets.tail}
                write_atomic(paths[i], save(arrays))
                found[i] = targets
            on_scored(len(some))
        return [targets for targets in found if targets is not None]


def _usable(targets: Targets, length: int) -> bool:
    """Tell whether ``targets`` cover ``length`` positions with real log-probabilities; the tail may have no mass."""
    fits = len(targets.ids) == len(targets.log_probs) == len(targets.tail) == length
    return bool(fits and np.isfinite(targets.log_probs).all() and (targets.tail < np.inf).all())
