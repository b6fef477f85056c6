"""One domain from prompts to a published neuron, and all domains in a row."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog
from filelock import Timeout

from conch_dna.data.alora import invocation_tokens_of
from conch_dna.data.splits import split
from conch_dna.errors import BudgetReached, ConchError, DataError, DiskError, Interrupted, PluginError, TrainingError
from conch_dna.models import refs
from conch_dna.pipeline.prepare import prepare
from conch_dna.pipeline.publish import judge_candidate, publish, write_samples
from conch_dna.pipeline.recipe_choice import choose, machine_memory
from conch_dna.pipeline.run_folder import refuse_second
from conch_dna.pipeline.warm_start import find_warm_start, start_digest
from conch_dna.records import DomainResult, Summary, digest_of
from conch_dna.teachers.references import parts_for, references
from conch_dna.train.checkpoint import check_resumable
from conch_dna.train.lora import lora_parameters
from conch_dna.train.recipes.supervised import RecipeContext, run_recipes
from conch_dna.util.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conch_dna.config import DistillConfig
    from conch_dna.domains.domain import Domain
    from conch_dna.evaluation.gate import HeldOutSet
    from conch_dna.pipeline.context import Session
    from conch_dna.pipeline.warm_start import WarmStart
    from conch_dna.plugin.protocols import Teacher
    from conch_dna.records import StepReport
    from conch_dna.train.recipes.supervised import RecipeResult

AT_BUDGET = "stopped at the budget"
log = structlog.get_logger()


def distill_all(session: Session, names: Sequence[str]) -> Summary:
    """Distil each of ``names``; a domain that fails does not keep the others from going on.

    :raises Interrupted: by Ctrl-C; everything done so far is kept.
    :raises RegistryError: another process works on the same run.
    :raises DiskError: the disk is full, or refuses to be read or written.
    :raises BudgetReached: the next call could cost more than the budget has left; everything done so far is kept.
    """
    started = time.perf_counter()
    run, config = session.run, session.config
    try:
        with run.lock():
            run.begin(config, list(names))
            session.host.emit("run_started", run_dir=run.path, config=config, domains=list(names))
            teachers = dict.fromkeys(session.teacher_name(session.domains[name]) for name in names)
            summary = Summary(
                run=run.name, student=config.student, teacher="; ".join(teachers), preset=config.preset, results=(),
                seconds=0.0,
            )  # fmt: skip
            try:
                for name in names:
                    result = _one(session, session.domains[name])
                    summary = summary.model_copy(
                        update={"results": (*summary.results, result), "seconds": time.perf_counter() - started}
                    )
            except BudgetReached:
                run.save_summary(summary.model_copy(update={"stopped": AT_BUDGET}))
                raise
            run.save_summary(summary)
            session.host.emit("run_finished", run_dir=run.path, summary=summary)
    except Timeout as error:
        raise refuse_second(run) from error
    except KeyboardInterrupt as error:
        raise Interrupted(
            "stopped; nothing is lost", where=run.path, next_step="Run the same command again to go on"
        ) from error
    except ConchError:
        raise
    except OSError as error:
        raise DiskError(
            f"cannot write or read: {error.strerror or error}",
            where=error.filename or run.path,
            next_step="Make room or mend it, and run the same command again; what is done is kept",
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
        if isinstance(error, BudgetReached) or (isinstance(error, PluginError) and session.host.strict):
            raise
        log.error("domain_failed", domain=domain.name, reason=str(error))  # noqa: TRY400 - a user's fault has no traceback
        result = DomainResult(domain=domain.name, state="failed", error=str(error))
    except OSError:  # the disk fails the other domains too
        raise
    except Exception as error:  # the domains after this one still have their turn
        fault = f"internal error: {type(error).__name__}: {' '.join(str(error).split())}"
        log.exception("domain_failed", domain=domain.name, reason=fault)
        result = DomainResult(domain=domain.name, state="failed", error=fault)
    result = result.model_copy(
        update={"seconds": time.perf_counter() - started, "finished_at": datetime.now(UTC).isoformat()}
    )
    session.run.save_result(result)
    return result


def _done(session: Session, domain: Domain) -> DomainResult | None:
    """Return an earlier result that still holds: same prompts, teacher and start, and in the registry if published."""
    result = session.run.result(domain.name)
    if result is None or result.state == "failed" or result.domain_digest != domain.digest:
        return None
    teacher = session.teacher(domain).fingerprint
    if (result.teacher_fingerprint, result.base_digest) != (teacher, refs.digest(refs.resolve(session.config.student))):
        return None
    if result.start_digest != start_digest(session, domain):
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
    """Ask the teacher, train, judge, and publish what passed."""
    config, folder = session.config, session.run.folder(domain.name)
    start = find_warm_start(session, domain)
    teacher = session.teacher(domain)
    try:
        check_resumable(folder, _origin(session, teacher, start))  # another teacher would be paid in vain
        named = references(config, domain, session.routes)
        extracts = domain.settings.extract is not None
        mode = choose(config, named, teacher.capabilities, machine_memory(), extracts=extracts)
        log.info("mode_chosen", domain=domain.name, recipes=mode.recipes, reason=mode.reason)
        fingerprint = teacher.fingerprint
        learnt, held_out, lesson = _learn(session, domain, teacher, mode.recipes, start)
    finally:
        teacher.close()
        if session.api is not None:
            session.api.write_metrics(domain.name, folder / "metrics.jsonl")
    verdict, measured = judge_candidate(session, session.answered(domain), held_out, learnt.adapter)
    write_samples(folder, held_out, measured)
    write_atomic(folder / "verdict.json", verdict.model_dump_json(indent=2) + "\n")
    reports, material = learnt.reports, lesson.material
    result = DomainResult(
        domain=domain.name,
        state="gate_failed",
        recipes=mode.recipes,
        domain_digest=domain.digest,
        base_digest=session.base.digest,
        teacher_fingerprint=fingerprint,
        start_digest=start.digest if start else None,
        verdict=verdict,
        train_prompts=len(material.examples) or len(material.prompts),
        held_out_prompts=len(held_out.prompts),
        no_final_answer=material.missing,
        steps=len(reports),
        kd_loss=reports[-1].kd,
        ce_loss=reports[-1].ce,
        combined_loss=reports[-1].loss,
        tokens=sum(r.tokens for r in reports),
        tokens_per_second=sum(r.tokens for r in reports) / sum(r.seconds for r in reports),
        peak_memory=max(r.peak_memory for r in reports),
        adapter=str(learnt.adapter),
    )
    if not verdict.passed:
        return result
    entry = publish(session, domain, learnt.adapter, verdict, lesson.identity)  # last of all: nothing fails after it
    return result.model_copy(
        update={"state": "published", "version": entry.version, "digest": entry.card.digest, "adapter": str(entry.path)}
    )


def _origin(session: Session, teacher: Teacher, start: WarmStart | None) -> dict[str, Any]:
    """Return what a resume must find unchanged, as far as it is known before anybody is asked."""
    return {
        "base": session.base.digest,
        "teacher": teacher.fingerprint,
        "start_digest": start.digest if start else None,
        "settings": json.loads(session.config.model_dump_json()),
    }


def _learn(
    session: Session, domain: Domain, teacher: Teacher, recipes: Sequence[str], start: WarmStart | None
) -> tuple[RecipeResult, HeldOutSet, RecipeContext]:
    """Prepare the material and run the recipes; a teacher that only answers is let go of before training.

    :raises TrainingError: no recipe took a step, so that the adapter would be the one that was started from.
    """
    config = session.config
    lora_parameters(session.base.model, config)  # keys that this base lacks would be found out after the teacher's work
    if config.activated:
        invocation_tokens_of(session.base.tokenizer)  # so would a base that has none
    material, held_out = prepare(session, domain, teacher, split(domain.prompts, config.held_out), recipes)
    identity = {**_origin(session, teacher, start), "data": material.digest}
    if not {"on_policy", "preference"} & set(recipes):
        teacher.close()

    def on_step(report: StepReport) -> None:
        session.host.emit("step_finished", domain=domain.name, report=report)

    lesson = RecipeContext(
        session.base, config, session.host, session.answered(domain), material, teacher, identity,
        session.run.folder(domain.name), session.progress, on_step, start.path if start else None,
    )  # fmt: skip
    learnt = run_recipes(recipes, lesson)
    if not learnt.reports:  # best_of_n found nothing in the answers of what it started from
        raise TrainingError(
            "nothing was learnt: no candidate is better than the others of its prompt",
            where=f"domain {domain.name}", next_step="Raise candidates or candidate_temperature, or leave `start` out",
        )  # fmt: skip
    return learnt, held_out, lesson


def run_name(
    config: DistillConfig,
    domains: Sequence[Domain],
    routes: Mapping[str, str] | None = None,
    teachers: Mapping[str, Teacher] | None = None,
) -> str:
    """Return the default name of a run: the same command on the same data finds the same run again.

    :param teachers: by domain, without those of domains that cannot be trained, which need not be probed; what they
        replay is data, and a new recording makes another run.
    """
    about: list[Any] = [config.model_dump(mode="json"), sorted((d.name, d.data_digest) for d in domains)]
    if routes:
        about.append(dict(routes))
    if extracts := sorted((d.name, d.settings.extract.digest) for d in domains if d.settings.extract):
        about.append(extracts)
    known = [(d, teachers[d.name]) for d in domains if d.name in teachers] if teachers else []
    if replayed := {d.name: found for d, teacher in known if (found := _replayed(d, teacher))}:
        about.append(replayed)
    return f"{config.preset}-{digest_of(about)[:8]}"


def _replayed(domain: Domain, teacher: Teacher) -> list[str]:
    """Return the fingerprints of the recordings that answer a domain; a damaged one fails its domain later."""
    try:
        parts = [part for part, _ in parts_for(teacher, domain.prompts)]
        return [part.fingerprint for part in parts if "replay" in part.capabilities]
    except DataError:
        return []
