"""The ``none`` teacher: no teacher. The recipe ``best_of_n`` trains on the student's own best answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from conch_dna.plugin.protocols import TeacherFactory, TeacherRequest
    from conch_dna.records import Completion, Prompt, Sampling


class NoTeacher:
    """Answers nothing."""

    capabilities = frozenset[str]()
    fingerprint = "none"

    def __init__(self, request: TeacherRequest) -> None:
        self.domain = request.domain

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> Iterator[Completion]:
        """Yield nothing."""
        yield from ()

    def close(self) -> None:
        """Do nothing; there are no resources."""
        return


@hookimpl
def register_teachers() -> Mapping[str, TeacherFactory]:
    """Provide the teacher."""
    return {"none": NoTeacher}
