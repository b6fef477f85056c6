"""Several recipes in a row."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conch_dna.train.recipes.base import RecipeContext, RecipeResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conch_dna.config import RecipeSettings
    from conch_dna.plugin.recipes import Recipe
    from conch_dna.records import StepReport


def run_recipes(recipes: Sequence[Recipe], context: RecipeContext[RecipeSettings]) -> RecipeResult:
    """Run ``recipes`` in order, each from the adapter of the previous one and with a fresh optimizer.

    A single recipe works in the context's folder, several in numbered folders in it: ``1-kd``, ``2-on_policy``.

    :param context: the context without a recipe's settings, which are filled in for each recipe.
    """
    reports: list[StepReport] = []
    start = context.start
    for number, recipe in enumerate(recipes, 1):
        folder = context.folder / f"{number}-{recipe.name}" if len(recipes) > 1 else context.folder
        folder.mkdir(parents=True, exist_ok=True)  # a recipe may write its own files there before it trains
        settings = context.config.table(recipe.name, recipe.settings)
        with context.host.blaming("recipes", recipe.name):
            start, found = recipe.run(replace(context, settings=settings, folder=folder, start=start))
        reports += found
    if start is None:
        raise ValueError("no recipe was given")
    return RecipeResult(start, reports)
