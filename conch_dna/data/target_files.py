"""Safetensors files of coded targets, with a checksum over the whole content."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load, save

from conch_dna.data import codec
from conch_dna.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

KEY_BYTES = 32  # keys are sha256 digests
DTYPES = {"keys": "uint8", "sizes": "uint32", "data": "uint8", "tokens": "uint32"}


@dataclass(frozen=True)
class TargetFile:
    """Content of one file.

    :param about: metadata from its writer.
    :param blobs: coded targets by key.
    :param tokens: uint32, the concatenated tokens of the answers, or empty.
    """

    about: dict[str, Any]
    blobs: dict[str, bytes]
    tokens: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint32))


def dump(content: TargetFile, seal: Callable[[str], str] | None = None) -> bytes:
    """Return the bytes of the file; the same content gives the same bytes.

    :param seal: makes a code of the file's checksum, which its metadata then have, see :func:`index`.
    """
    tensors: dict[str, np.ndarray] = {
        "keys": np.frombuffer(bytes.fromhex("".join(content.blobs)), np.uint8).reshape(-1, KEY_BYTES),
        "sizes": np.array([len(blob) for blob in content.blobs.values()], np.uint32),
        "data": np.frombuffer(b"".join(content.blobs.values()), np.uint8),
        "tokens": content.tokens,
    }
    about = {**content.about, "format": codec.FORMAT}
    about["sha256"] = _checksum(about, tensors)
    about |= {"seal": seal(about["sha256"])} if seal else {}
    # A single metadata entry: safetensors writes several in an arbitrary order.
    return save(tensors, {"about": json.dumps(about, sort_keys=True)})


def read(path: Path) -> TargetFile:
    """Read and check a file.

    :raises DataError: the file is damaged, truncated or of another format.
    """
    raw = path.read_bytes()
    try:
        tensors = load(raw)
        about = json.loads(json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])["__metadata__"]["about"])
        stated, version = about.pop("sha256"), about["format"]
        about.pop("seal", None)
        types = {name: str(tensor.dtype) for name, tensor in tensors.items()}
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"is not a file of soft targets, or is damaged: {error}", where=path) from error
    if version != codec.FORMAT:
        raise DataError("soft targets of another format", where=path, got=version, allowed=codec.FORMAT)
    if types != DTYPES:
        raise DataError("does not contain the tensors of a file of soft targets", where=path, got=types, allowed=DTYPES)
    if _checksum(about, tensors) != stated:
        raise DataError("is damaged: its checksum differs", where=path)
    keys = [key.tobytes().hex() for key in tensors["keys"]]
    ends = np.cumsum(tensors["sizes"], dtype=np.int64)
    data = tensors["data"].tobytes()
    if len(keys) != len(ends) or len(set(keys)) != len(keys) or len(data) != (ends[-1] if len(ends) else 0):
        raise DataError("is damaged: its index and data differ", where=path)
    blobs = {key: data[end - size : end] for key, size, end in zip(keys, tensors["sizes"], ends, strict=True)}
    return TargetFile(about, blobs, tensors["tokens"])


def index(path: Path) -> tuple[list[str], dict[str, Any]]:
    """Return the keys and the metadata, without reading the data or checking the checksum.

    :raises DataError: they cannot be read.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            return [key.tobytes().hex() for key in file.get_tensor("keys")], dict(json.loads(file.metadata()["about"]))
    except (SafetensorError, AttributeError, TypeError, KeyError, ValueError) as error:
        raise DataError(f"is not a file of soft targets, or is damaged: {error}", where=path) from error


def _checksum(about: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for name in DTYPES:
        digest.update(f"{name} {tensors[name].shape};".encode())
        digest.update(np.ascontiguousarray(tensors[name]).data)
    return digest.hexdigest()
