"""Safetensors files: a full disk raises an ``OSError`` that names the file."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import mlx.core as mx

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def save_tensors(path: Path, tensors: Mapping[str, mx.array], about: dict[str, str] | None = None) -> None:
    """Write a safetensors file; ``about`` is its metadata.

    :raises OSError: the file could not be written; mlx raises a ``RuntimeError`` that names neither file nor cause.
    """
    mx.eval(tensors)  # errors of the computation are raised here, so a RuntimeError below comes from writing
    try:
        mx.save_safetensors(str(path), dict(tensors), about or {})
    except RuntimeError as error:
        raise OSError(errno.ENOSPC, f"no room left, or the disk failed: {str(error).rstrip('.')}", str(path)) from error
