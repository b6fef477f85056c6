"""Check the documentation, or with ``--write`` bring its generated parts up to date.

- ``docs/settings.md`` and ``docs/cli.md`` are generated from the code and must be current;
- every relative link of every Markdown file must lead somewhere.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import get_args

import annotated_types
import click

from conch_dna.cli.app import App
from conch_dna.cli.lazy import LazyCommand
from conch_dna.cli.main import cli
from conch_dna.config import PRESETS, DistillConfig

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)")


def settings_page() -> str:
    """Return the table of all settings."""
    lines = [
        "# Settings of a distillation",
        "",
        "Each is an option of `conch distill` (`--learning-rate`), a key of `[distill]` in `conch.toml`",
        "(`learning_rate`), and stands resolved in the run's `config.json`. The command line wins over the file, and",
        "both over the preset. Made from `conch_dna/config.py` by `docs/check.py --write`.",
        "",
        "| setting | default | allowed | what it is |",
        "|---|---|---|---|",
    ]
    for name, field in DistillConfig.model_fields.items():
        bounds = " and ".join(_bound(m) for m in field.metadata if _bound(m))
        kind = getattr(field.annotation, "__name__", "") or str(field.annotation)
        if choices := PRESETS if name == "preset" else get_args(field.annotation) if kind == "Literal" else ():
            kind = "one of " + ", ".join(choices)
        default = f"`{field.default!r}`"
        lines.append(f"| `{name}` | {default} | {bounds or kind} | {field.description} |")
    lines += ["", "## Presets", "", "| preset | what differs from the defaults |", "|---|---|"]
    for name, values in PRESETS.items():
        lines.append(f"| `{name}` | {', '.join(f'{k} {v}' for k, v in values.items()) or 'nothing'} |")
    return "\n".join(lines) + "\n"


def _bound(mark: object) -> str:
    """Write one bound of a field."""
    signs = {annotated_types.Ge: ("≥", "ge"), annotated_types.Gt: (">", "gt"), annotated_types.Le: ("≤", "le"),
             annotated_types.Lt: ("<", "lt")}  # fmt: skip
    for kind, (sign, attribute) in signs.items():
        if isinstance(mark, kind):
            return f"{sign} {getattr(mark, attribute):g}"
    return ""


def cli_page() -> str:
    """Return the help of every command."""
    context = click.Context(cli, info_name="conch", obj=App(project=ROOT))
    parts = ["# Commands\n\nMade from the commands' own help by `docs/check.py --write`.\n"]
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


def broken_links() -> list[str]:
    """Return the relative links that lead nowhere."""
    found = []
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")]:
        targets = LINK.findall(page.read_text(encoding="utf-8"))
        here = [t for t in targets if "://" not in t and not t.startswith("mailto:")]
        found += [f"{page.relative_to(ROOT)}: {t}" for t in here if not (page.parent / t).exists()]
    return found


def main() -> int:
    """Check or write; return the exit code."""
    write = "--write" in sys.argv[1:]
    faults = [f"a link leads nowhere: {link}" for link in broken_links()]
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
