"""Running a model's Python: in a process of its own, in a folder of its own, with little of everything."""

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

from conch_dna.agent.faults import ToolFailed
from conch_dna.agent.jail import FILE

JAIL = Path(__file__).with_name("jail.py")
SECONDS = 5.0
MOST_BYTES, MOST_FILES = 16 << 20, 500  # in its folder, together
SHOWN = 2000  # characters of the output
LOOK = 0.05  # seconds between two looks at what it does
HARMLESS = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"}  # no key of the user's


def run_python(code: str, root: Path | None = None, *, confined: bool = True, seconds: float = SECONDS) -> str:
    """Run a program; return what it printed.

    :param root: a folder that it may read beside Python's own.
    :param confined: whether the kernel keeps it from all other files and from the network, see :mod:`.jail`.
    :param seconds: until it is killed.
    :raises ToolFailed: it failed, took too long or too much, or cannot be confined; with the end of its output.
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
        finally:  # Ctrl-C too
            _end(process)
        return _told(process.returncode, fault, output, folder)


def can_confine() -> str | None:
    """Return why this machine cannot confine programs, ``None`` if it can; tried by running one."""
    try:
        run_python("pass")
    except ToolFailed as fault:
        return str(fault)
    return None


def _watch(process: subprocess.Popen[bytes], folder: Path, ends: float) -> str | None:
    """Wait for the process; return why it must be killed, if it must."""
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(LOOK)
            return None
        if time.monotonic() > ends:
            return "it took too long"
        if _too_much(folder):
            return "it wrote too much"


def _too_much(folder: Path) -> bool:
    """Tell whether there is more in a folder than may be; what goes away meanwhile does not count."""
    files = size = 0
    for here, folders, names in os.walk(folder):
        files += len(names) + len(folders)
        for name in names:
            with contextlib.suppress(OSError):
                size += os.lstat(os.path.join(here, name)).st_size  # noqa: PTH118 - there may be many
        if size > MOST_BYTES or files > MOST_FILES:
            return True
    return False


def _remove(folder: Path) -> None:
    """Remove a folder; what cannot be removed stays. Unlike ``shutil.rmtree``, ``rm`` does not recurse in Python."""
    subprocess.run(["rm", "-rf", "--", str(folder)], stderr=subprocess.DEVNULL, env=HARMLESS, check=False)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the process and, where it could not be kept from making any, its children."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _told(code: int, fault: str | None, output: IO[bytes], folder: Path) -> str:
    """Return what the program printed; of a traceback the end tells most, of an answer the beginning.

    :raises ToolFailed: it did not end well.
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
