"""``conch plugins``: list the plug-ins, and create new ones."""

from __future__ import annotations

import json
import keyword
import re
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import click

from conch_dna.cli.app import App
from conch_dna.errors import ConfigError
from conch_dna.pipeline.project import plugins_dir_of
from conch_dna.plugin import trust
from conch_dna.plugin.catalog import KINDS
from conch_dna.util.files import write_atomic

if TYPE_CHECKING:
    from conch_dna.plugin.manager import PluginInfo

_TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_KINDS = {kind: plural for plural, kind in KINDS.items() if (_TEMPLATES / f"{kind}.py.txt").is_file()}


@click.group()
def plugins() -> None:
    """List plug-ins, and create new ones."""


@plugins.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
@click.pass_obj
def list_(app: App, as_json: bool) -> None:
    """List every plug-in with its source and what it provides, or the reason why it was not loaded."""
    found = app.host.plugins
    if as_json:
        click.echo(json.dumps([_as_dict(info) for info in found], indent=2, ensure_ascii=False))
        return
    width = max((len(info.name) for info in found), default=0)
    for info in found:
        click.echo(f"{info.name:<{width}}  {info.version or '-':<8}  {info.source}")
        for kind, names in info.provides.items():
            click.echo(f"{'':<{width}}  {kind}: {', '.join(names)}")
        if info.error:
            click.echo(f"{'':<{width}}  NOT LOADED: {_fault(info)}")


@plugins.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(sorted(_KINDS)), required=True, help="What the plug-in provides.")
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("plugins"),
    show_default=True,
    help="The folder to write it to, relative to the project.",
)
@click.pass_obj
def new(app: App, name: str, kind: str, folder: Path) -> None:
    """Create a working plug-in called NAME, and its test."""
    _check_name(app, name, kind)
    files = {app.project / folder / path: text for path, text in _rendered(name, kind).items()}
    existing = [str(path) for path in files if path.exists()]
    if existing:
        raise ConfigError("will not overwrite", got=", ".join(existing), next_step="Choose another name.")
    own = plugins_dir_of(app.project)
    trusted = own is not None and not trust.fault(own)
    for path, text in files.items():
        write_atomic(path, text)
        click.echo(path)
    click.echo(f"Try it: pytest {app.project / folder / f'test_{name}.py'}")
    loaded = app.plugins_dir or own
    if own is not None and loaded == own and trusted:
        trust.trust(own)
    if loaded is None or loaded.resolve() != (app.project / folder).resolve():
        click.echo(f'It loads with --plugins-dir {folder}, or always once conch.toml says [plugins] dir = "{folder}".')


def _check_name(app: App, name: str, kind: str) -> None:
    """Check that a name is a module name and is not taken.

    :raises ConfigError: it is not; the message has the allowed form or the owner of the name.
    """
    if not _NAME.fullmatch(name) or keyword.iskeyword(name) or name.startswith("test_"):
        raise ConfigError("not a plug-in name", got=name, allowed=f"{_NAME.pattern}, not a Python keyword, not test_…")
    taken = [info.source for info in app.host.plugins if info.name == name]
    if name in app.host.catalog.names(_KINDS[kind]):
        taken.append(app.host.catalog.owner(_KINDS[kind], name).source)
    if taken:
        raise ConfigError(f"the name {name!r} is taken by {taken[0]}", next_step="Choose another name.")


def _rendered(name: str, kind: str) -> dict[Path, str]:
    """Return the files of a new plug-in: path relative to the plug-in folder, and text."""
    sources = {Path(f"{name}.py"): f"{kind}.py.txt", Path(f"test_{name}.py"): f"test_{kind}.py.txt"}
    if kind == "domain":
        data = Path("domains", name)
        sources |= {data / "prompts.jsonl": "prompts.jsonl.txt", data / "domain.toml": "domain.toml.txt"}
    return {
        path: Template((_TEMPLATES / source).read_text(encoding="utf-8")).substitute(
            name=name, flag=name.replace("_", "-")
        )
        for path, source in sources.items()
    }


def _as_dict(info: PluginInfo) -> dict[str, object]:
    return {
        "name": info.name,
        "source": info.source,
        "version": info.version,
        "provides": info.provides,
        "error": _fault(info),
    }


def _fault(info: PluginInfo) -> str | None:
    if info.error is None:
        return None
    hook = f"{info.error.hook}: " if info.error.hook else ""
    return hook + " ".join(info.error.fault.split())
