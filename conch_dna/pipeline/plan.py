"""The plan of a distillation: recipes, tokens, steps, memory, time and cost, without loading weights."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import Field, ValidationError

from conch_dna.config import steps_within
from conch_dna.data.batches import check_budget
from conch_dna.data.splits import split
from conch_dna.data.tokens import encode_answer, prompt_ids
from conch_dna.data.tool_form import student_turns
from conch_dna.domains.generation import drafts_of, generator_of
from conch_dna.errors import ConfigError, DataError, PluginError
from conch_dna.models import refs
from conch_dna.models.load import load_tokenizer
from conch_dna.pipeline.run_folder import list_runs
from conch_dna.records import CHOICES, Record, Sampling, StepReport
from conch_dna.teachers.answer_cache import CompletionCache
from conch_dna.teachers.api.estimate import Estimate, estimates, verdict_estimates
from conch_dna.teachers.references import parts_for
from conch_dna.train.memory_estimate import Drawn, drawn_at_once, estimate, preflight, read_shapes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from conch_dna.config import DistillConfig
    from conch_dna.domains.domain import Domain
    from conch_dna.domains.extract import AnswerExtractor
    from conch_dna.pipeline.setup import Setup
    from conch_dna.plugin.manager import PluginHost
    from conch_dna.plugin.protocols import Teacher
    from conch_dna.plugin.recipes import RecipePlan
    from conch_dna.records import Prompt
    from conch_dna.util.progress import Progress

SAMPLED = 64  # generated examples whose sizes stand for all


class DomainPlan(Record):
    """The plan of a run for one domain.

    :param recipes: the recipes that would train it, in order.
    :param reason: the reason for these recipes.
    :param minutes: of training, if they choose the steps.
    :param steps: optimizer steps of each recipe; under ``minutes`` estimated, 0 without earlier runs.
    :param rounds: a recipe may take these steps several times.
    :param examples: conversations in these steps.
    :param answered: training prompts whose answers are known and fit into ``max_length``; ``None`` for a live teacher.
    :param tokens: of all training prompts, with their answers where those are known.
    :param trained_tokens: of the answers; with a live teacher the maximum.
    :param longest: tokens of the longest example; with a live teacher the maximum.
    :param memory: estimated peak in bytes, by part and in all.
    :param refused: the reason why the settings do not suit the domain, or ``None``; the whole run is refused for it.
    :param fault: the fault of the domain's files, or ``None``; only this domain fails for it.
    :param seconds: of training, at the speed of earlier runs of this student and with all rounds of the recipes;
        without such runs those of ``minutes``, or ``None``.
    :param cost: of its answers and verdicts, for each teacher behind an API.
    """

    domain: str
    recipes: tuple[str, ...] = ()
    reason: str = ""
    train: int = 0
    held_out: int = 0
    minutes: float | None = None
    steps: int = 0
    rounds: bool = False
    examples: int = 0
    answered: int | None = None
    tokens: int = 0
    trained_tokens: int = 0
    longest: int = 0
    memory: dict[str, int] = Field(default_factory=dict)
    refused: str | None = None
    fault: str | None = None
    seconds: float | None = None
    cost: tuple[Estimate, ...] = ()


class Student(NamedTuple):
    """The student without its weights; ``speed`` is :func:`measured_speed`."""

    folder: Path
    tokenizer: Any
    speed: float | None


class Sizes(NamedTuple):
    """Tokens of one domain's training half; the fields are those of :class:`DomainPlan`."""

    answered: int | None
    tokens: int
    trained_tokens: int
    longest: int


def make_plan(setup: Setup, progress: Progress, *, estimates_time: bool = True) -> list[DomainPlan]:
    """Return the plan of each domain: from prompts, recorded answers, the student's tokenizer and its shapes.

    Only teachers that replay recordings are asked.

    :param progress: receives the download of the student.
    :param estimates_time: read earlier runs for their speed, and estimate the cost.
    :raises ModelError: the student cannot be found, fetched or read.
    """
    folder = refs.resolve(setup.config.student, progress.fetched)
    speed = measured_speed(setup.project.runs, setup.config.student) if estimates_time else None
    cache = CompletionCache.within(setup.api.cache) if estimates_time else None
    student = Student(folder, load_tokenizer(str(folder)), speed)
    found = []
    for domain in setup.chosen.values():
        try:
            plan, asked = _plan(setup, domain, student)
            found.append(plan.model_copy(update={"cost": _cost(setup, domain, asked, cache)}))
        except (DataError, PluginError) as error:
            found.append(DomainPlan(domain=domain.name, fault=str(error)))
    return found


def _plan(setup: Setup, domain: Domain, student: Student) -> tuple[DomainPlan, RecipePlan]:
    """Return the plan of one domain, and the joined plan of its recipes.

    :raises DataError: its recording is damaged, or another extractor's; it has too few prompts, or the chat template
        refuses one.
    :raises PluginError: its extractor raised.
    """
    config, teacher, choice = setup.config, setup.teachers[domain.name], setup.choices[domain.name]
    if isinstance(choice, DataError):
        raise choice
    longest = domain.settings.max_tokens
    prompts = len(split(domain.prompts, config.held_out).train)
    asked = choice.plan(config, teacher.capabilities, prompts, longest)
    parts = split(domain.prompts, config.held_out, 1 + (config.validates or asked.sets_apart))
    if "replay" in teacher.capabilities:
        sizes = _recorded_sizes(student.tokenizer, config, parts.train, teacher, setup.extractors[domain.name])
    else:
        sizes = _live_sizes(student.tokenizer, config, parts.train, max(longest, asked.room))
    if asked.text and not asked.soft:
        sizes = _with_generated(sizes, student.tokenizer, config, domain, setup.project.host)
    stay = parts_for(teacher, parts.train) if asked.live else ()
    beside = [folder for one, _ in stay if (folder := getattr(one, "folder", None))]
    drawn = drawn_at_once(asked.rows, asked.row_tokens)
    memory, refused = _memory(student.folder, config, max(1, sizes.longest), beside, asked.together, drawn)
    answers = len(parts.train) if sizes.answered is None else sizes.answered
    per_step, step_seconds = config.batch_size * config.accumulation, None
    if student.speed and answers:
        step_seconds = asked.rounds * per_step * sizes.trained_tokens / answers / student.speed
    steps, seconds = config.steps, None
    if config.minutes is not None:
        steps, seconds = steps_within(config.minutes, step_seconds) if step_seconds else 0, 60 * config.minutes
    if step_seconds:
        seconds = steps * step_seconds
    return DomainPlan(
        domain=domain.name, recipes=choice.names, reason=choice.reason, train=len(parts.train),
        held_out=len(parts.held_out), minutes=config.minutes, steps=steps, examples=steps * per_step, memory=memory,
        refused=refused, seconds=seconds, rounds=asked.rounds > len(choice.recipes), **sizes._asdict(),
    ), asked  # fmt: skip


def _cost(setup: Setup, domain: Domain, asked: RecipePlan, cache: CompletionCache | None) -> tuple[Estimate, ...]:
    """Return the cost of the answers and verdicts that the recipes need, for each teacher behind an API."""
    if cache is None:
        return ()
    teacher, found = setup.teachers[domain.name], []
    if asked.asks and "text" in teacher.capabilities:
        found += estimates(teacher, domain, domain.prompts, cache, CHOICES if asked.soft else 0)
    if asked.verdicts:
        train = split(domain.prompts, setup.config.held_out).train
        found += verdict_estimates(teacher, domain, train, asked.verdicts)
    return tuple(found)


def check_plan(plans: Sequence[DomainPlan]) -> None:
    """Refuse, before any weights are loaded, a run that cannot succeed.

    All domains share the settings, so settings that do not suit one domain refuse the run. A domain with faulty files
    fails later and the others are trained, unless all domains are faulty.

    :raises ConfigError: the settings do not suit a domain; each domain is named with the reason.
    :raises DataError: the files of every domain are faulty.
    """
    if refused := [(plan.domain, plan.refused) for plan in plans if plan.refused]:
        raise ConfigError("; ".join(f"domain {domain}: {reason}" for domain, reason in refused))
    faults = [plan.fault for plan in plans if plan.fault]
    if plans and len(faults) == len(plans):
        raise DataError("; ".join(faults))


def measured_speed(runs: Path, student: str) -> float | None:
    """Return the trained tokens per second of all earlier steps of this student, or ``None`` without any."""
    tokens, seconds = 0, 0.0
    for run in list_runs(runs):
        if run.about().get("config", {}).get("student") != student:
            continue
        # One recipe works in the domain's folder, several in folders below it, and rounds in folders below these.
        for file in run.path.rglob("metrics.jsonl"):
            for report in _reports(file):
                tokens += report.tokens
                seconds += report.seconds
    return tokens / seconds if seconds else None


def _reports(file: Path) -> Iterable[StepReport]:
    """Yield the complete lines of a file of metrics; a kill may have cut off the last one."""
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            yield StepReport.model_validate_json(line)
        except ValidationError:
            continue


def _live_sizes(tokenizer: Any, config: DistillConfig, prompts: Sequence[Prompt], most: int) -> Sizes:
    """Count the tokens of the prompts, and assume the maximum length for the answers."""
    lengths = [len(prompt_ids(tokenizer, student_turns(p))) for p in prompts]
    return Sizes(None, sum(lengths), most * len(prompts), min(config.max_length, max(lengths) + most))


def _recorded_sizes(
    tokenizer: Any, config: DistillConfig, prompts: Sequence[Prompt], teacher: Teacher, extractor: AnswerExtractor
) -> Sizes:
    """Count the tokens of the conversations with the recorded final answers."""
    by_digest = {p.digest: p for p in prompts}
    fitting = []
    for answer in teacher.generate(prompts, Sampling()):
        final = extractor.final(answer) if answer.finish_reason == "stop" else None
        if final is None:
            continue
        example = encode_answer(tokenizer, by_digest[answer.prompt], final.text)
        if len(example.ids) <= config.max_length:
            fitting.append(example)
    longest = max((len(e.ids) for e in fitting), default=0)
    return Sizes(len(fitting), sum(len(e.ids) for e in fitting), sum(sum(e.trained) for e in fitting), longest)


def _with_generated(sizes: Sizes, tokenizer: Any, config: DistillConfig, domain: Domain, host: PluginHost) -> Sizes:
    """Return the sizes of the mixture of written and generated examples, from a sample of the latter."""
    generator, settings = generator_of(host.catalog, domain), domain.settings
    if generator is None or settings.generate is None or not sizes.tokens:
        return sizes
    with host.blaming("generators", generator.name):
        drafts = list(islice(drafts_of(domain, generator.make, config.seed), SAMPLED))
    encoded = [encode_answer(tokenizer, draft.prompt, draft.answer) for draft in drafts]
    fitting = [example for example in encoded if len(example.ids) <= config.max_length]
    if not fitting:
        return sizes
    share, scale = settings.generate.share, (sizes.answered or 1) / len(fitting)
    return Sizes(
        sizes.answered,
        round((1 - share) * sizes.tokens + share * scale * sum(len(e.ids) for e in fitting)),
        round((1 - share) * sizes.trained_tokens + share * scale * sum(sum(e.trained) for e in fitting)),
        max(sizes.longest, *(len(e.ids) for e in fitting)),
    )


def _memory(
    folder: Path, config: DistillConfig, longest: int, beside: Sequence[Path], together: int, drawn: Drawn
) -> tuple[dict[str, int], str | None]:
    """Return the estimated peak, by part and in total, and the reason if the settings are refused.

    :param beside: the folders of teachers that stay loaded while the student trains.
    :param together: examples that a recipe keeps together in one forward pass.
    :param drawn: the answers that the student draws at once.
    """
    refused = None
    try:
        check_budget({"the longest example": longest}, config, together)
        found = preflight(folder, config, longest, beside, together, drawn)
    except ConfigError as error:
        refused = str(error)
        found = estimate(read_shapes(folder), config, longest, [*map(read_shapes, beside)], together, drawn)
    return {**found.parts(), "total": found.total}, refused
