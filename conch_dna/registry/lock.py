"""The lock of a registry: every change holds it; readers take no lock."""

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
    """Hold the lock of the registry at ``root``, which is created; the system releases it when the process dies.

    :param timeout: seconds to wait for another process.
    :raises RegistryError: another process held it all that time, or the block raised an ``OSError``.
    """
    from filelock import FileLock, Timeout  # here, since commands that only read need no lock

    lock = FileLock(root / LOCK_FILE)
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=timeout)
        yield
    except Timeout as fault:
        raise RegistryError(
            f"another process has been changing the registry for {timeout:g} seconds",
            where=root / LOCK_FILE,
            next_step="Wait for it to finish, or stop it, and try again.",
        ) from fault
    except OSError as fault:
        where = fault.filename2 or fault.filename or root  # of a copy, the target is the second file
        raise RegistryError(f"cannot write: {fault.strerror}", where=where) from fault
    finally:
        lock.release()
