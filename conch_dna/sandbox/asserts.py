"""Tests generated code: its asserts pass or fail in a process that the code cannot reach."""

from __future__ import annotations

import json
import os
import tempfile
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from conch_dna.errors import ConfigError
from conch_dna.sandbox.inside.asserts import CONFINED, PASSED, RAN
from conch_dna.sandbox.process import new_folder, run
from conch_dna.sandbox.programs import can_confine

if TYPE_CHECKING:
    from collections.abc import Sequence

SECONDS = 4.0  # of wall time; code that sleeps uses no CPU time
CPU_SECONDS = 2


class Outcome(NamedTuple):
    """The result of the tests.

    :param ran: whether the code itself completed, before the first assert.
    :param passed: whether every assert completed too.
    """

    ran: bool
    passed: bool


def run_asserts(code: str, tests: Sequence[str]) -> Outcome:
    """Run ``code`` anew before each of ``tests``, until the first that fails.

    Two processes run them. One has the code, and is asked for what the tests use of it. The other has the tests, and
    compares plain values: no class of the code decides whether its own value is the right one. What a test takes from
    the code beyond that, such as the truth of an object or the equality of two objects of a class, it believes.

    :raises ConfigError: this machine cannot confine them, see :func:`withheld`.
    """
    ends, verdict = os.pipe()
    with new_folder() as folder, tempfile.TemporaryFile() as told, os.fdopen(ends, "rb") as said:
        told.write(json.dumps([code, list(tests)]).encode())
        told.seek(0)
        try:
            ended = run(
                "asserts", {"verdict": verdict, "seconds": CPU_SECONDS}, folder, SECONDS, stdin=told, keep=(verdict,)
            )
        finally:
            os.close(verdict)
        marks = said.read()
    if CONFINED not in marks and ended.fault is None and (reason := withheld()):
        raise ConfigError("generated code cannot be tested here", got=reason, allowed="Linux 6.2 or newer")
    return Outcome(RAN in marks, PASSED in marks)


@cache
def withheld() -> str | None:
    """Return why this machine tests no code, or ``None`` if it does."""
    return can_confine()
