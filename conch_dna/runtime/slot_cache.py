"""Each sequence's slot, carried through mlx-lm's batches as one more entry of its cache.

``BatchGenerator`` has no notion of adapters: it merges, extends, filters, copies and extracts the caches of sequences
and hands them to the model. An entry that holds no keys and values but the slots of the batch's rows goes along, and
:class:`SlottedModel` takes it off again. It rests on duck typing: the tests go through every move of a batch.
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

    :param slots: of the rows.
    :param contexts: of each row, how many of the tokens to come are the base's alone; left out, none are. They must be
        a segment of the prompt, or several, so that no call of the model has tokens of both kinds in a row.
    """

    nbytes = 0
    state: tuple[()] = ()  # nothing that mlx would have to evaluate

    def __init__(self, slots: Iterable[int], contexts: Iterable[int] | None = None) -> None:
        self.slots = list(slots)
        self.contexts = [0] * len(self.slots) if contexts is None else list(contexts)

    @property
    def now(self) -> list[int]:
        """The slots of the rows' next tokens."""
        return [BASE_SLOT if context else slot for slot, context in zip(self.slots, self.contexts, strict=True)]

    def advance(self, tokens: int) -> None:
        """Take note that the model has read so many tokens of each row; a row that had fewer was padded."""
        self.contexts = [max(0, context - tokens) for context in self.contexts]

    @classmethod
    def merge(cls, caches: Sequence[SlotCache]) -> SlotCache:
        """Return the entry of a batch of sequences."""
        return cls(
            [slot for cache in caches for slot in cache.slots], [left for cache in caches for left in cache.contexts]
        )

    def extend(self, other: SlotCache) -> None:
        """Add the rows of another batch behind."""
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

    def __init__(self, model: Any, switch: DeltaSwitch, delta_of: Callable[[Sequence[int]], Delta | None]) -> None:
        self._model, self._switch, self._delta_of = model, switch, delta_of

    def __call__(self, ids_BT: mx.array, cache: Sequence[Any]) -> mx.array:
        """Map ids to float32 (B, T, V) logits.

        What is added is fixed when the graph is built: a slot that gets another neuron afterwards changes nothing.
        """
        *own, last = cache
        with self._switch.adding(self._delta_of(last.now)):
            logits_BTV: mx.array = self._model(ids_BT, cache=own)
        last.advance(ids_BT.shape[1])
        return logits_BTV

    def cache_for(self, slot: int, own: Sequence[Any] | None = None, context: int = 0) -> list[Any]:
        """Return a sequence's cache with its slot.

        :param own: the model's, of the tokens that the sequence begins with; a fresh one if left out.
        :param context: how many tokens to come are the base's alone.
        """
        return [*(make_prompt_cache(self._model) if own is None else own), SlotCache([slot], [context])]
