"""One recipe taken by itself, without a domain or a teacher, and what it left."""

from pathlib import Path

from conch_dna.config import RecipeSettings
from conch_dna.records import StepReport
from conch_dna.train.recipes.base import RecipeContext
from conch_dna.train.recipes.sequence import run_recipes
from conch_dna.util.progress import Progress

MEASURED = {"seconds", "peak_memory"}  # of the machine, not of the training


def learn(base, config, host, material, identity, folder, on_step=lambda _: None, recipes=None):
    """Train by ``recipes``, or by the one that the material is made for; returns the reports."""
    recipes = recipes or ("sft" if material.targets is None else "kd",)
    context = RecipeContext(
        base, config, RecipeSettings(), host, None, material, None, identity, Path(folder), Progress(), on_step
    )
    return run_named(recipes, context).reports


def run_named(names, context):
    """Run recipes by their names."""
    return run_recipes([context.host.catalog.get("recipes", name) for name in names], context)


def plain(reports):
    return [r.model_dump(exclude=MEASURED) for r in reports]


def metrics(folder):
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return plain(map(StepReport.model_validate_json, lines))


def adapter(folder):
    return (folder / "adapter/adapters.safetensors").read_bytes()
