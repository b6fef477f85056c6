"""Distillations of small domains, without the bundled domains."""

from dataclasses import replace
from functools import cached_property

from projects import write_domain
from settings import config_of

from conch_dna.domains.domain import load_domain
from conch_dna.domains.extract import AnswerExtractor
from conch_dna.pipeline import distill
from conch_dna.pipeline.prepare import Preparation
from conch_dna.pipeline.project import Project
from conch_dna.pipeline.recipe_choice import RecipeChoice
from conch_dna.pipeline.run_folder import Run
from conch_dna.pipeline.run_name import run_name
from conch_dna.pipeline.setup import Setup
from conch_dna.plugin.manager import load_plugins
from conch_dna.plugin.trackers import Trackers
from conch_dna.registry.store import Registry
from conch_dna.util.progress import Progress

SETTINGS = {
    "teacher": "echo", "steps": 3, "learning_rate": 0.01, "held_out": 0.25, "gate_prompts": 2, "min_fit_gain": 0.0,
    "max_quality_drop": 1.0, "max_harm": 10.0,
}  # fmt: skip


class Work:
    """A distillation whose parts a test can inspect and change before it starts.

    :param root: holds ``runs``, ``adapters`` and the cache.
    :param domains: every known domain.
    """

    def __init__(self, root, config, domains, run="mine", progress=None):
        self.root, self.config, self.host = root, config, load_plugins()
        self.domains, self.routes = {domain.name: domain for domain in domains}, {}
        self.run, self.registry = Run(root / "runs" / run), Registry(root / "adapters")
        self.cache, self.progress = root / "cache", progress or Progress()
        self.api = None

    def setup(self, names=None, teachers=None, choices=None):
        """Return the setup of some of the domains, by default of all."""
        project = Project(self.root, self.host)
        api = self.api or replace(project.api_context(self.config.teacher), cache=self.cache)
        chosen = {name: self.domains[name] for name in names or self.domains}
        extractors = {name: AnswerExtractor(self.host, domain) for name, domain in self.domains.items()}
        return Setup(
            project, self.config, self.domains, chosen, self.routes, api, teachers or {},
            choices or dict.fromkeys(chosen), extractors,
        )  # fmt: skip

    @cached_property
    def distillation(self):
        return distill.Distillation(self.setup(), self.run, self.registry, self.progress, Trackers(self.host))

    @property
    def base(self):
        return self.distillation.base

    def teacher(self, domain):
        return self.setup().teacher(domain, lambda: self.base)


def name_of(work, names=None, teachers=None):
    """Return the default name of the run.

    :param teachers: by domain; by default those of the settings.
    """
    names = names or list(work.domains)
    built = teachers or {name: work.teacher(work.domains[name]) for name in names}
    return run_name(work.setup(names, built))


def distill_all(work, names):
    return distill.distill_all(work.setup(names), work.run, work.progress)


def prepare(work, domain, teacher, parts, recipes):
    """Return training set and held-out set for recipes, given by name."""
    choice = RecipeChoice(tuple(work.host.catalog.get("recipes", name) for name in recipes), "as requested")
    plan = choice.plan(work.config, teacher.capabilities, len(parts.train), domain.settings.max_tokens)
    others = [work.domains[name] for name in sorted(work.domains) if name != domain.name]
    preparation = Preparation(
        work.base, work.config, domain, teacher, work.distillation.teacher_name(domain),
        AnswerExtractor(work.host, domain), work.cache, work.progress, work.host,
    )  # fmt: skip
    prepared = preparation.prepared(parts, plan, others)
    return prepared.training_set_of(work.config.steps), prepared.held_out


def works(folder, student, *names, **about):
    """Write domains, and return a function from a run's name and settings to a distillation of them."""
    folders = [write_domain(folder / "domains" / name, **about) for name in names]

    def make(run="mine", **settings):
        config = config_of(SETTINGS, {"student": str(student)}, **settings)
        return Work(folder, config, [load_domain(path) for path in folders], run)

    return make
