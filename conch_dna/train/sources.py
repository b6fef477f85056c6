"""Sources of batches: the protocol, and batches of given examples."""

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
    """Provider of the batches of each optimizer step; its state is what cannot be computed from the step."""

    def batches(self, step: int) -> list[Batch]:
        """Return the batches of ``step`` (from 0), one for each forward pass."""

    def state(self) -> dict[str, np.ndarray]:
        """Return the arrays that a checkpoint must keep; empty if the step determines everything."""

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Restore the state of a checkpoint."""


@dataclass(frozen=True)
class FixedSource:
    """Batches of given examples: a pure function of seed and step.

    :param targets: soft targets, one for each example or as a function from picked examples to their loss; or ``None``.
    :param in_order: whether the steps take the examples as they come, again and again, instead of permuting them.
    :param together: number of consecutive examples that are drawn and processed together: 2 for pairs.
    """

    examples: Sequence[Example]
    targets: SoftTargets | None
    config: DistillConfig
    together: int = 1
    in_order: bool = False

    def batches(self, step: int) -> list[Batch]:
        """Return the batches of ``step``."""
        config, count = self.config, len(self.examples) // self.together
        per_step = config.batch_size * config.accumulation
        if self.in_order:
            return self.passes([place % count for place in range(step * per_step, (step + 1) * per_step)])
        picks = step_examples(count, per_step, config.seed, step)
        return self.passes(picks)

    def passes(self, picks: Sequence[int]) -> list[Batch]:
        """Return the batches of these examples, or groups of examples."""
        cuts = cut(self.examples, picks, self.config, self.together)
        # An activated adapter shares the base's context, and earlier assistant turns belong to that context.
        return [collate(self.examples, some, self.targets, last_turn=self.config.activated) for some in cuts]

    def state(self) -> dict[str, np.ndarray]:
        """Return no arrays: the step determines everything."""
        return {}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Do nothing."""
