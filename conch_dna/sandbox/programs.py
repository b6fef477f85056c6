"""The Python tool of the agent: runs a model's program in a separate process and folder, with tight limits."""

from __future__ import annotations

import os
import signal
import tempfile
from typing import IO, TYPE_CHECKING

from conch_dna.sandbox import ProgramFailed
from conch_dna.sandbox.inside.jail import FILE
from conch_dna.sandbox.process import new_folder, run

if TYPE_CHECKING:
    from pathlib import Path

    from conch_dna.sandbox.process import Ended

SECONDS = 5.0
SHOWN = 2000  # characters of the output that are returned


def run_python(code: str, root: Path | None = None, *, confined: bool = True, seconds: float = SECONDS) -> str:
    """Run a program; return its output.

    :param root: a folder that it may read in addition to Python's own.
    :param confined: whether the kernel denies it other files and the network, see :mod:`.inside.jail`.
    :param seconds: time limit.
    :raises ProgramFailed: it failed, exceeded a limit, or cannot be confined; with the end of its output.
    """
    with new_folder() as folder, tempfile.TemporaryFile() as output:
        file = folder / "program.py"
        file.write_text(code, encoding="utf-8", errors="replace")
        order = {"file": str(file), "readable": [str(root)] if root else [], "confined": confined}
        return _output_of(run("program", order, folder, seconds, output=output), output, folder)


def can_confine() -> str | None:
    """Return why this machine cannot confine programs, or ``None`` if it can; runs one to find out."""
    try:
        run_python("pass")
    except ProgramFailed as fault:
        return str(fault)
    return None


def _output_of(ended: Ended, output: IO[bytes], folder: Path) -> str:
    """Return the output of a program: the beginning on success, the end on failure, where a traceback names its error.

    :raises ProgramFailed: the program failed.
    """
    output.seek(0)
    code, fault = ended
    text = output.read().decode(errors="replace").replace(str(folder) + os.sep, "").strip()
    if fault is None and len(text) > FILE // 2 and code != 0:
        fault = "it printed too much"
    elif fault is None and code < 0:
        fault = f"it was ended by a signal: {signal.strsignal(-code) or -code}"
    if fault is not None or code != 0:
        raise ProgramFailed("\n".join(filter(None, [text[-SHOWN:], fault])) or f"it ended with code {code}")
    return (text if len(text) <= SHOWN else text[:SHOWN] + "…") or "(it printed nothing)"
