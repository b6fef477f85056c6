"""The HTML page of an evaluation: one file without scripts or external assets."""

from __future__ import annotations

import json
from html import escape
from string import Template
from typing import TYPE_CHECKING

from conch_dna.cli.eval import COLUMNS, cells
from conch_dna.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conch_dna.evaluation.eval_report import EvalReport, WrongAnswer

MOST = 500  # wrong answers on the page
# The policy forbids scripts, should an answer ever get past the escapes.
_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>conch eval: $on</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #1c1c1c; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #d5d5d5; padding: .35rem .6rem; text-align: left; vertical-align: top; }
details { border-bottom: 1px solid #d5d5d5; padding: .35rem 0; }
summary { cursor: pointer; }
pre { background: #f4f4f4; padding: .6rem; white-space: pre-wrap; overflow-wrap: anywhere; }
h3 { font-size: 1em; margin: .6rem 0 .2rem; }
@media (prefers-color-scheme: dark) { body { background: #161616; color: #e8e8e8; } pre { background: #262626; } }
</style>
</head>
<body>
<h1>Right answers on $on</h1>
<table>
<thead><tr>$head</tr></thead>
<tbody>
$rows
</tbody>
</table>
$left_out
<h2>Wrong answers: $count</h2>
$wrong
<p>Intervals are of 95 %: Wilson for shares, Bonett and Price for differences. Conch DNA $version.</p>
</body>
</html>
""")


def page(report: EvalReport) -> str:
    """Return the report as an HTML page; all text of prompts and answers is escaped."""
    left_out = "".join(f"<li>{escape(reason)}</li>" for reason in report.left_out)
    more = f" (the first {MOST} are shown)" if len(report.wrong) > MOST else ""
    return _PAGE.substitute(
        on=escape(report.on),
        head=_cells("th", COLUMNS),
        rows="\n".join(f"<tr>{_cells('td', cells(row))}</tr>" for row in report.rows),
        left_out=f"<h2>Left out</h2><ul>{left_out}</ul>" if left_out else "",
        count=f"{len(report.wrong)}{more}",
        wrong="\n".join(map(_details, report.wrong[:MOST])),
        version=escape(__version__),
    )


def _cells(tag: str, texts: Iterable[str]) -> str:
    return "".join(f"<{tag}>{escape(text)}</{tag}>" for text in texts)


def _details(wrong: WrongAnswer) -> str:
    """Return one wrong answer, folded."""
    last = " ".join(str(wrong.prompt[-1]["content"]).split())[:160]
    parts = {"answer": wrong.answer, "reference": json.dumps(wrong.reference, ensure_ascii=False, indent=1)}
    if wrong.against is not None:
        parts["the other model"] = wrong.against
    parts["prompt"] = "\n\n".join(f"{turn['role']}: {turn['content']}" for turn in wrong.prompt)
    if wrong.tools:
        parts["tools"] = "\n".join(wrong.tools)
    body = "".join(f"<h3>{name}</h3><pre>{escape(text)}</pre>" for name, text in parts.items())
    held = " held" if wrong.held else ""
    return f"<details><summary>{escape(f'{wrong.neuron}, {wrong.set}{held}: {last}')}</summary>{body}</details>"
