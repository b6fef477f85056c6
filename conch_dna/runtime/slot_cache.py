"""The slot of each sequence, carried through mlx-lm's batches as an additional entry of its cache.

``BatchGenerator`` does not know adapters: it merges, extends, filters, copies and extracts the caches of sequences and
passes them to the model. The additional entry holds the slots of the batch's rows, and :class:`SlottedModel` removes it
before it calls the base. This relies on duck typing; the tests cover every operation on a batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mlx.core as mx
from mlx_lm.models.cache import make_prompt_cache

from conch_dna.runtime.adapter_stack import BASE_SLOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from conch_dna.runtime.neuron_layers import Delta, DeltaSwitch


class SlotCache:
    """The slots of a batch's rows, in order; of one sequence before it is merged and after it is extracted.

    :param slots: the slot of each row.
    :param contexts: for each row, how many of the next tokens only the base reads; default none. They must end at a
        segment boundary of the prompt, so that no forward pass has tokens of both kinds in one row.
    """

    nbytes = 0
    state: tuple[()] = ()  # nothing for mlx to evaluate

    def __init__(self, slots: Iterable[int], contexts: Iterable[int] | None = None) -> None:
        self.slots = list(slots)
        self.contexts = [0] * len(self.slots) if contexts is None else list(contexts)

    @property
    def now(self) -> list[int]:
        """The slots of the rows' next tokens."""
        return [BASE_SLOT if context else slot for slot, context in zip(self.slots, self.contexts, strict=True)]

    def advance(self, tokens: int) -> None:
        """Record that the model has read this many tokens of each row; shorter rows were padded."""
        self.contexts = [max(0, context - tokens) for context in self.contexts]

    @classmethod
    def merge(cls, caches: Sequence[SlotCache]) -> SlotCache:
        """Return the entry of a batch of sequences."""
        return cls(
            [slot for cache in caches for slot in cache.slots], [left for cache in caches for left in cache.contexts]
        )

    def extend(self, other: SlotCache) -> None:
        """Append the rows of another batch."""
        self.slots += other.slots
        self.contexts += other.contexts

    def filter(self, rows: Sequence[int]) -> None:
        """Keep these rows."""
        self.slots = [self.slots[row] for row in rows]
        self.contexts = [self.contexts[row] for row in rows]

    def extract(self, row: int) -> SlotCache:
        """Return the entry of one sequence."""
        return SlotCache([self.slots[row]], [self.contexts[row]])

    def prepare(self, **_: Any) -> None:
        """Do nothing: padding does not change the slot of a row."""

    def finalize(self) -> None:
        """Do nothing after a padded prompt."""


class SlottedModel:
    """A model that adds the delta of its slot to each row of a batch.

    :param model: the base with wrapped layers.
    :param switch: the switch of these layers.
    :param delta_of: returns the delta for rows with the given slots, or ``None``.
    """

    def __init__(self, model: Any, switch: DeltaSwitch, delta_of: Callable[[Sequence[int]], Delta | None]) -> None:
        self._model, self._switch, self._delta_of = model, switch, delta_of

    def __call__(self, ids_BT: mx.array, cache: Sequence[Any]) -> mx.array:
        """Map ids to (B, T, V) logits.

        The delta is fixed when the graph is built; a slot that gets another neuron later does not change it.
        """
        *own, last = cache
        with self._switch.adding(self._delta_of(last.now)):
            logits_BTV: mx.array = self._model(ids_BT, cache=own)
        last.advance(ids_BT.shape[1])
        return logits_BTV

    def cache_for(self, slot: int, own: Sequence[Any] | None = None, context: int = 0) -> list[Any]:
        """Return the cache of a sequence with its slot.

        :param own: the model's cache of the sequence's first tokens; default an empty one.
        :param context: how many of the next tokens only the base reads.
        """
        return [*(make_prompt_cache(self._model) if own is None else own), SlotCache([slot], [context])]
