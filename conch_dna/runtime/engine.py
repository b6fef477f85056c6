"""The engine: requests for different neurons, and the base, share one batch; each gets what it would get alone."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from conch_dna.errors import ConfigError, DataError, NeuronRefused
from conch_dna.models.load import LoadedModel, load
from conch_dna.records import Sampling
from conch_dna.registry.aliases import BASE
from conch_dna.registry.store import Registry
from conch_dna.runtime.batching import check_batches
from conch_dna.runtime.driver import Driver
from conch_dna.runtime.generate import BATCH, ids_of
from conch_dna.runtime.neuron_cache import NeuronCache
from conch_dna.runtime.neuron_layers import unwrap, wrap
from conch_dna.runtime.prompt_cache import PromptCache
from conch_dna.runtime.request import Request
from conch_dna.runtime.scheduler import Scheduler
from conch_dna.runtime.slot_allocator import SlotAllocator
from conch_dna.runtime.slot_cache import SlottedModel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from conch_dna.runtime.generate import Messages
    from conch_dna.runtime.neuron_cache import Asked
    from conch_dna.runtime.request import Processor, Token


@dataclass(frozen=True)
class Stats:
    """What the engine holds at this moment.

    :param slots: users of each neuron that has a slot, by digest.
    :param neuron_bytes: of the neurons in memory.
    :param stack_bytes: of the stacks that mixed batches read.
    """

    waiting: int
    running: int
    slots: dict[str, int]
    neuron_bytes: int
    stack_bytes: int
    prompt_cache_bytes: int


class Engine:
    """Continuous batching over one base, in which each request names its neuron.

    :param base: a model reference, or a model that is loaded already.
    :param registry: the registry's folder.
    :param slots: neurons that may run at once; requests for more wait their turn.
    :param batch: requests that run at once.
    :param max_bytes: neurons kept in memory; the least recently used go first, those in slots not at all.
    :param prompt_cache_bytes: keys and values kept for prompts that begin alike; 0 for none.

    :ivar context: positions that the base has; ``None`` where its configuration says nothing of them.

    Requests may be submitted and cancelled from any thread. They run while somebody calls :meth:`step` or waits for a
    result, or after :meth:`start` in a thread of the engine's own. What ``on_token`` does everybody waits for; it may
    submit and cancel, but not wait for the engine.

    :raises ConfigError: there is no room for one neuron and one request.
    :raises ModelError: the base cannot be loaded, or its sequences cannot be batched.
    """

    def __init__(
        self,
        base: str | LoadedModel = "embedded:smollm2-135m",
        registry: str | Path | Registry = "adapters",
        *,
        slots: int = 8,
        batch: int = BATCH,
        max_bytes: int = 1 << 30,
        prompt_cache_bytes: int = 1 << 28,
    ) -> None:
        if min(slots, batch) < 1:
            raise ConfigError("slots and batch must be at least 1", got=(slots, batch))
        self.base_model = load(base) if isinstance(base, str) else base
        model, self.tokenizer = self.base_model.model, self.base_model.tokenizer
        check_batches(model)
        self._switch = wrap(model)
        found = registry if isinstance(registry, Registry) else Registry(Path(registry))
        self._cache = NeuronCache(self.base_model, found, self._switch, max_bytes)
        self._allocator = SlotAllocator(self._cache, self._switch, slots)
        self._prompt_cache = PromptCache(model, prompt_cache_bytes)
        slotted = SlottedModel(model, self._switch, self._allocator.delta)
        self._scheduler = Scheduler(self.base_model, slotted, self._allocator, self._prompt_cache, batch)
        config = self.base_model.config
        about = {**config, **config.get("text_config", {})}
        self.context: int | None = about.get("max_position_embeddings", about.get("n_positions"))
        self._driver = Driver(self._scheduler.step, self._end, self.base_model.ref)

    def submit(
        self,
        prompt: Sequence[int] | Messages,
        neuron: Asked = BASE,
        sampling: Sampling | None = None,
        stop: Sequence[str] = (),
        on_token: Callable[[Token], None] | None = None,
        processors: Sequence[Processor] = (),
    ) -> Request:
        """Ask for an answer, greedily and in at most 96 tokens unless ``sampling`` says otherwise.

        What the neuron's name means is settled now: an alias that moves afterwards changes nothing for this request.

        :param prompt: token ids, chat turns as role and content, or the text of one user turn.
        :param neuron: ``name``, ``name@3``, ``name@alias``, ``base``, or weights of several: ``{"action": 0.7, ...}``.
        :param stop: strings that end the answer and are no part of it.
        :param on_token: called with each token by the thread that runs the engine.
        :param processors: called in order before each token, see :data:`Processor`; they belong to this request alone.
        :raises UnknownName: the registry has no such neuron, version or alias.
        :raises NeuronRefused: its card is damaged, or it was made for another base; what only its weights tell, the
            request's result raises.
        :raises DataError: the prompt is empty, holds ids that the base does not have, or is too long for its context.
        :raises ConfigError: the weights of a blend cannot be.
        :raises ModelError: the engine is closed.
        """
        wanted = self._cache.find_any(neuron)
        pinned = self._allocator.pinned.get(neuron) if isinstance(neuron, str) else None
        if isinstance(neuron, str) and wanted is not None and pinned not in {None, wanted.digest}:
            self._driver.noted(lambda: self._allocator.move_pin(neuron, wanted))
        sampling = sampling or Sampling()
        request = Request(
            self._ids_of(prompt, sampling.max_tokens), neuron, wanted, sampling, tuple(filter(None, stop)), on_token,
            self.tokenizer, self._driver.drive, processors,
        )  # fmt: skip
        self._driver.post(lambda: self._scheduler.waiting.append(request))
        return request

    def generate_many(
        self,
        conversations: Sequence[Sequence[int] | Messages],
        neurons: Asked | Sequence[Asked] = BASE,
        sampling: Sampling | None = None,
    ) -> list[str]:
        """Answer many conversations together, each with its own neuron or all with one; texts in the order asked.

        :raises ConchError: what the first one that failed failed with, once all have ended; or what :meth:`submit`
            raises, and none is answered.
        """
        each = neurons if isinstance(neurons, list | tuple) else [neurons] * len(conversations)
        requests: list[Request] = []
        try:
            for conversation, neuron in zip(conversations, each, strict=True):
                requests.append(self.submit(conversation, neuron, sampling))
            for request in requests:
                self._driver.drive(request.future, None)
        except BaseException:
            for request in requests:
                request.cancel()
            raise
        return [request.result().text for request in requests]

    @property
    def running(self) -> bool:
        """Whether it runs in a thread of its own."""
        return self._driver.running

    def step(self) -> bool:
        """Let every running request have one token; return whether there is anything left to do."""
        return self._driver.step()

    def start(self) -> None:
        """Run requests in a thread of the engine's own until :meth:`stop`.

        :raises ModelError: the engine is closed.
        """
        self._driver.start()

    def stop(self) -> None:
        """Let the engine's thread go after its step; requests stay where they are, and go on after :meth:`start`."""
        self._driver.stop()

    def close(self) -> None:
        """End all requests as cancelled and give the base model back as it was."""
        self._driver.close()

    def pin(self, neuron: str) -> None:
        """Keep a neuron, and what its alias moves to, in memory and once it has one in its slot.

        :raises UnknownName, NeuronRefused: as :meth:`submit` and its result do.
        :raises RegistryError: no slot would be left for others.
        """
        wanted = self._cache.find(neuron)
        self._driver.command(lambda: self._allocator.pin(neuron, wanted))

    def load(self, neuron: Asked) -> None:
        """Load a neuron now, into a slot too where one is empty; what has no slot yet takes one when it is asked for.

        :raises UnknownName, NeuronRefused: as :meth:`submit` and its result do.
        """
        wanted = self._cache.find_any(neuron)
        if wanted is not None:
            self._driver.command(lambda: self._allocator.prefetch(wanted))

    def unpin(self, neuron: str) -> None:
        """Let a pinned neuron go when room is needed; a name that is not pinned is no error."""
        self._driver.command(lambda: self._allocator.unpin(neuron))

    def prefetch(self, plan: Sequence[Asked]) -> None:
        """Load neurons ahead, in the order in which they will be needed, while nobody waits; replaces the last plan.

        :raises UnknownName, NeuronRefused: as :meth:`submit` does; what only loading tells, the requests are told.
        """
        found = [wanted for asked in plan if (wanted := self._cache.find_any(asked)) is not None]

        def replace() -> None:
            self._scheduler.plan = deque(found)

        self._driver.noted(replace)

    def unload(self, neuron: Asked, deadline: float = 30.0) -> None:
        """Let go of a neuron: running requests may end until ``deadline`` seconds from now, then they fail.

        Requests that wait, and later ones, load it again once it is gone.

        :raises UnknownName: the registry has no such neuron.
        """
        wanted = self._cache.find_any(neuron)
        if wanted is None:
            raise NeuronRefused("the base cannot be unloaded", got=neuron)
        ends = time.monotonic() + deadline

        def begin() -> Future[None]:
            done = self._allocator.unload(wanted.digest)
            deadlines = self._scheduler.deadlines
            deadlines[wanted.digest] = ends
            # Left behind, it would end those who run with the neuron when it has been loaded again.
            done.add_done_callback(lambda _: deadlines.pop(wanted.digest, None))
            return done

        gone: Future[None] = self._driver.command(begin)
        self._driver.drive(gone, None)
        gone.result()

    def stats(self) -> Stats:
        """Return what the engine holds at this moment; nobody is waited for, so one figure may be a step ahead."""
        slots = [(slot.adapter, slot.users) for slot in self._allocator.slots]
        return Stats(
            waiting=len(self._scheduler.waiting) + self._driver.pending,
            running=len(self._scheduler.running),
            slots={adapter.digest: users for adapter, users in slots if adapter is not None},
            neuron_bytes=sum(adapter.nbytes for adapter in list(self._cache.resident.values())),
            stack_bytes=self._allocator.stack.nbytes,
            prompt_cache_bytes=self._prompt_cache.nbytes,
        )

    def _ids_of(self, prompt: Sequence[int] | Messages, max_tokens: int) -> list[int]:
        """Return a prompt's ids, checked; past its positions a base reads what is not there."""
        if isinstance(prompt, str) or not all(isinstance(item, int) for item in prompt):
            prompt = ids_of(self.tokenizer, cast("Messages", prompt))
        ids = list(cast("Sequence[int]", prompt))
        if not ids:
            raise DataError("the prompt is empty")
        width = self.base_model.width
        if (wrong := next((i for i in ids if not 0 <= i < width), None)) is not None:
            raise DataError("the base has no such token", got=wrong, allowed=f"0 to {width - 1}")
        if self.context is not None and len(ids) + max_tokens > self.context:
            raise DataError(
                "prompt and answer do not fit into the base's context", got=f"{len(ids)} + {max_tokens} tokens",
                allowed=self.context, next_step="Shorten the prompt, or ask for fewer tokens.",
            )  # fmt: skip
        return ids

    def _end(self) -> None:
        self._scheduler.close()
        unwrap(self.base_model.model)
