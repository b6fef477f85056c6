"""Checkpoints: adapter, optimizer, batch source, moving average and step in one folder, with the run's identity.

The folder is also an adapter, which stock mlx-lm loads: that of its step, not the moving average.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import mlx.core as mx
from mlx.utils import tree_flatten, tree_unflatten
from safetensors.numpy import load_file
from safetensors.numpy import save as safetensors_of

from conch_dna.config import differences, upgraded
from conch_dna.errors import CheckpointError
from conch_dna.records import digest_of
from conch_dna.train.lora import ADAPTER_FILE, CONFIG_FILE, weights
from conch_dna.util.files import new_folder, sha256_file
from conch_dna.util.tensors import save_tensors

if TYPE_CHECKING:
    from pathlib import Path

    from conch_dna.train.ema import Ema
    from conch_dna.train.sources import Source

ADAPTER, OPTIMIZER = ADAPTER_FILE, "optimizer.safetensors"
OLD_ADAPTER = "adapter.safetensors"  # of version 0.1, whose checkpoints are no adapters
AVERAGE, SOURCE = "average.safetensors", "source.safetensors"  # written only if the run has them


class Keep(NamedTuple):
    """Numbers of checkpoints to keep: the newest, and in addition those with the lowest validation loss."""

    newest: int
    best: int = 0


@dataclass
class State:
    """The content of a checkpoint.

    :param model: the base with the adapter attached.
    :param adapter: the adapter's configuration in mlx-lm's format.
    :param average: the adapter's moving average, or ``None``.
    :param validation: the validation losses so far, by step; each was measured after its step.
    """

    model: Any
    optimizer: Any
    source: Source
    adapter: dict[str, Any]
    average: Ema | None = None
    validation: dict[int, float] = field(default_factory=dict)


def save(root: Path, step: int, state: State, identity: dict[str, Any], keep: Keep) -> Path:
    """Write the state after ``step`` steps to ``root/<step>``, then remove the checkpoints outside ``keep``.

    :param identity: JSON-serialisable; a resume requires the same.
    """
    final = root / f"{step:06d}"
    if _read(final) is None:  # otherwise it is the same: training is deterministic
        _write(final, step, state, identity)
    prune(root, state.validation, keep)
    return final


def _write(final: Path, step: int, state: State, identity: dict[str, Any]) -> None:
    root = final.parent
    shutil.rmtree(final, ignore_errors=True)
    for leftover in root.glob(".[0-9]*"):  # a killed save left it; the run's lock excludes other writers
        shutil.rmtree(leftover)
    with new_folder(final) as folder:
        save_tensors(folder / ADAPTER, weights(state.model), {"format": "mlx"})
        (folder / CONFIG_FILE).write_text(json.dumps(state.adapter, indent=2) + "\n", encoding="utf-8")
        save_tensors(folder / OPTIMIZER, dict(tree_flatten(state.optimizer.state)))
        if state.average is not None:
            save_tensors(folder / AVERAGE, state.average.arrays())
        if arrays := state.source.state():
            (folder / SOURCE).write_bytes(safetensors_of(arrays))
        hashes = {path.name: sha256_file(path) for path in sorted(folder.iterdir())}
        about = {"step": step, "identity": identity, "validation": state.validation, "sha256": hashes}
        about = json.loads(json.dumps(about, default=list))  # tuples and int keys become what a reader sees
        about["digest"] = digest_of(about)
        (folder / "state.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def prune(root: Path, validation: dict[int, float], keep: Keep) -> None:
    """Remove the checkpoints outside ``keep``."""
    kept = {*_folders(root)[-keep.newest :], *(root / f"{s:06d}" for s in best_steps(validation)[: keep.best])}
    for old in set(_folders(root)) - kept:
        shutil.rmtree(old)


def best_steps(validation: dict[int, float]) -> list[int]:
    """Return the steps by rising validation loss; on ties the earlier step comes first."""
    return sorted(validation, key=lambda step: (validation[step], step))


def _folders(root: Path) -> list[Path]:
    found = [p for p in root.iterdir() if p.name.isdigit()] if root.is_dir() else []
    return sorted(found, key=lambda p: int(p.name))


def restore(root: Path, state: State, identity: dict[str, Any], most: int | None = None) -> int:
    """Load the newest intact checkpoint into ``state``; return its step, 0 if there is none.

    A damaged checkpoint is skipped, and the one before it is loaded.

    :param most: the last step whose checkpoint may be loaded; ``None`` for any.
    :raises CheckpointError: the newest was made with another base, teacher, data or settings; the message names each
        difference, and ``state`` is unchanged.
    """
    for folder in reversed(_folders(root)):
        about = _read(folder)
        if about is None:
            continue
        refuse_other(folder, about["identity"], identity)
        if most is not None and about["step"] > most:
            continue
        _load(folder, state, int(about["step"]))
        state.validation.update({int(step): loss for step, loss in about["validation"].items()})
        return int(about["step"])
    return 0


def load_step(root: Path, step: int, state: State) -> None:
    """Load the checkpoint of ``step`` into the model and the average.

    :raises CheckpointError: it is missing or damaged.
    """
    folder = root / f"{step:06d}"
    if _read(folder) is None:
        raise CheckpointError("is missing or damaged", where=folder,
                              next_step="Remove its parent folder; the run then trains from the beginning")  # fmt: skip
    _load(folder, state, step)


def _load(folder: Path, state: State, step: int) -> None:
    adapter = folder / ADAPTER
    state.model.load_weights(str(adapter if adapter.is_file() else folder / OLD_ADAPTER), strict=False)
    arrays: Any = mx.load(str(folder / OPTIMIZER))
    state.optimizer.state = tree_unflatten(list(arrays.items()))
    if state.average is not None:
        sums: Any = mx.load(str(folder / AVERAGE))
        state.average.restore(step, sums)
    state.source.restore(load_file(folder / SOURCE) if (folder / SOURCE).exists() else {})
    mx.eval(state.model.trainable_parameters(), state.optimizer.state)


def _read(folder: Path) -> dict[str, Any] | None:
    """Return the content of ``state.json`` if the folder is intact, else ``None``."""
    try:
        about: dict[str, Any] = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        whole = about.pop("digest") == digest_of(about)
        whole = whole and all(sha256_file(folder / name) == digest for name, digest in about["sha256"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    files = about["sha256"].keys() if whole else ()
    return about if OPTIMIZER in files and (ADAPTER in files or OLD_ADAPTER in files) else None


def refuse_other(where: Path, old: dict[str, Any], new: dict[str, Any]) -> None:
    """Check that an identity on disk equals the current one.

    :raises CheckpointError: they differ; the message names each difference.
    """
    if different := identity_differences(old, new):
        raise CheckpointError(
            "was made with " + "; ".join(different),
            where=where,
            next_step="Restore those settings, or give the run another name with --run",
        )


def identity_differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Return a text for each difference of two identities; settings that only ``new`` has count as defaults in both."""
    if "settings" in old and "settings" in new:
        old = {**old, "settings": upgraded(old["settings"], new["settings"])}
    return differences(old, new)


def check_resumable(root: Path, known: dict[str, Any]) -> None:
    """Check, before any teacher call, that the checkpoints below ``root`` can be resumed.

    :param known: the part of the identity that does not depend on answers.
    :raises CheckpointError: a checkpoint was made with another base, teacher or settings; the message names each
        difference.
    """
    for folder in sorted(file.parent for file in root.rglob("checkpoints/*/state.json")):
        if about := _read(folder):
            refuse_other(folder, {key: about["identity"].get(key) for key in known}, known)
