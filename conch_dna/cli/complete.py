"""What a shell may complete a word of a command to: names of domains, teachers, routers and recipes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna.config import RECIPES

if TYPE_CHECKING:
    from collections.abc import Iterable

    import click

    from conch_dna.cli.app import App


def domain_names(ctx: click.Context, _: click.Parameter, word: str) -> list[str]:
    """Return the domains that begin like ``word``."""
    from conch_dna.project import domain_folders

    app: App = ctx.find_root().obj
    return _like(word, domain_folders(app.host, app.project))


def teacher_names(ctx: click.Context, _: click.Parameter, word: str) -> list[str]:
    """Return the teachers that begin like ``word``; the model behind the colon is the user's."""
    app: App = ctx.find_root().obj
    return _like(word, app.host.catalog.names("teachers"))


def router_names(ctx: click.Context, _: click.Parameter, word: str) -> list[str]:
    """Return the routers that begin like ``word``."""
    app: App = ctx.find_root().obj
    return _like(word, app.host.catalog.names("routers"))


def mode_names(_: click.Context, __: click.Parameter, word: str) -> list[str]:
    """Return the recipes that may stand behind the last comma, those before it left out."""
    before, comma, last = word.rpartition(",")
    given = before.split(",")
    names = [name for name in RECIPES if name not in given] if comma else ["auto", *RECIPES]
    return [before + comma + name for name in _like(last, names)]


def _like(word: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(word)]
