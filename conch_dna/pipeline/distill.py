"""Distil the chosen domains, each from its prompts to a published neuron."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import structlog
from filelock import Timeout

from conch_dna.config import RecipeSettings
from conch_dna.data.alora import invocation_tokens_of
from conch_dna.data.splits import split
from conch_dna.domains.extract import as_answered
from conch_dna.errors import BudgetReached, ConchError, DiskError, Interrupted, PluginError, TrainingError
from conch_dna.models import refs
from conch_dna.models.load import LoadedModel, load
from conch_dna.pipeline.evaluate import evaluate, write_evaluation
from conch_dna.pipeline.held_out import generated_prompts
from conch_dna.pipeline.prepare import Preparation, Prepared
from conch_dna.pipeline.publish import publish
from conch_dna.pipeline.recipe_choice import RecipeChoice, choose_recipes, machine_memory
from conch_dna.pipeline.run_folder import refuse_second
from conch_dna.pipeline.steps import as_begun, settled
from conch_dna.pipeline.warm_start import WarmStart, find_warm_start, start_digest
from conch_dna.pipeline.workers import Workers
from conch_dna.plugin.trackers import Listener, Trackers
from conch_dna.records import DomainResult, StepReport, Summary
from conch_dna.registry.store import Registry
from conch_dna.teachers.references import in_one_line
from conch_dna.train.checkpoint import check_resumable
from conch_dna.train.lora import lora_parameters
from conch_dna.train.recipes.base import RecipeContext, RecipeResult
from conch_dna.train.recipes.sequence import run_recipes
from conch_dna.util.interrupts import raise_if_interrupted

if TYPE_CHECKING:
    from collections.abc import Generator

    from conch_dna.data.splits import Split
    from conch_dna.domains.domain import Domain
    from conch_dna.evaluation.gate import BaseFits
    from conch_dna.pipeline.evaluate import Evaluation
    from conch_dna.pipeline.run_folder import Run
    from conch_dna.pipeline.setup import Setup
    from conch_dna.plugin.protocols import Teacher
    from conch_dna.plugin.recipes import RecipePlan
    from conch_dna.util.progress import Progress

AT_BUDGET = "stopped at the budget"
log = structlog.get_logger()


@dataclass
class Distillation:
    """The work of one command on its domains.

    :param base_fits: fits of the base to held-out prompts; domains that share prompts measure them once.
    """

    setup: Setup
    run: Run
    registry: Registry
    progress: Progress
    trackers: Listener
    base_fits: BaseFits = field(default_factory=dict)

    @cached_property
    def base(self) -> LoadedModel:
        """The student's base, loaded once on first use."""
        return load(self.setup.config.student, self.progress.fetched)

    def teacher_name(self, domain: Domain) -> str:
        """Return a domain's teachers in one line."""
        return in_one_line(self.setup.references(domain))

    def results(self, jobs: int) -> Generator[DomainResult]:
        """Yield the result of each chosen domain when it is there, as :meth:`of` returns it.

        :param jobs: how many domains are distilled at once. If several, each is in a process of its own, the last one
            too: with other threads, a resumed run could differ from an undisturbed one in the last bits.
        """
        domains = self.setup.chosen.values()
        if jobs == 1:
            yield from map(self.of, domains)
            return
        left = []
        for domain in domains:
            with contextlib.suppress(ConchError):  # its process reports it
                if done := self._done(domain):
                    yield done
                    continue
            left.append(domain)
        yield from Workers(self.setup, self.run, self.progress, self.trackers, jobs).results(left)

    def of(self, domain: Domain) -> DomainResult:
        """Distil one domain, or return its earlier result if that is still valid. An error becomes its result.

        :raises BudgetReached: the next call could cost more than the budget has left.
        :raises OSError: the disk cannot be read or written.
        :raises PluginError: a plug-in failed; under the host's ``strict`` only.
        """
        started = time.perf_counter()
        host = self.setup.project.host
        try:
            if done := self._done(domain):
                return done
            result = self._distilled(domain)
        except ConchError as error:
            if isinstance(error, BudgetReached) or (isinstance(error, PluginError) and host.strict):
                raise
            log.error("domain_failed", domain=domain.name, reason=str(error))  # noqa: TRY400 - no traceback for a user's fault
            result = DomainResult(domain=domain.name, state="failed", error=str(error))
        except OSError:  # the disk fails the other domains too
            raise
        except Exception as error:  # the other domains go on
            fault = f"internal error: {type(error).__name__}: {' '.join(str(error).split())}"
            log.exception("domain_failed", domain=domain.name, reason=fault)
            result = DomainResult(domain=domain.name, state="failed", error=fault)
        result = result.model_copy(
            update={"seconds": time.perf_counter() - started, "finished_at": datetime.now(UTC).isoformat()}
        )
        self.run.save_result(result)
        return result

    def _done(self, domain: Domain) -> DomainResult | None:
        """Return the earlier result if prompts, teacher, base and start are the same and its neuron is published."""
        result, config = self.run.result(domain.name), self.setup.config
        if result is None or result.state == "failed" or result.domain_digest != domain.digest:
            return None
        teacher = self.setup.teacher(domain, lambda: self.base).fingerprint
        base = refs.digest(refs.resolve(config.student))
        start = start_digest(config.start, self.run.folder(domain.name))
        if (result.teacher_fingerprint, result.base_digest, result.start_digest) != (teacher, base, start):
            return None
        if result.state == "published":
            try:
                entry = self.registry.resolve(f"{domain.name}@{result.version}")
            except ConchError:
                return None
            if entry.card.digest != result.digest:
                return None
        return result

    def _distilled(self, domain: Domain) -> DomainResult:
        """Ask the teacher, train, evaluate, and publish the neuron if it passed."""
        config, folder = self.setup.config, self.run.folder(domain.name)
        start = find_warm_start(config.start, domain.name, folder, self.base, self.registry)
        teacher = self.setup.teacher(domain, lambda: self.base)
        try:
            identity = self._identity(teacher, start)
            # Before the teacher is paid for answers that the run cannot use.
            check_resumable(folder, {**identity, "settings": as_begun(config, folder).flat()})
            choice = choose_recipes(
                self.setup.project.host.catalog, config, self.setup.references(domain), teacher.capabilities,
                machine_memory(), extracts=domain.settings.extract is not None,
            )  # fmt: skip
            log.info("recipes_chosen", domain=domain.name, recipes=choice.names, reason=choice.reason)
            parts = split(domain.prompts, config.held_out)
            plan = self._plan(choice, teacher, domain, parts)
            prepared = self._prepared(domain, teacher, parts, plan)
            context = settled(self._context(domain, teacher, prepared, identity, start), prepared, plan)
            if not plan.live:
                teacher.close()
            trained = self._trained(choice, context)
        finally:
            teacher.close()
            self.setup.api.write_metrics(domain.name, folder / "metrics.jsonl")
        raise_if_interrupted()
        evaluation = evaluate(
            self.base, self.registry, self._as_answered(domain), prepared.held_out, trained.adapter, config=config,
            host=self.setup.project.host, cache=self.setup.api.cache, base_fits=self.base_fits,
            progress=self.progress,
        )  # fmt: skip
        write_evaluation(folder, prepared.held_out, evaluation)
        result = _result(domain, choice, context, len(prepared.held_out.prompts), trained, evaluation)
        if not evaluation.verdict.passed:
            return result
        raise_if_interrupted()
        entry = publish(  # last of all: nothing fails after it
            self.registry, domain, trained.adapter, evaluation.verdict, base_ref=config.student, base=self.base,
            teacher=self.teacher_name(domain), identity=context.identity,
        )  # fmt: skip
        self.trackers.emit("neuron_published", domain=domain.name, version=entry.version, path=entry.path)
        return result.model_copy(
            update={
                "state": "published", "version": entry.version, "digest": entry.card.digest, "adapter": str(entry.path)
            }
        )  # fmt: skip

    def _identity(self, teacher: Teacher, start: WarmStart | None) -> dict[str, Any]:
        """Return the part of the identity that a resume compares and that is known before the teacher is asked."""
        return {
            "base": self.base.digest,
            "teacher": teacher.fingerprint,
            "start_digest": start.digest if start else None,
            "settings": self.setup.config.flat(),
        }

    def _plan(self, choice: RecipeChoice, teacher: Teacher, domain: Domain, parts: Split) -> RecipePlan:
        """Return the joined plan of the recipes.

        :raises ConfigError: the settings do not suit the base; before the teacher is asked.
        """
        config = self.setup.config
        lora_parameters(self.base.model, config)
        if config.activated:
            invocation_tokens_of(self.base.tokenizer)
        return choice.plan(config, teacher.capabilities, len(parts.train), domain.settings.max_tokens)

    def _prepared(self, domain: Domain, teacher: Teacher, parts: Split, plan: RecipePlan) -> Prepared:
        setup = self.setup
        preparation = Preparation(
            self.base, setup.config, domain, teacher, self.teacher_name(domain), setup.extractors[domain.name],
            setup.api.cache, self.progress, setup.project.host,
            generated_prompts(setup.project.host, domain, setup.config.gate_generated),
        )  # fmt: skip
        others = [setup.known[name] for name in sorted(setup.known) if name != domain.name]
        return preparation.prepared(parts, plan, others)

    def _as_answered(self, domain: Domain) -> Domain:
        """Return the domain with the final answers in its examples, as its neuron answers it."""
        return as_answered(domain, self.setup.extractors[domain.name])

    def _context(
        self, domain: Domain, teacher: Teacher, prepared: Prepared, identity: dict[str, Any], start: WarmStart | None
    ) -> RecipeContext[RecipeSettings]:
        """Return the context of all recipes, without the number of their steps."""

        def on_step(report: StepReport) -> None:
            self.trackers.emit("step_finished", run_dir=self.run.path, domain=domain.name, report=report)

        folder = self.run.folder(domain.name)
        return RecipeContext(
            self.base, self.setup.config, RecipeSettings(), self.setup.project.host, self._as_answered(domain),
            prepared.training_set, teacher, identity, folder, self.progress, on_step, start.path if start else None,
        )  # fmt: skip

    def _trained(self, choice: RecipeChoice, context: RecipeContext[RecipeSettings]) -> RecipeResult:
        """Run the recipes.

        :raises TrainingError: no recipe took a step, so the adapter would be the one that training started from.
        """
        trained = run_recipes(choice.recipes, context)
        if not trained.reports:  # every candidate had the same score
            raise TrainingError(
                "no step was trained: no candidate is better than the others of its prompt",
                where=f"domain {context.domain.name}",
                next_step="Raise candidates or candidate_temperature, or leave `start` out",
            )
        return trained


def _result(
    domain: Domain,
    choice: RecipeChoice,
    context: RecipeContext[RecipeSettings],
    held_out: int,
    trained: RecipeResult,
    evaluation: Evaluation,
) -> DomainResult:
    """Return the result of one domain before its neuron is published.

    :param held_out: number of held-out prompts.
    """
    reports, training_set, identity = trained.reports, context.training_set, context.identity
    tokens, seconds = sum(r.tokens for r in reports), sum(r.seconds for r in reports)
    return DomainResult(
        domain=domain.name,
        state="gate_failed",
        recipes=choice.names,
        domain_digest=domain.digest,
        verdict=evaluation.verdict,
        train_prompts=len(training_set.examples) or len(training_set.prompts),
        held_out_prompts=held_out,
        no_final_answer=training_set.missing,
        steps=len(reports),
        kd_loss=reports[-1].kd,
        ce_loss=reports[-1].ce,
        combined_loss=reports[-1].loss,
        teacher_fingerprint=identity["teacher"],
        base_digest=identity["base"],
        start_digest=identity["start_digest"],
        tokens=tokens,
        tokens_per_second=tokens / seconds,
        peak_memory=max(r.peak_memory for r in reports),
        adapter=str(trained.adapter),
    )


def distill_all(setup: Setup, run: Run, progress: Progress, jobs: int = 1) -> Summary:
    """Distil each chosen domain; a domain that fails does not stop the others.

    :param jobs: how many domains are distilled at once, each in a process of its own if there are several.
    :raises Interrupted: by Ctrl-C; everything done so far is kept.
    :raises RegistryError: another process works on the same run.
    :raises DiskError: the disk is full, or refuses to be read or written.
    :raises BudgetReached: the next call could cost more than the budget has left; everything done so far is kept.
    """
    started = time.perf_counter()
    host, config, order = setup.project.host, setup.config, list(setup.chosen)
    try:
        with run.lock(), Trackers(host, config.tracker) as trackers:
            work = Distillation(setup, run, Registry(setup.project.registry), progress, trackers)
            run.begin(config, order)
            trackers.emit("run_started", run_dir=run.path, config=config, domains=order)
            teachers = dict.fromkeys(map(work.teacher_name, setup.chosen.values()))
            summary = Summary(
                run=run.name, student=config.student, teacher="; ".join(teachers), preset=config.preset, results=(),
                seconds=0.0,
            )  # fmt: skip
            try:
                with contextlib.closing(work.results(jobs)) as found:
                    for result in found:
                        progress.ended(result.domain)
                        results = sorted((*summary.results, result), key=lambda one: order.index(one.domain))
                        summary = summary.model_copy(
                            update={"results": tuple(results), "seconds": time.perf_counter() - started}
                        )
            except BudgetReached:
                run.save_summary(summary.model_copy(update={"stopped": AT_BUDGET}))
                raise
            run.save_summary(summary)
            trackers.emit("run_finished", run_dir=run.path, summary=summary)
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
            next_step="Free space or fix it, and run the same command again; finished work is kept",
        ) from error
    return summary
