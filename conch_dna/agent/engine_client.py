"""Neurons in this process as the agent's client."""

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
    """Neurons over one base in this process.

    :param engine: started, so that what is prefetched is loaded while tools run.
    :param registry: the one that it reads.

    :raises ConfigError: what holds answers to a form is not installed.
    """

    def __init__(self, engine: Engine, registry: Registry) -> None:
        try:
            from conch_dna.server.grammar import Constraint, Grammars
            from conch_dna.server.names import Models
        except ImportError as fault:
            raise ConfigError(
                "what holds tool calls to their form is not installed", got=fault.name,
                next_step="Run `pip install 'conch-dna[agent]'`.",
            ) from fault  # fmt: skip
        self._engine, self._grammars, self._constraint = engine, Grammars(engine.base_model), Constraint
        self._models = Models(registry, engine.base_model.digest)

    def neurons(self) -> set[str]:
        """Return the names of the neurons that this base can run."""
        return set(self._models.neurons())

    def ask(self, neuron: str, turns: Turns, max_tokens: int, tools: Sequence[Tool] = ()) -> Reply:
        """Return an answer, tool calls held to their schema, told and written as the server does it.

        :raises ConchError: as :meth:`Engine.submit` and its result do.
        """
        from conch_dna.server.requests import ChatBody
        from conch_dna.server.tools import callable_tools, grammar_of, read_calls, turns_of

        body = ChatBody.model_validate(body_of(neuron, turns, max_tokens, tools))
        offered, began = callable_tools(body), time.perf_counter()
        found = grammar_of(body, offered)
        # What llguidance gives up in the middle is no whole call, and is read as none.
        held = [self._constraint(asyncio.run(self._grammars.compiled(*found)))] if found else []
        sampling = Sampling(max_tokens=max_tokens)
        answer = self._engine.submit(turns_of(body.messages, offered), neuron, sampling, processors=held).result()
        calls = read_calls(answer.text) if tools else None
        call = read_call(calls[0]["function"]["name"], calls[0]["function"]["arguments"]) if calls else None
        return Reply(answer.text, call, len(answer.tokens), time.perf_counter() - began, answer.digest)

    def prefetch(self, plan: Sequence[str]) -> None:
        """Let the engine load what will be needed."""
        self._engine.prefetch(list(plan))
