"""The bundled recipes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna import hookimpl
from conch_dna.train.recipes.best_of_n import BestOfN
from conch_dna.train.recipes.kd import Kd
from conch_dna.train.recipes.on_policy import OnPolicy
from conch_dna.train.recipes.preference import Preference
from conch_dna.train.recipes.sft import Sft

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conch_dna.plugin.recipes import Recipe


@hookimpl
def register_recipes() -> Mapping[str, Recipe]:
    """Return the bundled recipes."""
    return {recipe.name: recipe for recipe in (Sft(), Kd(), OnPolicy(), BestOfN(), Preference())}
