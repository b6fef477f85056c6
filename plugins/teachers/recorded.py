"""The ``recorded`` teacher: replays the answers that lie in a domain's ``recorded/`` folder; needs no weights."""

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
    """Replays a recording; prompts whose answer was filtered out, or never asked, are passed over."""

    def __init__(self, request: TeacherRequest) -> None:
        self.domain, self.name = request.domain, request.model

    @cached_property
    def recording(self) -> Recording:
        """The recording, read on first use."""
        from conch_dna.domains.recordings import find_recording

        return find_recording(self.domain, self.name)

    @property
    def capabilities(self) -> frozenset[str]:
        """Text, and its tokens' choices where these were recorded too; answers without them teach by text alone."""
        told = any(answer.soft for answer in self.recording.answers.values())
        return frozenset({"text", "replay", "soft"} if told else {"text", "replay"})

    @property
    def fingerprint(self) -> str:
        """The digest of the recorded answers."""
        return f"recorded:{self.recording.digest}"

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> Iterator[Completion]:
        """Yield the recorded answers to ``prompts``."""
        answers = self.recording.answers
        yield from (answers[p.digest] for p in prompts if p.digest in answers)

    def close(self) -> None:
        """Nothing is held."""
        return


@hookimpl
def register_teachers() -> Mapping[str, TeacherFactory]:
    """Provide the teacher."""
    return {"recorded": RecordedTeacher}
