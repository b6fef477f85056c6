"""The one lock of a registry: whoever changes anything holds it; readers take none."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from conch_dna.errors import RegistryError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK_FILE = ".lock"


@contextlib.contextmanager
def locked(root: Path, timeout: float) -> Iterator[None]:
    """Hold the lock of the registry at ``root``, which is made; the system lets go of it when a process dies.

    :param timeout: seconds to wait for another process.
    :raises RegistryError: another process holds it all that time, or the disk failed in the block.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(root / LOCK_FILE)
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=timeout)
        yield
    except Timeout as fault:
        raise RegistryError(
            f"another process has been changing the registry for {timeout:g} seconds",
            where=root / LOCK_FILE,
            next_step="Wait for it to end, or end it, and try again.",
        ) from fault
    except OSError as fault:
        where = fault.filename2 or fault.filename or root  # of a copy, the file that is written comes second
        raise RegistryError(f"cannot write: {fault.strerror}", where=where) from fault
    finally:
        lock.release()
