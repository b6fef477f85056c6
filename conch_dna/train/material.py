"""What one domain is trained on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from conch_dna.records import digest_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conch_dna.data.tokens import Example
    from conch_dna.interfaces import Targets
    from conch_dna.records import Prompt
    from conch_dna.signals import CrossTargets


@dataclass(frozen=True)
class Material:
    """The training half of a domain.

    :param examples: tokenised conversations that end with a teacher's answer.
    :param targets: soft targets of their last turns, one an example, or ``None`` for text alone; in the teacher's own
        tokens where a loss between tokenizers is to compare them.
    :param prompts: what the student itself answers in ``on_policy`` and ``best_of_n``; empty where neither is run.
    :param validation: the same of the prompts set apart, which training never touches; ``None`` where none are.
    """

    domain: str
    examples: Sequence[Example] = ()
    targets: Sequence[Targets] | CrossTargets | None = None
    prompts: Sequence[Prompt] = ()
    validation: Material | None = None

    @cached_property
    def digest(self) -> str:
        """The identity of the tokens and prompts, and of whether soft targets go with them."""
        parts: list[Any] = [[(e.ids, e.trained) for e in self.examples], self.targets is not None]
        if self.prompts or self.validation:
            parts.append([p.digest for p in self.prompts])
        if self.validation:
            parts.append(self.validation.digest)
        return digest_of(parts)
