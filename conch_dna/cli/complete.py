"""What a shell may complete a word of a command to: names of domains, runs, recipes and what plug-ins bring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna.teachers.capabilities import BYTES, OFF

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import click

    from conch_dna.cli.app import App

    Completer = Callable[[click.Context, click.Parameter, str], list[str]]


def domain_names(ctx: click.Context, _: click.Parameter, word: str) -> list[str]:
    """Return the domains that begin like ``word``."""
    from conch_dna.domains.discovery import domain_folders

    app: App = ctx.find_root().obj
    return _like(word, domain_folders(app.host, app.project))


def run_names(ctx: click.Context, _: click.Parameter, word: str) -> list[str]:
    """Return the runs that begin like ``word``, the newest first."""
    from conch_dna.pipeline.run_folder import list_runs

    app: App = ctx.find_root().obj
    return _like(word, (run.name for run in list_runs(app.project / "runs")))


def names_of(kind: str) -> Completer:
    """Return what completes a word to the names that plug-ins gave to their teachers, losses or whatever ``kind`` is.

    Of a teacher's reference that is the part before the colon; the model behind it is the user's.
    """

    def names(ctx: click.Context, _: click.Parameter, word: str) -> list[str]:
        app: App = ctx.find_root().obj
        return _like(word, app.host.catalog.names(kind))

    return names


teacher_names, router_names = names_of("teachers"), names_of("routers")
loss_names, gate_names = names_of("losses"), names_of("gates")


def mode_names(ctx: click.Context, _: click.Parameter, word: str) -> list[str]:
    """Return the recipes that may follow the last comma, without those before it."""
    app: App = ctx.find_root().obj
    recipes = app.host.catalog.names("recipes")
    before, comma, last = word.rpartition(",")
    given = before.split(",")
    names = [name for name in recipes if name not in given] if comma else ["auto", *recipes]
    return [before + comma + name for name in _like(last, names)]


def cross_tokenizer_names(ctx: click.Context, parameter: click.Parameter, word: str) -> list[str]:
    """Return the values of ``cross_tokenizer`` that begin with ``word``."""
    return [*_like(word, (BYTES, OFF)), *names_of("cross_tokenizer_losses")(ctx, parameter, word)]


def _like(word: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(word)]
