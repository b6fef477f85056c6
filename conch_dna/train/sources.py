"""Where the batches of a step come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from conch_dna.data.batches import collate, cut, step_examples

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from conch_dna.config import DistillConfig
    from conch_dna.data.batches import Batch, SoftTargets
    from conch_dna.data.tokens import Example


class Source(Protocol):
    """Gives the batches of each optimizer step; what it cannot work out again from the step is its state."""

    def batches(self, step: int) -> list[Batch]:
        """Return the batches of ``step`` (from 0), one a forward pass."""

    def state(self) -> dict[str, np.ndarray]:
        """Return what a checkpoint must keep besides the step; empty where the step says it all."""

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take back the state of a checkpoint."""


@dataclass(frozen=True)
class FixedSource:
    """Batches of given examples: a pure function of seed and step.

    :param targets: soft targets, one an example or as a function from picked examples to their loss; or ``None``.
    :param together: how many examples in a row are drawn and go through a pass together: 2 where these are pairs.
    """

    examples: Sequence[Example]
    targets: SoftTargets | None
    config: DistillConfig
    together: int = 1

    def batches(self, step: int) -> list[Batch]:
        """Return the batches of ``step``."""
        config, count = self.config, len(self.examples) // self.together
        picks = step_examples(count, config.batch_size * config.accumulation, config.seed, step)
        return self.passes(picks)

    def passes(self, picks: Sequence[int]) -> list[Batch]:
        """Return the batches of these examples, or of the groups that go together."""
        cuts = cut(self.examples, picks, self.config, self.together)
        # Where the context is the base's, the assistant's earlier turns are a part of it.
        return [collate(self.examples, some, self.targets, last_turn=self.config.activated) for some in cuts]

    def state(self) -> dict[str, np.ndarray]:
        """Return nothing: the step says it all."""
        return {}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take nothing back."""
