"""The ``recorded`` teacher: replays the answers in a domain's ``recorded/`` folder, without weights.

Imports of ``conch_dna`` wait inside functions: ``conch --help`` loads this file.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from conch_dna import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from conch_dna.domains.recordings import Recording
    from conch_dna.plugin.protocols import TeacherFactory, TeacherRequest
    from conch_dna.records import Completion, Prompt, Sampling


class RecordedTeacher:
    """Replays a recording; skips prompts without a recorded answer."""

    def __init__(self, request: TeacherRequest) -> None:
        self.domain, self.name = request.domain, request.model

    @cached_property
    def recording(self) -> Recording:
        """The recording, read on first use."""
        from conch_dna.domains.recordings import find_recording

        return find_recording(self.domain, self.name)

    @property
    def capabilities(self) -> frozenset[str]:
        """Text, and token choices if any answer has them; answers without choices are used as text."""
        soft = any(answer.soft for answer in self.recording.answers.values())
        return frozenset({"text", "replay", "soft"} if soft else {"text", "replay"})

    @property
    def fingerprint(self) -> str:
        """The digest of the recorded answers."""
        return f"recorded:{self.recording.digest}"

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> Iterator[Completion]:
        """Yield the recorded answers to ``prompts``."""
        answers = self.recording.answers
        yield from (answers[p.digest] for p in prompts if p.digest in answers)

    def close(self) -> None:
        """Do nothing; there are no resources."""
        return


@hookimpl
def register_teachers() -> Mapping[str, TeacherFactory]:
    """Provide the teacher."""
    return {"recorded": RecordedTeacher}
