"""The bundled recipes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna import hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping


@hookimpl
def register_recipes() -> Mapping[str, str]:
    """Provide the recipes; each is imported when it is first used, because settings bring pydantic."""
    return {
        "sft": "conch_dna.train.recipes.sft:Sft",
        "kd": "conch_dna.train.recipes.kd:Kd",
        "on_policy": "conch_dna.train.recipes.on_policy:OnPolicy",
        "best_of_n": "conch_dna.train.recipes.best_of_n:BestOfN",
        "preference": "conch_dna.train.recipes.preference:Preference",
    }
