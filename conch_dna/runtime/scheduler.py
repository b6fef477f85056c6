"""The scheduler: admits waiting requests to the batch, runs its steps and gives each request its token."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any

import mlx.core as mx
import structlog

from conch_dna.errors import ModelError, NeuronRefused
from conch_dna.runtime.adapter_stack import BASE_SLOT
from conch_dna.runtime.contexts import Contexts
from conch_dna.runtime.decoder import Decoder
from conch_dna.runtime.samplers import sampler_for
from conch_dna.runtime.waiting_line import WaitingLine

if TYPE_CHECKING:
    from conch_dna.models.load import LoadedModel
    from conch_dna.runtime.neuron_cache import Blend, Version
    from conch_dna.runtime.prompt_cache import PromptCache
    from conch_dna.runtime.request import Request
    from conch_dna.runtime.slot_allocator import SlotAllocator
    from conch_dna.runtime.slot_cache import SlottedModel

log = structlog.get_logger()

MAX_PASSED = 64  # times that a request without a free slot may be passed over
LOOKAHEAD = 256  # requests that may be passed over in one scan of the queue


class Scheduler:
    """The requests of one engine; use it only from the thread that runs the model.

    :param batch: maximum number of requests that run at once.

    :ivar waiting: requests without a place in the batch.
    :ivar running: running requests by their number in the :class:`~.decoder.Decoder`.
    :ivar plan: neurons to load ahead of their requests.
    :ivar deadlines: by digest, the time (monotonic, seconds) at which requests of an unloading neuron fail.
    """

    def __init__(
        self, base: LoadedModel, model: SlottedModel, allocator: SlotAllocator, prompt_cache: PromptCache, batch: int
    ) -> None:
        self.waiting = WaitingLine()
        self.running: dict[int, Request] = {}
        self.plan: deque[Version | Blend] = deque()
        self.deadlines: dict[str, float] = {}
        self._base, self._model, self._allocator = base, model, allocator
        self._contexts = Contexts(prompt_cache, base.digest)
        self._batch = batch
        self._decoder = self._new_decoder()

    def step(self) -> bool:
        """Give every running request one token; return whether work is left."""
        try:
            self._end_early()
            self._admit()
            if self.running:
                self._decode()
        except Exception as fault:  # noqa: BLE001 - the fault cannot be assigned to one request
            self._start_over(fault)
        if self.plan and not self.waiting:
            self._prefetch_next()
        return bool(self.running or self.waiting or self.plan)

    def close(self) -> None:
        """Cancel all requests."""
        for request in [*self.waiting, *self.running.values()]:
            request.cancel()
        self._end_early()
        self._decoder.close()

    def _new_decoder(self) -> Decoder:
        return Decoder(self._model, self._base.tokenizer.eos_token_ids, self._batch)

    def _end_early(self) -> None:
        """End cancelled requests, and those of an unloading neuron whose deadline has passed."""
        if cancelled := {request for request in self.waiting if request.cancelled}:
            self.waiting.remove(cancelled)
            for request in cancelled:
                request.end("cancelled")
        over = {digest for digest, ends in self.deadlines.items() if time.monotonic() >= ends}
        for uid, request in list(self.running.items()):
            if request.cancelled:
                self._leave(uid, remove=True).end("cancelled")
            elif request.digest in over:
                fault = NeuronRefused("was unloaded before the answer ended", where=str(request.asked))
                self._leave(uid, remove=True).fail(fault)

    def _admit(self) -> None:
        """Admit requests in order, those of several parties in turn.

        A request whose neuron has no slot is passed over at most ``MAX_PASSED`` times.
        Requests for the base need no slot and may always pass. A request whose context the batch is computing waits
        for it.
        """
        passed: list[Request] = []
        shut = False
        while self.waiting and len(self.running) < self._batch and len(passed) < LOOKAHEAD:
            request = self.waiting.take(self.running.values())
            try:
                if request.passed_by < MAX_PASSED and self._contexts.must_wait(request):
                    passed.append(request)
                    continue
                slot = None if shut and request.wanted is not None else self._allocator.acquire(request.wanted)
                if slot is not None:
                    self._insert(request, slot)
            except Exception as fault:  # noqa: BLE001 - any error here belongs to this request
                log.warning("request_refused", neuron=str(request.asked), error=str(fault))
                if request.slot is not None:
                    self._allocator.release(request.slot)
                request.fail(fault)
                continue
            if slot is None:
                passed.append(request)
                # Blocking the others does not help a request that waits for its neuron to be unloaded.
                shut = shut or (request.passed_by >= MAX_PASSED and request.digest not in self.deadlines)
            elif slot != BASE_SLOT:
                for earlier in passed:
                    earlier.passed_by += 1
        self.waiting.put_back(passed)
        self._contexts.take_back()

    def _insert(self, request: Request, slot: int) -> None:
        """Add a request to the decoder."""
        request.slot, sampling = slot, request.sampling
        known, own = self._contexts.known(request)
        request.cached_tokens = known
        context = max(0, request.context - known)
        rest = request.prompt[known:]
        uid = self._decoder.add(
            [rest[:context], rest[context:]],  # the slot may change between the two
            sampler_for(request.prompt, sampling),
            sampling.max_tokens,
            caches=self._model.cache_for(slot, own, context),
            known=request.prompt[:known],
            processors=request.processors,
        )
        self.running[uid] = request
        self._contexts.begin(uid, request, known)

    def _leave(self, uid: int, *, remove: bool) -> Request:
        """Remove a request, with ``remove`` also from the decoder, and release its slot."""
        request = self.running.pop(uid)
        self._contexts.end(uid)
        if remove:
            self._decoder.remove(uid)
        if request.slot is not None:
            self._allocator.release(request.slot)
        return request

    def _decode(self) -> None:
        """Run one step, store the contexts that it completes, and give each request its token."""
        read, responses = self._decoder.step()
        for uid in read:
            self._keep_context(uid)
        for response in responses:
            self._give(response)

    def _keep_context(self, uid: int) -> None:
        """Store the complete context of a request for others, if it is worth it."""
        context = self._contexts.end(uid)
        if context is not None and self._contexts.worth_keeping(context):
            with mx.stream(self._decoder.stream):
                self._contexts.keep(context, self._decoder.caches_of(uid)[:-1])

    def _start_over(self, fault: Exception) -> None:
        """Fail all requests of a batch that cannot continue, and start a new batch."""
        log.error("step_failed", requests=len(self.running), error=repr(fault))
        self._decoder.close()
        self._decoder = self._new_decoder()
        for uid in list(self.running):
            self._leave(uid, remove=False).fail(ModelError("the batch could not be computed", got=repr(fault)))

    def _give(self, response: Any) -> None:
        """Give one request its token; an error ends only this request."""
        request = self.running[response.uid]
        try:
            # Computed already: reading memory is cheaper than an mlx operation.
            log_prob = memoryview(response.logprobs)[response.token]
            reason = request.take(response.token, log_prob, response.logprobs, response.finish_reason)
            if reason is not None and response.prompt_cache is not None:
                self._contexts.keep_answer(request, response.all_tokens, response.prompt_cache[:-1])
        except BaseException as fault:  # noqa: BLE001 - the callback is user code and may raise anything
            log.warning("request_failed", neuron=str(request.asked), error=str(fault))
            self._leave(response.uid, remove=response.finish_reason is None).fail(fault)
            return
        if reason is not None:
            self._leave(response.uid, remove=response.finish_reason is None).end(reason)

    def _prefetch_next(self) -> None:
        """Load the next neuron of the plan."""
        wanted = self.plan.popleft()
        try:
            self._allocator.prefetch(wanted)
        except Exception as fault:  # noqa: BLE001 - no caller waits; a later request raises it
            log.warning("prefetch_refused", digest=wanted.digest, error=str(fault))
