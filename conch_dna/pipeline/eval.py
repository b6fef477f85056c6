"""Evaluation of neurons, the base and teachers: how many of their answers are right."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conch_dna.data.splits import split
from conch_dna.domains.discovery import domain_folders
from conch_dna.domains.domain import Domain, domain_of_file
from conch_dna.domains.extract import AnswerExtractor, as_answered
from conch_dna.domains.generation import verifier_of
from conch_dna.domains.prompts import read_prompts
from conch_dna.errors import ConchError, ConfigError, DataError, UnknownName
from conch_dna.evaluation.asked import file_set, held_out_sets, public_sets
from conch_dna.evaluation.eval_report import Difference, EvalReport, EvalRow, WrongAnswer
from conch_dna.evaluation.right import Answered
from conch_dna.models import accel
from conch_dna.pipeline.adapters import AdapterRef, find_adapter
from conch_dna.pipeline.held_out import generated_prompts
from conch_dna.pipeline.project import Project, open_project
from conch_dna.pipeline.selection import domain_named, known_domains
from conch_dna.plugin.protocols import why_withheld
from conch_dna.registry.aliases import BASE
from conch_dna.registry.store import Registry
from conch_dna.teachers.answer_cache import CompletionCache
from conch_dna.teachers.references import make_teacher
from conch_dna.util.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conch_dna.config import DistillConfig
    from conch_dna.evaluation.asked import AskedSet
    from conch_dna.evaluation.asking import Answers, Model
    from conch_dna.runtime.neurons import NeuronRuntime
    from conch_dna.teachers.api.context import ApiContext

HELD_OUT = "heldout"
TEACHER = "teacher"
NOTHING = "none"  # as ``against``: no comparison
RECORDED = "recorded"
MOST = 200  # prompts of a set, where no number is given


@dataclass(frozen=True)
class EvalOptions:
    """The set to ask, and the way to ask it.

    :param on: ``heldout``, the name of a question set, or the path of a file of prompts.
    :param domain: the domain to evaluate on; by default the neuron's own.
    :param n: the most prompts of each set, a stable choice; by default all natural ones, all of
        a file, and 200 of any other set.
    :param free, held: whether to ask for answers as the model writes them, and held to the grammar of tools.
    :param against: the neuron that each neuron is compared with; by default the base. ``none`` for no comparison.
    :param verifier: decides whether an answer is right; by default the domain's.
    :param base: model reference of the base; by default the one that a neuron was trained on.
    :param teacher: reference of the teacher.
    """

    on: str = HELD_OUT
    domain: str = ""
    n: int | None = None
    free: bool = True
    held: bool = True
    against: str = ""
    verifier: str = ""
    base: str = ""
    teacher: str = RECORDED


def evaluate_neurons(
    *neurons: str,
    project: Project | Path | str = ".",
    all_neurons: bool = False,
    budget: str | None = None,
    base_url: str | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> EvalReport:
    """Ask neurons held-out prompts or public questions, and count the right answers.

    :param neurons: references as :func:`~conch_dna.pipeline.adapters.find_adapter` takes them, ``base`` and
        ``teacher``.
    :param project: the project's folder, or a folder inside it.
    :param all_neurons: every neuron of the registry, instead of names; one that cannot be evaluated is left out.
    :param budget: most USD that the project may ever spend on API teachers.
    :param base_url: the endpoint of the teacher.
    :param progress: receives the sets and the answers.
    :param options: the fields of :class:`EvalOptions`.
    :raises ConfigError: no neuron is named, or the domain of one is unknown.
    :raises UnknownName: a neuron, domain, question set or verifier does not exist.
    :raises DataError: nothing can be evaluated, or a question set cannot be downloaded.
    :raises NeuronRefused: a neuron is damaged or does not fit its base.
    """
    accel.switch_on()  # before the first import of mlx
    started = time.perf_counter()
    opened = project if isinstance(project, Project) else open_project(project)
    chosen = EvalOptions(**options)
    if all_neurons == bool(neurons):
        raise ConfigError("name the neurons, or say --all", where="conch eval", allowed="a neuron, base, teacher")
    registry = Registry(opened.registry)
    api = opened.api_context(chosen.teacher, budget, base_url)
    with ExitStack() as stack:
        work = _Evaluation(opened, chosen, registry, api, progress or Progress(), stack)
        for name in dict.fromkeys(registry.names() if all_neurons else neurons):
            try:
                work.evaluate(name)
            except ConchError as error:
                if not all_neurons:
                    raise
                work.leave_out(f"{name}: {error}")
            work.progress.ended(name)
    if not work.rows:
        raise DataError("nothing was evaluated", where="conch eval", got="; ".join(work.left_out) or "no neurons")
    return EvalReport(
        on=chosen.on, rows=tuple(work.rows), wrong=tuple(work.wrong), left_out=tuple(work.left_out),
        seconds=time.perf_counter() - started,
    )  # fmt: skip


@dataclass
class _Evaluation:
    """One evaluation: what it loads is loaded once, and closed with the stack."""

    project: Project
    options: EvalOptions
    registry: Registry
    api: ApiContext
    progress: Progress
    stack: ExitStack
    rows: list[EvalRow] = field(default_factory=list)
    wrong: list[WrongAnswer] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._runtimes: dict[str, NeuronRuntime] = {}
        self._sets: dict[tuple[str, float], list[AskedSet]] = {}
        if self.options.verifier:  # refused before any work
            self.project.host.catalog.get("verifiers", self.options.verifier)

    @cached_property
    def config(self) -> DistillConfig:
        """The project's settings."""
        return self.project.config()

    @cached_property
    def folders(self) -> dict[str, Path]:
        """The folders of all domains, those of faulty ones too."""
        return domain_folders(self.project.host, self.project.folder)

    @cached_property
    def domains(self) -> dict[str, Domain]:
        """All sound domains, with the final answers in their examples."""
        return {name: self._prepared(domain) for name, domain in known_domains(self.project, ()).items()}

    def leave_out(self, reason: str) -> None:
        """Note what is not evaluated, once."""
        if reason not in self.left_out:
            self.left_out.append(reason)

    def evaluate(self, name: str) -> None:
        """Ask one neuron, the base or the teacher all its sets."""
        if name == TEACHER:
            ref = AdapterRef(TEACHER, "", "", {})
        else:
            ref = find_adapter(self.project.folder, self.registry, name)
        domains = self._domains_of(ref)
        for domain in domains:
            try:
                self._ask(ref, domain)
            except ConchError as error:
                if len(domains) == 1:
                    raise
                self.leave_out(f"{ref.name} on {domain.name}: {error}")

    def _ask(self, ref: AdapterRef, domain: Domain) -> None:
        """Ask all sets of one domain."""
        sets = self._sets_of(domain, float(ref.settings.get("held_out", self.config.held_out)))
        if not sets:
            return
        model, other = self._models(ref, domain)
        for asked in sets:
            for held in self._forms(ref, asked):
                self._count(ref, domain, asked, held=held, model=model, other=other)

    def _prepared(self, domain: Domain) -> Domain:
        return as_answered(domain, AnswerExtractor(self.project.host, domain))

    def _domains_of(self, ref: AdapterRef) -> list[Domain]:
        """Return the domains to evaluate on."""
        on, named = self.options.on, self.options.domain or ref.domain
        if self.options.domain or named in self.folders:
            # One that was left out is faulty, and reading it again says why.
            return [self.domains.get(named) or domain_named(self.project, named)]
        if on != HELD_OUT:
            suited = self._question_set(on).domain if self._is_question_set(on) else ""
            return [self.domains.get(suited) or self._prepared(domain_of_file(Path(on), suited or "file"))]
        if ref.name in {BASE, TEACHER}:
            for name in self.folders.keys() - self.domains.keys():
                self.leave_out(f"{ref.name} on {name}: the domain is faulty; conch domains check {name} says why")
            return list(self.domains.values())
        raise ConfigError(
            "its domain is not known", where=ref.name, got=ref.domain or None,
            allowed=", ".join(self.domains), next_step="Name the domain: --domain NAME",
        )  # fmt: skip

    def _is_question_set(self, on: str) -> bool:
        return on in self.project.host.catalog.names("question_sets")

    def _question_set(self, name: str) -> Any:
        return self.project.host.catalog.get("question_sets", name)

    def _sets_of(self, domain: Domain, share: float) -> list[AskedSet]:
        """Return the sets to ask; none for a domain whose answers nothing verifies.

        :param share: of held-out prompts.
        """
        if (domain.name, share) not in self._sets:
            self._sets[domain.name, share] = self._made_sets(domain, share)
        return self._sets[domain.name, share]

    def _made_sets(self, domain: Domain, share: float) -> list[AskedSet]:
        on, n, host = self.options.on, self.options.n, self.project.host
        judged = domain.changed(verifier=self.options.verifier or domain.settings.verifier)
        verifier = verifier_of(host.catalog, judged)
        if on == HELD_OUT:
            if verifier is None:
                self.leave_out(f"{domain.name}: the domain has no verifier that works here; name one with --verifier")
                return []
            natural = split(domain.prompts, share).held_out
            generated = generated_prompts(host, domain, MOST if n is None else n)
            return held_out_sets(judged, natural, generated, verifier, n)
        if self._is_question_set(on):
            with host.blaming("question_sets", on):
                return public_sets(on, self._question_set(on), domain, MOST if n is None else n)
        path = Path(on)
        if not path.is_file():
            known = ", ".join((HELD_OUT, *host.catalog.names("question_sets")))
            raise UnknownName("no such set of prompts", where="--on", got=on, allowed=f"{known}, or a file of prompts")
        prompts = list(map(domain.offering, read_prompts(path)))
        usable = {name: one for name, one in host.catalog.all("verifiers").items() if not why_withheld(one)}
        return [file_set(path.name, judged, prompts, verifier, usable, n)]

    def _forms(self, ref: AdapterRef, asked: AskedSet) -> list[bool]:
        """Return whether to hold the answers, for each time that a set is asked; without tools there is one."""
        if ref.name == TEACHER or not asked.offers_tools:
            return [False]
        return [held for held, wanted in ((False, self.options.free), (True, self.options.held)) if wanted]

    def _models(self, ref: AdapterRef, domain: Domain) -> tuple[Model, tuple[str, Model] | None]:
        """Return the model to evaluate, and the one to compare it with, if any, with its name."""
        from conch_dna.evaluation.asking import Student, Taught  # imports mlx

        cache = self.api.cache
        against = self.options.against or (NOTHING if ref.name in {BASE, TEACHER} else BASE)
        other = None
        if against not in {NOTHING, ref.name}:
            compared = find_adapter(self.project.folder, self.registry, against)
            runtime = self._runtime(ref.base or compared.base)
            compared.enter(runtime, self.domains)
            other = (against, Student(runtime, against, cache, self.progress))
        if ref.name == TEACHER:
            host = self.project.host
            teacher = make_teacher(host, self.options.teacher, domain, api=self.api)
            self.stack.callback(teacher.close)
            kept = CompletionCache.within(cache)
            return Taught(teacher, AnswerExtractor(host, domain), kept, self.progress), other
        runtime = self._runtime(ref.base)
        ref.enter(runtime, self.domains)
        return Student(runtime, ref.name, cache, self.progress), other

    def _runtime(self, base: str) -> NeuronRuntime:
        """Return the runtime of a base; empty for that of the project."""
        from conch_dna.kernels.patch import fast_ops
        from conch_dna.models.load import load
        from conch_dna.runtime.neurons import NeuronRuntime  # these import mlx

        chosen = self.options.base or base or self.config.student
        if chosen not in self._runtimes:
            model, processors = load(chosen, self.progress.fetched), self.project.host.catalog.all("processors")
            runtime = NeuronRuntime(model, self.registry, span_processors=processors)
            self.stack.callback(runtime.close)
            self.stack.enter_context(fast_ops(runtime.base_model.model, cached=True))
            self._runtimes[chosen] = runtime
        return self._runtimes[chosen]

    def _count(
        self,
        ref: AdapterRef,
        domain: Domain,
        asked: AskedSet,
        *,
        held: bool,
        model: Model,
        other: tuple[str, Model] | None,
    ) -> None:
        """Ask one set, and add its row and its wrong answers."""
        stage = f"{asked.name} held" if held else asked.name
        self.progress.stage(ref.name, stage, len(asked.prompts) * (2 if other else 1))
        given = model.answer(asked, held=held)
        places = sorted(given.texts)
        answered = _graded(asked, places, given)
        share = answered.share
        if share is None:
            self.leave_out(f"{ref.name} on {asked.name} of {domain.name}: it has no answers to these prompts")
            return
        row = EvalRow(
            neuron=ref.name, domain=domain.name, set=asked.name, held=held, right=share, tokens=given.tokens,
            seconds=given.seconds,
        )  # fmt: skip
        theirs = None
        if other is not None:
            theirs = _graded(asked, places, other[1].answer(asked, held=held))
            difference = Difference.of(other[0], theirs.figures, answered.figures)
            row = row.model_copy(update={"difference": difference})
        self.rows.append(row)
        for number, (place, figures) in enumerate(zip(places, answered.figures, strict=True)):
            if figures is not None and figures["right"] != 1:
                compared = theirs.answers[number] if theirs else None
                text = answered.answers[number]
                self.wrong.append(WrongAnswer.of(row, asked.prompts[place], text, figures, compared))


def _graded(asked: AskedSet, places: Sequence[int], given: Answers) -> Answered:
    """Return the answers to the prompts at some places, with their figures."""
    texts = [given.texts[place] for place in places]
    return Answered(texts, asked.grade([asked.prompts[place] for place in places], texts))
