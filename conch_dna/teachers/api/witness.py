"""The witness of a ledger: how much was written to it, noted where a deleted project does not take it along."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from typing import TYPE_CHECKING

import structlog

from conch_dna.errors import LedgerError
from conch_dna.models.cache import config_dir
from conch_dna.teachers.api.money import usd

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "ledgers"
log = structlog.get_logger()


class Witness:
    """The note in the user's configuration folder about one ledger; the caller holds the ledger's lock.

    :param ledger: the ledger's file.
    """

    def __init__(self, ledger: Path) -> None:
        self.ledger = ledger
        self.path = config_dir() / FOLDER / f"{hashlib.sha256(str(ledger.resolve()).encode()).hexdigest()[:32]}.json"
        self._failed = False

    def check(self, size: int) -> None:
        """Check that the ledger has all that was written to it.

        :param size: bytes of its lines.
        :raises LedgerError: it is shorter: it was deleted, or replaced by an older copy.
        """
        try:
            noted = json.loads(self.path.read_text(encoding="utf-8"))
            least, counted = int(noted["size"]), int(noted["counted"])
        except (OSError, ValueError, KeyError, TypeError):
            return
        if size < least:
            raise LedgerError(
                "the ledger is gone, or older than what was written to it", where=self.ledger,
                got=f"{usd(counted)} were spent or reserved",
                next_step="Restore it. If the budget is to begin again from nothing: conch budget reset",
            )  # fmt: skip

    def note(self, size: int, counted: int) -> None:
        """Note the size and the counted amount in nano-USD; without a place for it, the ledger has no witness."""
        # Not flushed, as write_atomic would be: each call of an API waits for this note.
        made = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            made.write_text(json.dumps({"ledger": str(self.ledger.resolve()), "size": size, "counted": counted}))
            made.replace(self.path)
        except OSError as fault:
            with contextlib.suppress(OSError):
                made.unlink()
            if not self._failed:
                log.warning("ledger_without_witness", file=str(self.path), reason=fault.strerror)
            self._failed = True

    def forget(self) -> bool:
        """Remove the note, and return whether there was one."""
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()
            return True
        return False
