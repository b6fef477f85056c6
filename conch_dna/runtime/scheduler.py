"""The order in which requests run: who waits, who is in the batch, and what each gets from one step of it."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any

import mlx.core as mx
import structlog

from conch_dna.errors import ModelError, NeuronRefused
from conch_dna.runtime.adapter_stack import BASE_SLOT
from conch_dna.runtime.contexts import Contexts
from conch_dna.runtime.generate import Decoder, sampler_for

if TYPE_CHECKING:
    from conch_dna.models.load import LoadedModel
    from conch_dna.runtime.neuron_cache import Blend, Version
    from conch_dna.runtime.prompt_cache import PromptCache
    from conch_dna.runtime.request import Request
    from conch_dna.runtime.slot_allocator import SlotAllocator
    from conch_dna.runtime.slot_cache import SlottedModel

log = structlog.get_logger()

MAX_PASSED = 64  # later requests that may go before one whose neuron finds no slot
LOOKAHEAD = 256  # requests that may be passed over in one look at the queue


class Scheduler:
    """The requests of one engine; to be used by the thread that runs the model alone.

    :param batch: requests that run at once.

    :ivar waiting: requests in the order they came.
    :ivar running: requests in the batch, by mlx-lm's number.
    :ivar plan: neurons to load ahead.
    :ivar deadlines: by digest, when (monotonic, seconds) those who run with a neuron must have ended.
    """

    def __init__(
        self, base: LoadedModel, model: SlottedModel, allocator: SlotAllocator, prompt_cache: PromptCache, batch: int
    ) -> None:
        self.waiting: deque[Request] = deque()
        self.running: dict[int, Request] = {}
        self.plan: deque[Version | Blend] = deque()
        self.deadlines: dict[str, float] = {}
        self._base, self._model, self._allocator = base, model, allocator
        self._contexts = Contexts(prompt_cache, base.digest)
        self._batch = batch
        self._decoder = self._new_decoder()

    def step(self) -> bool:
        """Let every running request have one token; return whether there is anything left to do."""
        try:
            self._end_early()
            self._admit()
            if self.running:
                self._decode()
        except Exception as fault:  # noqa: BLE001 - it cannot be told whose fault it was
            self._start_over(fault)
        if self.plan and not self.waiting:
            self._prefetch_next()
        return bool(self.running or self.waiting or self.plan)

    def close(self) -> None:
        """End all requests as cancelled."""
        for request in [*self.waiting, *self.running.values()]:
            request.cancel()
        self._end_early()
        self._decoder.close()

    def _new_decoder(self) -> Decoder:
        return Decoder(self._model, self._base.tokenizer.eos_token_ids, self._batch)

    def _end_early(self) -> None:
        """End what was cancelled, and what runs with a neuron whose time to drain is over."""
        if cancelled := {request for request in self.waiting if request.cancelled}:
            self.waiting = deque(request for request in self.waiting if request not in cancelled)
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
        """Let requests in, in order; one whose neuron finds no slot is passed over, but not for ever.

        Requests for the base take no slot away from it, and go on passing. One whose context the batch is computing
        waits for that.
        """
        passed: list[Request] = []
        shut = False
        while self.waiting and len(self.running) < self._batch and len(passed) < LOOKAHEAD:
            request = self.waiting.popleft()
            try:
                if request.passed_by < MAX_PASSED and self._contexts.must_wait(request):
                    passed.append(request)
                    continue
                slot = None if shut and request.wanted is not None else self._allocator.acquire(request.wanted)
                if slot is not None:
                    self._insert(request, slot)
            except Exception as fault:  # noqa: BLE001 - whatever it is, it is this request's alone
                log.warning("request_refused", neuron=str(request.asked), error=str(fault))
                if request.slot is not None:
                    self._allocator.release(request.slot)
                request.fail(fault)
                continue
            if slot is None:
                passed.append(request)
                # Who waits for a neuron to be unloaded would have nothing of the others' waiting.
                shut = shut or (request.passed_by >= MAX_PASSED and request.digest not in self.deadlines)
            elif slot != BASE_SLOT:
                for earlier in passed:
                    earlier.passed_by += 1
        self.waiting.extendleft(reversed(passed))
        self._contexts.take_back()

    def _insert(self, request: Request, slot: int) -> None:
        """Give a request to the generator."""
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
        """Take a request out, out of the batch too where it is in there still, and give its slot back."""
        request = self.running.pop(uid)
        self._contexts.end(uid)
        if remove:
            self._decoder.remove(uid)
        if request.slot is not None:
            self._allocator.release(request.slot)
        return request

    def _decode(self) -> None:
        """Compute one step, keep the contexts that are complete with it, and give each request its token."""
        read, responses = self._decoder.step()
        for uid in read:
            self._keep_context(uid)
        for response in responses:
            self._give(response)

    def _keep_context(self, uid: int) -> None:
        """Keep what the base has read for a request, once that is complete, for others."""
        context = self._contexts.end(uid)
        if context is not None and self._contexts.worth_keeping(context):
            with mx.stream(self._decoder.stream):
                self._contexts.keep(context, self._decoder.caches_of(uid)[:-1])

    def _start_over(self, fault: Exception) -> None:
        """End all that are in the batch, which cannot go on."""
        log.error("step_failed", requests=len(self.running), error=repr(fault))
        self._decoder.close()
        self._decoder = self._new_decoder()
        for uid in list(self.running):
            self._leave(uid, remove=False).fail(ModelError("the batch could not be computed", got=repr(fault)))

    def _give(self, response: Any) -> None:
        """Give one request its token; what goes wrong ends this one alone."""
        request = self.running[response.uid]
        try:
            log_prob = memoryview(response.logprobs)[response.token]  # it is computed: no operation is worth it
            reason = request.take(response.token, log_prob, response.logprobs, response.finish_reason)
            if reason is not None and response.prompt_cache is not None:
                self._contexts.keep_answer(request, response.all_tokens, response.prompt_cache[:-1])
        except BaseException as fault:  # noqa: BLE001 - the callback is the caller's, and may raise anything
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
        except Exception as fault:  # noqa: BLE001 - nobody waits for it, and who asks later is told
            log.warning("prefetch_refused", digest=wanted.digest, error=str(fault))
