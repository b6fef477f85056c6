"""The ``tests_pass`` scorer: the share of the reference's asserts that the answer's code passes.

**This scorer runs generated code**, in a separate process with an empty environment, a temporary folder and limits on
time, memory and file size. This prevents accidents, not attacks: the code can still read files and use the network. The
scorer runs only if a domain gives it a weight under ``[scorers]`` or ``conch record --require tests_pass=1`` names it.
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
from typing import TYPE_CHECKING

from conch_dna import hookimpl
from conch_dna.plugin.protocols import without_perplexity
from conch_dna.util.text import fenced_code

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conch_dna.plugin.protocols import ScoreContext, Scorer
    from conch_dna.records import Prompt

SECONDS = 4.0  # of wall time for each assert; code that sleeps uses no CPU time
# The process limits itself before it reads the code, because a preexec_fn is not safe in a program with threads. macOS
# cannot limit the address space, hence the suppression. The exit code cannot signal a pass: code that calls sys.exit(0)
# has the same one.
RUNNER = """
import contextlib, json, resource, sys
limits = {"CPU": 2, "AS": 1 << 30, "FSIZE": 1_000_000, "CORE": 0}
for name, most in limits.items():
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))
code, test, token = json.load(sys.stdin)
names = {"__name__": "answer"}
with contextlib.suppress(SystemExit):
    exec(compile(code, "answer", "exec"), names)
exec(compile(test, "test", "exec"), names)
with open("passed", "w") as file:
    file.write(token)
"""


@without_perplexity
def tests_pass(prompt: Prompt, response: str, context: ScoreContext) -> float:  # noqa: ARG001 - the hook's signature
    """Run the reference's asserts on the first fenced block of ``response``, each in a separate process.

    :returns: the share that passes; 1 if the reference has no tests, 0 if the response has no code.
    """
    tests = prompt.reference.tests
    if not tests:
        return 1.0
    block = fenced_code(response)
    if block is None:
        return 0.0
    return sum(_passes(block.code, test) for test in tests) / len(tests)


def _passes(code: str, test: str) -> bool:
    """Return whether ``test`` completed after ``code``."""
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
                process.communicate(json.dumps([code, test, token]).encode(), timeout=SECONDS)
            # Kill the whole group, including processes that the code started.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        try:
            return (Path(folder) / "passed").read_text(encoding="utf-8", errors="replace") == token
        except OSError:
            return False


@hookimpl
def register_scorers() -> Mapping[str, Scorer]:
    """Provide the scorer."""
    return {"tests_pass": tests_pass}
