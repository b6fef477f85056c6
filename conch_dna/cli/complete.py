"""Shell completion: names of domains, runs, recipes and plug-in entries, and the command ``conch completion``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from click.shell_completion import get_completion_class

from conch_dna.domains.discovery import domain_folders
from conch_dna.errors import ConfigError
from conch_dna.teachers.capabilities import BYTES, OFF

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from conch_dna.cli.app import App

    Completer = Callable[[click.Context, click.Parameter, str], list[str]]


def domain_names(ctx: click.Context, _: click.Parameter, word: str) -> list[str]:
    """Return the domains that begin with ``word``."""
    app: App = ctx.find_root().obj
    return _like(word, domain_folders(app.host, app.project))


def run_names(ctx: click.Context, _: click.Parameter, word: str) -> list[str]:
    """Return the runs that begin with ``word``, the newest first."""
    from conch_dna.pipeline.run_folder import list_runs  # slow: only to complete a run

    app: App = ctx.find_root().obj
    return _like(word, (run.name for run in list_runs(app.runs)))


def eval_sets(ctx: click.Context, _: click.Parameter, word: str) -> list[str]:
    """Return the sets of prompts that begin with ``word``."""
    app: App = ctx.find_root().obj
    return _like(word, ("heldout", *app.host.catalog.names("question_sets")))


def names_of(kind: str) -> Completer:
    """Return a completer for the names of all plug-in entries of a kind, for example ``"teachers"``.

    Of a teacher's reference it completes the part before the colon, not the model.
    """

    def names(ctx: click.Context, _: click.Parameter, word: str) -> list[str]:
        app: App = ctx.find_root().obj
        return _like(word, app.host.catalog.names(kind))

    return names


teacher_names, router_names = names_of("teachers"), names_of("routers")
loss_names, gate_names, tracker_names = names_of("losses"), names_of("gates"), names_of("trackers")


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


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script for SHELL.

    \b
    bash:  echo 'eval "$(conch completion bash)"' >> ~/.bashrc
    zsh:   echo 'eval "$(conch completion zsh)"' >> ~/.zshrc
    fish:  conch completion fish > ~/.config/fish/completions/conch.fish
    """  # noqa: D301 - \b is click's mark for lines that must not be rewrapped, and no raw backslash
    complete = get_completion_class(shell)
    if complete is None:
        raise ConfigError("click has no completion for this shell", got=shell)
    click.echo(complete(ctx.find_root().command, {}, "conch", "_CONCH_COMPLETE").source())
