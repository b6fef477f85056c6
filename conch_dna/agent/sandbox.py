"""The Python tool: runs a model's program in a separate process and folder, with tight limits."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

from conch_dna.agent import ToolFailed
from conch_dna.agent.jail import FILE

JAIL = Path(__file__).with_name("jail.py")
SECONDS = 5.0
MOST_BYTES, MOST_FILES = 16 << 20, 500  # limits of its folder
SHOWN = 2000  # characters of the output that are returned
LOOK = 0.05  # seconds between two checks of the process
# The environment, without the user's keys.
HARMLESS = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"}


def run_python(code: str, root: Path | None = None, *, confined: bool = True, seconds: float = SECONDS) -> str:
    """Run a program; return its output.

    :param root: a folder that it may read in addition to Python's own.
    :param confined: whether the kernel denies it other files and the network, see :mod:`.jail`.
    :param seconds: time limit.
    :raises ToolFailed: it failed, exceeded a limit, or cannot be confined; with the end of its output.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="conch-python-")).resolve()
        stack.callback(_remove, folder)
        output = stack.enter_context(tempfile.TemporaryFile())
        (folder / "program.py").write_text(code, encoding="utf-8", errors="replace")
        order = {
            "file": str(folder / "program.py"), "folder": str(folder), "readable": [str(root)] if root else [],
            "seconds": int(seconds) + 1, "confined": confined, "parent": os.getpid(),
        }  # fmt: skip
        process = subprocess.Popen(
            [sys.executable, "-I", str(JAIL), json.dumps(order)], cwd=folder, stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT, start_new_session=True,
            env=HARMLESS | {"HOME": str(folder), "TMPDIR": str(folder)},
        )  # fmt: skip
        try:
            fault = _watch(process, folder, time.monotonic() + seconds)
        finally:  # also on Ctrl-C
            _end(process)
        return _output_of(process.returncode, fault, output, folder)


def can_confine() -> str | None:
    """Return why this machine cannot confine programs, or ``None`` if it can; runs one to find out."""
    try:
        run_python("pass")
    except ToolFailed as fault:
        return str(fault)
    return None


def _watch(process: subprocess.Popen[bytes], folder: Path, ends: float) -> str | None:
    """Wait for the process; return why it must be killed, or ``None`` if it ended."""
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(LOOK)
            return None
        if time.monotonic() > ends:
            return "it took too long"
        if _too_much(folder):
            return "it wrote too much"


def _too_much(folder: Path) -> bool:
    """Return whether a folder exceeds its limits; files that vanish meanwhile do not count."""
    files = size = 0
    for here, folders, names in os.walk(folder):
        files += len(names) + len(folders)
        for name in names:
            with contextlib.suppress(OSError):
                size += os.lstat(os.path.join(here, name)).st_size  # noqa: PTH118 - faster for many files
        if size > MOST_BYTES or files > MOST_FILES:
            return True
    return False


def _remove(folder: Path) -> None:
    """Remove a folder as far as possible; ``rm`` handles any depth, where ``shutil.rmtree`` recurses in Python."""
    subprocess.run(["rm", "-rf", "--", str(folder)], stderr=subprocess.DEVNULL, env=HARMLESS, check=False)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and, if it could create any, its children."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _output_of(code: int, fault: str | None, output: IO[bytes], folder: Path) -> str:
    """Return the output of a program: the beginning on success, the end on failure, where a traceback names its error.

    :raises ToolFailed: the program failed.
    """
    output.seek(0)
    text = output.read().decode(errors="replace").replace(str(folder) + os.sep, "").strip()
    if fault is None and len(text) > FILE // 2 and code != 0:
        fault = "it printed too much"
    elif fault is None and code < 0:
        fault = f"it was ended by a signal: {signal.strsignal(-code) or -code}"
    if fault is not None or code != 0:
        raise ToolFailed("\n".join(filter(None, [text[-SHOWN:], fault])) or f"it ended with code {code}")
    return (text if len(text) <= SHOWN else text[:SHOWN] + "…") or "(it printed nothing)"
