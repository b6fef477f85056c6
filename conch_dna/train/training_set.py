"""The training set of one domain."""

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
    """Examples, soft targets and prompts to train on.

    :param examples: tokenised conversations that end with a teacher's answer.
    :param targets: soft targets of the last turns, one for each example; in the teacher's tokens for a loss between
        tokenizers; ``None`` for text alone.
    :param prompts: prompts that the student itself answers (``RecipePlan.own``); empty if no recipe asks for them.
    :param validation: the same of the validation prompts, which are never trained on; ``None`` if there are none.
    :param answers: the teacher's texts by the digest of their prompt, validation prompts included, for recipes that
        compare them (``RecipePlan.verdicts``); otherwise empty.
    :param in_order: whether steps take the examples as they come instead of permuting them.
    :param missing: number of teacher's answers without a final answer for the domain's extractor; they are left out of
        all other fields.
    """

    domain: str
    examples: Sequence[Example] = ()
    targets: Sequence[Targets] | CrossTargets | None = None
    prompts: Sequence[Prompt] = ()
    validation: TrainingSet | None = None
    answers: Mapping[str, str] = field(default_factory=dict)
    missing: int = 0
    in_order: bool = False

    @cached_property
    def digest(self) -> str:
        """The identity of tokens, prompts and soft targets."""
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
    """Return the sha256 of all of the teacher's arrays that a loss reads."""
    # Imported here because it imports mlx, which must not happen before the fast BLAS is on (models/accel.py).
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
