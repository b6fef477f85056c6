"""The setup of a distillation: everything that it names is found and checked; no weights are loaded."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conch_dna.config import read_project, read_routes, resolve, with_tables
from conch_dna.data.splits import split
from conch_dna.domains.extract import AnswerExtractor
from conch_dna.domains.generation import generator_of
from conch_dna.errors import ConfigError, DataError, UnknownName
from conch_dna.evaluation.scoring import refuse_withheld
from conch_dna.pipeline.project import CONFIG_FILE
from conch_dna.pipeline.recipe_choice import RecipeChoice, choose_recipes, machine_memory, needs_teacher, requested
from conch_dna.pipeline.selection import chosen_domains, known_domains
from conch_dna.registry.aliases import check_not_base
from conch_dna.teachers.capabilities import cross_tokenizer_loss
from conch_dna.teachers.references import NOBODY, SOURCE, parts_for, references, teacher_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from conch_dna.config import DistillConfig
    from conch_dna.domains.domain import Domain
    from conch_dna.models.load import LoadedModel
    from conch_dna.pipeline.project import Project
    from conch_dna.plugin.manager import PluginHost
    from conch_dna.plugin.protocols import Teacher
    from conch_dna.teachers.api.context import ApiContext


@dataclass(frozen=True)
class Setup:
    """Settings, domains and teachers of a distillation.

    :param known: every domain of the project by name; the do-no-harm measure uses prompts of those not trained.
    :param chosen: the domains to train, by name, in their order.
    :param routes: teachers of single domains and sources; the teacher of the settings serves all others.
    :param teachers: by domain, without a student: nothing is loaded, and the tokenizer is assumed to be the student's.
    :param choices: by domain, its recipes, or the error if its prompts are too few or its files are faulty.
    :param extractors: by domain, the extractor of final answers.
    :param arguments: of :func:`set_up`, beside project and domains: what another process repeats.
    """

    project: Project
    config: DistillConfig
    known: Mapping[str, Domain]
    chosen: Mapping[str, Domain]
    routes: Mapping[str, str]
    api: ApiContext
    teachers: Mapping[str, Teacher]
    choices: Mapping[str, RecipeChoice | DataError]
    extractors: Mapping[str, AnswerExtractor]
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def references(self, domain: Domain) -> dict[str, str]:
        """Return the references of a domain's teachers by source; ``""`` is the key of all other prompts."""
        return named_teachers(self.project.host, self.config, domain, self.routes)

    def teacher(self, domain: Domain, base: Callable[[], LoadedModel]) -> Teacher:
        """Create a domain's teacher for the student; its weights are loaded on first use.

        :param base: loads the student's base, for teachers that share it.
        """
        named = self.references(domain)
        return teacher_of(self.project.host, named, domain, self.config.student, base, self.api)


def set_up(
    project: Project,
    names: Sequence[str] = (),
    *,
    all_: bool = False,
    own: Domain | None = None,
    budget: str | None = None,
    base_url: str | None = None,
    offline: bool = False,
    settings: Mapping[str, Any],
    where: str = "settings",
) -> Setup:
    """Read the settings and find everything that they name.

    :param own: a domain made of a file of prompts, instead of names.
    :param offline: no request may be sent to an API, not even one that probes a teacher.
    :param settings: given by the caller; they take precedence over ``conch.toml`` and the preset.
    :param where: the place of ``settings``, for messages.
    :raises ConfigError: a setting is wrong or does not suit a domain or its teacher.
    :raises UnknownName: a domain or plug-in does not exist.
    :raises DataError: a domain to be trained is faulty.
    """
    types, file = project.recipe_types, str(project.config_file)
    in_file = with_tables(read_project(project.config_file), types, file)
    resolve(in_file, recipes=types, where=file)  # a fault of the file is reported with its path
    config = resolve(in_file, settings, recipes=types, where=where)
    known = known_domains(project, list(names) if names or own else None)
    chosen = chosen_domains(known, names, all_=all_, own=own)
    known = {**known, **chosen}
    routes = read_routes(project.config_file)
    _check_names(project.host, config, chosen.values())
    extractors = {name: AnswerExtractor(project.host, domain) for name, domain in chosen.items()}
    _check_routes(known, routes)
    api = project.api_context(config.teacher, budget, base_url, offline=offline)
    teachers = _teachers(project.host, config, chosen.values(), routes, api)
    choices = _choices(project.host, config, chosen.values(), routes, teachers)
    arguments = {"budget": budget, "base_url": base_url, "settings": dict(settings), "where": where}
    return Setup(project, config, known, chosen, routes, api, teachers, choices, extractors, arguments)


def named_teachers(
    host: PluginHost, config: DistillConfig, domain: Domain, routes: Mapping[str, str]
) -> dict[str, str]:
    """Return the references of a domain's teachers by source; the teacher is ``none`` if no recipe needs one."""
    if not needs_teacher(requested(host.catalog, config)):
        return {"": NOBODY}
    return references(config, domain, routes)


def _check_names(host: PluginHost, config: DistillConfig, domains: Iterable[Domain]) -> None:
    """Find all plug-in entries that settings and domains name, before any work."""
    catalog = host.catalog
    catalog.get("losses", config.loss)
    catalog.get("gates", config.gate)
    cross_tokenizer_loss(catalog, config)
    for tracker in config.tracker:
        catalog.get("trackers", tracker)
    requested(catalog, config)
    for domain in domains:
        check_not_base(domain.name, "domain")
        generator_of(catalog, domain)
        for scorer, weight in domain.settings.scorers.items():
            where = f"[scorers] of domain {domain.name}"
            if weight > 0 and scorer not in catalog.names("scorers"):
                raise UnknownName(
                    "no such scorer", where=where, got=scorer, allowed=", ".join(catalog.names("scorers"))
                )
            if weight > 0:
                refuse_withheld(scorer, catalog.get("scorers", scorer), where)


def _check_routes(domains: Mapping[str, Domain], routes: Mapping[str, str]) -> None:
    """Refuse a route of ``conch.toml`` for a domain or source that does not exist."""
    if unknown := [key for key in routes if not key.startswith(SOURCE) and key not in domains]:
        raise ConfigError(
            "no such domain", where=f"[teachers] of {CONFIG_FILE}", got=", ".join(unknown),
            allowed=f"{SOURCE}KEY, or one of {', '.join(domains)}",
        )  # fmt: skip
    wanted = [key for key in routes if key.startswith(SOURCE)]
    sources: set[str] = set()
    for domain in domains.values() if wanted else ():
        with contextlib.suppress(DataError):  # reported where that domain is needed
            sources |= {SOURCE + prompt.source for prompt in domain.prompts}
    if unknown := [key for key in wanted if key not in sources]:
        raise ConfigError(
            "no prompt has this source", where=f"[teachers] of {CONFIG_FILE}", got=", ".join(unknown),
            allowed=", ".join(sorted(sources)) or "(none)",
        )  # fmt: skip


def _teachers(
    host: PluginHost,
    config: DistillConfig,
    domains: Iterable[Domain],
    routes: Mapping[str, str],
    api: ApiContext,
) -> dict[str, Teacher]:
    """Create each domain's teacher without a student.

    :raises UnknownName: a teacher does not exist.
    """
    found = {}
    for domain in domains:
        named = named_teachers(host, config, domain, routes)
        found[domain.name] = teacher_of(host, named, domain, config.student, api=api)
    return found


def _choices(
    host: PluginHost,
    config: DistillConfig,
    domains: Iterable[Domain],
    routes: Mapping[str, str],
    teachers: Mapping[str, Teacher],
) -> dict[str, RecipeChoice | DataError]:
    """Return the recipes of each domain, or the error if its prompts are too few or its teacher's files are faulty.

    :raises ConfigError: a domain's teacher lacks a capability that a requested recipe needs.
    """
    memory = machine_memory()
    found: dict[str, RecipeChoice | DataError] = {}
    for domain in domains:
        named, teacher = named_teachers(host, config, domain, routes), teachers[domain.name]
        try:
            split(domain.prompts, config.held_out)  # too few are reported before a teacher is probed, which may cost
            found[domain.name] = choose_recipes(
                host.catalog, config, named, teacher.capabilities, memory,
                extracts=domain.settings.extract is not None,
                supposed=any(getattr(part, "supposed", False) for part, _ in parts_for(teacher, domain.prompts)),
            )  # fmt: skip
        except DataError as error:
            found[domain.name] = error
    return found
