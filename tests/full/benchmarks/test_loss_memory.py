"""The peak-memory benchmark prints its table, and the fused loss uses less memory than the plain form."""

import subprocess
import sys

from checkout import ROOT

SCRIPT = ROOT / "benchmarks" / "loss_memory.py"


def test_the_quick_table_shows_a_peak_that_stays_and_one_that_grows():
    command = [sys.executable, SCRIPT, "--quick", "--limit", "0.05"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    rows = [line.split() for line in done.stdout.splitlines()[2:]]
    positions, ours, plain, _, our_nats, plain_nats = zip(*(row[:6] for row in rows), strict=True)
    assert positions == ("64", "256", "512")
    assert float(ours[2]) < 2 * float(ours[1])
    assert float(plain[1]) > 3 * float(plain[0])
    assert plain[2] == "—"
    assert "needs about" in " ".join(rows[2])
    assert our_nats[:2] == plain_nats[:2]
