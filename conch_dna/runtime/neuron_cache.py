"""The cache of neurons in memory: resolves references, reads and checks adapters, and evicts by bytes."""

from __future__ import annotations

import copy
import math
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import mlx.core as mx

from conch_dna.data.tool_form import FORM
from conch_dna.errors import ConfigError, NeuronRefused
from conch_dna.models.target_modules import target_modules
from conch_dna.records import digest_of
from conch_dna.registry.adapter import check_fits, check_invocation_tokens, read_adapter
from conch_dna.registry.aliases import ALIASES_FILE, BASE
from conch_dna.registry.card import CONTENT_FILES, check_base
from conch_dna.registry.entry import check_content
from conch_dna.runtime.blend import blended
from conch_dna.runtime.neuron_layers import Alone, fitted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conch_dna.models.load import LoadedModel
    from conch_dna.records import Tool
    from conch_dna.registry.adapter import Adapter
    from conch_dna.registry.entry import Entry
    from conch_dna.registry.store import Registry
    from conch_dna.runtime.neuron_layers import DeltaSwitch

UNMOVED = 1e-5  # a neuron has no effect if it moves no logit by this share of the largest one
REMEMBERED = 256  # refusals kept, so that a refused neuron is not read again for each request
PROBE = ((1, 2, 3, 4),)
Stamp: TypeAlias = tuple[int, ...]
Asked: TypeAlias = str | Mapping[str, float]


@dataclass(frozen=True)
class Version:
    """A resolved reference to a neuron.

    :param digest: the content digest of the adapter.
    :param folder: the folder of the adapter.
    :param entry: its registry entry, or ``None`` for a folder outside the registry.
    :param invocation_tokens: it acts from their last occurrence in a prompt (:mod:`conch_dna.data.alora`); empty if it
        acts on all tokens.
    :param processors: names of the processors that compute parts of its answers.
    :param tools: the tools that it was trained with.
    :param tool_form: the version of their form in its prompts.
    """

    digest: str
    folder: Path
    entry: Entry | None
    invocation_tokens: tuple[int, ...] = ()
    processors: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_form: int = FORM

    @property
    def ref(self) -> str:
        """Its name for people: the reference in the registry, or the folder."""
        return str(self.folder) if self.entry is None else self.entry.ref


@dataclass(frozen=True)
class Blend:
    """A weighted blend of versions without zero weights; its digest covers their digests and weights."""

    digest: str
    parts: tuple[tuple[Version, float], ...]

    @property
    def invocation_tokens(self) -> tuple[int, ...]:
        """The invocation_tokens that all parts have."""
        return self.parts[0][0].invocation_tokens

    @property
    def ref(self) -> str:
        """Its name for people: the weights and references of its parts."""
        return " + ".join(f"{weight:g} {version.ref}" for version, weight in self.parts)

    @property
    def processors(self) -> tuple[str, ...]:
        """The processors of all parts."""
        return tuple(dict.fromkeys(name for version, _ in self.parts for name in version.processors))

    @property
    def tool_form(self) -> int:
        """The newest form of tools of its parts."""
        return max(version.tool_form for version, _ in self.parts)

    @property
    def tools(self) -> tuple[Tool, ...]:
        """The tools of the part with the largest weight."""
        return max(self.parts, key=lambda part: part[1])[0].tools


class NeuronCache:
    """The neurons of one base that are in memory.

    :param switch: the switch of the base's layers, used to check the effect of a neuron.
    :param max_bytes: limit of all neurons; the least recently used are evicted first, those in ``held`` never.

    :ivar modules: the layers that a neuron may change, by path.
    :ivar resident: adapters by digest, the least recently used first.
    :ivar held: digests that must not be evicted.

    Any thread may call :meth:`find`; only the thread that runs the model may call the other methods.
    """

    def __init__(self, base: LoadedModel, registry: Registry, switch: DeltaSwitch, max_bytes: int) -> None:
        self.base, self.registry, self.max_bytes = base, registry, max_bytes
        self.modules = target_modules(base.model)
        self.resident: OrderedDict[str, Adapter] = OrderedDict()
        self.held: set[str] = set()
        self._switch = switch
        self._seen: dict[str, tuple[Stamp, Version]] = {}
        self._added: dict[str, Version] = {}
        self._refused: OrderedDict[tuple[str, Stamp], NeuronRefused] = OrderedDict()
        self._sound: set[str] = set()
        self._probe: mx.array | None = None

    def find(self, ref: str) -> Version:
        """Return the version that ``name``, ``name@3`` or ``name@alias`` refers to now.

        A reference that was resolved before costs one ``stat`` of the neuron's alias file.

        :raises UnknownName: the registry has no such neuron, version or alias.
        :raises NeuronRefused: its card is damaged, or it was made for another base.
        """
        if (added := self._added.get(ref)) is not None:
            return added
        stamp = self._stamp(ref)
        seen = self._seen.get(ref)
        if seen is not None and seen[0] == stamp:
            return seen[1]
        entry = self.registry.resolve(ref)
        check_base(entry.card, self.base.digest, self.base.text_digest, entry.path)
        card = entry.card
        version = Version(
            card.digest, entry.path, entry, card.invocation_tokens, card.processors, card.tools, card.tool_form
        )
        self._seen[ref] = (stamp, version)
        return version

    def find_any(self, asked: Asked) -> Version | Blend | None:
        """Return the version or blend (weights by reference) that is meant now; ``None`` for the base.

        In a blend the base adds nothing: ``{"base": 0.5, "action": 0.5}`` is half of ``action``.

        :raises UnknownName, NeuronRefused: as :meth:`find` does.
        :raises ConfigError: a weight is not a finite number, all are zero, or the invocation tokens differ.
        """
        if isinstance(asked, str):
            return None if asked == BASE else self.find(asked)
        total: dict[str, float] = {}
        versions = {}
        for ref, weight in asked.items():
            if isinstance(weight, bool) or not isinstance(weight, int | float) or not math.isfinite(weight):
                raise ConfigError("a weight of a blend must be a finite number", where=ref, got=weight)
            if ref != BASE and weight != 0:
                version = self.find(ref)
                versions[version.digest] = version
                total[version.digest] = total.get(version.digest, 0.0) + weight
        parts = tuple((versions[digest], weight) for digest, weight in sorted(total.items()))
        if not parts:
            raise ConfigError("a blend needs a neuron with a weight", got=dict(asked), next_step=f"Or ask for {BASE!r}")
        if len(parts) == 1 and parts[0][1] == 1:
            return parts[0][0]
        _check_invocation_tokens(parts)
        return Blend("blend:" + digest_of([[version.digest, weight] for version, weight in parts]), parts)

    def add(
        self,
        name: str,
        folder: Path,
        processors: tuple[str, ...] = (),
        tools: tuple[Tool, ...] = (),
        tool_form: int = FORM,
    ) -> Adapter:
        """Load an adapter from a folder outside the registry under ``name``.

        :param processors, tools, tool_form: those that it was trained with, as in :class:`Version`.
        :raises NeuronRefused: as :meth:`get` does.
        """
        adapter = self._checked(self._read(folder), folder)
        self._keep(adapter)
        self._added[name] = Version(
            adapter.digest, folder, None, adapter.invocation_tokens, processors, tools, tool_form
        )
        return adapter

    def get(self, wanted: Version | Blend) -> Adapter:
        """Return an adapter that is ready for the layers, from memory if possible.

        A refusal is remembered until the files change.

        :raises NeuronRefused: it is damaged, does not fit, has no effect, its logits are not finite, or its card names
            other invocation tokens.
        """
        if (found := self.resident.get(wanted.digest)) is not None:
            check_acts(wanted, found)
            self.resident.move_to_end(wanted.digest)
            return found
        key = (wanted.digest, _files_stamp(wanted))
        if key in self._refused:
            raise copy.copy(self._refused[key])
        try:
            adapter = self._load(wanted)
        except NeuronRefused as fault:
            # A copy has no traceback, which would keep frames and open files alive.
            self._refused[key] = copy.copy(fault)
            while len(self._refused) > REMEMBERED:
                self._refused.popitem(last=False)
            raise
        self._keep(adapter)
        return adapter

    def drop(self, digest: str) -> None:
        """Remove an adapter from memory; does nothing if it is not there."""
        self.resident.pop(digest, None)

    def trim(self) -> None:
        """Evict the least recently used adapters until the rest fits; keep the last one and those in ``held``."""
        spent = sum(adapter.nbytes for adapter in self.resident.values())
        for digest in list(self.resident)[:-1]:
            if spent > self.max_bytes and digest not in self.held:
                spent -= self.resident.pop(digest).nbytes

    def logits(self, rows: int = 1) -> mx.array:
        """Return the logits of the probe with the active delta, float32 (rows, T, V)."""
        logits_BTV: mx.array = self.base.model(mx.array(PROBE * rows)).astype(mx.float32)
        return logits_BTV

    def _load(self, wanted: Version | Blend) -> Adapter:
        if isinstance(wanted, Blend):
            where = " + ".join(f"{weight:g} {version.folder}" for version, weight in wanted.parts)
            return self._checked(blended([(self.get(v), w) for v, w in wanted.parts], wanted.digest), where)
        try:
            adapter = self._read(wanted.folder)
        except NeuronRefused:
            if wanted.entry is not None:
                check_content(wanted.entry)  # reports damage as damage, whatever the reader found
            raise
        if adapter.digest != wanted.digest:
            if wanted.entry is not None:
                check_content(wanted.entry)  # raises an error that names the file
            raise NeuronRefused("the content of the folder has changed", where=wanted.folder)
        check_acts(wanted, adapter)
        # The same content on the same base gives the same logits, so one check or the gate's measurement is enough.
        if wanted.digest not in self._sound and not _measured(wanted.entry):
            self._checked(adapter, wanted.folder)
            self._sound.add(wanted.digest)
        return adapter

    def _read(self, folder: Path) -> Adapter:
        adapter = read_adapter(folder)
        check_fits(adapter, self.modules)
        return fitted(adapter, self.base.model)

    def _checked(self, adapter: Adapter, where: object) -> Adapter:
        """Check that an adapter changes the base's logits and that they stay finite."""
        if self._probe is None:
            with self._switch.adding(None):
                self._probe = self.logits()
                mx.eval(self._probe)
        with self._switch.adding(Alone(adapter)):
            logits = self.logits()
        # A tolerance, because the arithmetic of DoRA differs from the base's in the last bits even without a change.
        same = mx.abs(logits - self._probe).max() <= UNMOVED * mx.abs(self._probe).max()
        finite = mx.isfinite(logits).all()
        if same.item() or not finite.item():
            fault = "changes nothing: the logits are the base's" if same.item() else "gives logits that are not finite"
            raise NeuronRefused(fault, where=where)
        return adapter

    def _keep(self, adapter: Adapter) -> None:
        """Store an adapter as the most recently used."""
        self.resident[adapter.digest] = adapter
        self.resident.move_to_end(adapter.digest)
        self.trim()

    def _stamp(self, ref: str) -> Stamp:
        """Return a stamp that changes with every move of the neuron's aliases; the file's time alone is too coarse."""
        return _stat(self.registry.root / ref.split("@", 1)[0] / ALIASES_FILE)


def check_acts(wanted: Version | Blend, adapter: Adapter) -> None:
    """Check that an adapter has the invocation tokens at which prompts for ``wanted`` are split.

    Two cards may name one content, so a cached adapter is checked again.

    :raises NeuronRefused: the card names other invocation tokens, so the adapter would act on the wrong tokens.
    """
    check_invocation_tokens(
        adapter, wanted.invocation_tokens, wanted.folder if isinstance(wanted, Version) else wanted.digest
    )


def _measured(entry: Entry | None) -> bool:
    """Return whether the neuron's gate measured a change of this base on held-out answers."""
    verdict = entry.card.verdict if entry is not None else None
    if verdict is None or not verdict.passed or verdict.candidate.bits_per_byte is None:
        return False
    return verdict.candidate.bits_per_byte != verdict.base.bits_per_byte


def _check_invocation_tokens(parts: Sequence[tuple[Version, float]]) -> None:
    """Check that all parts of a blend act on the same tokens of a prompt.

    :raises ConfigError: the invocation tokens of two parts differ.
    """
    (first, _), *others = parts
    for version, _ in others:
        if version.invocation_tokens != first.invocation_tokens:
            got = " and ".join(f"{list(v.invocation_tokens)} of {v.digest}" for v in (first, version))
            raise ConfigError(
                "neurons with different invocation tokens cannot be blended", got=got,
                next_step="Blend neurons with the same invocation tokens, or only neurons without any.",
            )  # fmt: skip


def _files_stamp(wanted: Version | Blend) -> Stamp:
    """Return a stamp that changes when a file of the version, or of the blend's versions, is written."""
    versions = [wanted] if isinstance(wanted, Version) else [version for version, _ in wanted.parts]
    return sum((_stat(version.folder / file) for version in versions for file in CONTENT_FILES), ())


def _stat(path: Path) -> Stamp:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return (0,)
    return found.st_mtime_ns, found.st_ino, found.st_size
