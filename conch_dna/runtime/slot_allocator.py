"""The slot allocator: counts the users of each slot, drains unloading neurons and evicts the least recently used."""

from __future__ import annotations

import itertools
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

import mlx.core as mx
import structlog
from mlx.utils import tree_flatten

from conch_dna.errors import NeuronRefused, RegistryError
from conch_dna.runtime.adapter_stack import BASE_SLOT, AdapterStack
from conch_dna.runtime.neuron_cache import check_acts
from conch_dna.runtime.neuron_layers import Alone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conch_dna.registry.adapter import Adapter
    from conch_dna.runtime.neuron_cache import Blend, NeuronCache, Version
    from conch_dna.runtime.neuron_layers import Delta, DeltaSwitch

log = structlog.get_logger()

APART, APART_IN_HALF = 1e-4, 0.03  # tolerance between a mixed row and a row alone, as a share of the largest logit


@dataclass
class Slot:
    """One slot.

    :param adapter: the neuron in the slot.
    :param users: number of sequences that run with it; a neuron with users is not evicted.
    :param used: the count of the last acquisition.
    """

    adapter: Adapter | None = None
    users: int = 0
    used: int = 0


class SlotAllocator:
    """The slots of one engine; use it only from the thread that runs the model.

    :param cache: the neurons in memory.
    :param switch: the switch of the base's layers.
    :param slots: number of neurons that one batch may mix.
    """

    def __init__(self, cache: NeuronCache, switch: DeltaSwitch, slots: int) -> None:
        self.slots = [Slot() for _ in range(slots + 1)]
        self.stack = AdapterStack(slots, cache.modules)
        self.pinned: dict[str, str] = {}
        self._cache, self._switch = cache, switch
        self._slot_of: dict[str, int] = {}
        self._draining: dict[str, Future[None]] = {}
        self._count = itertools.count(1)
        self._tried: dict[tuple[frozenset[str], frozenset[str]], NeuronRefused | None] = {}
        weights = dict(tree_flatten(cache.base.model.parameters())).values()
        self._half = any(weight.dtype in {mx.float16, mx.bfloat16} for weight in weights)

    def acquire(self, wanted: Version | Blend | None) -> int | None:
        """Acquire a neuron's slot for one sequence, loading the neuron if needed; ``None`` while all slots are in use.

        :raises NeuronRefused: it is damaged, does not fit, has no effect, is not finite, or cannot be mixed.
        """
        if wanted is None:
            return BASE_SLOT
        if wanted.digest in self._draining:
            return None
        slot = self._slot_of.get(wanted.digest)
        if slot is None:
            slot = self._free()
            if slot is None:
                return None
            self._place(slot, self._cache.get(wanted))
        held = self.slots[slot]
        if held.adapter is not None:
            check_acts(wanted, held.adapter)
        held.users += 1
        held.used = next(self._count)
        return slot

    def release(self, slot: int) -> None:
        """Release a slot for one sequence."""
        if slot == BASE_SLOT:
            return
        held = self.slots[slot]
        held.users -= 1
        if held.users == 0 and held.adapter is not None and held.adapter.digest in self._draining:
            self._drop(slot, held.adapter.digest)

    def prefetch(self, wanted: Version | Blend) -> None:
        """Load a neuron into memory, and into a slot if one is empty.

        :raises NeuronRefused: as :meth:`acquire` does.
        """
        adapter = self._cache.get(wanted)
        empty = next((n for n, held in enumerate(self.slots) if n != BASE_SLOT and held.adapter is None), None)
        if empty is not None and wanted.digest not in self._slot_of:
            self._place(empty, adapter)
            self.slots[empty].used = next(self._count)

    def pin(self, name: str, wanted: Version | Blend) -> None:
        """Load a neuron and keep it in its slot and in memory until it is unpinned.

        :raises RegistryError: no slot would be left for other neurons.
        """
        others = {digest for pinned, digest in self.pinned.items() if pinned != name}
        if len(others | {wanted.digest}) >= len(self.slots) - 1:
            raise RegistryError(
                "one slot must be left for neurons that are not pinned", got=name, allowed=len(self.slots) - 2,
                next_step="Unpin one, or start the engine with more slots.",
            )  # fmt: skip
        self.prefetch(wanted)
        self.unpin(name)
        self.pinned[name] = wanted.digest
        self._cache.held.add(wanted.digest)

    def move_pin(self, name: str, wanted: Version | Blend) -> None:
        """Move a pin to the new version of its alias, unless it was unpinned meanwhile; raises as :meth:`pin` does."""
        if name in self.pinned:
            self.pin(name, wanted)

    def unpin(self, name: str) -> None:
        """Allow a neuron to be evicted again."""
        digest = self.pinned.pop(name, None)
        if digest is not None and digest not in self.pinned.values() and digest not in self._slot_of:
            self._cache.held.discard(digest)

    def unload(self, digest: str) -> Future[None]:
        """Unload a neuron as soon as it has no users; until then no new sequence gets it.

        :returns: a future that is done when the neuron is unloaded.
        """
        for name in [name for name, pinned in self.pinned.items() if pinned == digest]:
            self.unpin(name)
        done = self._draining.setdefault(digest, Future())
        slot = self._slot_of.get(digest)
        if slot is None or not self.slots[slot].users:
            self._drop(slot, digest)
        return done

    def delta(self, slots: Sequence[int]) -> Delta | None:
        """Return the delta for rows with these slots: ``None`` for the base, one neuron for all rows, or a mix."""
        if any(slot != slots[0] for slot in slots):
            return self.stack.mix(slots)
        adapter = self.slots[slots[0]].adapter
        return None if adapter is None else Alone(adapter)

    def _free(self) -> int | None:
        """Return an empty slot, or that of the least recently used neuron without users or pins."""
        pinned = set(self.pinned.values())
        free = [
            (held.used if held.adapter is not None else 0, slot)
            for slot, held in enumerate(self.slots)
            if slot != BASE_SLOT and not held.users and (held.adapter is None or held.adapter.digest not in pinned)
        ]
        return min(free)[1] if free else None

    def _place(self, slot: int, adapter: Adapter) -> None:
        """Put an adapter into a slot without users, replacing its neuron."""
        self.stack.check(adapter, half=self._half)
        self._vacate(slot)
        self.stack.put(slot, adapter)
        try:
            self._check_mixed(slot, adapter)
        except NeuronRefused:
            self.stack.put(slot, None)
            raise
        self.slots[slot].adapter = adapter
        self._slot_of[adapter.digest] = slot
        self._cache.held.add(adapter.digest)
        self._cache.trim()  # the previous neuron of the slot may be evicted now

    def _vacate(self, slot: int) -> None:
        """Mark a slot as empty; its factors stay until they are overwritten."""
        before, self.slots[slot].adapter = self.slots[slot].adapter, None
        if before is not None:
            del self._slot_of[before.digest]
            if before.digest not in self.pinned.values():
                self._cache.held.discard(before.digest)

    def _drop(self, slot: int | None, digest: str) -> None:
        """Finish unloading a neuron and complete the future of its waiters."""
        if slot is not None:
            self._vacate(slot)
            self.stack.put(slot, None)
        self._cache.drop(digest)
        self._draining.pop(digest).set_result(None)
        log.info("neuron_unloaded", digest=digest)

    def _check_mixed(self, slot: int, adapter: Adapter) -> None:
        """Check that a row gets the same logits in a mixed batch as alone; once for each set of changed layers."""
        key = (frozenset(adapter.weights), frozenset(adapter.gains))
        if key not in self._tried:
            self._tried[key] = self._mixing_fault(slot, adapter)
        if (fault := self._tried[key]) is not None:
            raise NeuronRefused(fault.what, got=adapter.digest, next_step=fault.next_step)

    def _mixing_fault(self, slot: int, adapter: Adapter) -> NeuronRefused | None:
        with self._switch.adding(None):
            wanted_base = self._cache.logits()
        with self._switch.adding(Alone(adapter)):
            wanted = self._cache.logits()
        if not mx.isfinite(wanted).all().item():  # a fault of this adapter, not of its set of layers
            raise NeuronRefused("gives logits that are not finite", got=adapter.digest)
        try:
            with self._switch.adding(self.stack.mix([BASE_SLOT, slot])):
                found = self._cache.logits(rows=2)
            wanted = mx.concatenate([wanted_base, wanted])
            limit = APART_IN_HALF if self._half else APART
            if (mx.abs(found - wanted).max() <= limit * mx.abs(wanted).max()).item():
                return None
        except ValueError:  # a layer passes shapes that do not begin with the rows
            pass
        return NeuronRefused(
            "this base cannot mix neurons of these layers",
            next_step="Serve it with NeuronRuntime, one neuron at a time.",
        )
