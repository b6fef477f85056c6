"""Each sequence's slot, carried through mlx-lm's batches as one more entry of its cache.

``BatchGenerator`` has no notion of adapters: it merges, extends, filters, copies and extracts the caches of sequences
and hands them to the model. An entry that holds no keys and values but the slots of the batch's rows goes along, and
:class:`SlottedModel` takes it off again. It rests on duck typing: the tests go through every move of a batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mlx.core as mx
from mlx_lm.models.cache import make_prompt_cache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from conch_dna.runtime.slots import Delta, Slot


class SlotCache:
    """The slots of a batch's rows, in order; of one sequence before it is merged and after it is extracted."""

    nbytes = 0
    state: tuple[()] = ()  # nothing that mlx would have to evaluate

    def __init__(self, slots: Iterable[int]) -> None:
        self.slots = list(slots)

    @classmethod
    def merge(cls, caches: Sequence[SlotCache]) -> SlotCache:
        """Return the entry of a batch of sequences."""
        return cls(slot for cache in caches for slot in cache.slots)

    def extend(self, other: SlotCache) -> None:
        """Add the rows of another batch behind."""
        self.slots += other.slots

    def filter(self, rows: Sequence[int]) -> None:
        """Keep these rows."""
        self.slots = [self.slots[row] for row in rows]

    def extract(self, row: int) -> SlotCache:
        """Return the entry of one sequence."""
        return SlotCache([self.slots[row]])

    def prepare(self, **_: Any) -> None:
        """Take note of nothing: padding does not change whose row it is."""

    def finalize(self) -> None:
        """Do nothing after a padded prompt."""


class SlottedModel:
    """A model that adds to each row of a batch what its slot says, and gives float32 logits.

    mlx-lm normalises logits and samples in whatever type they have.

    :param model: the base with its layers wrapped.
    :param slot: where its layers look.
    :param delta_of: what to add to the rows of these slots, or ``None`` for nothing.
    """

    def __init__(self, model: Any, slot: Slot, delta_of: Callable[[Sequence[int]], Delta | None]) -> None:
        self._model, self._slot, self._delta_of = model, slot, delta_of

    def __call__(self, ids_BT: mx.array, cache: Sequence[Any]) -> mx.array:
        """Map ids to float32 (B, T, V) logits.

        What is added is fixed when the graph is built: a slot that gets another neuron afterwards changes nothing.
        """
        *own, last = cache
        with self._slot.adding(self._delta_of(last.slots)):
            logits_BTV: mx.array = self._model(ids_BT, cache=own).astype(mx.float32)
        return logits_BTV

    def cache_for(self, slot: int, own: Sequence[Any] | None = None) -> list[Any]:
        """Return a sequence's cache with its slot: a fresh one, or the model's ``own`` of the tokens it begins with."""
        return [*(make_prompt_cache(self._model) if own is None else own), SlotCache([slot])]
