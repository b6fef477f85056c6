"""Checkpoints: adapter, optimizer and step in one folder, with the identity of what made them."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import mlx.core as mx
from mlx.utils import tree_flatten, tree_unflatten

from conch_dna.errors import CheckpointError
from conch_dna.files import new_folder, sha256_file
from conch_dna.train.lora import weights

if TYPE_CHECKING:
    from pathlib import Path

ARRAYS = ("adapter.safetensors", "optimizer.safetensors")


def save(root: Path, step: int, model: Any, optimizer: Any, identity: dict[str, Any], keep: int) -> Path:
    """Write the state after ``step`` steps to ``root/<step>``, then drop all but the newest ``keep``.

    :param identity: JSON-able; what a resume must find unchanged.
    """
    final = root / f"{step:06d}"
    if _read(final) is not None:  # the state after a step is the same whenever it is reached
        return final
    shutil.rmtree(final, ignore_errors=True)
    for leftover in root.glob(".[0-9]*"):  # of a save that was killed; the run's lock keeps other writers away
        shutil.rmtree(leftover)
    with new_folder(final) as folder:
        mx.save_safetensors(str(folder / ARRAYS[0]), weights(model))
        mx.save_safetensors(str(folder / ARRAYS[1]), dict(tree_flatten(optimizer.state)))
        hashes = {name: sha256_file(folder / name) for name in ARRAYS}
        about = {"step": step, "identity": identity, "sha256": hashes}
        (folder / "state.json").write_text(json.dumps(about, indent=2, default=list) + "\n", encoding="utf-8")
    for old in _folders(root)[:-keep]:
        shutil.rmtree(old)
    return final


def _folders(root: Path) -> list[Path]:
    found = [p for p in root.iterdir() if p.name.isdigit()] if root.is_dir() else []
    return sorted(found, key=lambda p: int(p.name))


def restore(root: Path, model: Any, optimizer: Any, identity: dict[str, Any]) -> int:
    """Load the newest sound checkpoint into model and optimizer; return its step, 0 if there is none.

    :raises CheckpointError: the newest was made with another base, teacher, data or settings; each difference is
        named. Nothing has been changed then. A damaged checkpoint is passed over for the one before it.
    """
    for folder in reversed(_folders(root)):
        about = _read(folder)
        if about is None:
            continue
        if different := differences(about["identity"], identity):
            raise CheckpointError(
                "was made with " + "; ".join(different),
                where=folder,
                next_step="Go back to those settings, or give the run another name with --run",
            )
        model.load_weights(str(folder / ARRAYS[0]), strict=False)
        arrays: Any = mx.load(str(folder / ARRAYS[1]))
        optimizer.state = tree_unflatten(list(arrays.items()))
        mx.eval(model.trainable_parameters(), optimizer.state)
        return int(about["step"])
    return 0


def _read(folder: Path) -> dict[str, Any] | None:
    """Return ``state.json`` if the folder is whole, else ``None``."""
    try:
        about: dict[str, Any] = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        whole = all(sha256_file(folder / name) == about["sha256"][name] for name in ARRAYS)
    except (OSError, ValueError, KeyError):
        return None
    return about if whole else None


def differences(old: dict[str, Any], new: dict[str, Any], prefix: str = "") -> list[str]:
    """Name every entry in which two identities differ, nested ones by a dotted path."""
    new = json.loads(json.dumps(new, default=list))  # the same types as what was read back
    found = []
    for key in sorted(old.keys() | new.keys()):
        was, now = old.get(key), new.get(key)
        if isinstance(was, dict) and isinstance(now, dict):
            found += differences(was, now, f"{prefix}{key}.")
        elif was != now:
            found.append(f"{prefix}{key} = {_short(was)}, now {_short(now)}")
    return found


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:24]}…"
