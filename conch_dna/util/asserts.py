"""Runs asserts on generated code, in a separate process.

**This runs generated code.** The process has an empty environment, a temporary folder and limits on time, memory and
file size. This prevents accidents, not attacks: the code can still read files and use the network.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

SECONDS = 4.0  # of wall time for a process; code that sleeps uses no CPU time
# The process limits itself before it reads the code, because a preexec_fn is not safe in a program with threads. macOS
# cannot limit the address space, hence the suppression. The exit code cannot signal a pass: code that calls sys.exit(0)
# has the same one. Each assert gets fresh names, so that none sees what another changed.
RUNNER = """
import contextlib, json, resource, sys
limits = {"CPU": 2, "AS": 1 << 30, "FSIZE": 1_000_000, "CORE": 0}
for name, most in limits.items():
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))
code, tests, token = json.load(sys.stdin)
compiled = compile(code, "answer", "exec")
for number, test in enumerate(tests):
    names = {"__name__": "answer"}
    with contextlib.suppress(SystemExit):
        exec(compiled, names)
    if number == 0:
        with open("ran", "w") as file:
            file.write(token)
    exec(compile(test, "test", "exec"), names)
with open("passed", "w") as file:
    file.write(token)
"""


class Outcome(NamedTuple):
    """The result of one process.

    :param ran: whether the code itself completed, before the first assert.
    :param passed: whether every assert completed too.
    """

    ran: bool
    passed: bool


def run_asserts(code: str, tests: Sequence[str]) -> Outcome:
    """Run ``code`` and then each of ``tests``, all in one process, until the first that fails."""
    token = secrets.token_hex(16)
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-I", "-c", RUNNER],
            cwd=folder,
            env={},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        with process:
            with suppress(subprocess.TimeoutExpired):
                process.communicate(json.dumps([code, list(tests), token]).encode(), timeout=SECONDS)
            # Kill the whole group, including processes that the code started.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        return Outcome(*(_holds(Path(folder) / name, token) for name in Outcome._fields))


def _holds(path: Path, token: str) -> bool:
    try:
        return path.read_text(encoding="utf-8", errors="replace") == token
    except OSError:
        return False
