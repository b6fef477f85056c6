"""One domain from prompts to a published neuron, and all domains in a row."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog
from filelock import Timeout

from conch_dna.data.cache import CompletionCache, answers
from conch_dna.data.splits import Split, split
from conch_dna.data.targets import TargetCache
from conch_dna.data.tokens import encode_chat
from conch_dna.errors import ConchError, DataError, Interrupted, NeuronRefused, PluginError, TeacherError
from conch_dna.files import write_atomic
from conch_dna.gate import HeldOutSet, Measured, judge, prompt_text
from conch_dna.interfaces import TeacherRequest
from conch_dna.models import refs
from conch_dna.models.load import LoadedModel, load
from conch_dna.progress import Progress
from conch_dna.records import DomainResult, Sampling, Summary, Verdict, digest_of
from conch_dna.registry.card import CardFields, content_digest, hash_files
from conch_dna.runs import Run, refuse_second
from conch_dna.runtime.neurons import NeuronRuntime
from conch_dna.train.fastmath import fast_activations
from conch_dna.train.recipes import Material, train_adapter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from conch_dna.config import DistillConfig
    from conch_dna.data.tokens import Example
    from conch_dna.domains import Domain
    from conch_dna.interfaces import GateInput, Teacher
    from conch_dna.plugins import PluginHost
    from conch_dna.records import Check, Completion, Prompt, StepReport
    from conch_dna.registry.store import Entry, Registry

OTHERS = 4  # held-out prompts of each other domain in the do-no-harm measure
log = structlog.get_logger()


@dataclass
class Session:
    """What all domains of one command share.

    :param domains: every domain that is known, by name; those not trained lend prompts to the do-no-harm measure.
    :param cache: the folder of cached answers and targets.
    """

    config: DistillConfig
    host: PluginHost
    registry: Registry
    run: Run
    domains: dict[str, Domain]
    cache: Path
    progress: Progress = field(default_factory=Progress)
    on_fetch: Callable[[int, int], None] | None = None
    _base: LoadedModel | None = None

    @property
    def base(self) -> LoadedModel:
        """The student's base, loaded on first use and kept."""
        if self._base is None:
            self._base = load(self.config.student, self.on_fetch)
        return self._base

    def teacher(self, domain: Domain) -> Teacher:
        """Build the teacher for a domain; its weights wait."""
        name, _, ref = self.config.teacher.partition(":")
        factory = self.host.catalog.get("teachers", name)
        request = TeacherRequest(domain, ref or None, self.config.student, lambda: self.base)
        with self.host.blaming("teachers", name):
            teacher: Teacher = factory(request)
        return teacher


def distill_all(session: Session, names: Sequence[str]) -> Summary:
    """Distil each of ``names``; a domain that fails does not keep the others from going on.

    :raises Interrupted: by Ctrl-C; everything done so far is kept.
    :raises RegistryError: another process works on the same run.
    """
    started = time.perf_counter()
    run, config = session.run, session.config
    try:
        with run.lock():
            run.begin(config, list(names))
            session.host.emit("run_started", run_dir=run.path, config=config, domains=list(names))
            results = tuple(_one(session, session.domains[name]) for name in names)
            summary = Summary(
                run=run.name, student=config.student, teacher=config.teacher, preset=config.preset, results=results,
                seconds=time.perf_counter() - started,
            )  # fmt: skip
            run.save_summary(summary)
            session.host.emit("run_finished", run_dir=run.path, summary=summary)
    except Timeout as error:
        raise refuse_second(run) from error
    except KeyboardInterrupt as error:
        raise Interrupted(
            "stopped; nothing is lost", where=run.path, next_step="Run the same command again to go on"
        ) from error
    return summary


def _one(session: Session, domain: Domain) -> DomainResult:
    """Distil one domain, or return what it came to before."""
    started = time.perf_counter()
    try:
        if done := _done(session, domain):
            return done
        result = _distill(session, domain)
    except ConchError as error:
        if isinstance(error, PluginError) and session.host.strict:
            raise
        log.error("domain_failed", domain=domain.name, reason=str(error))  # noqa: TRY400 - a user's fault has no traceback
        result = DomainResult(domain=domain.name, state="failed", error=str(error))
    except Exception as error:  # the domains after this one still have their turn
        fault = f"internal error: {type(error).__name__}: {error}"
        log.exception("domain_failed", domain=domain.name, reason=fault)
        result = DomainResult(domain=domain.name, state="failed", error=fault)
    result = result.model_copy(
        update={"seconds": time.perf_counter() - started, "finished_at": datetime.now(UTC).isoformat()}
    )
    session.run.save_result(result)
    return result


def _done(session: Session, domain: Domain) -> DomainResult | None:
    """Return an earlier result that still holds: same prompts, same teacher, and still in the registry if published."""
    result = session.run.result(domain.name)
    if result is None or result.state == "failed" or result.domain_digest != domain.digest:
        return None
    with session.host.blaming("teachers", session.config.teacher.partition(":")[0]):
        teacher = session.teacher(domain).fingerprint
    if (result.teacher_fingerprint, result.base_digest) != (teacher, refs.digest(refs.resolve(session.config.student))):
        return None
    if result.state == "published":
        try:
            entry = session.registry.resolve(f"{domain.name}@{result.version}")
        except ConchError:
            return None
        if entry.card.digest != result.digest:
            return None
    return result


def _distill(session: Session, domain: Domain) -> DomainResult:
    config = session.config
    parts = split(domain.prompts, config.held_out)
    teacher = session.teacher(domain)
    try:
        with session.host.blaming("teachers", config.teacher.partition(":")[0]):
            material, held_out = _prepare(session, domain, teacher, parts)
        identity = {
            "base": session.base.digest,
            "teacher": teacher.fingerprint,
            "data": material.digest,
            "settings": json.loads(config.model_dump_json()),
        }
    finally:
        teacher.close()
    folder = session.run.folder(domain.name)
    adapter = folder / "adapter"

    def on_step(report: StepReport) -> None:
        session.host.emit("step_finished", domain=domain.name, report=report)

    reports = train_adapter(session.base, config, session.host, material, identity, folder, session.progress, on_step)
    verdict, measured = _judge(session, domain, held_out, adapter)
    _write_samples(folder, held_out, measured)
    write_atomic(folder / "verdict.json", verdict.model_dump_json(indent=2) + "\n")
    entry = _publish(session, domain, adapter, verdict, identity) if verdict.passed else None
    seconds = sum(r.seconds for r in reports)
    return DomainResult(
        domain=domain.name,
        state="published" if entry else "gate_failed",
        version=entry.version if entry else None,
        digest=entry.card.digest if entry else None,
        domain_digest=domain.digest,
        base_digest=session.base.digest,
        teacher_fingerprint=identity["teacher"],
        verdict=verdict,
        train_prompts=len(material.examples),
        held_out_prompts=len(held_out.prompts),
        steps=len(reports),
        kd_loss=reports[-1].kd,
        ce_loss=reports[-1].ce,
        combined_loss=reports[-1].loss,
        tokens_per_second=sum(r.tokens for r in reports) / seconds,
        peak_memory=max(r.peak_memory for r in reports),
        adapter=str(entry.path if entry else adapter),
    )


def _prepare(session: Session, domain: Domain, teacher: Teacher, parts: Split) -> tuple[Material, HeldOutSet]:
    """Ask the teacher, tokenise, and fetch soft targets where both sides share a tokenizer."""
    prompts = (*parts.train, *parts.held_out)
    session.progress.stage(domain.name, f"teacher {session.config.teacher}", len(prompts))
    sampling = Sampling(max_tokens=domain.settings.max_tokens)
    told: dict[str, Completion] = {}
    for completion in answers(teacher, domain, prompts, sampling, CompletionCache(session.cache / "completions")):
        # A cut-off answer would teach the student never to stop.
        if completion.text.strip() and completion.finish_reason == "stop":
            told[completion.prompt] = completion
        session.progress.advance()
    train = _tokenised(session, parts.train, told)
    held = _tokenised(session, parts.held_out, told)[: session.config.gate_prompts]
    if not train or len(held) < 2:
        raise TeacherError(
            "too few usable answers", where=f"domain {domain.name}, teacher {session.config.teacher}",
            got=f"{len(train)} to train on, {len(held)} held out, of {len(prompts)} prompts",
            next_step="Look at the teacher's answers, or raise the domain's max_tokens",
        )  # fmt: skip
    targets = held_targets = None
    if "top_k" in teacher.capabilities and session.config.alpha > 0:
        targets = _targets(session, domain, teacher, train)
        held_targets = _targets(session, domain, teacher, held)
    log.info("teacher_answered", domain=domain.name, train=len(train), held_out=len(held), of=len(prompts),
             signal="soft targets" if targets else "text")  # fmt: skip
    material = Material(domain.name, [e for _, e in train], targets)
    held_prompts = [p for p, _ in held]
    others = _others(session, domain)
    trained = [p.digest for p in parts.train]
    return material, HeldOutSet(held_prompts, [e for _, e in held], held_targets, others, trained)


def _tokenised(
    session: Session, prompts: Sequence[Prompt], told: dict[str, Completion]
) -> list[tuple[Prompt, Example]]:
    """Return the answered prompts with their bare conversation in the student's tokens; too long ones are left out."""
    found = []
    for prompt in prompts:
        if prompt.digest not in told:
            continue
        turns = [*(m.as_dict() for m in prompt.messages), {"role": "assistant", "content": told[prompt.digest].text}]
        example = encode_chat(session.base.tokenizer, turns)
        if len(example.ids) <= session.config.max_length:
            found.append((prompt, example))
    if too_long := sum(p.digest in told for p in prompts) - len(found):
        log.warning("examples_left_out", reason=f"longer than max_length {session.config.max_length}", count=too_long)
    return found


def _targets(session: Session, domain: Domain, teacher: Teacher, pairs: Sequence[tuple[Prompt, Example]]) -> list[Any]:
    cache = TargetCache(session.cache / "targets")
    session.progress.stage(domain.name, "soft targets", len(pairs))
    prompts, wanted = [p for p, _ in pairs], [e.answer_ids for _, e in pairs]
    return cache.fill(teacher, prompts, wanted, session.config.top_k, session.progress.advance)


def _others(session: Session, domain: Domain) -> list[Example]:
    """Return a few held-out prompts of every other domain as texts to be predicted, the same ones each time."""
    found: list[Example] = []
    for name in sorted(session.domains):
        if name == domain.name:
            continue
        try:
            prompts = split(session.domains[name].prompts, session.config.held_out).held_out[:OTHERS]
            found += [prompt_text(session.base.tokenizer, p) for p in prompts]
        except DataError as error:
            log.warning("domain_left_out_of_harm_check", domain=name, reason=str(error))
    return found


def _judge(
    session: Session, domain: Domain, held_out: HeldOutSet, adapter: Path
) -> tuple[Verdict, dict[str, Measured]]:
    runtime = NeuronRuntime(session.base, session.registry)
    try:
        neurons = {"base": "base", "candidate": "candidate"}
        runtime.add("candidate", adapter)
        if incumbent := _incumbent(session, domain, runtime, adapter):
            neurons["incumbent"] = incumbent.ref
        gate = session.host.catalog.get("gates", session.config.gate)
        scorers = {name: session.host.catalog.get("scorers", name) for name in session.host.catalog.names("scorers")}

        def decide(given: GateInput) -> list[Check]:
            with session.host.blaming("gates", session.config.gate):
                return list(gate(given))

        with fast_activations(session.base.model):
            return judge(runtime, neurons, domain, held_out, session.config, decide, scorers, session.progress)
    finally:
        runtime.close()


def _incumbent(session: Session, domain: Domain, runtime: NeuronRuntime, adapter: Path) -> Entry | None:
    """Return the version that is current, if it is sound, of this base and not the candidate itself.

    A candidate that was published just before its run was killed must not have to be better than itself.
    """
    if domain.name not in session.registry.names() or "current" not in session.registry.aliases(domain.name):
        return None
    try:
        entry = session.registry.resolve(domain.name)
        if entry.card.base_digest != session.base.digest or entry.card.digest == content_digest(hash_files(adapter)):
            return None
        with runtime.neuron(entry.ref):
            return entry
    except NeuronRefused as error:  # publishing a sound one is how it is replaced
        log.warning("incumbent_refused", domain=domain.name, reason=str(error))
        return None


def _publish(session: Session, domain: Domain, adapter: Path, verdict: Verdict, identity: dict[str, Any]) -> Entry:
    figures = verdict.candidate.model_dump(include={"bits_per_byte", "quality", "divergence", "agreement"})
    entry = session.registry.publish(
        domain.name,
        adapter,
        CardFields(
            base=session.config.student,
            base_digest=session.base.digest,
            teacher=session.config.teacher,
            teacher_fingerprint=identity["teacher"],
            data_digest=identity["data"],
            config=identity["settings"],
            metrics={name: value for name, value in figures.items() if value is not None},
            verdict=verdict,
        ),
    )
    log.info("neuron_published", domain=domain.name, version=entry.version)
    session.host.emit("neuron_published", domain=domain.name, version=entry.version, path=entry.path)
    return entry


def _write_samples(folder: Path, held_out: HeldOutSet, measured: dict[str, Measured]) -> None:
    """Keep what each model answered, for people to read."""
    lines = []
    for place, prompt in enumerate(held_out.prompts[: len(measured["base"].answers)]):
        row: dict[str, Any] = {"prompt": [m.as_dict() for m in prompt.messages]}
        for role, m in measured.items():
            row[role] = {"answer": m.answers[place], "quality": round(m.quality[place], 4)}
        lines.append(json.dumps(row, ensure_ascii=False) + "\n")
    write_atomic(folder / "samples.jsonl", "".join(lines))


def run_name(config: DistillConfig, domains: Sequence[Domain]) -> str:
    """Return the default name of a run: the same command on the same data finds the same run again."""
    data = sorted((d.name, d.data_digest) for d in domains)
    return f"{config.preset}-{digest_of([config.model_dump(mode='json'), data])[:8]}"
