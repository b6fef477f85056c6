"""``conch trust``: let the plug-ins of a project run."""

from __future__ import annotations

import click

from conch_dna.cli.app import App
from conch_dna.pipeline.project import plugins_dir_of


@click.command("trust", epilog="\b\nExamples:\n  conch trust\n  conch trust --remove")
@click.option("--remove", is_flag=True, help="Take the trust away.")
@click.pass_obj
def trust_(app: App, remove: bool) -> None:
    """Let the plug-ins of this project run, as their files are now.

    Plug-ins are code, and conch.toml may come from anyone, so they run only after you have read them and said so. A
    change of one of the files takes the trust away. CONCH_TRUST=1 trusts every project, for machines that run tests.
    """
    from conch_dna.plugin import trust

    plugins = plugins_dir_of(app.project)
    if plugins is None:
        click.echo(f"{app.project}: no plug-ins; [plugins] dir of conch.toml names their folder.")
    elif remove:
        click.echo(f"{plugins}: {'no longer trusted' if trust.withdraw(plugins) else 'was not trusted'}")
    else:
        for name in trust.trust(plugins):
            click.echo(plugins / name)
        click.echo(f"{plugins}: these files are trusted until one of them changes.")
