"""The proof of the registry runs, kills processes at their writes, and catches a registry that is careless."""

import subprocess
import sys

import pytest
from checkout import ROOT

SCRIPT = ROOT / "benchmarks" / "registry_faults.py"


def run(*words):
    return subprocess.run([sys.executable, SCRIPT, *map(str, words)], check=False, capture_output=True, text=True)


@pytest.mark.parametrize(("processes", "schedules"), [(1, 3), (2, 4), (8, 2)])
def test_nothing_is_lost_whoever_is_killed(processes, schedules):
    done = run("--schedules", schedules, "--processes", processes)
    assert (done.returncode, done.stderr) == (0, "")
    seen = {name: int(count) for count, name in (line.split(maxsplit=1) for line in done.stdout.splitlines()[1:])}
    assert (seen["schedules"], seen["schedules failed"]) == (schedules, 0)
    for name in ("killed by SIGKILL, before a write", "operations: publish", "operations: gc", "versions taken away"):
        assert seen[name] > 0, name


def test_a_version_that_is_written_where_it_can_be_seen_is_caught():
    done = run("--schedules", 60, "--careless")
    assert done.returncode == 1
    assert "1 schedules failed" in done.stdout
    assert "not whole" in done.stderr or "has another content" in done.stderr or "fault" in done.stderr
