"""The output of ``conch distill --dry-run``: settings, recipes, tokens, memory, time and cost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from conch_dna.teachers.api.estimate import in_one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conch_dna.config import DistillConfig
    from conch_dna.pipeline.plan import DomainPlan


def show_plan(config: DistillConfig, plans: Sequence[DomainPlan], as_json: bool, jobs: int = 1) -> None:
    """Print settings and plans on stdout.

    :param jobs: how many domains would be distilled at once.
    """
    settings = config.flat()
    if as_json:
        found = {"config": settings, "jobs": jobs, "domains": [p.model_dump(mode="json") for p in plans]}
        click.echo(json.dumps(found, indent=2))
        return
    for key, value in settings.items():
        click.echo(f"{key:>22}  {value}")
    for plan in plans:
        click.echo("\n".join(_lines(plan, config)))
    if jobs > 1:
        click.echo(f"{jobs} domains at once, each in a process of its own")


def _lines(plan: DomainPlan, config: DistillConfig) -> list[str]:
    if plan.fault is not None:
        return [f"{plan.domain}: faulty files: {plan.fault}"]
    bound = "" if plan.answered is not None else "at most "
    rounds = "at most " if plan.rounds else bound  # a round without gain is the last
    answered = "no answers yet" if plan.answered is None else f"{plan.answered} prompts answered"
    time = "unknown: no earlier run of this student" if plan.seconds is None else f"{rounds}{_duration(plan.seconds)}"
    lines = [
        f"{plan.domain}: {plan.train} prompts to train on, {plan.held_out} held out, {_steps(plan, config)}",
        f"    mode    {', '.join(plan.recipes)}: {plan.reason}",
        f"    tokens  {plan.tokens}, {answered}; trained {bound}{plan.trained_tokens}; longest {bound}{plan.longest}",
        f"    memory  {plan.memory['total'] / 1e9:.2f} GB estimated",
        f"    time    {time}",
    ]
    lines += [f"    cost    {in_one_line(plan.cost)}"] if plan.cost else []
    return lines if plan.refused is None else [*lines, f"    refused {plan.refused}"]


def _steps(plan: DomainPlan, config: DistillConfig) -> str:
    per_step = config.batch_size * config.accumulation
    if plan.minutes is None:
        return f"{plan.steps} steps of {per_step}"
    if not plan.steps:
        return f"as many steps of {per_step} as fit into {plan.minutes:g} minutes"
    return f"about {plan.steps} steps of {per_step}, in {plan.minutes:g} minutes"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
