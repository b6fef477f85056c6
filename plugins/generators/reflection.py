"""The ``reflection`` generator: drafts with one flaw, or none, with the verdict and the mended answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from conch_dna.plugin.protocols import Draft, Generator


def reflection(seed: int, *, held_out: bool = False) -> Iterator[Draft]:
    """Yield drafts to review: facts, sums, limits, notes, words, code, tone and advice."""
    from ._reflection import drafts  # imports its tables and pydantic

    return drafts(seed, held_out=held_out)


@hookimpl
def register_generators() -> Mapping[str, Generator]:
    """Provide the generator."""
    return {"reflection": reflection}
