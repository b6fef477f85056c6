"""The proof of the budget runs, meets every fault it is there for, and catches a ledger that forgets."""

import subprocess
import sys

from checkout import ROOT

SCRIPT = ROOT / "benchmarks" / "budget_schedules.py"


def figures(*words):
    """Run it; return its figures by name."""
    command = [sys.executable, SCRIPT, *map(str, words)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    rows = [line.split(maxsplit=1) for line in done.stdout.splitlines()[2:]]
    return {name: int(count) for count, name in rows}


def test_no_schedule_overspends_whoever_is_killed():
    seen = figures("--schedules", 30)
    assert seen["nano-USD: maximum overspend"] == seen["schedules overspent"] == 0
    for name in ("SIGKILL", "SIGXFSZ", "workers that met a full disk", "workers that met the cap", "calls charged"):
        assert seen[name] > 0, name


def test_a_ledger_that_forgets_what_is_reserved_is_caught():
    assert figures("--schedules", 200, "--careless")["schedules overspent"] == 1
