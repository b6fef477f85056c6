"""The ``echo`` teacher: answers with the words of the prompt; for tests and tutorials.

Imports of ``conch_dna`` wait inside functions: ``conch --help`` loads this file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from conch_dna.plugin.protocols import TeacherFactory, TeacherRequest
    from conch_dna.records import Completion, Prompt, Sampling


class EchoTeacher:
    """Repeats the last turn, cut to ``max_tokens`` words."""

    capabilities = frozenset({"text"})
    fingerprint = "echo:1"

    def __init__(self, request: TeacherRequest) -> None:
        self.name = request.domain.name

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> Iterator[Completion]:
        """Yield the echoes."""
        from conch_dna.records import Completion

        for prompt in prompts:
            words = prompt.messages[-1].content.split()
            text = " ".join(words[: sampling.max_tokens])
            yield Completion(prompt=prompt.digest, text=text, teacher=self.fingerprint, sampling=sampling)

    def close(self) -> None:
        """Do nothing; there are no resources."""
        return


@hookimpl
def register_teachers() -> Mapping[str, TeacherFactory]:
    """Provide the teacher."""
    return {"echo": EchoTeacher}
