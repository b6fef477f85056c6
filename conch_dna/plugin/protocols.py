"""Protocols of the objects that plug-ins provide, and the records they exchange. Nothing here imports mlx."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    import mlx.core as mx
    import numpy as np

    from conch_dna.config import DistillConfig
    from conch_dna.domains.domain import Domain
    from conch_dna.exporters.source import Base, NeuronSource
    from conch_dna.models.load import LoadedModel
    from conch_dna.plugin.catalog import Catalog
    from conch_dna.records import Check, Completion, HeldOut, Prompt, Sampling, SoftToken, StepReport, Summary
    from conch_dna.teachers.api.context import ApiContext


@dataclass(frozen=True)
class Targets:
    """A teacher's next-token distributions over one answer, as top-k plus one tail bucket.

    :param ids: int32, shape (T, k): token ids in the student's vocabulary, most probable first.
    :param log_probs: float32, shape (T, k): log-probabilities of ``ids`` at temperature 1, in nats.
    :param tail: float32, shape (T,): log of the probability mass outside the k ids.
    :param chosen: float32, shape (T,): log-probability of the answer's own token, if the teacher returns it.
    """

    ids: np.ndarray
    log_probs: np.ndarray
    tail: np.ndarray
    chosen: np.ndarray | None = None


@dataclass(frozen=True)
class TeacherRequest:
    """The arguments of a teacher factory.

    :param domain: the domain to answer for. Only the teacher sees its context (system prompt and examples).
    :param model: the model reference in ``--teacher NAME:REF``, or ``None``.
    :param student: the student's model reference.
    :param base: loads the student's base model, once per run, so that a teacher that is the base itself does not load
        a second copy; ``None`` if there is no student.
    :param api: settings, ledger and cache for a teacher behind an API; ``None`` if the command allows no API calls.
    """

    domain: Domain
    model: str | None = None
    student: str = ""
    base: Callable[[], LoadedModel] | None = None
    api: ApiContext | None = None


class Plugins(Protocol):
    """The part of the plug-in host that training uses: objects by kind and name, and the blame for their faults."""

    @property
    def catalog(self) -> Catalog:
        """The registered objects."""

    def blaming(self, kind: str, name: str) -> AbstractContextManager[None]:
        """Name the plug-in that provides ``name`` in any fault of the block."""


@runtime_checkable
class Teacher(Protocol):
    """Answers prompts. A factory must not load weights; load them on first use.

    The optional protocols beside this one add methods: :class:`Scores`, :class:`ScoresText`, :class:`Judge`. A teacher
    implements those it supports and no others. ``capabilities`` states what works for the model at hand:

    - ``"text"``: :meth:`generate` answers;
    - ``"top_k"``: :meth:`Scores.score` works in the student's tokens;
    - ``"own_top_k"``: :meth:`Scores.score` works in the tokens of the teacher's attribute ``tokenizer``, which differ
      from the student's; the attribute ``config`` is the model's ``config.json``;
    - ``"soft"``: completions carry the top choices of each token if ``sampling.top_log_probs`` requests them;
    - ``"forced"``: :meth:`ScoresText.score_text` works (teacher forcing: log-probabilities of a given text);
    - ``"prefer"``: :meth:`Judge.prefer` works;
    - ``"replay"``: the answers are already on disk.

    ``fingerprint`` changes whenever the answers could change: weights, context, format version. A teacher that loads a
    model has an attribute ``folder``, the model's local path, so that the memory estimate can include it.
    """

    @property
    def fingerprint(self) -> str:
        """The identity of the model, its context and its answer format."""

    @property
    def capabilities(self) -> frozenset[str]:
        """The capabilities of this teacher, from the list above."""

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> Iterator[Completion]:
        """Yield one completion per prompt, in any order, each as soon as it is ready."""

    def close(self) -> None:
        """Release weights and processes; safe to call twice."""


@runtime_checkable
class Scores(Protocol):
    """Optional protocol of a teacher: distributions over given tokens (``"top_k"`` and ``"own_top_k"``)."""

    def score(self, prompts: Sequence[Prompt], answers: Sequence[Sequence[int]], top_k: int) -> list[Targets]:
        """Return the distributions over ``answers`` (token ids, EOS included), one :class:`Targets` per prompt."""


class Scorable(Scores, Protocol):
    """A scorer of tokens with a fingerprint: a teacher, or a :class:`~conch_dna.teachers.text_scorer.TextScorer`."""

    @property
    def fingerprint(self) -> str:
        """The identity of the model that scores."""


@runtime_checkable
class ScoresText(Protocol):
    """Optional protocol of a teacher: token choices for any text (``"forced"``)."""

    def score_text(self, prompts: Sequence[Prompt], texts: Sequence[str], top: int) -> list[tuple[SoftToken, ...]]:
        """Return the tokens of each text, read as the answer to its prompt, with their ``top`` likeliest choices.

        The last token is the end of the turn. The tuple is empty for a text that the teacher cannot read.
        """


class TextScoringTeacher(ScoresText, Protocol):
    """A :class:`ScoresText` with a fingerprint."""

    @property
    def fingerprint(self) -> str:
        """The identity of the model that scores."""


@runtime_checkable
class Judge(Protocol):
    """Optional protocol of a teacher: comparison of two answers (``"prefer"``)."""

    def prefer(self, prompts: Sequence[Prompt], firsts: Sequence[str], seconds: Sequence[str]) -> list[int | None]:
        """Return the index of the better answer to each prompt, 0 or 1; ``None`` for a tie or no verdict.

        Each pair is compared in both orders; a verdict counts only if both agree.
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


ScorerT = TypeVar("ScorerT", bound="Scorer")


def without_perplexity(scorer: ScorerT) -> ScorerT:
    """Mark a scorer that never reads :attr:`ScoreContext.perplexity`, so that it need not be measured."""
    scorer.needs_perplexity = False  # type: ignore[attr-defined]  # a function takes attributes
    return scorer


PluginT = TypeVar("PluginT")


def withheld_if(reason: Callable[[], str | None]) -> Callable[[PluginT], PluginT]:
    """Mark a scorer or verifier that does not work on every machine.

    :param reason: returns why it does not work on this one, or ``None`` if it does.
    """

    def mark(plugin: PluginT) -> PluginT:
        plugin.withheld = reason  # type: ignore[attr-defined]  # a function takes attributes
        return plugin

    return mark


def why_withheld(plugin: object) -> str | None:
    """Return why a scorer or verifier does not work on this machine, or ``None`` if it does."""
    reason: Callable[[], str | None] | None = getattr(plugin, "withheld", None)
    return reason() if reason else None


class Verifier(Protocol):
    """A pure function that decides whether a response is right, by the prompt's reference.

    It never rates form, style or length: those are a scorer's.
    """

    def __call__(self, prompt: Prompt, response: str, domain: Domain) -> Mapping[str, float] | None:
        """Return figures in [0, 1], ``"right"`` (0 or 1) among them; ``None`` if the prompt has no reference for it.

        Further figures, such as ``"valid JSON"``, explain a wrong answer and are averaged for reports.
        """


@dataclass(frozen=True)
class Draft:
    """A generated prompt with its right answer.

    :param prompt: with reference and, where answers call tools, its own tools.
    :param answer: the answer to train on, as a perfect neuron would write it.
    :param kind: the family of templates that it was made from, for the report.
    :param fault: why the generator's own check rejects this draft; empty for a good one.
    """

    prompt: Prompt
    answer: str
    kind: str
    fault: str = ""


class Generator(Protocol):
    """Makes prompts of a domain whose right answers are known by construction."""

    def __call__(self, seed: int, *, held_out: bool = False) -> Iterator[Draft]:
        """Yield drafts without end; equal arguments give equal drafts, on every machine.

        :param held_out: drafts for measurement, from tools, templates, names and programs that no training draft uses,
            whatever its seed.
        """


class SpanProcessor(Protocol):
    """A pure function that computes the next part of an answer where it is certain, such as the result of a sum.

    While a neuron that was trained with it answers, its text is forced; in training its tokens carry no loss. It is
    called after every token, so it must be fast where it has nothing to add.
    """

    def __call__(self, text: str) -> str | None:
        """Return the text that must follow an answer that begins with ``text``, or ``None``.

        Equal texts give equal results, on every machine. It never raises.
        """


@dataclass(frozen=True)
class Question:
    """A question of a public test set.

    :param prompt: with its own tools where answers call tools; its reference is shown beside a wrong answer.
    :param grade: returns the figures of an answer, as a :class:`Verifier` does.
    :param kind: questions of one kind are counted together; empty for the set's main kind.
    """

    prompt: Prompt
    grade: Callable[[str], Mapping[str, float]] = field(compare=False)
    kind: str = ""


class QuestionSet(Protocol):
    """A public test set with known answers.

    It measures and is never trained on: no generator and no domain takes tools, questions or programs from it.
    """

    @property
    def domain(self) -> str:
        """The name of the domain whose neurons it suits; a teacher gets this domain's context."""

    @property
    def max_tokens(self) -> int:
        """The limit of an answer, in tokens."""

    def questions(self) -> Sequence[Question]:
        """Return all questions, the same on each call; the first call may download them."""


class Divergence(Protocol):
    """A loss between two bucketed distributions, one value per position.

    :param student_NK: float32 (N, k+1) log-probabilities of the student over the teacher's k ids and the tail.
    :param teacher_NK: float32 (N, k+1) log-probabilities of the teacher.
    :param beta: the configured mixture weight; a divergence without a mixture ignores it.
    :returns: float32 (N,), in nats; must be differentiable in ``student_NK``.
    """

    def __call__(self, student_NK: mx.array, teacher_NK: mx.array, *, beta: float) -> mx.array:
        """Return the divergence at each of the N positions."""


class LogitLoss(Protocol):
    """A loss of the student's full logits, one value per position.

    It is called and differentiated on one chunk of positions at a time, so that the logits of all positions never exist
    together. ``alpha`` weights its value as it weights a divergence, but T^2 does not: the loss applies its own
    temperature. If positions depend on each other, add a method ``chunks(most)`` that returns the slices, of at most
    ``most`` positions each, on which the loss may be called.

    :param logits_CV: float32 (C, V) logits.
    :param part: the chunk's place among the N positions, as a slice from start to stop; ``stop - start`` is C.
    :returns: float32 (C,), 0 where there is no target; must be differentiable in ``logits_CV``.
    """

    def __call__(self, logits_CV: mx.array, part: slice) -> mx.array:
        """Return the loss at each position of ``part``."""


class Groups(NamedTuple):
    """Two tokenisations of one answer, as ranges of tokens with the same text.

    :param student_G2, teacher_G2: int64 half-open ranges of the student's and the teacher's tokens between two byte
        offsets at which a token ends on both sides. The end of the answer is a group of its own if both end it.
    :param starts_P2: int64 pairs (student, teacher) of tokens that start at the same byte.
    """

    student_G2: np.ndarray
    teacher_G2: np.ndarray
    starts_P2: np.ndarray


@dataclass(frozen=True)
class Aligned:
    """A teacher's targets aligned with a student's tokens, for one answer or for a batch.

    :param labels_N: int32, the student's trained tokens, in order.
    :param targets: the teacher's, in its own vocabulary, one row for each of its R tokens.
    :param said_R: float32, the log-probabilities of the teacher's own tokens, NaN if unknown.
    :param groups: ranges of N and of R that are the same text, and the pairs that start at the same byte.
    :param matches_GK: int32, for each of the teacher's k ids at the end of a group, the student's token with which the
        group would spell the same bytes after its earlier tokens; -1 if there is none.
    :param single_G: bool, groups of one token on each side that start at the same byte.
    """

    labels_N: np.ndarray
    targets: Targets
    said_R: np.ndarray
    groups: Groups
    matches_GK: np.ndarray
    single_G: np.ndarray


@dataclass(frozen=True)
class CrossTokenizerInput:
    """The arguments of a cross-tokenizer loss, for one batch.

    :param aligned: the teacher's targets in its own tokens, aligned with the student's tokens.
    :param between: the map between the two vocabularies, a :class:`~conch_dna.align.vocabulary_map.VocabularyMap`.
    :param divergence: the configured loss between two bucketed distributions.
    :param temperature: T; both sides' log-probabilities are divided by it and normalised again, with the teacher's tail
        as one bucket.
    :param beta: the divergence's mixture weight.
    :param t_squared: multiply a divergence by T^2; an L1 distance is never multiplied.
    """

    aligned: Aligned
    between: Any  # not named here: this room imports no later one
    divergence: Divergence
    temperature: float = 1.0
    beta: float = 0.5
    t_squared: bool = False

    def weighted(self, student_CK: mx.array, teacher_CK: mx.array) -> mx.array:
        """Return the divergence at each position, multiplied by T^2 if ``t_squared`` is set."""
        weight = self.temperature**2 if self.t_squared else 1.0
        return weight * self.divergence(student_CK, teacher_CK, beta=self.beta)


@dataclass(frozen=True)
class CrossTokenizerLoss:
    """A loss between a student and a teacher with different tokenizers, as a plug-in registers it.

    :param build: returns the :class:`LogitLoss` of one batch. It is 0 at positions without a corresponding teacher
        position.
    :param shared_ids: the loss compares distributions by token id. Every id that both vocabularies have must then mean
        the same bytes in both; the run stops before training if one does not.
    """

    build: Callable[[CrossTokenizerInput], LogitLoss]
    shared_ids: bool = False


@dataclass(frozen=True)
class GateInput:
    """Per-prompt figures for a gate; every sequence is paired by held-out prompt.

    ``bits`` and ``quality`` map ``"base"``, ``"candidate"`` and, if one exists, ``"incumbent"`` to one figure per
    prompt; ``bits`` is empty if no teacher was called. ``others`` maps the same keys to bits on the other domains'
    held-out prompts, ``divergence`` to nats from the teacher's soft targets, empty if there are none. ``diversity``
    maps them to the share of distinct word pairs among all answers together. ``right`` maps them to 1 or 0 for each
    held-out prompt with a reference that the domain's verifier reads, those of the domain first and then the generated
    ones; where tools are offered, of the answer held to their grammar. It is empty without a verifier. ``figures``
    holds the summaries that the verdict shows.
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
    right: Mapping[str, Sequence[float]] = field(default_factory=dict)


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
