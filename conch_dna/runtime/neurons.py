"""The runtime: one base model in memory, many neurons over it, switched in microseconds."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlx.core as mx

from conch_dna.data.tokens import prompt_ids
from conch_dna.errors import NeuronRefused
from conch_dna.models.load import LoadedModel, load
from conch_dna.models.places import places
from conch_dna.records import Sampling
from conch_dna.registry.adapter import check_fits, read_adapter
from conch_dna.registry.store import Registry, check_content
from conch_dna.runtime.generate import answer_many
from conch_dna.runtime.slots import fitted, unwrap, wrap

if TYPE_CHECKING:
    from conch_dna.registry.adapter import Adapter

BASE = "base"
UNMOVED = 1e-5  # a neuron that moves no logit by this share of the largest one is without effect
Stamp = tuple[int, ...]
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
        self.max_bytes = max_bytes
        self._places = places(self.base_model.model)
        self._slot = wrap(self.base_model.model)
        self._resident: OrderedDict[str, Adapter] = OrderedDict()
        self._seen: dict[str, tuple[Stamp, str]] = {}
        self._added: dict[str, Path] = {}
        self._probe: mx.array | None = None

    @property
    def active(self) -> str | None:
        """The content digest of the active neuron, or ``None`` for the base."""
        return self._slot.active.digest if self._slot.active else None

    @property
    def resident(self) -> list[str]:
        """The digests of the neurons in memory, the least recently used first."""
        return list(self._resident)

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
        adapter = self._checked(folder)
        self._keep(adapter)
        self._seen[name] = ((), adapter.digest)
        self._added[name] = folder

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
        """Yield an answer's text piece by piece. Streams may be interleaved: each stays with its neuron."""
        from mlx_lm.generate import stream_generate
        from mlx_lm.sample_utils import make_sampler

        sampling = sampling or Sampling()
        adapter = self._slot.active if neuron is None else None if neuron == BASE else self._fetch(neuron)
        mx.random.seed(sampling.seed)
        pieces = stream_generate(
            self.base_model.model,
            self.base_model.tokenizer,
            prompt_ids(self.base_model.tokenizer, _as_turns(messages)),
            max_tokens=sampling.max_tokens,
            sampler=make_sampler(temp=sampling.temperature, top_p=sampling.top_p),
        )
        return self._guarded(pieces, adapter)

    def generate_many(
        self, conversations: Sequence[Messages], neuron: str | None = None, sampling: Sampling | None = None
    ) -> list[str]:
        """Answer many conversations in one batch with one neuron; texts in the order asked."""
        tokenizer = self.base_model.tokenizer
        prompts = [prompt_ids(tokenizer, _as_turns(messages)) for messages in conversations]
        texts = [""] * len(prompts)
        with self.neuron(neuron) if neuron is not None else contextlib.nullcontext():
            for answer in answer_many(self.base_model.model, tokenizer, prompts, sampling or Sampling()):
                texts[answer.place] = tokenizer.decode(answer.tokens)
        return texts

    def close(self) -> None:
        """Give the base model back as it was, without the runtime's layers."""
        self._slot.active = None
        unwrap(self.base_model.model)

    def _guarded(self, pieces: Iterator[Any], adapter: Adapter | None) -> Iterator[str]:
        """Run each step of a stream under its own neuron, whatever is active between the steps."""
        while True:
            before, self._slot.active = self._slot.active, adapter
            try:
                piece = next(pieces, None)
            finally:
                self._slot.active = before
            if piece is None:
                return
            yield piece.text

    def _fetch(self, ref: str) -> Adapter:
        """Return the adapter that ``ref`` stands for now, from memory if it is there."""
        stamp = () if ref in self._added else self._stamp(ref)
        seen = self._seen.get(ref)
        if seen and seen[0] == stamp and (found := self._resident.get(seen[1])):
            self._resident.move_to_end(seen[1])
            return found
        if ref in self._added:  # it had to make room for others
            self.add(ref, self._added[ref])
            return self._resident[self._seen[ref][1]]
        entry = self.registry.resolve(ref)
        if entry.card.base_digest != self.base_model.digest:
            raise NeuronRefused(
                "was made for another base", where=entry.path, got=entry.card.base_digest,
                allowed=self.base_model.digest, next_step=f"Load the base it was made for: {entry.card.base}",
            )  # fmt: skip
        found = self._resident.get(entry.card.digest)
        if found is None:
            check_content(entry)
            found = self._checked(entry.path)
        self._keep(found)
        self._seen[ref] = (stamp, found.digest)
        return found

    def _stamp(self, ref: str) -> Stamp:
        """Return what changes with every move of the neuron's aliases; the file's time alone is too coarse."""
        try:
            found = (self.registry.root / ref.split("@", 1)[0] / "aliases.json").stat()
        except (OSError, ValueError):
            return (0,)
        return found.st_mtime_ns, found.st_ino, found.st_size

    def _checked(self, folder: Path) -> Adapter:
        """Read an adapter and check that it fits the base and changes its logits."""
        adapter = read_adapter(folder)
        check_fits(adapter, self._places)
        adapter = fitted(adapter, self.base_model.model)
        ids = mx.array([[1, 2, 3, 4]])
        before, self._slot.active = self._slot.active, None
        try:
            if self._probe is None:
                self._probe = self.base_model.model(ids)
                mx.eval(self._probe)
            self._slot.active = adapter
            logits = self.base_model.model(ids)
            # Not to the last bit: DoRA's arithmetic differs from the base's even where it changes nothing.
            same = (mx.abs(logits - self._probe).max() <= UNMOVED * mx.abs(self._probe).max()).item()
            finite = mx.isfinite(logits).all().item()
        finally:
            self._slot.active = before
        if same or not finite:
            fault = "changes nothing: the logits are the base's" if same else "gives logits that are not finite"
            raise NeuronRefused(fault, where=folder)
        return adapter

    def _keep(self, adapter: Adapter) -> None:
        """Put an adapter into memory as the most recently used, and let the oldest go until the rest fits."""
        self._resident[adapter.digest] = adapter
        self._resident.move_to_end(adapter.digest)
        while sum(a.nbytes for a in self._resident.values()) > self.max_bytes and len(self._resident) > 1:
            self._resident.popitem(last=False)


def _as_turns(messages: Messages) -> list[dict[str, str]]:
    return [{"role": "user", "content": messages}] if isinstance(messages, str) else list(messages)
