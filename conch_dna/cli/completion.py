"""``conch completion``: the script that teaches a shell to complete ``conch``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from conch_dna.errors import ConfigError


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
        raise ConfigError("click cannot complete for this shell", got=shell)
    click.echo(complete(ctx.find_root().command, {}, "conch", "_CONCH_COMPLETE").source())
