"""The runtime for one caller: one base model in memory and many neurons over it, switched in microseconds."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlx.core as mx
from mlx_lm.sample_utils import make_sampler

from conch_dna.data.alora import acts_on
from conch_dna.data.tool_form import FORM
from conch_dna.kernels.bf16 import in_bf16
from conch_dna.models.load import LoadedModel, load
from conch_dna.records import Sampling
from conch_dna.registry.store import Registry
from conch_dna.runtime.answer_text import AnswerText
from conch_dna.runtime.computed import ComputedSpans, SpanProcessors
from conch_dna.runtime.generate import Alora, Messages, Processors, answer_many, decode, ids_of
from conch_dna.runtime.grammar import Constraint, Grammars, grammar_of
from conch_dna.runtime.masked import Masked
from conch_dna.runtime.neuron_cache import NeuronCache
from conch_dna.runtime.neuron_layers import Alone, unwrap, wrap
from conch_dna.runtime.tools import form_of, offered, shown_turns

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from conch_dna.data.batches import Batch
    from conch_dna.plugin.protocols import SpanProcessor
    from conch_dna.records import Tool
    from conch_dna.registry.adapter import Adapter
    from conch_dna.runtime.neuron_cache import Asked, Blend, Version


class NeuronRuntime:
    """A base model with the neurons of a registry, loaded on demand; one neuron is active at a time.

    :param base: a model reference or a loaded model.
    :param registry: the registry's folder.
    :param max_bytes: limit of the neurons in memory; the least recently used are evicted first.
    :param span_processors: processors by name, for the neurons whose cards name them; by default those of the bundled
        and installed plug-ins.

    Not thread-safe.
    """

    def __init__(
        self,
        base: str | LoadedModel = "embedded:smollm2-135m",
        registry: str | Path | Registry = "adapters",
        max_bytes: int = 1 << 30,
        span_processors: Mapping[str, SpanProcessor] | None = None,
    ) -> None:
        self.base_model = load(base) if isinstance(base, str) else base
        self.registry = registry if isinstance(registry, Registry) else Registry(Path(registry))
        self._in_bf16 = contextlib.ExitStack()
        self._in_bf16.enter_context(in_bf16(self.base_model.model))
        self._switch = wrap(self.base_model.model)
        self._active: Version | Blend | None = None
        self._cache = NeuronCache(self.base_model, self.registry, self._switch, max_bytes)
        self.grammars = Grammars(self.base_model)
        self._spans = SpanProcessors(self.base_model.tokenizer, span_processors)

    @property
    def active(self) -> str | None:
        """The content digest of the active neuron, or ``None`` for the base."""
        return self._switch.active.digest if self._switch.active else None

    @property
    def resident(self) -> list[str]:
        """The digests of the neurons in memory, the least recently used first."""
        return list(self._cache.resident)

    @property
    def alora(self) -> Alora | None:
        """The invocation tokens of the active neuron; ``None`` if it acts on all tokens or no neuron is active."""
        return self._alora_of(self._switch.active)

    def over(self, batch: Batch) -> AbstractContextManager[None]:
        """Apply the active neuron, in a forward pass over a batch, only to the tokens that it was trained to act on.

        :raises DataError: it acts from its invocation tokens, and an answer of the batch does not follow them.
        """
        adapter = self._switch.active
        if adapter is None or not adapter.invocation_tokens:
            return contextlib.nullcontext()
        mask_BT1 = acts_on(batch.ids_BT, batch.answers_B, adapter.invocation_tokens)
        return self._switch.adding(Masked(adapter, mx.array(mask_BT1)))

    def use(self, neuron: Asked) -> None:
        """Activate a neuron: ``name``, ``name@3``, ``name@alias``, ``base`` for none, or the weights of a blend.

        For a neuron in memory this costs one ``stat`` of its alias file; if an alias has moved, its new version is
        loaded.

        :raises UnknownName: the registry has no such neuron, version or alias.
        :raises NeuronRefused: it is damaged, made for another base or has no effect; the active neuron does not change.
        """
        wanted = self._cache.find_any(neuron)
        self._switch.active, self._active = self._adapter(wanted), wanted

    def base(self) -> None:
        """Deactivate the neuron; the logits are exactly the base's."""
        self._switch.active = self._active = None

    def add(
        self,
        name: str,
        folder: Path,
        processors: tuple[str, ...] = (),
        tools: tuple[Tool, ...] = (),
        tool_form: int = FORM,
    ) -> None:
        """Load an adapter from a folder outside the registry under ``name``.

        :param processors: names of the processors that compute parts of its answers.
        :param tools: the tools that it was trained with, offered where a request names none.
        :param tool_form: the version of the form of tools in its prompts.
        :raises NeuronRefused: as :meth:`use` does.
        """
        self._cache.add(name, folder, processors, tools, tool_form)

    @contextlib.contextmanager
    def neuron(self, neuron: Asked) -> Iterator[None]:
        """Activate a neuron for a block, then restore the previous one."""
        before = self._switch.active, self._active
        self.use(neuron)
        try:
            yield
        finally:
            self._switch.active, self._active = before

    def tool_form(self, neuron: Asked) -> int:
        """Return the version of the form of tools that a neuron was trained with; the newest for the base.

        :raises UnknownName, NeuronRefused: as :meth:`use` does.
        """
        return form_of(self._cache.find_any(neuron))

    def generate(
        self,
        messages: Messages,
        neuron: Asked | None = None,
        sampling: Sampling | None = None,
        *,
        tools: Sequence[Tool] | None = None,
        schema: Mapping[str, Any] | None = None,
    ) -> str:
        """Answer one conversation; see :meth:`stream`."""
        return "".join(self.stream(messages, neuron, sampling, tools=tools, schema=schema))

    def stream(
        self,
        messages: Messages,
        neuron: Asked | None = None,
        sampling: Sampling | None = None,
        *,
        tools: Sequence[Tool] | None = None,
        schema: Mapping[str, Any] | None = None,
    ) -> Iterator[str]:
        """Yield an answer's text piece by piece. Streams may be interleaved: each keeps its neuron.

        :param messages: chat turns as role and content, or the text of one user turn.
        :param neuron: by default the active one.
        :param sampling: by default greedy, and at most 96 tokens.
        :param tools: tools that the answer may call; by default those that the neuron was trained with. The answer is
            text or calls that match their schemas.
        :param schema: a JSON schema that the answer matches; without tools.
        :raises DataError: the neuron acts from its invocation tokens and the prompt has none.
        :raises GrammarError: the tools or the schema cannot constrain an answer.
        """
        sampling = sampling or Sampling()
        wanted = self._active if neuron is None else self._cache.find_any(neuron)
        adapter = self._switch.active if neuron is None else self._adapter(wanted)
        given = () if tools is None and schema is not None else offered(wanted, tools)
        constraints, messages = self.constraints(given, schema), shown_turns(wanted, messages, given)
        model, tokenizer = self.base_model.model, self.base_model.tokenizer
        mx.random.seed(sampling.seed)
        sampler = make_sampler(temp=sampling.temperature, top_p=sampling.top_p)
        ids, ends = ids_of(tokenizer, messages), set(tokenizer.eos_token_ids)
        # The spans come last: they force no token that the grammar forbids.
        processors: Processors = [*constraints, *self._spans.of(wanted)]
        steps = decode(model, ends, [ids], [sampler], sampling.max_tokens, self._alora_of(adapter), [processors])
        return self._texts(steps, adapter, constraints)

    def generate_many(
        self,
        conversations: Sequence[Messages],
        neuron: Asked | None = None,
        sampling: Sampling | None = None,
        processors: Sequence[Processors] = (),
        answered: Callable[[], None] = lambda: None,
    ) -> list[str]:
        """Answer many conversations in one batch with one neuron, as they are; return texts in input order.

        :param processors: those of each conversation, such as :meth:`constraints`; empty for none.
        :param answered: called after each answer.
        """
        tokenizer = self.base_model.tokenizer
        prompts = [ids_of(tokenizer, messages) for messages in conversations]
        texts = [""] * len(prompts)
        with self.neuron(neuron) if neuron is not None else contextlib.nullcontext():
            model, sampling = self.base_model.model, sampling or Sampling()
            given = processors or [()] * len(prompts)
            each: list[Processors] = [[*own, *self.computed_spans()] for own in given]
            for answer in answer_many(model, tokenizer, prompts, sampling, self.alora, each):
                texts[answer.place] = tokenizer.decode(answer.tokens)
                answered()
        return texts

    def constraints(self, tools: Sequence[Tool], schema: Mapping[str, Any] | None = None) -> list[Constraint]:
        """Return the processors that hold one answer to calls of these tools or text, or to a schema; else none.

        :raises GrammarError: the tools or the schema cannot constrain an answer.
        """
        return self.grammars.constraints(tools, schema)

    def computed_spans(self) -> list[ComputedSpans]:
        """Return the processors that compute parts of one answer of the active neuron; pass them last."""
        return self._spans.of(self._active)

    def allows(self, tools: Sequence[Tool], text: str) -> bool:
        """Return whether a whole answer keeps to the grammar of these tools.

        A free greedy answer that does is the one that decoding held to the grammar gives.

        :raises GrammarError: the tools cannot constrain an answer.
        """
        grammar = grammar_of(tools)
        return grammar is None or self.grammars.allows(grammar, text)

    def close(self) -> None:
        """Remove the runtime's layers from the base model."""
        self._switch.active = None
        unwrap(self.base_model.model)
        self._in_bf16.close()

    def _texts(
        self, steps: Iterator[list[tuple[int, Any]]], adapter: Adapter | None, constraints: Sequence[Constraint]
    ) -> Iterator[str]:
        """Yield the text of one sequence; each step runs with its own neuron, whatever is active between the steps."""
        answer = AnswerText(self.base_model.tokenizer)
        while True:
            with self._switch.adding(None if adapter is None else Alone(adapter)):
                step = next(steps, None)
            if step is None:
                return
            for constraint in constraints:
                constraint.check()
            for _, response in step:
                shown, _ = answer.add(response.token, response.finish_reason)
                yield shown

    def _alora_of(self, adapter: Adapter | None) -> Alora | None:
        if adapter is None or not adapter.invocation_tokens:
            return None
        return Alora(adapter.invocation_tokens, lambda: self._switch.adding(None))

    def _adapter(self, wanted: Version | Blend | None) -> Adapter | None:
        """Return the adapter of a version or a blend, from memory if it is there; ``None`` for the base."""
        return None if wanted is None else self._cache.get(wanted)
