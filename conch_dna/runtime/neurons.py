"""The runtime: one base model in memory, many neurons over it, switched in microseconds."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlx.core as mx

from conch_dna.data.alora import acts_on, split_at_invocation
from conch_dna.data.tokens import prompt_ids
from conch_dna.models.load import LoadedModel, load
from conch_dna.records import Sampling
from conch_dna.registry.aliases import BASE
from conch_dna.registry.store import Registry
from conch_dna.runtime.generate import Alora, answer_many, read_contexts
from conch_dna.runtime.masked import Masked
from conch_dna.runtime.neuron_cache import NeuronCache
from conch_dna.runtime.neuron_layers import Alone, unwrap, wrap

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from conch_dna.data.batches import Batch
    from conch_dna.registry.adapter import Adapter

Messages = Sequence[dict[str, str]] | str


class NeuronRuntime:
    """Loads a base once and puts neurons of a registry on it, on demand.

    :param base: a model reference, or a model that is loaded already.
    :param registry: the registry's folder.
    :param max_bytes: neurons kept in memory; the least recently used go first.

    Not safe for use by several threads at once.
    """

    def __init__(
        self,
        base: str | LoadedModel = "embedded:smollm2-135m",
        registry: str | Path | Registry = "adapters",
        max_bytes: int = 1 << 30,
    ) -> None:
        self.base_model = load(base) if isinstance(base, str) else base
        self.registry = registry if isinstance(registry, Registry) else Registry(Path(registry))
        self._slot = wrap(self.base_model.model)
        self._shelf = NeuronCache(self.base_model, self.registry, self._slot, max_bytes)

    @property
    def active(self) -> str | None:
        """The content digest of the active neuron, or ``None`` for the base."""
        return self._slot.active.digest if self._slot.active else None

    @property
    def resident(self) -> list[str]:
        """The digests of the neurons in memory, the least recently used first."""
        return list(self._shelf.resident)

    @property
    def alora(self) -> Alora | None:
        """How the active neuron is used if it acts from a cue on; ``None`` if it acts everywhere, or none is active."""
        adapter = self._slot.active
        if adapter is None or not adapter.invocation_tokens:
            return None
        return Alora(adapter.invocation_tokens, lambda: self._slot.adding(None))

    def over(self, batch: Batch) -> AbstractContextManager[None]:
        """Let the active neuron act in a forward pass over a batch on those tokens alone that it was trained to act on.

        :raises DataError: it acts from a cue on, and an answer of the batch does not stand behind that.
        """
        adapter = self._slot.active
        if adapter is None or not adapter.invocation_tokens:
            return contextlib.nullcontext()
        mask_BT1 = acts_on(batch.ids_BT, batch.answers_B, adapter.invocation_tokens)
        return self._slot.adding(Masked(adapter, mx.array(mask_BT1)))

    def use(self, neuron: str) -> None:
        """Make a neuron active: ``name``, ``name@3`` or ``name@alias``, or ``base`` for none.

        A resident neuron costs one look at the time stamp of its aliases; when an alias has moved, the version it now
        points at is loaded.

        :raises UnknownName: the registry has no such neuron, version or alias.
        :raises NeuronRefused: it is damaged, of another base or without effect; what was active stays active.
        """
        self._slot.active = None if neuron == BASE else self._fetch(neuron)

    def base(self) -> None:
        """Switch every neuron off; logits are exactly the base's."""
        self._slot.active = None

    def add(self, name: str, folder: Path) -> None:
        """Load an adapter from a folder outside the registry and let ``name`` stand for it.

        :raises NeuronRefused: as :meth:`use` does.
        """
        self._shelf.add(name, folder)

    @contextlib.contextmanager
    def neuron(self, neuron: str) -> Iterator[None]:
        """Make a neuron active for a block; what was active before is active again after it."""
        before = self._slot.active
        self.use(neuron)
        try:
            yield
        finally:
            self._slot.active = before

    def generate(self, messages: Messages, neuron: str | None = None, sampling: Sampling | None = None) -> str:
        """Answer one conversation, by default with the active neuron, greedily and in at most 96 tokens.

        :param messages: chat turns as role and content, or the text of one user turn.
        """
        return "".join(self.stream(messages, neuron, sampling))

    def stream(self, messages: Messages, neuron: str | None = None, sampling: Sampling | None = None) -> Iterator[str]:
        """Yield an answer's text piece by piece. Streams may be interleaved: each stays with its neuron.

        What stands before the cue of a neuron that acts from one on is read by the base, when this is called.
        """
        from mlx_lm.generate import stream_generate
        from mlx_lm.sample_utils import make_sampler

        sampling = sampling or Sampling()
        adapter = self._slot.active if neuron is None else None if neuron == BASE else self._fetch(neuron)
        model, ids, cache = self.base_model.model, prompt_ids(self.base_model.tokenizer, as_turns(messages)), None
        if adapter is not None and adapter.invocation_tokens:
            context, ids = split_at_invocation(ids, adapter.invocation_tokens)
            with self._slot.adding(None):
                (cache,) = read_contexts(model, [context])
        mx.random.seed(sampling.seed)
        pieces = stream_generate(
            model,
            self.base_model.tokenizer,
            ids,
            prompt_cache=cache,
            max_tokens=sampling.max_tokens,
            sampler=make_sampler(temp=sampling.temperature, top_p=sampling.top_p),
        )
        return self._guarded(pieces, adapter)

    def generate_many(
        self, conversations: Sequence[Messages], neuron: str | None = None, sampling: Sampling | None = None
    ) -> list[str]:
        """Answer many conversations in one batch with one neuron; texts in the order asked."""
        tokenizer = self.base_model.tokenizer
        prompts = [prompt_ids(tokenizer, as_turns(messages)) for messages in conversations]
        texts = [""] * len(prompts)
        with self.neuron(neuron) if neuron is not None else contextlib.nullcontext():
            for answer in answer_many(self.base_model.model, tokenizer, prompts, sampling or Sampling(), self.alora):
                texts[answer.place] = tokenizer.decode(answer.tokens)
        return texts

    def close(self) -> None:
        """Give the base model back as it was, without the runtime's layers."""
        self._slot.active = None
        unwrap(self.base_model.model)

    def _guarded(self, pieces: Iterator[Any], adapter: Adapter | None) -> Iterator[str]:
        """Run each step of a stream under its own neuron, whatever is active between the steps."""
        while True:
            with self._slot.adding(None if adapter is None else Alone(adapter)):
                piece = next(pieces, None)
            if piece is None:
                return
            yield piece.text

    def _fetch(self, ref: str) -> Adapter:
        """Return the adapter that ``ref`` stands for now, from memory if it is there."""
        return self._shelf.get(self._shelf.find(ref))


def as_turns(messages: Messages) -> list[dict[str, str]]:
    """Return chat turns, those of one user turn for a text."""
    return [{"role": "user", "content": messages}] if isinstance(messages, str) else list(messages)
