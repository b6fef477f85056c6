"""Check the documentation, or regenerate its generated pages with ``--write``.

- ``docs/settings.md`` and ``docs/cli.md`` are generated from the code and must be current.
- Every relative link of a Markdown file must lead to a file, and its fragment to a heading.
- Every path and every dotted name of the package that a page names must exist; history (LOG, CHANGELOG) is exempt.
"""

from __future__ import annotations

import itertools
import re
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import annotated_types
import click

from conch_dna.cli.app import App
from conch_dna.cli.lazy import LazyCommand
from conch_dna.cli.main import cli
from conch_dna.config import PRESETS, DistillConfig
from conch_dna.plugin.manager import load_plugins

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic.fields import FieldInfo

ROOT = Path(__file__).resolve().parent.parent
FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)")
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
PATH = re.compile(r"(?<![\w./-])((?:conch_dna|tests|benchmarks|examples|tools|docs)/[\w./{},-]*)")
DOTTED = re.compile(r"(?<![\w./-])conch_dna((?:\.\w+)+)")
HISTORY = ("LOG.md", "CHANGELOG.md")  # they name files of earlier versions


def settings_page() -> str:
    """Return the page of all settings: one table of the shared settings, and one for each bundled recipe."""
    shared = {name: field for name, field in DistillConfig.model_fields.items() if name != "tables"}
    lines = [
        "# Settings",
        "",
        "This page lists every setting of `conch distill`. Each is an option (`--learning-rate`) and a key of",
        "`[distill]` in `conch.toml` (`learning_rate`). A recipe's setting is an option with the recipe's name",
        "(`--on-policy.rollout-tokens`) and a key of the recipe's table (`[distill.on_policy]`). The run's",
        "`config.json` has the resolved values. The command line takes precedence over the file, and both take",
        "precedence over the preset. `steps` and `minutes` replace each other: that of the command line counts, then",
        "that of the file, then that of the preset. Both in the same place are refused. Under `minutes`, the",
        "[length](recipes.md#choose-the-length-by-time) chooses `steps`, `learning_rate`, `warmup` and",
        "`checkpoint_every`.",
        "",
        "```toml",
        "[distill]",
        'preset = "standard"',
        "learning_rate = 1e-4",
        "",
        "[distill.on_policy]",
        "rollout_tokens = 64",
        "```",
        "",
        "Generated from `conch_dna/config.py` and the bundled recipes by `docs/check.py --write`.",
        "",
        "## Shared settings",
        "",
        *_table(shared),
        "",
        "## Settings of recipes",
        "",
        "The names in the last column are those of version 0.1, outside of tables. They still work on the command line",
        "and in `conch.toml`; a warning names the new place. [Recipes](recipes.md) describes each recipe.",
    ]
    for recipe in load_plugins(strict=True, block=[]).catalog.all("recipes").values():
        lines += ["", f"### `[distill.{recipe.name}]`", ""]
        fields = recipe.settings.model_fields
        none = [f"`{recipe.name}` has only the shared settings."]
        lines += _table(fields, recipe.settings.flat_names) if fields else none
    lines += ["", "## Presets", "", "| preset | differences from the defaults |", "|---|---|"]
    for name, values in PRESETS.items():
        lines.append(f"| `{name}` | {', '.join(f'{k} {v}' for k, v in values.items()) or 'none'} |")
    return "\n".join(lines) + "\n"


def _table(fields: Mapping[str, FieldInfo], flat_names: Mapping[str, str] | None = None) -> list[str]:
    """Return the lines of a table of settings.

    :param flat_names: the names of version 0.1, for another column.
    """
    heads = ["setting", "default", "allowed", "description", *(["name in 0.1"] if flat_names is not None else [])]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name, field in fields.items():
        cells = [f"`{name}`", f"`{field.default!r}`", _allowed(name, field), str(field.description)]
        if flat_names is not None:
            cells.append(f"`{flat_names[name]}`" if name in flat_names else "-")
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _allowed(name: str, field: FieldInfo) -> str:
    """Return the bounds, choices or type of a setting."""
    if bounds := " and ".join(filter(None, map(_bound, field.metadata))):
        return bounds
    kind = getattr(field.annotation, "__name__", "") or str(field.annotation)
    if choices := PRESETS if name == "preset" else get_args(field.annotation) if kind == "Literal" else ():
        return "one of " + ", ".join(choices)
    return kind


def _bound(mark: object) -> str:
    """Return one bound of a field as text, or an empty text."""
    signs = {annotated_types.Ge: ("≥", "ge"), annotated_types.Gt: (">", "gt"), annotated_types.Le: ("≤", "le"),
             annotated_types.Lt: ("<", "lt")}  # fmt: skip
    for kind, (sign, attribute) in signs.items():
        if isinstance(mark, kind):
            return f"{sign} {getattr(mark, attribute):g}"
    return ""


def cli_page() -> str:
    """Return the help of every command."""
    context = click.Context(cli, info_name="conch", obj=App(project=ROOT))
    parts = ["# Commands\n\nThis page has the help text of every command. Generated by `docs/check.py --write`.\n"]
    parts += _help(cli, context)
    return "\n".join(parts)


def _help(command: click.Command, context: click.Context) -> list[str]:
    name = context.command_path
    with context.scope(cleanup=False):
        text = command.get_help(context)
    text = "\n".join(line.rstrip() for line in text.splitlines())
    parts = [f"## `{name}`\n\n```text\n{text}\n```\n"]
    if isinstance(command, click.Group):
        for sub in command.list_commands(context):
            found = command.get_command(context, sub)
            found = found.load() if isinstance(found, LazyCommand) else found
            if found is not None:
                parts += _help(found, click.Context(found, info_name=sub, parent=context, max_content_width=100))
    return parts


def pages() -> list[Path]:
    """Return every Markdown page of the repository."""
    return [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")]


def broken_links() -> Iterator[str]:
    """Yield a fault for each relative link without a file, and for each fragment without a heading."""
    for page in pages():
        for link in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
            if "://" in link or link.startswith("mailto:"):
                continue
            target, _, fragment = link.partition("#")
            path = page.parent / target if target else page
            if not path.exists():
                yield f"{page.relative_to(ROOT)}: the link {link} leads to no file"
            elif fragment and path.suffix == ".md" and fragment not in anchors(path):
                yield f"{page.relative_to(ROOT)}: the link {link} leads to no heading"


@cache
def anchors(page: Path) -> frozenset[str]:
    """Return the fragments of a page's headings, as GitHub makes them of text without repeated headings."""
    headings = HEADING.findall(FENCE.sub("", page.read_text(encoding="utf-8")))
    return frozenset(re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings)


def missing_names() -> Iterator[str]:
    """Yield a fault for each path and each dotted name of the package that a page names and that does not exist."""
    for page in pages():
        if page.name in HISTORY:
            continue
        text = page.read_text(encoding="utf-8")
        for path in sorted({path for found in PATH.findall(text) for path in _expanded(found.rstrip(".,"))}):
            if not (ROOT / path).exists():
                yield f"{page.relative_to(ROOT)}: names {path}, which does not exist"
        for dotted in sorted(set(DOTTED.findall(text))):
            if not _is_defined(dotted.removeprefix(".").split(".")):
                yield f"{page.relative_to(ROOT)}: names conch_dna{dotted}, which is not defined"


def _expanded(path: str) -> list[str]:
    """Expand braces as a shell does: ``a_{b,c}`` is ``a_b`` and ``a_c``."""
    parts = [part[1:-1].split(",") if part.startswith("{") else [part] for part in re.split(r"({[^}]*})", path)]
    return ["".join(choice) for choice in itertools.product(*parts)]


def _is_defined(names: list[str]) -> bool:
    """Return True if the first names lead to a module and the next name is in its text."""
    folder = ROOT / "conch_dna"
    while names and (folder / names[0]).is_dir():
        folder, names = folder / names[0], names[1:]
    module = folder / f"{names[0]}.py" if names else folder
    if module.is_file():
        names = names[1:]
    else:
        module = folder / "__init__.py"
    return not names or re.search(rf"\b{names[0]}\b", module.read_text(encoding="utf-8")) is not None


def main() -> int:
    """Check or write; return the exit code."""
    write = "--write" in sys.argv[1:]
    faults = [*broken_links(), *missing_names()]
    for name, text in (("settings.md", settings_page()), ("cli.md", cli_page())):
        path = ROOT / "docs" / name
        if write:
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            faults.append(f"docs/{name} is out of date: run docs/check.py --write")
    for fault in faults:
        print(fault, file=sys.stderr)
    print("docs: " + (f"{len(faults)} fault(s)" if faults else "good"))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
