"""Model client for the neurons of an engine in this process."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from conch_dna.agent.model_client import Reply, Turns, body_of, read_call
from conch_dna.errors import ConfigError
from conch_dna.records import Sampling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conch_dna.agent.tools import Tool
    from conch_dna.registry.store import Registry
    from conch_dna.runtime.engine import Engine


class EngineClient:
    """The neurons of one base in this process.

    :param engine: a started engine, so that it loads prefetched neurons while tools run.
    :param registry: the engine's registry.

    :raises ConfigError: the package for constrained decoding is not installed.
    """

    def __init__(self, engine: Engine, registry: Registry) -> None:
        try:
            # llguidance and fastapi are extras
            from conch_dna.server.grammar import Constraint, Grammars
            from conch_dna.server.names import Models
        except ImportError as fault:
            raise ConfigError(
                "the package that constrains tool calls is not installed", got=fault.name,
                next_step="Run `pip install 'conch-dna[agent]'`.",
            ) from fault  # fmt: skip
        self._engine, self._grammars, self._constraint = engine, Grammars(engine.base_model), Constraint
        self._models = Models(registry, engine.base_model.digest)

    def neurons(self) -> set[str]:
        """Return the names of the neurons that this base can run."""
        return set(self._models.neurons())

    def ask(self, neuron: str, turns: Turns, max_tokens: int, tools: Sequence[Tool] = ()) -> Reply:
        """Return an answer; tool calls are constrained to their schema, as by the server.

        :raises ConchError: as :meth:`Engine.submit` and its result do.
        """
        # These import llguidance, an extra: __init__ reports if it is missing.
        from conch_dna.server.requests import ChatBody
        from conch_dna.server.tools import callable_tools, grammar_of, read_calls, turns_of

        body = ChatBody.model_validate(body_of(neuron, turns, max_tokens, tools))
        offered, began = callable_tools(body), time.perf_counter()
        found = grammar_of(body, offered)
        # If llguidance stops in the middle, the call is incomplete and read as no call.
        processors = [self._constraint(asyncio.run(self._grammars.compiled(*found)))] if found else []
        sampling = Sampling(max_tokens=max_tokens)
        answer = self._engine.submit(turns_of(body.messages, offered), neuron, sampling, processors=processors).result()
        calls = read_calls(answer.text) if tools else None
        call = read_call(calls[0]["function"]["name"], calls[0]["function"]["arguments"]) if calls else None
        return Reply(answer.text, call, len(answer.tokens), time.perf_counter() - began, answer.digest)

    def prefetch(self, plan: Sequence[str]) -> None:
        """Load the neurons that will be asked next."""
        self._engine.prefetch(list(plan))
