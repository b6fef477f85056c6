"""Settings with the tables of the bundled recipes, as a project resolves them."""

from functools import cache

from conch_dna.config import resolve
from conch_dna.plugin.manager import load_plugins


@cache
def recipe_types():
    return {
        name: recipe.settings for name, recipe in load_plugins(strict=True, block=[]).catalog.all("recipes").items()
    }


def config_of(*layers, where="settings", **settings):
    """Resolve settings under any of their names; a later layer wins."""
    return resolve(*layers, settings, recipes=recipe_types(), where=where)


def table_of(recipe, **settings):
    """Return the settings of one recipe."""
    return recipe_types()[recipe](**settings)


def changed(config, **settings):
    """Return settings with some of them changed, under any of their names."""
    return config_of(config.flat(), **settings)
