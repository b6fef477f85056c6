"""Split into training and held-out prompts by a stable hash of each prompt, before any teacher call."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from conch_dna.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conch_dna.records import Prompt


LEAST_HELD_OUT = 2  # prompts: a measurement on a single one is chance


class Split(NamedTuple):
    """Prompts for training and prompts for the gate only; both in the order of their hashes."""

    train: tuple[Prompt, ...]
    held_out: tuple[Prompt, ...]


def position(digest: str) -> float:
    """Return a stable position in [0, 1) for a prompt; it does not depend on other prompts."""
    return int(hashlib.sha256(f"split:{digest}".encode()).hexdigest()[:13], 16) / 16**13


def split(prompts: Iterable[Prompt], held_out: float, least: int = 1) -> Split:
    """Split ``prompts``: those whose position is below ``held_out`` are held out. Adding prompts moves no other.

    :param least: the least number of training prompts.
    :raises DataError: one of the two parts has too few prompts.
    """
    placed = sorted(prompts, key=lambda p: position(p.digest))
    parts = Split(
        tuple(p for p in placed if position(p.digest) >= held_out),
        tuple(p for p in placed if position(p.digest) < held_out),
    )
    if short := shortage(len(parts.train), len(parts.held_out), held_out, least):
        raise short
    return parts


def shortage(train: int, held_out: int, share: float, least: int = 1) -> DataError | None:
    """Return the error of a split with too few prompts in one part, or ``None``.

    :param train, held_out: the numbers of prompts.
    :param share: the setting ``held_out``.
    :param least: as in :func:`split`.
    """
    if train >= least and held_out >= LEAST_HELD_OUT:
        return None
    part, way = ("held-out", "raise") if held_out < LEAST_HELD_OUT else ("training", "lower")
    return DataError(
        f"too few {part} prompts",
        got=f"{train} for training and {held_out} held out, at held_out = {share:g}",
        allowed=f"at least {least} for training and {LEAST_HELD_OUT} held out",
        next_step=f"Add prompts or {way} held_out",
    )  # fmt: skip


def assert_disjoint(train: Sequence[str], held_out: Sequence[str]) -> None:
    """Check by digest that no held-out prompt was trained on.

    :raises DataError: at least one was.
    """
    if common := set(train) & set(held_out):
        raise DataError(f"{len(common)} held-out prompt(s) were trained on", got=", ".join(sorted(common)[:3]))
