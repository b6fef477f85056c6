"""Runs of recipes without a domain or a teacher, and the files that they write."""

from pathlib import Path

from conch_dna.config import RecipeSettings
from conch_dna.domains.domain import Domain, DomainSettings
from conch_dna.records import StepReport
from conch_dna.train.recipes.base import RecipeContext
from conch_dna.train.recipes.sequence import run_recipes
from conch_dna.util.progress import Progress

BARE = Domain(DomainSettings(name="bare", description="has no verifier"), Path("none.jsonl"))
MEASURED = {"seconds", "peak_memory"}  # these differ between equal runs


def train(base, config, host, training_set, identity, folder, on_step=lambda _: None, recipes=None, domain=None):
    """Train by ``recipes``, by default ``sft`` or, with soft targets, ``kd``; return the reports."""
    recipes = recipes or ("sft" if training_set.targets is None else "kd",)
    context = RecipeContext(
        base,
        config,
        RecipeSettings(),
        host,
        domain or BARE,
        training_set,
        None,
        identity,
        Path(folder),
        Progress(),
        on_step,
    )
    return run_named(recipes, context).reports


def run_named(names, context):
    """Run recipes by their names."""
    return run_recipes([context.host.catalog.get("recipes", name) for name in names], context)


def untimed(reports):
    """Return the reports as dictionaries without the measured fields."""
    return [r.model_dump(exclude=MEASURED) for r in reports]


def metrics(folder):
    """Return the reports in ``metrics.jsonl`` without the measured fields."""
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return untimed(map(StepReport.model_validate_json, lines))


def adapter(folder):
    """Return the bytes of the saved adapter."""
    return (folder / "adapter/adapters.safetensors").read_bytes()
