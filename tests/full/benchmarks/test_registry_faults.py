"""The fault injection of the registry runs, kills processes before writes, and detects unstaged writes."""

import subprocess
import sys

import pytest
from checkout import ROOT

SCRIPT = ROOT / "benchmarks" / "registry_faults.py"


def run(*words):
    return subprocess.run([sys.executable, SCRIPT, *map(str, words)], check=False, capture_output=True, text=True)


@pytest.mark.parametrize(("processes", "schedules"), [(1, 3), (2, 4), (8, 2)])
def test_no_version_is_lost_when_processes_are_killed(processes, schedules):
    done = run("--schedules", schedules, "--processes", processes)
    assert (done.returncode, done.stderr) == (0, "")
    seen = {name: int(count) for count, name in (line.split(maxsplit=1) for line in done.stdout.splitlines()[1:])}
    assert (seen["schedules"], seen["schedules failed"]) == (schedules, 0)
    for name in ("killed by SIGKILL, before a write", "operations: publish", "operations: gc", "versions removed"):
        assert seen[name] > 0, name


def test_a_version_written_in_place_is_detected():
    done = run("--schedules", 60, "--careless")
    assert done.returncode == 1
    assert "1 schedules failed" in done.stdout
    assert "not whole" in done.stderr or "has another content" in done.stderr or "fault" in done.stderr
