"""A process of the sandbox: its folder, its start, the watch over its limits, and its end."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from conch_dna.sandbox.inside.jail import FILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import IO

MOST_BYTES, MOST_FILES = 16 << 20, 500  # limits of its folder
MOST_THREADS = 64  # of the process and its child together
LOOK = 0.05  # seconds between two checks of the process
WALKS = 20  # through its folder, until one finds all that it has listed
HERE = Path(__file__).parent
START = "import sys; sys.path.insert(0, sys.argv[1]); from inside.{} import main; del sys.path[0]; main()"
# The environment, without the user's keys.
HARMLESS = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"}


class Ended(NamedTuple):
    """How a process ended.

    :param code: as :attr:`subprocess.Popen.returncode`.
    :param fault: why it was killed; ``None`` if it ended by itself.
    """

    code: int
    fault: str | None


@contextlib.contextmanager
def new_folder() -> Iterator[Path]:
    """Make a folder, and remove it at the end as far as possible."""
    folder = Path(tempfile.mkdtemp(prefix="conch-python-")).resolve()
    try:
        yield folder
    finally:
        # A program may leave folders that cannot be listed, and deeper ones than Python's recursion can remove.
        for command in (["chmod", "-R", "u+rwx"], ["rm", "-rf"]):
            subprocess.run([*command, "--", str(folder)], stderr=subprocess.DEVNULL, env=HARMLESS, check=False)


def run(
    main: str, order: Mapping[str, object], folder: Path, seconds: float, *,
    stdin: IO[bytes] | int = subprocess.DEVNULL, output: IO[bytes] | int = subprocess.DEVNULL,
    keep: tuple[int, ...] = (),
) -> Ended:  # fmt: skip
    """Run a file of :mod:`.inside` until it ends or exceeds a limit.

    :param main: the name of the file.
    :param order: what it is told, with JSON values; ``folder``, ``parent`` and the CPU ``seconds`` are added.
    :param folder: its working folder, see :func:`new_folder`.
    :param seconds: time limit.
    :param keep: further descriptors that it inherits.
    """
    told = {"seconds": int(seconds) + 1, **order, "folder": str(folder), "parent": os.getpid()}
    process = subprocess.Popen(
        [sys.executable, "-I", "-c", START.format(main), str(HERE), json.dumps(told)],
        cwd=folder, stdin=stdin, stdout=output, stderr=subprocess.STDOUT, start_new_session=True, pass_fds=keep,
        env=HARMLESS | {"HOME": str(folder), "TMPDIR": str(folder)},
    )  # fmt: skip
    try:
        fault = _watch(process, folder, time.monotonic() + seconds)
    finally:  # also on Ctrl-C
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # with its children, if it could create any
        process.wait()
    return Ended(process.returncode, fault)


def _watch(process: subprocess.Popen[bytes], folder: Path, ends: float) -> str | None:
    """Wait for the process; return why it must be killed, or ``None`` if it ended."""
    while True:
        if _ended(process):
            return None
        if time.monotonic() > ends:
            return "it took too long"
        if _too_much(folder):
            return "it wrote too much"
        processes = _processes(process.pid)
        if sum(map(_threads, processes)) > MOST_THREADS:
            return "it started too many threads"
        if sum(_unnamed(pid, folder) for pid in processes) > MOST_BYTES // FILE:
            return "it wrote too much"


def _ended(process: subprocess.Popen[bytes]) -> bool:
    """Wait for :data:`LOOK` seconds; return whether the process ended."""
    if hasattr(os, "pidfd_open"):  # Linux: tells at once, where Popen.wait looks every 50 ms
        handle = os.pidfd_open(process.pid)
        try:
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            return bool(poll.poll(LOOK * 1000))
        finally:
            os.close(handle)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(LOOK)
        return True
    return False


def _too_much(folder: Path) -> bool:
    """Return whether a folder exceeds its limits, or hides its contents."""
    for _ in range(WALKS):
        found = _size(folder)
        if found is not None:
            return found
    return True  # what moves its folders, to hide them from every walk


def _size(folder: Path) -> bool | None:
    """Return whether a folder exceeds its limits; ``None`` if folders vanished meanwhile, as temporary ones do."""
    unread: list[OSError] = []
    files = size = 0
    for here, folders, names in os.walk(folder, onerror=unread.append):
        files += len(names) + len(folders)
        for name in names:
            with contextlib.suppress(OSError):
                found = os.lstat(os.path.join(here, name))  # noqa: PTH118 - faster for many files
                size += max(found.st_size, found.st_blocks * 512)
        if size > MOST_BYTES or files > MOST_FILES:
            return True
    if any(not isinstance(fault, FileNotFoundError) for fault in unread):
        return True
    return None if unread else False


def _processes(pid: int) -> list[int]:
    """Return a process and its child, where the system tells; the sandbox starts no others."""
    with contextlib.suppress(OSError):
        return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split())]
    return []


def _threads(pid: int) -> int:
    """Return the threads of a process."""
    with contextlib.suppress(OSError):
        return len(os.listdir(f"/proc/{pid}/task"))  # noqa: PTH208 - names are enough
    return 0


def _unnamed(pid: int, folder: Path) -> int:
    """Return how many files of the folder a process has mapped that have no name any more."""
    with contextlib.suppress(OSError):  # it ended, or is the judge, which hides itself
        lines = [line.split(maxsplit=5) for line in Path(f"/proc/{pid}/maps").read_text(errors="replace").splitlines()]
        gone = [line for line in lines if line[-1].startswith(str(folder)) and line[-1].endswith(" (deleted)")]
        return len({line[4] for line in gone})
    return 0
