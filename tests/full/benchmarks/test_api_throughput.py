"""The benchmark of the pace runs from its command to its rows, with time scaled down."""

import json
import subprocess
import sys

from checkout import ROOT

SCRIPT = ROOT / "benchmarks/api_throughput.py"


def test_every_way_of_counting_has_its_row_without_a_refusal():
    words = ["--minute", "4", "--minutes", "0.5", "--latency", "0.05", "--json"]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *words], capture_output=True, text=True, timeout=120, check=True
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    found = {(row["style"], row["counts"]) for row in rows}
    assert found == {(style, counts) for style in ("bucket", "window") for counts in ("asked", "used")}
    assert all(row["refused"] == 0 and row["calls"] > 10 and 0.5 < row["share"] < 1.1 for row in rows)
