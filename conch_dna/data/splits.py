"""The split into training and held-out prompts: by a stable hash of each prompt, before any teacher call."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from conch_dna.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conch_dna.records import Prompt


class Split(NamedTuple):
    """Prompts to train on, and prompts that only the gate sees; both in the order of their hashes."""

    train: tuple[Prompt, ...]
    held_out: tuple[Prompt, ...]


def position(digest: str) -> float:
    """Return a stable place in [0, 1) for a prompt, independent of every other prompt."""
    return int(hashlib.sha256(f"split:{digest}".encode()).hexdigest()[:13], 16) / 16**13


def split(prompts: Iterable[Prompt], held_out: float) -> Split:
    """Split ``prompts``: those whose place is below ``held_out`` are held out. Adding prompts moves none.

    :raises DataError: one of the two parts would be empty.
    """
    placed = sorted(prompts, key=lambda p: position(p.digest))
    parts = Split(
        tuple(p for p in placed if position(p.digest) >= held_out),
        tuple(p for p in placed if position(p.digest) < held_out),
    )
    if not parts.train or not parts.held_out:
        raise DataError(
            "too few prompts to split into training and held-out",
            got=f"{len(parts.train)} and {len(parts.held_out)} of {len(placed)} at held_out={held_out}",
            next_step="Add prompts, or change held_out",
        )
    return parts


def assert_disjoint(train: Sequence[str], held_out: Sequence[str]) -> None:
    """Check by digest that no held-out prompt was trained on.

    :raises DataError: some was.
    """
    if common := set(train) & set(held_out):
        raise DataError(f"{len(common)} held-out prompt(s) were trained on", got=", ".join(sorted(common)[:3]))
