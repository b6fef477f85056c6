"""What one domain is trained on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from conch_dna.records import digest_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conch_dna.data.tokens import Example
    from conch_dna.losses.cross_tokenizer import CrossTargets
    from conch_dna.plugin.protocols import Targets
    from conch_dna.records import Prompt


@dataclass(frozen=True)
class TrainingSet:
    """The training half of a domain.

    :param examples: tokenised conversations that end with a teacher's answer.
    :param targets: soft targets of their last turns, one an example, or ``None`` for text alone; in the teacher's own
        tokens where a loss between tokenizers is to compare them.
    :param prompts: what the student itself answers in ``on_policy``, ``best_of_n`` and ``preference``; empty where none
        of them is run.
    :param validation: the same of the prompts set apart, which training never touches; ``None`` where none are.
    :param answers: for ``preference``, the teacher's texts by the digest of their prompt, those set apart among them;
        empty where that is not run or the teacher has no answers of its own.
    :param missing: the teacher's answers in which the domain's extractor found no final answer; they are in none of the
        others.
    """

    domain: str
    examples: Sequence[Example] = ()
    targets: Sequence[Targets] | CrossTargets | None = None
    prompts: Sequence[Prompt] = ()
    validation: TrainingSet | None = None
    answers: Mapping[str, str] = field(default_factory=dict)
    missing: int = 0

    @cached_property
    def digest(self) -> str:
        """The identity of the tokens and prompts, and of the soft targets that go with them."""
        soft = self.targets is not None and _soft_digest(self.targets)
        parts: list[Any] = [[(e.ids, e.trained) for e in self.examples], soft]
        if self.prompts or self.validation:
            parts.append([p.digest for p in self.prompts])
        if self.answers:
            parts.append(dict(self.answers))
        if self.validation:
            parts.append(self.validation.digest)
        return digest_of(parts)


def _soft_digest(targets: Sequence[Targets] | CrossTargets) -> str:
    """Return the sha256 of all arrays that a loss takes from the teacher."""
    from conch_dna.losses.cross_tokenizer import CrossTargets

    if isinstance(targets, CrossTargets):
        found = hashlib.sha256(targets.kind.encode())
        answers = [(a.targets, [a.said_R]) for a in targets.aligned]
    else:
        found = hashlib.sha256()
        answers = [(one, []) for one in targets]
    for one, more in answers:
        for array in (one.ids, one.log_probs, one.tail, *more):
            found.update(str(array.shape).encode() + array.tobytes())
    return found.hexdigest()
