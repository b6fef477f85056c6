"""The state that the endpoints share: engine, model names, admission limit, grammars and metrics."""

from __future__ import annotations

import asyncio
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from conch_dna.errors import ConchError, GrammarError, UnknownName
from conch_dna.records import Sampling
from conch_dna.runtime.routing import AUTO
from conch_dna.server.faults import TOO_LONG, ApiFault
from conch_dna.server.job import AdmissionLimit, Order
from conch_dna.server.metrics import Metrics
from conch_dna.server.names import Models
from conch_dna.server.response_format import TokenDecoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from conch_dna.records import Tool
    from conch_dna.registry.store import Registry
    from conch_dna.runtime.engine import Engine
    from conch_dna.runtime.grammar import Constraint
    from conch_dna.runtime.routing import Routing
    from conch_dna.server.keys import Key
    from conch_dna.server.requests import Common
    from conch_dna.server.settings import ServerSettings

COMPILE_SECONDS = 10.0  # limit for compiling a grammar
ENCODE_SECONDS = 20.0  # limit for tokenising a prompt, with the wait for those before it
CHARACTERS = 16  # a token of a prompt has at most so many on average; of English, it has four


class Service:
    """One server.

    :param registry: the engine's registry.
    :param routing: chooses the neuron for the model ``auto``; without it that model does not exist.
    :param parties: number of parties that share the seats for answers.

    :ivar ready: whether the server accepts requests.
    """

    def __init__(
        self, engine: Engine, registry: Registry, settings: ServerSettings, routing: Routing | None = None,
        parties: int = 1,
    ) -> None:  # fmt: skip
        self.engine, self.settings, self._routing = engine, settings, routing
        self.models = Models(registry, engine.base_model.digest, None if routing is None else routing.name)
        self.metrics = Metrics()
        self.limit = AdmissionLimit(settings.batch + settings.queue, shared=parties > 1)
        # A separate pool: a slow compilation cannot be stopped and must delay only other grammars.
        self._compiling = ThreadPoolExecutor(2, thread_name_prefix="grammar")
        # One thread, since fast tokenizers are not thread-safe; a pool of its own, since long prompts wait for it.
        self._encoding = ThreadPoolExecutor(1, thread_name_prefix="tokenizer")
        self.decoder = TokenDecoder(engine.tokenizer)
        self.ready = False

    @contextmanager
    def admitted(self, key: Key | None, count: int) -> Iterator[str]:
        """Admit the answers of a request, and yield its party; release them if the block, which prepares them, fails.

        :raises ApiFault: 429, seats or the key's rate are used up; 400, there are never so many.
        """
        party = "" if key is None else key.sharing
        with self.limit.entered(count, party):
            if key is not None and count > 1:  # the request itself is counted already
                key.spend(time.monotonic(), count - 1)
            yield party

    async def named(self, model: str, turns: Sequence[Mapping[str, str]]) -> str:
        """Return the requested model, or the router's choice for ``auto``.

        :raises ApiFault: 404, the name is invalid.
        """
        self.models.check(model)
        routing = self._routing
        if routing is None or model != AUTO:
            return model
        return await asyncio.to_thread(lambda: routing.choose(turns, self.models.neurons()))

    async def form(self, model: str, tools: Sequence[Tool] | None) -> tuple[int, Sequence[Tool]]:
        """Return the form of tools that a model was trained with, and the tools that a request to it offers.

        :param tools: those of the request; ``None`` if it says nothing about tools.
        :raises ApiFault: 404, no such model exists.
        """
        try:
            return await asyncio.to_thread(self.engine.form, model, tools)
        except UnknownName as fault:
            raise self.models.unknown(model) from fault

    async def constraint(self, grammar: str, param: str) -> Callable[[], Constraint]:
        """Return a factory for the constraints of answers.

        :param param: the field of the request that requires the grammar.
        :raises ApiFault: 400, the grammar is invalid or takes too long to compile.
        """
        grammars, loop = self.engine.grammars, asyncio.get_running_loop()
        make = partial(grammars.constraint, grammar)
        try:
            await asyncio.wait_for(loop.run_in_executor(self._compiling, make), COMPILE_SECONDS)
        except TimeoutError as fault:
            raise ApiFault(400, f"{param}: takes too long to compile.", "invalid_schema", param) from fault
        except GrammarError as fault:
            raise ApiFault(400, f"{param}: {fault.what}", "invalid_schema", param) from fault
        return make

    def refuse_long(self, texts: Iterable[str]) -> None:
        """Refuse a prompt with far more characters than the base's context holds, before anything reads it.

        :raises ApiFault: 400, it is too long.
        """
        context = self.engine.context
        if context is not None and (length := sum(map(len, texts))) > CHARACTERS * context:
            message = f"{TOO_LONG}: {length} characters for {context} tokens."
            raise ApiFault(400, message, "context_length_exceeded", "messages")

    async def encoded(self, encode: Callable[[], list[list[int]]]) -> list[list[int]]:
        """Run a tokenising function outside the event loop, after those that were asked for before.

        :raises ApiFault: 400, the input cannot be rendered or tokenised; 503, the others take too long.
        """
        loop = asyncio.get_running_loop()
        try:
            return await asyncio.wait_for(loop.run_in_executor(self._encoding, encode), ENCODE_SECONDS)
        except ConchError:
            raise
        except TimeoutError as fault:
            raise ApiFault(503, "Too many long prompts wait to be read.", "overloaded",
                           headers={"Retry-After": "1"}) from fault  # fmt: skip
        except Exception as fault:  # a chat template is code of the base and may raise anything
            raise ApiFault(400, "The base's chat template or tokenizer refuses this input.", "invalid_value") from fault

    def order(self, body: Common, prompts: Sequence[Sequence[int]], asked: int | None, top: int | None) -> Order:
        """Return the order for the engine.

        :param asked: the client's limit of tokens per answer.
        :param top: number of most likely tokens to report per token; ``None`` for no log-probabilities.
        :raises ApiFault: 400, more tokens than the server or the base allows.
        """
        limit = self.settings.max_tokens
        if asked is not None and asked > limit:
            raise ApiFault(400, f"max_tokens: got {asked}; this server allows {limit}.", "invalid_value", "max_tokens")
        longest, context = max(map(len, prompts)), self.engine.context
        if context is not None and longest + (asked or 1) > context:
            message = f"{TOO_LONG}: {longest} + {asked or 1} tokens of {context}."
            raise ApiFault(400, message, "context_length_exceeded", "messages")
        room = limit if context is None else min(limit, context - longest)
        sampling = Sampling(
            max_tokens=asked or room,
            temperature=body.temperature or 0.0,
            top_p=body.top_p or 1.0,
            # Without a seed, sampled answers differ between requests.
            seed=secrets.randbits(63) if body.seed is None else body.seed % 2**64,
        )
        return Order(body.model, prompts, body.n or 1, sampling, body.stops, top, bool(body.stream))
