"""The Python API: the commands ``distill``, ``distill --dry-run`` and ``record`` as functions that return records."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from conch_dna.domains.discovery import check_own
from conch_dna.domains.extract import AnswerExtractor
from conch_dna.errors import ConfigError
from conch_dna.evaluation.scoring import refuse_withheld
from conch_dna.models import accel
from conch_dna.pipeline.project import Project, open_project
from conch_dna.pipeline.record import record_answers
from conch_dna.pipeline.run_name import run_of
from conch_dna.pipeline.selection import domain_named, own_domain
from conch_dna.pipeline.setup import Setup, set_up
from conch_dna.records import Sampling
from conch_dna.teachers.answer_cache import CompletionCache
from conch_dna.teachers.references import make_teacher
from conch_dna.util.log import configure
from conch_dna.util.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conch_dna.domains.recordings import RecordingCard
    from conch_dna.pipeline.plan import DomainPlan
    from conch_dna.pipeline.run_folder import Run
    from conch_dna.records import Summary


class Recorded(NamedTuple):
    """The file of a recording, and its card."""

    path: Path
    card: RecordingCard


def distill(
    *domains: str,
    project: Project | Path | str = ".",
    all_domains: bool = False,
    prompts: Path | str | None = None,
    name: str | None = None,
    run: str | None = None,
    budget: str | None = None,
    base_url: str | None = None,
    jobs: int | None = 1,
    progress: Progress | None = None,
    **settings: Any,
) -> Summary:
    """Train one neuron for each domain, judge it on held-out prompts, and publish it if it passes.

    A second call after a stop resumes, and skips the domains that are done. A domain that fails, or does not pass its
    gate, is a result with that state, not an exception.

    :param project: the project's folder, or a folder inside it.
    :param all_domains: every known domain, instead of names.
    :param prompts: a JSON-lines file of prompts to train on as the domain ``name``, instead of names.
    :param run: the name of the run folder; by default it is made from settings and data.
    :param budget: most USD that the project may ever spend on API teachers.
    :param base_url: the endpoint of the ``teacher``.
    :param jobs: how many domains are distilled at once, each in a process of its own if there are several, which loads
        the project's plug-ins again; ``None`` for as many as suit the machine.
    :param progress: receives stages and steps.
    :param settings: as in ``[distill]`` of ``conch.toml``; a recipe's table is a mapping under its name.
    :raises ConfigError: a setting is wrong, does not suit a domain, or training would not fit into memory.
    :raises UnknownName: a domain or plug-in does not exist.
    :raises DataError: a named domain is faulty, or all are.
    :raises BudgetReached: the next call could cost more than the budget has left; everything done so far is kept.
    :raises Interrupted: by Ctrl-C; everything done so far is kept.
    """
    setup = set_up(
        _opened(project), domains, all_=all_domains, own=own_domain(prompts, name), budget=budget, base_url=base_url,
        settings=settings,
    )  # fmt: skip
    return run_setup(setup, run_of(setup, run), progress or Progress(), jobs)


def plan(
    *domains: str,
    project: Project | Path | str = ".",
    all_domains: bool = False,
    prompts: Path | str | None = None,
    name: str | None = None,
    budget: str | None = None,
    base_url: str | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> list[DomainPlan]:
    """Return what :func:`distill` would do, with its memory, time and cost. No weights are loaded, no API is asked.

    Parameters and errors are those of :func:`distill`. If the settings would be refused for a domain, its plan has the
    reason in ``refused``; if the domain's files are faulty, in ``fault``.
    """
    setup = set_up(
        _opened(project), domains, all_=all_domains, own=own_domain(prompts, name), budget=budget, base_url=base_url,
        offline=True, settings=settings,
    )  # fmt: skip
    return plan_setup(setup, progress or Progress())


def record(
    domain: str,
    teacher: str,
    *,
    project: Project | Path | str = ".",
    require: Mapping[str, float] | None = None,
    temperature: float = 0.0,
    seed: int = 0,
    top_log_probs: int = 0,
    budget: str | None = None,
    base_url: str | None = None,
    progress: Progress | None = None,
) -> Recorded:
    """Ask a teacher every prompt of a project's domain, and keep the good answers in its ``recorded/`` folder.

    Answers are cached as they arrive, so a second call after a stop resumes.

    :param teacher: the teacher's reference, such as ``llamacpp:big.gguf``.
    :param require: the least score of each scorer that an answer must reach; by default none.
    :param temperature: of the teacher's sampling; 0 is greedy.
    :param top_log_probs: the most probable tokens of each position to keep as soft targets.
    :raises ConfigError: a requirement is not between 0 and 1, or a scorer does not work on this machine.
    :raises UnknownName: the domain, the teacher or a scorer does not exist.
    :raises DataError: the domain is not the project's own, or no answer was kept.
    """
    accel.switch_on()  # a teacher may import mlx
    opened, progress = _opened(project), progress or Progress()
    chosen = domain_named(opened, domain)
    if chosen.folder is not None:
        check_own(chosen.folder, opened.folder)
    required = dict(require or {})
    if wrong := {scorer: least for scorer, least in required.items() if not 0 <= least <= 1}:
        raise ConfigError("not a requirement", where="require", got=wrong, allowed="from 0 to 1")
    scorers = {scorer: opened.host.catalog.get("scorers", scorer) for scorer in required}
    for name, scorer in scorers.items():
        refuse_withheld(name, scorer, "require")
    extractor = AnswerExtractor(opened.host, chosen)
    api = opened.api_context(teacher, budget, base_url)
    api.note, cache = progress.note, CompletionCache.within(api.cache)
    asked = make_teacher(opened.host, teacher, chosen, api=api)
    sampling = Sampling(
        max_tokens=chosen.settings.max_tokens, temperature=temperature, seed=seed, top_log_probs=top_log_probs
    )
    try:
        progress.stage(domain, f"recording {teacher.partition(':')[0]}", len(chosen.prompts))
        return Recorded(
            *record_answers(chosen, asked, teacher, sampling, scorers, required, cache, extractor, progress.advance)
        )
    finally:
        asked.close()


def run_setup(setup: Setup, run: Run, progress: Progress, jobs: int | None) -> Summary:
    """Check the plan of a distillation that is set up, then train, evaluate and publish.

    :param jobs: how many domains are distilled at once; ``None`` for as many as suit the machine.
    """
    accel.switch_on()  # before the first import of mlx
    from conch_dna.pipeline.distill import distill_all  # imports mlx
    from conch_dna.pipeline.plan import check_plan, make_plan
    from conch_dna.pipeline.workers import jobs_for

    setup.api.note = progress.note
    plans = make_plan(setup, progress, estimates_time=False)
    check_plan(plans)
    return distill_all(setup, run, progress, jobs_for(setup, plans, jobs))


def plan_setup(setup: Setup, progress: Progress) -> list[DomainPlan]:
    """Return the plan of a distillation that is set up."""
    accel.switch_on()  # before the first import of mlx
    from conch_dna.pipeline.plan import make_plan  # imports mlx

    return make_plan(setup, progress)


def _opened(project: Project | Path | str) -> Project:
    """Open the project. Log events go to stderr, unless the caller has configured structlog otherwise."""
    if not structlog.is_configured():  # structlog's default is stdout, which belongs to the caller's results
        configure()
    return project if isinstance(project, Project) else open_project(project)
