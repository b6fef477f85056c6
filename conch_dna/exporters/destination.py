"""The destination folder of an export, which appears complete or not at all."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from conch_dna.errors import ConchError, DiskError, RegistryError
from conch_dna.exporters.readme import MARK
from conch_dna.registry.card import README_FILE
from conch_dna.util.files import new_folder

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def destination(out: Path, registry: Path, *, force: bool) -> Iterator[Path]:
    """Yield a temporary folder that becomes ``out`` if the block succeeds, and is deleted otherwise.

    :param registry: the registry's root; an export in it could be taken for a version.
    :param force: replace an earlier export. It is moved aside last, and restored if the new one cannot be moved to
        ``out``; a kill between the two moves leaves it beside ``out`` under a name that starts with a dot.
    :raises RegistryError: ``out`` is taken, or is inside the registry.
    :raises DiskError: it could not be written.
    """
    out = out.expanduser().resolve()
    if out.is_relative_to(registry.resolve()):
        raise RegistryError("an export cannot be inside the registry", where=out, allowed="any other folder")
    _check_free(out, force=force)
    aside: Path | None = None
    try:
        with new_folder(out) as staged:
            yield staged
            if out.exists():
                _check_free(out, force=force)
                aside = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
                out.rename(aside / out.name)
    except BaseException as fault:
        if aside is not None and not out.exists():
            (aside / out.name).rename(out)
        if isinstance(fault, OSError) and not isinstance(fault, ConchError):
            raise DiskError(f"cannot write: {fault.strerror or fault}", where=fault.filename or out) from fault
        raise
    finally:
        if aside is not None and out.exists():
            shutil.rmtree(aside)


def _check_free(out: Path, *, force: bool) -> None:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not out.is_dir():
        raise RegistryError("a file of this name exists", where=out, allowed="a new folder, or an empty one")
    if not force:
        raise RegistryError("the folder is not empty", where=out, next_step="Choose another folder, or add --force.")
    if any(path.is_dir() for path in out.iterdir()) or not _exported(out / README_FILE):
        raise RegistryError("not a folder that an export made; --force does not replace it", where=out)


def _exported(readme: Path) -> bool:
    """Return true if an export wrote this README; --force must not delete any other model or adapter."""
    return readme.is_file() and MARK in readme.read_text(encoding="utf-8", errors="replace")
