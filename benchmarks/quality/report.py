"""Tables of the rows: mean and spread over seeds, and the paired difference from the base."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

RESAMPLES = 4000
TASK = ("held-out: task", "questions: task")
Row = dict[str, Any]


def tables(rows: list[Row]) -> str:
    """Return a Markdown table per domain, with a line per method and a column per figure."""
    parts = []
    for domain in sorted({row["domain"] for row in rows}):
        by_method: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            if row["domain"] == domain:
                by_method[row["method"]].append(row)
        parts.append(f"### {domain}\n\n{_table(by_method)}")
    return "\n\n".join(parts) + "\n"


def _table(by_method: dict[str, list[Row]]) -> str:
    figures = list(dict.fromkeys(f for rows in by_method.values() for row in rows for f in row["measured"]))
    head = ["method", "seeds", *figures, "gap closed", "tokens", "CPU s", "peak GB"]
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    for method, rows in by_method.items():
        cells = [method, str(len(rows))]
        cells += [_cell(rows, by_method.get("base", []), figure) for figure in figures]
        cells += [_gap_closed(by_method, method), _trained(rows, "tokens", 1, 0), _trained(rows, "cpu_seconds", 1, 0)]
        cells.append(_trained(rows, "peak_memory", 1e9, 1))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(rows: list[Row], base: list[Row], figure: str) -> str:
    """Return mean ± standard deviation over seeds, and the 95 % interval of the paired change from the base."""
    values = [row["measured"][figure] for row in rows if figure in row["measured"]]
    if not values:
        return "-"
    means = [float(np.mean(v)) for v in values]
    text = f"{np.mean(means):.3f}" + (f" ± {np.std(means, ddof=1):.3f}" if len(means) > 1 else "")
    if base and rows[0]["method"] not in {"base", "teacher"} and figure in base[0]["measured"]:
        low, high = paired_interval(np.mean(values, axis=0), np.asarray(base[0]["measured"][figure]))
        text += f" [{low:+.3f}, {high:+.3f}]"
    return text


def paired_interval(ours: np.ndarray, base: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of the mean difference, prompts resampled in pairs."""
    difference = np.asarray(ours) - np.asarray(base)
    picks = np.random.default_rng(seed).integers(0, len(difference), (RESAMPLES, len(difference)))
    low, high = np.quantile(difference[picks].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


def _gap_closed(by_method: dict[str, list[Row]], method: str) -> str:
    """Return the share of the gap in right answers between base and teacher that the method closes.

    Held-out prompts come first, then questions if there are any; a dash if the teacher is not better than the base.
    """
    found = []
    for figure in TASK:
        ends = [by_method.get(name, [{"measured": {}}])[0]["measured"].get(figure) for name in ("base", "teacher")]
        values = [row["measured"].get(figure) for row in by_method[method]]
        if method in {"base", "teacher"} or None in ends or None in values:
            continue
        base, teacher = (float(np.mean(end)) for end in ends if end is not None)
        ours = float(np.mean([np.mean(v) for v in values]))
        found.append(f"{(ours - base) / (teacher - base):.0%}" if teacher > base else "-")
    return ", ".join(found) or "-"


def _trained(rows: list[Row], key: str, unit: float, digits: int) -> str:
    values = [row["training"][key] / unit for row in rows if row["training"].get(key)]
    return f"{np.mean(values):.{digits}f}" if values else "-"
