"""Sessions over small domains, for the tests of distillation as a library."""

from projects import write_domain

from conch_dna.config import resolve
from conch_dna.domains.domain import load_domain
from conch_dna.pipeline.context import Session
from conch_dna.pipeline.run_folder import Run
from conch_dna.plugin.manager import load_plugins
from conch_dna.registry.store import Registry

SETTINGS = {
    "teacher": "echo", "steps": 3, "learning_rate": 0.01, "held_out": 0.25, "gate_prompts": 2, "min_fit_gain": 0.0,
    "max_quality_drop": 1.0, "max_harm": 10.0,
}  # fmt: skip


def sessions(folder, student, *names, **about):
    """Write domains, and return what makes a session over them by the name of its run and its settings."""
    folders = [write_domain(folder / "domains" / name, **about) for name in names]

    def make(run="mine", **settings):
        domains = {path.name: load_domain(path) for path in folders}
        config = resolve({**SETTINGS, "student": str(student), **settings})
        registry = Registry(folder / "adapters")
        return Session(config, load_plugins(), registry, Run(folder / "runs" / run), domains, folder / "cache")

    return make
