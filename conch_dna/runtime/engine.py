"""Continuous batching: requests for the base and for different neurons share one batch, each with its own answer."""

from __future__ import annotations

import time
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from conch_dna.errors import ConfigError, DataError, NeuronRefused
from conch_dna.kernels.bf16 import in_bf16
from conch_dna.models.load import LoadedModel, load
from conch_dna.records import Sampling
from conch_dna.registry.aliases import BASE
from conch_dna.registry.store import Registry
from conch_dna.runtime.batching import check_batches
from conch_dna.runtime.computed import SpanProcessors
from conch_dna.runtime.driver import Driver
from conch_dna.runtime.generate import BATCH, ids_of
from conch_dna.runtime.grammar import Grammars
from conch_dna.runtime.neuron_cache import NeuronCache
from conch_dna.runtime.neuron_layers import unwrap, wrap
from conch_dna.runtime.prompt_cache import PromptCache
from conch_dna.runtime.request import Request
from conch_dna.runtime.scheduler import Scheduler
from conch_dna.runtime.slot_allocator import SlotAllocator
from conch_dna.runtime.slot_cache import SlottedModel
from conch_dna.runtime.tools import form_of, offered, shown_turns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Future

    from conch_dna.plugin.protocols import SpanProcessor
    from conch_dna.records import Tool
    from conch_dna.runtime.generate import Messages
    from conch_dna.runtime.neuron_cache import Asked
    from conch_dna.runtime.request import Processor, Token


@dataclass(frozen=True)
class Stats:
    """Figures of an engine at one moment.

    :param slots: number of users of each neuron in a slot, by digest.
    :param neuron_bytes: size of the neurons in memory.
    :param stack_bytes: size of the stacks that mixed batches read.
    """

    waiting: int
    running: int
    slots: dict[str, int]
    neuron_bytes: int
    stack_bytes: int
    prompt_cache_bytes: int


class Engine:
    """Continuous batching over one base, in which each request names its neuron.

    :param base: a model reference or a loaded model.
    :param registry: the registry's folder.
    :param slots: maximum number of neurons that run at once; requests for more wait.
    :param batch: maximum number of requests that run at once.
    :param max_bytes: limit of the neurons in memory; evicts the least recently used first, neurons in slots never.
    :param prompt_cache_bytes: limit of the keys and values kept for prompts with a common start; 0 disables the cache.
    :param span_processors: processors by name, for the neurons whose cards name them; by default those of the bundled
        and installed plug-ins.

    :ivar context: the base's number of positions; ``None`` if its configuration does not state it.

    Any thread may submit and cancel requests. They run while a thread calls :meth:`step` or waits for a result, or
    after :meth:`start` in the engine's own thread. ``on_token`` blocks all requests; it may submit and cancel, but
    must not wait for the engine.

    :raises ConfigError: ``slots`` or ``batch`` is less than 1.
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
        span_processors: Mapping[str, SpanProcessor] | None = None,
    ) -> None:
        if min(slots, batch) < 1:
            raise ConfigError("slots and batch must be at least 1", got=(slots, batch))
        self.base_model = load(base) if isinstance(base, str) else base
        model, self.tokenizer = self.base_model.model, self.base_model.tokenizer
        check_batches(model)
        self._in_bf16 = ExitStack()
        self._in_bf16.enter_context(in_bf16(model))
        self.grammars = Grammars(self.base_model)
        self._spans = SpanProcessors(self.tokenizer, span_processors)
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
        tools: Sequence[Tool] | None = None,
        schema: Mapping[str, Any] | None = None,
        sharing: str = "",
    ) -> Request:
        """Submit a request; without ``sampling``, decoding is greedy and stops after 96 tokens.

        The neuron's name is resolved now: an alias that moves later does not affect this request.

        :param prompt: token ids, chat turns as role and content, or the text of one user turn.
        :param neuron: ``name``, ``name@3``, ``name@alias``, ``base``, or the weights of a blend: ``{"action": 0.7}``.
        :param stop: strings that end the answer and are not part of it.
        :param on_token: called with each token by the computing thread.
        :param processors: called in order before each token, see :data:`Processor`; do not share them between requests.
        :param tools: tools that the answer may call; by default those that the neuron was trained with. The answer is
            text or calls that match their schemas. Token ids as a prompt must show the tools already, and have no
            default.
        :param schema: a JSON schema that the answer matches; without tools.
        :param sharing: a name; the prompt cache serves only requests of the same name, so that neither the time of a
            request nor its cached tokens tell what those of others said, and several names are served in turn.
        :raises UnknownName: the registry has no such neuron, version or alias.
        :raises NeuronRefused: its card is damaged, or it was made for another base; the request's result raises
            faults of its weights.
        :raises DataError: the prompt is empty, has ids outside the base's vocabulary, or is too long for its context.
        :raises ConfigError: the weights of a blend are invalid.
        :raises GrammarError: the tools or the schema cannot constrain an answer.
        :raises ModelError: the engine is closed.
        """
        wanted = self._cache.find_any(neuron)
        ids = not isinstance(prompt, str) and bool(prompt) and isinstance(prompt[0], int)
        given = tools or () if ids or schema is not None else offered(wanted, tools)
        if not ids:
            prompt = shown_turns(wanted, cast("Messages", prompt), given)
        constraints = self.grammars.constraints(given, schema)
        for constraint in constraints:
            on_token = constraint.checked(on_token)
        # The spans come last: they force no token that the grammar forbids.
        processors = [*processors, *constraints, *self._spans.of(wanted)]
        pinned = self._allocator.pinned.get(neuron) if isinstance(neuron, str) else None
        if isinstance(neuron, str) and wanted is not None and pinned not in {None, wanted.digest}:
            self._driver.noted(lambda: self._allocator.move_pin(neuron, wanted))
        sampling = sampling or Sampling()
        request = Request(
            self._ids_of(prompt, sampling.max_tokens), neuron, wanted, sampling, tuple(filter(None, stop)), on_token,
            self.tokenizer, self._driver.drive, processors, sharing,
        )  # fmt: skip
        self._driver.post(lambda: self._scheduler.waiting.append(request))
        return request

    def form(self, neuron: Asked, tools: Sequence[Tool] | None) -> tuple[int, Sequence[Tool]]:
        """Return the form of tools that a neuron was trained with, and the tools that a request to it offers.

        For callers that render prompts themselves.

        :param tools: as in :meth:`submit`.
        :raises UnknownName, NeuronRefused, ConfigError: as :meth:`submit` does.
        """
        wanted = self._cache.find_any(neuron)
        return form_of(wanted), offered(wanted, tools)

    def generate_many(
        self,
        conversations: Sequence[Sequence[int] | Messages],
        neurons: Asked | Sequence[Asked] = BASE,
        sampling: Sampling | None = None,
    ) -> list[str]:
        """Answer many conversations in one batch, with one neuron for all or one for each; return texts in input order.

        :raises ConchError: the first failure, after all requests have ended; or the error of :meth:`submit`, before
            any request is answered.
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
        """True while the engine's own thread is running."""
        return self._driver.running

    def step(self) -> bool:
        """Give every running request one token; return whether work is left."""
        return self._driver.step()

    def start(self) -> None:
        """Run requests in the engine's own thread until :meth:`stop`.

        :raises ModelError: the engine is closed.
        """
        self._driver.start()

    def stop(self) -> None:
        """Stop the engine's thread after its step; requests keep their state and continue after :meth:`start`."""
        self._driver.stop()

    def close(self) -> None:
        """Cancel all requests and remove the engine's layers from the base model."""
        self._driver.close()
        self._in_bf16.close()

    def pin(self, neuron: str) -> None:
        """Keep a neuron in memory and, once it has a slot, in that slot; the pin follows the neuron's alias.

        :raises UnknownName, NeuronRefused: as :meth:`submit` and its result do.
        :raises RegistryError: no slot would be left for other neurons.
        """
        wanted = self._cache.find(neuron)
        self._driver.command(lambda: self._allocator.pin(neuron, wanted))

    def load(self, neuron: Asked) -> None:
        """Load a neuron into memory, and into a slot if one is empty; otherwise it gets a slot with its first request.

        :raises UnknownName, NeuronRefused: as :meth:`submit` and its result do.
        """
        wanted = self._cache.find_any(neuron)
        if wanted is not None:
            self._driver.command(lambda: self._allocator.prefetch(wanted))

    def unpin(self, neuron: str) -> None:
        """Allow a pinned neuron to be evicted; does nothing for a name that is not pinned."""
        self._driver.command(lambda: self._allocator.unpin(neuron))

    def prefetch(self, plan: Sequence[Asked]) -> None:
        """Load neurons in the given order while no request waits; replaces the previous plan.

        :raises UnknownName, NeuronRefused: as :meth:`submit` does; faults found by loading are raised by the requests.
        """
        found = [wanted for asked in plan if (wanted := self._cache.find_any(asked)) is not None]

        def replace() -> None:
            self._scheduler.plan = deque(found)

        self._driver.noted(replace)

    def unload(self, neuron: Asked, deadline: float = 30.0) -> None:
        """Unload a neuron; its running requests fail if they have not ended after ``deadline`` seconds.

        Waiting and later requests load it again after it is unloaded.

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
            # A deadline left here would end requests that run after the neuron is loaded again.
            done.add_done_callback(lambda _: deadlines.pop(wanted.digest, None))
            return done

        gone: Future[None] = self._driver.command(begin)
        self._driver.drive(gone, None)
        gone.result()

    def stats(self) -> Stats:
        """Return figures of this moment; they are read without waiting for a step, so they may be one step apart."""
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
        """Return a prompt's ids after checking them; a base reads undefined memory after its last position."""
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
