"""Bounds of GGUF files: every count of a file is compared with its size before a reader believes it.

The format is that of https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3, little-endian.
"""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MAGIC, VERSIONS = b"GGUF", (2, 3)
ITEM_BYTES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}  # of numbers and booleans, by type
STRING, ARRAY = 8, 9
MOST_ITEMS = 2_000_000  # of all arrays: the package gguf makes an object of each
MOST_KEYS, MOST_TENSORS, MOST_DIMENSIONS = 10_000, 100_000, 4
LONGEST_TEXT = 4 << 20  # bytes of a text, such as a chat template
LONGEST_ITEM = 4096  # bytes of a text in an array, such as a token


def check(path: Path) -> None:
    """Check that the header of a GGUF file says nothing that its size cannot hold.

    :raises ValueError: it does, or it is not such a file.
    :raises OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        try:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError as fault:
            raise ValueError("empty") from fault
        with mapped:
            _Header(mapped).walk()


class _Header:
    """The header of a file, which is walked once."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data, self._at, self._items = data, 0, 0

    def walk(self) -> None:
        if self._data[self._skip(4) : self._at] != MAGIC:
            raise ValueError("no GGUF file")
        if (version := self._number(4)) not in VERSIONS:
            raise ValueError(f"version {version}")
        tensors, keys = self._number(8), self._number(8)
        if tensors > MOST_TENSORS or keys > MOST_KEYS:
            raise ValueError(f"{tensors} tensors and {keys} keys")
        for _ in range(keys):
            self._text(LONGEST_ITEM)
            self._value(self._number(4))
        for _ in range(tensors):
            self._text(LONGEST_ITEM)
            if (dimensions := self._number(4)) > MOST_DIMENSIONS:
                raise ValueError(f"a tensor of {dimensions} dimensions")
            self._skip(8 * dimensions + 4 + 8)  # sizes, type and place

    def _value(self, kind: int) -> None:
        if kind == STRING:
            self._text(LONGEST_TEXT)
        elif kind == ARRAY:
            self._array(self._number(4), self._number(8))
        elif kind in ITEM_BYTES:
            self._skip(ITEM_BYTES[kind])
        else:
            raise ValueError(f"a value of type {kind}")

    def _array(self, kind: int, count: int) -> None:
        self._items += count
        if self._items > MOST_ITEMS:
            raise ValueError(f"arrays of more than {MOST_ITEMS} items")
        if kind == STRING:
            for _ in range(count):
                self._text(LONGEST_ITEM)
        elif kind in ITEM_BYTES:
            self._skip(count * ITEM_BYTES[kind])
        else:  # arrays of arrays are allowed by the format, and in no model
            raise ValueError(f"an array of type {kind}")

    def _text(self, longest: int) -> None:
        if (length := self._number(8)) > longest:
            raise ValueError(f"a text of {length} bytes")
        self._skip(length)

    def _number(self, count: int) -> int:
        return int.from_bytes(self._data[self._skip(count) : self._at], "little")

    def _skip(self, count: int) -> int:
        """Go on by so many bytes, and return where they begin."""
        start = self._at
        if count > len(self._data) - start:
            raise ValueError(f"it ends after {len(self._data)} bytes")
        self._at += count
        return start
