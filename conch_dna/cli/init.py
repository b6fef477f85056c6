"""``conch init``: create the files of a new project."""

from __future__ import annotations

from pathlib import Path

import click

from conch_dna.errors import ConfigError
from conch_dna.pipeline.project import CONFIG_FILE
from conch_dna.util.files import write_atomic

CONFIG = """\
# A Conch DNA project. Lines that start with "#" show the defaults.

[distill]
# student = "embedded:smollm2-135m"   # hub id, folder, .gguf file or embedded:NAME
# teacher = "recorded"                # NAME or NAME:MODEL, for example "mlx:embedded:smollm2-135m"
# preset = "quick"                    # quick, standard or thorough; all other settings are allowed here too

[plugins]
# Every *.py in this folder is loaded by each conch command; delete the line to load none.
dir = "plugins"
"""
IGNORED = ("/adapters/", "/runs/")


@click.command()
@click.argument("folder", metavar="[DIR]", type=click.Path(file_okay=False, path_type=Path), default=".")
def init(folder: Path) -> None:
    """Create a project in DIR, by default the current folder; existing files are not overwritten."""
    config = folder / CONFIG_FILE
    if config.exists():
        raise ConfigError("already exists", where=config, next_step="Edit it, or choose another folder.")
    for name in ("plugins", "domains"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    _ignore(folder / ".gitignore")
    # Written last: a conch.toml marks a folder as a project.
    write_atomic(config, CONFIG)
    click.echo(f"{config} written, with plugins/ and domains/ beside it.")
    click.echo("Next: conch doctor, then conch plugins new NAME --kind domain")


def _ignore(path: Path) -> None:
    """Add the missing lines to the ``.gitignore`` at ``path``."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    missing = [line for line in IGNORED if line not in text.splitlines()]
    if missing:
        gap = "" if not text or text.endswith("\n") else "\n"
        write_atomic(path, text + gap + "\n".join(missing) + "\n")
