"""Protocols of the objects that plug-ins provide, and the records they exchange. Nothing here imports mlx."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    import mlx.core as mx
    import numpy as np

    from conch_dna.config import DistillConfig
    from conch_dna.domains.domain import Domain
    from conch_dna.exporters.source import Base, NeuronSource
    from conch_dna.models.load import LoadedModel
    from conch_dna.records import Check, Completion, HeldOut, Prompt, Sampling, SoftToken, StepReport, Summary
    from conch_dna.teachers.api.context import ApiContext


@dataclass(frozen=True)
class Targets:
    """A teacher's next-token distributions over one answer, as top-k plus one tail bucket.

    :param ids: int32, shape (T, k): token ids in the student's vocabulary, in falling order of probability.
    :param log_probs: float32, shape (T, k): their log-probabilities at temperature 1, in nats.
    :param tail: float32, shape (T,): log of the mass outside the k ids.
    :param chosen: float32, shape (T,): log-probability of the answer's own token, where the teacher gives it.
    """

    ids: np.ndarray
    log_probs: np.ndarray
    tail: np.ndarray
    chosen: np.ndarray | None = None


@dataclass(frozen=True)
class TeacherRequest:
    """What a teacher factory is given.

    :param domain: the domain to answer for; its context is the teacher's privilege.
    :param model: the model reference named by ``--teacher NAME:REF``, or ``None``.
    :param student: the student's model reference.
    :param base: loads the student's base, once for the whole run, so that a teacher that is the base itself loads no
        second copy; ``None`` where no student is at hand.
    :param api: what a teacher behind an API works with: settings, budget, cache; ``None`` where none may be asked.
    """

    domain: Domain
    model: str | None = None
    student: str = ""
    base: Callable[[], LoadedModel] | None = None
    api: ApiContext | None = None


@runtime_checkable
class Teacher(Protocol):
    """Answers prompts; may also give soft targets. A factory must not load weights: load on first use.

    ``capabilities`` holds some of:

    - ``"text"``: it answers;
    - ``"top_k"``: :meth:`score` works, in the student's tokens;
    - ``"own_top_k"``: :meth:`score` works in the tokens of its own attribute ``tokenizer``, which is another; its
      ``config`` is the model's ``config.json``;
    - ``"soft"``: its completions tell every token's choices where ``sampling.top_log_probs`` asks for them;
    - ``"forced"``: it tells the choices of any text's tokens, see :class:`ScoresText`;
    - ``"prefer"``: it compares answers, see :class:`Judge`;
    - ``"replay"``: its answers are on disk already.

    ``fingerprint`` changes whenever the answers could: weights, context, format version. A teacher that loads a model
    tells its local ``folder``, so that its memory is counted where it stays beside the student.
    """

    @property
    def fingerprint(self) -> str:
        """The identity of what answers."""

    @property
    def capabilities(self) -> frozenset[str]:
        """What this teacher can do."""

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> Iterator[Completion]:
        """Yield one completion a prompt, in any order, each as soon as it is there."""

    def score(self, prompts: Sequence[Prompt], answers: Sequence[Sequence[int]], top_k: int) -> list[Targets]:
        """Return the distributions over ``answers`` (token ids, EOS included), one :class:`Targets` a prompt."""

    def close(self) -> None:
        """Let go of weights and processes; safe to call twice."""


class ScoresText(Protocol):
    """What a teacher with the capability ``"forced"`` has besides."""

    def score_text(self, prompts: Sequence[Prompt], texts: Sequence[str], top: int) -> list[tuple[SoftToken, ...]]:
        """Return the tokens of each text, taken as the answer to its prompt, with their ``top`` likeliest choices.

        The end of the turn is the last token. Nothing is returned for a text that the teacher cannot be given.
        """


class Judge(Protocol):
    """What a teacher with the capability ``"prefer"`` has besides."""

    def prefer(self, prompts: Sequence[Prompt], firsts: Sequence[str], seconds: Sequence[str]) -> list[int | None]:
        """Return which answer to each prompt is better, 0 or 1; ``None`` for a tie or no verdict.

        Each pair is compared in both orders, which must agree.
        """


@dataclass(frozen=True)
class ScoreContext:
    """The context that a scorer receives with prompt and response.

    :param domain: the domain being scored.
    :param perplexity: perplexity of the response under the base model, or ``None`` if it was not measured.
    """

    domain: Domain
    perplexity: float | None = None


class Scorer(Protocol):
    """A pure function that rates a response in [0, 1]."""

    def __call__(self, prompt: Prompt, response: str, context: ScoreContext) -> float:
        """Return the rating; 0 is worst, 1 is best."""


class Divergence(Protocol):
    """A loss between two bucketed distributions, one value a position.

    :param student_NK: float32 (N, k+1) log-probabilities of the student over the teacher's k ids and the tail.
    :param teacher_NK: float32 (N, k+1), the teacher's.
    :param beta: the configuration's mixture weight; a divergence without one ignores it.
    :returns: float32 (N,), in nats; must be differentiable in ``student_NK``.
    """

    def __call__(self, student_NK: mx.array, teacher_NK: mx.array, *, beta: float) -> mx.array:
        """Return the divergence at each of the N positions."""


class LogitLoss(Protocol):
    """A loss of the student's logits that k+1 buckets cannot say, one value a position.

    It is called on some positions at a time and differentiated there, so that the logits of all of them never exist at
    once. Its value is weighted by alpha, as a divergence is, but not by T^2: it has whatever temperature it applies.
    Where positions belong together, a method ``chunks(most)`` returns the slices, of at most ``most`` positions, in
    which it may be called.

    :param logits_CV: float32 (C, V) logits.
    :param part: which of the N positions these are, as a slice from start to stop; ``stop - start`` is C.
    :returns: float32 (C,), 0 where there is nothing to learn from; must be differentiable in ``logits_CV``.
    """

    def __call__(self, logits_CV: mx.array, part: slice) -> mx.array:
        """Return the loss at each of these positions."""


@dataclass(frozen=True)
class GateInput:
    """Per-prompt figures for a gate; every sequence is paired by held-out prompt.

    ``bits`` and ``quality`` map ``"base"``, ``"candidate"`` and, if one exists, ``"incumbent"`` to one figure per
    prompt; ``bits`` is empty if no teacher was called. ``others`` maps the same keys to bits on the other domains'
    held-out prompts, ``divergence`` to nats from the teacher's soft targets, empty if there are none. ``diversity``
    maps them to the share of distinct word pairs among all answers together. ``figures`` holds the summaries that the
    verdict shows.
    """

    domain: Domain
    bits: Mapping[str, Sequence[float]]
    quality: Mapping[str, Sequence[float]]
    others: Mapping[str, Sequence[float]]
    figures: Mapping[str, HeldOut]
    bounds: Mapping[str, float]
    seed: int = 0
    divergence: Mapping[str, Sequence[float]] = field(default_factory=dict)
    diversity: Mapping[str, float] = field(default_factory=dict)


class Gate(Protocol):
    """A decision rule on held-out figures; returns one check per condition."""

    def __call__(self, given: GateInput) -> list[Check]:
        """Return the checks; the candidate passes if all checks pass."""


class Extractor(Protocol):
    """A pure function that takes the final answer from a teacher's text; hostile text must not slow it down."""

    def __call__(self, text: str) -> str | None:
        """Return the answer, or ``None`` if the text has none; surrounding whitespace is ignored."""


class ExtractorFactory(Protocol):
    """Builds an extractor from the options in ``[extract]`` other than ``kind``, passed as keyword arguments."""

    def __call__(self, *args: Any, **options: Any) -> Extractor:
        """Return the extractor.

        :raises DataError: an option has a wrong value.
        """


class TeacherFactory(Protocol):
    """Builds a teacher without loading its weights."""

    def __call__(self, request: TeacherRequest) -> Teacher:
        """Return the teacher that ``request`` describes."""


class Router(Protocol):
    """A pure function that chooses the neuron for a conversation that names none; fast compared to an answer."""

    def __call__(self, messages: Sequence[Mapping[str, str]], neurons: Mapping[str, str]) -> str:
        """Return one of ``neurons``, or ``base`` if none of them fits.

        :param messages: chat turns as role and content; the last one is to be answered.
        :param neurons: the allowed names, each with the description of its domain if one is known.
        """


class RouterFactory(Protocol):
    """Builds a router; slow work is done in the router's first call."""

    def __call__(self, domains: Mapping[str, Domain]) -> Router:
        """Return a router for these domains; it may learn from their prompts."""


class Exporter(Protocol):
    """Writes a published neuron in the format of another program.

    An exporter whose format can also be imported has the methods of :class:`Importer` too.
    """

    @property
    def summary(self) -> str:
        """One line for ``conch neurons export --list``."""

    def write(self, neuron: NeuronSource, out: Path) -> None:
        """Write the neuron into the folder ``out``, which exists and is empty.

        The adapter and the base model are read when ``neuron.adapter`` and ``neuron.base`` are first accessed. If the
        exporter writes no ``README.md`` (:func:`conch_dna.exporters.readme.export_readme`), a general one is added.

        :raises NeuronRefused: the format cannot express this neuron.
        """


@runtime_checkable
class Importer(Protocol):
    """The optional part of an :class:`Exporter` that reads its format."""

    def named_base(self, folder: Path) -> str | None:
        """Return the reference of the base model that the adapter in ``folder`` names, or ``None``.

        :raises NeuronRefused: the file that names it is missing or damaged.
        """

    def read(self, folder: Path, base: Base, out: Path) -> Path:
        """Return a folder with mlx-lm's ``adapters.safetensors`` and ``adapter_config.json``.

        :param folder: the adapter to import.
        :param base: the base model it was made for.
        :param out: an empty folder for the result; a folder that is in mlx-lm's format already is returned as it is.
        :raises NeuronRefused: the adapter is damaged, is for another base, or mlx-lm cannot express it.
        """


class Tracker(Protocol):
    """Records one run; chosen by ``--tracker NAME`` and made once per run.

    The methods are the life-cycle hooks of the same names. An exception in one of them is logged with the plug-in's
    name and never stops the run. :class:`conch_dna.plugin.trackers.BaseTracker` implements all of them as no-ops.
    """

    def run_started(self, run_dir: Path, config: DistillConfig, domains: Sequence[str]) -> None:
        """Receive the start of the run, also when it resumes; ``run_dir`` may then hold the tracker's earlier files."""

    def step_finished(self, run_dir: Path, domain: str, report: StepReport) -> None:
        """Receive the report of one optimizer step; must return quickly, since training waits for it.

        A resumed run repeats the steps after its last checkpoint, which the tracker may have recorded before.
        """

    def neuron_published(self, domain: str, version: int, path: Path) -> None:
        """Receive a neuron that passed its gate; must not change the folder at ``path``."""

    def run_finished(self, run_dir: Path, summary: Summary) -> None:
        """Receive the summary after the last domain; not called for a run that was interrupted."""

    def close(self) -> None:
        """Release files and connections; called once at the end of every run, interrupted ones included."""


class TrackerFactory(Protocol):
    """Builds a tracker for one run; a class without constructor arguments is a factory."""

    def __call__(self) -> Tracker:
        """Return a new tracker."""
