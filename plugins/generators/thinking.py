"""The ``thinking`` generator: short problems whose steps are equations, with the answer on the last line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from conch_dna.plugin.protocols import Draft, Generator


def thinking(seed: int, *, held_out: bool = False) -> Iterator[Draft]:
    """Yield problems with one to six steps; each equation is checked with exact arithmetic.

    Held-out drafts have wordings, names, nouns and puzzles of their own, and none is from GSM8K.
    """
    from ._thinking import drafts  # imports pydantic

    return drafts(seed, held_out=held_out)


@hookimpl
def register_generators() -> Mapping[str, Generator]:
    """Provide the generator."""
    return {"thinking": thinking}
