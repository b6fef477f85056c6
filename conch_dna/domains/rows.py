"""Rows of a data set on disk: JSON lines, a JSON array, Parquet, or a folder saved by Hugging Face's ``datasets``.

Parquet and Arrow need pyarrow (the extra ``data``), not ``datasets``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from conch_dna.errors import DataError
from conch_dna.records import digest_of
from conch_dna.util.files import sha256_file
from conch_dna.util.text import strict_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

ALLOWED = "JSON lines, a JSON array, .parquet, or a folder of Parquet files or of datasets' save_to_disk"
T = TypeVar("T")
BATCH = 1000  # rows of a Parquet file at a time


def files_of(source: Path, split: str | None = None) -> list[Path]:
    """Return the files with the rows of ``source``, in order.

    :param split: a split of the folder; by default ``train``, or the only one. Other splits are usually for evaluation
        and must not become training data by default.
    :raises DataError: there are no files, or no such split.
    """
    if not source.is_dir():
        if split is not None:
            raise DataError("a file has no splits", where=source, got=f"--split {split}", allowed="a folder")
        return [source]
    if (source / "dataset_dict.json").is_file():
        parts = _listed(source / "dataset_dict.json", lambda found: [str(part) for part in found["splits"]])
        return _saved(source / _chosen(source, parts, split))
    if (source / "state.json").is_file():
        return _saved(source)
    found: dict[str, list[Path]] = {}
    for path in sorted([*source.glob("*.parquet"), *source.glob("data/*.parquet")]):
        found.setdefault(path.stem.partition("-")[0], []).append(path)  # train-00000-of-00002
    if not found:
        raise DataError("contains no data set", where=source, allowed=ALLOWED)
    return found[_chosen(source, list(found), split)]


def _chosen(source: Path, parts: Sequence[str], split: str | None) -> str:
    if split is None:
        split = "train" if "train" in parts else parts[0] if len(parts) == 1 else None
    if split is None or split not in parts:
        raise DataError("no such split" if split else "several splits", where=source, got=split,
                        allowed=", ".join(parts), next_step="Name one with --split")  # fmt: skip
    return split


def _saved(folder: Path) -> list[Path]:
    """Return the Arrow files listed by ``save_to_disk``."""
    return _listed(folder / "state.json", lambda found: [folder / item["filename"] for item in found["_data_files"]])


def _listed(path: Path, read: Callable[[Any], list[T]]) -> list[T]:
    """Apply ``read`` to a JSON file of ``datasets``."""
    try:
        return read(_json_file(path))
    except (KeyError, TypeError) as error:
        raise DataError("is not a file of datasets' save_to_disk", where=path, allowed=ALLOWED) from error


def _json_file(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise DataError("cannot be read", where=path, got=error.strerror) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"is not JSON: {error}", where=path) from error


def digest_of_files(files: Sequence[Path]) -> str:
    """Return the sha256 of one file, or a digest over those of several."""
    found = [sha256_file(path) for path in files]
    return found[0] if len(found) == 1 else digest_of(found)


def rows_of(path: Path) -> Iterator[dict[str, Any] | str]:
    """Yield each row of a file, or its fault.

    :raises DataError: the file cannot be read, or pyarrow is not installed.
    """
    try:
        if path.suffix in {".parquet", ".arrow"}:
            yield from _arrow_rows(path)
        else:
            yield from _json_rows(path)
    except OSError as error:
        raise DataError("cannot be read", where=path, got=error.strerror or str(error)) from error


def _json_rows(path: Path) -> Iterator[dict[str, Any] | str]:
    with path.open("rb") as file:
        if file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"["):
            found = _json_file(path)
            yield from (row if isinstance(row, dict) else "not a JSON object" for row in found)
            return
        file.seek(0)
        for place, line in enumerate(file):
            raw = line.removeprefix(b"\xef\xbb\xbf") if place == 0 else line
            if raw.strip():
                yield _json_row(raw)


def _json_row(raw: bytes) -> dict[str, Any] | str:
    try:
        row = strict_json(raw.decode())
    except UnicodeDecodeError:
        return "not UTF-8"
    except (ValueError, RecursionError):
        return "not JSON"
    return row if isinstance(row, dict) else "not a JSON object"


def _arrow_rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        import pyarrow as pa  # an optional dependency
        import pyarrow.parquet
    except ImportError as error:
        raise DataError("pyarrow is not installed", where=path, next_step="pip install 'conch-dna[data]'") from error
    try:
        if path.suffix == ".parquet":
            batches = pa.parquet.ParquetFile(path).iter_batches(BATCH)
        else:
            batches = pa.ipc.open_stream(pa.memory_map(str(path)))
        for batch in batches:
            yield from (_without_nulls(row) for row in batch.to_pylist())
    except (
        pa.ArrowException,
        ValueError,
        OverflowError,
    ) as error:  # text that is not UTF-8, dates that Python cannot represent
        raise DataError(f"cannot be read: {str(error).splitlines()[0]}", where=path, allowed=ALLOWED) from error


def _without_nulls(value: Any) -> Any:
    """Remove nulls from objects: Arrow has one schema for all rows and stores a missing key as null."""
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value
