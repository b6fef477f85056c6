"""Settings with the tables of the bundled recipes, resolved as in a project."""

from functools import cache

from conch_dna.config import resolve
from conch_dna.plugin.manager import load_plugins


@cache
def recipe_types():
    """Return the settings classes of the bundled recipes by name."""
    return {
        name: recipe.settings for name, recipe in load_plugins(strict=True, block=[]).catalog.all("recipes").items()
    }


def config_of(*layers, where="settings", **settings):
    """Resolve settings, which may have their names of version 0.1; later layers win."""
    return resolve(*layers, settings, recipes=recipe_types(), where=where)


def table_of(recipe, **settings):
    """Return the settings of one recipe."""
    return recipe_types()[recipe](**settings)


def changed(config, **settings):
    """Return a copy of ``config`` with changed settings, which may have their names of version 0.1."""
    return config_of(config.flat(), **settings)
