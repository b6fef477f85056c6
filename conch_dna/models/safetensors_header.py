"""The length of a safetensors header, which a reader would parse whole: a header of 60 MB takes 1.5 GB."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MOST_HEADER = 8 << 20  # bytes; 10,000 tensors need about one million


def check_header(path: Path) -> None:
    """Check the length of a file's header.

    :raises ValueError: it is longer than the file or than :data:`MOST_HEADER`.
    :raises OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
    if length > min(MOST_HEADER, path.stat().st_size - 8):
        raise ValueError(f"{path.name}: a safetensors header of {length} bytes")
