"""Model client for the neurons of an engine in this process."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from conch_dna.agent.model_client import Call, Reply, Turns
from conch_dna.data.tool_form import read_calls, with_tools
from conch_dna.errors import RegistryError, UnknownName
from conch_dna.records import Sampling
from conch_dna.records import Tool as Definition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conch_dna.agent.tools import Tool
    from conch_dna.registry.store import Registry
    from conch_dna.runtime.engine import Engine


class EngineClient:
    """The neurons of one base in this process.

    :param engine: a started engine, so that it loads prefetched neurons while tools run.
    :param registry: the engine's registry.
    """

    def __init__(self, engine: Engine, registry: Registry) -> None:
        self._engine = engine
        self._registry = registry

    def neurons(self) -> set[str]:
        """Return the names of the neurons that this base can run; damaged ones are left out."""
        found = set()
        for name in self._registry.names():
            with contextlib.suppress(UnknownName, RegistryError):
                if self._registry.resolve(name).card.base_digest == self._engine.base_model.digest:
                    found.add(name)
        return found

    def ask(self, neuron: str, turns: Turns, max_tokens: int, tools: Sequence[Tool] = ()) -> Reply:
        """Return an answer; with tools, it is one call that matches its schema, as the server gives it.

        :raises ConchError: as :meth:`Engine.submit` and its result do.
        """
        began, offered = time.perf_counter(), [Definition.model_validate(tool.definition) for tool in tools]
        form, _ = self._engine.form(neuron, offered)
        # If llguidance stops in the middle, the call is incomplete and read as no call.
        processors = self._engine.grammars.constraints(offered, text=False, several=False)
        shown, sampling = with_tools(turns, offered, form), Sampling(max_tokens=max_tokens)
        answer = self._engine.submit(shown, neuron, sampling, processors=processors, tools=()).result()
        calls = read_calls(answer.text) if tools else None
        call = Call(calls[0].name, calls[0].arguments) if calls else None
        return Reply(answer.text, call, len(answer.tokens), time.perf_counter() - began, answer.digest)

    def prefetch(self, plan: Sequence[str]) -> None:
        """Load the neurons that will be asked next."""
        self._engine.prefetch(list(plan))
