"""The curve shows the rows of its run, and measures no checkpoint twice."""

import json

from click.testing import CliRunner

from benchmarks.curve import main


def row(step, held, right, **about):
    share = {"right": right, "low": 0.1, "high": 0.9, "count": 10, "figures": {"right tool": 0.75}}
    known = {"run": "mine/action", "step": step, "examples": 4 * step, "on": "heldout", "n": 100}
    return known | {"set": "natural", "held": held, "right": share} | about


def test_rows_that_exist_are_shown_and_not_measured_again(tmp_path):
    folder, rows = tmp_path / "runs" / "mine" / "action", tmp_path / "rows.jsonl"
    for step in (25, 50):
        (folder / "checkpoints" / f"{step:06}").mkdir(parents=True)
    (folder.parent / "config.json").write_text(json.dumps({"config": {"batch_size": 4, "accumulation": 1}}))
    found = [row(25, False, 0.2), row(25, True, 0.3), row(50, True, 0.5), row(50, False, 0.9, run="other/action")]
    rows.write_text("".join(json.dumps(one) + "\n" for one in found))
    done = CliRunner().invoke(main, [str(folder), "--rows", str(rows)], catch_exceptions=False)
    assert done.output.splitlines() == [
        "| examples | natural | natural held |",
        "|---:|---:|---:|",
        "| 100 | 0.20 [0.10, 0.90] of 10, right tool 0.75 | 0.30 [0.10, 0.90] of 10, right tool 0.75 |",
        "| 200 |  | 0.50 [0.10, 0.90] of 10, right tool 0.75 |",
    ]
    assert len(rows.read_text().splitlines()) == len(found)
