"""Resolve and check everything a distillation names before any work begins."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conch_dna.cli.app import App
from conch_dna.errors import ConfigError, DataError, UnknownName
from conch_dna.pipeline.project import CONFIG_FILE
from conch_dna.registry.aliases import check_not_base

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conch_dna.config import DistillConfig
    from conch_dna.domains.domain import Domain
    from conch_dna.pipeline.recipe_choice import RecipeChoice
    from conch_dna.plugin.protocols import Teacher
    from conch_dna.teachers.api.context import ApiContext


RUNS = "runs"


REGISTRY = "adapters"


def _domains(app: App, names: tuple[str, ...], all_: bool) -> dict[str, Domain]:
    """Load every domain that is known; a faulty one matters only to a run that needs it."""
    from conch_dna.domains.discovery import domain_folders
    from conch_dna.domains.domain import load_domain

    found = {}
    for name, folder in domain_folders(app.host, app.project).items():
        try:
            found[name] = load_domain(folder)
        except DataError as error:
            if all_ or name in names:
                raise
            click.echo(f"warning: domain {name} is left out: {error}", err=True)
    return found


def _chosen(
    domains: dict[str, Domain], names: tuple[str, ...], all_: bool, prompts: Path | None, name: str | None
) -> list[str]:
    """Return the domains to train, adding the one made of ``--prompts``."""
    from conch_dna.domains.domain import domain_of_file

    if prompts is not None:
        if names or all_ or not name:
            raise ConfigError("--prompts goes with --name NAME, and with no other domain", where="conch distill")
        if name in domains:
            raise ConfigError("a domain has that name already", where="--name", got=name)
        domains[name] = domain_of_file(prompts, name)
        return [name]
    if all_ == bool(names):
        raise ConfigError(
            "name the domains, or say --all", where="conch distill", allowed=", ".join(domains) or "(none)"
        )
    chosen = list(domains) if all_ else list(dict.fromkeys(names))
    if unknown := [n for n in chosen if n not in domains]:
        raise UnknownName("no such domain", got=", ".join(unknown), allowed=", ".join(domains) or "(none)")
    for n in chosen:
        _ = domains[n].prompts  # a faulty file is told of before anything else begins
    return chosen


def _check_names(app: App, config: DistillConfig, domains: list[Domain]) -> None:
    """Find everything that is named before any work begins."""
    catalog = app.host.catalog
    catalog.get("losses", config.loss)
    catalog.get("gates", config.gate)
    for domain in domains:
        check_not_base(domain.name, "domain")
        for scorer, weight in domain.settings.scorers.items():
            if weight > 0 and scorer not in catalog.names("scorers"):
                raise UnknownName(
                    "no such scorer", where=f"[scorers] of domain {domain.name}", got=scorer,
                    allowed=", ".join(catalog.names("scorers")),
                )  # fmt: skip


def _check_routes(domains: Mapping[str, Domain], routes: Mapping[str, str]) -> None:
    """Refuse a route of ``conch.toml`` that leads from nowhere."""
    from conch_dna.teachers.references import SOURCE

    if unknown := [key for key in routes if not key.startswith(SOURCE) and key not in domains]:
        raise ConfigError(
            "no such domain", where=f"[teachers] of {CONFIG_FILE}", got=", ".join(unknown),
            allowed=f"{SOURCE}KEY, or one of {', '.join(domains)}",
        )  # fmt: skip
    wanted = [key for key in routes if key.startswith(SOURCE)]
    sources: set[str] = set()
    for domain in domains.values() if wanted else ():
        with contextlib.suppress(DataError):  # told where that domain is needed
            sources |= {SOURCE + prompt.source for prompt in domain.prompts}
    if unknown := [key for key in wanted if key not in sources]:
        raise ConfigError(
            "no prompt has this source", where=f"[teachers] of {CONFIG_FILE}", got=", ".join(unknown),
            allowed=", ".join(sorted(sources)) or "(none)",
        )  # fmt: skip


def _teachers(
    app: App, config: DistillConfig, domains: list[Domain], routes: Mapping[str, str], api: ApiContext
) -> dict[str, Teacher]:
    """Build each domain's teacher without a student: its tokenizer is taken for the student's, and nothing is loaded.

    :raises UnknownName: a teacher does not exist.
    """
    from conch_dna.teachers.references import references, teacher_of

    found = {}
    for domain in domains:
        named = references(config, domain, routes)
        if domain.folder is None and "recorded" in named.values():
            raise ConfigError(
                "a file of prompts has no recording", where="--teacher", got="recorded",
                next_step="Name a live teacher, such as --teacher mlx:MODEL or llamacpp:MODEL",
            )  # fmt: skip
        found[domain.name] = teacher_of(app.host, named, domain, config.student, api=api)
    return found


def _modes(
    config: DistillConfig, domains: list[Domain], routes: Mapping[str, str], teachers: Mapping[str, Teacher]
) -> dict[str, RecipeChoice | DataError]:
    """Return what would train each domain, or why its prompts are too few or the files of its teacher tell nothing.

    :raises ConfigError: a recipe that was asked for needs what the domain's teacher cannot do.
    """
    from conch_dna.data.splits import split
    from conch_dna.pipeline.recipe_choice import choose, machine_memory
    from conch_dna.teachers.references import parts_for, references

    memory = machine_memory()
    found: dict[str, RecipeChoice | DataError] = {}
    for domain in domains:
        named, teacher = references(config, domain, routes), teachers[domain.name]
        try:
            split(domain.prompts, config.held_out)  # too few are told before a teacher is probed, which may cost
            found[domain.name] = choose(
                config, named, teacher.capabilities, memory, extracts=domain.settings.extract is not None,
                supposed=any(getattr(part, "supposed", False) for part, _ in parts_for(teacher, domain.prompts)),
            )  # fmt: skip
        except DataError as error:
            found[domain.name] = error
    return found
