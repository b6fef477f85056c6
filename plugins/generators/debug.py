"""The ``debug`` generator: small functions with one bug each, and the corrected functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from conch_dna.plugin.protocols import Draft, Generator


def debug(seed: int, *, held_out: bool = False) -> Iterator[Draft]:
    """Yield small functions with a bug that their asserts find, and the functions that pass."""
    from ._debug import drafts

    return drafts(seed, held_out=held_out)


@hookimpl
def register_generators() -> Mapping[str, Generator]:
    """Provide the generator."""
    return {"debug": debug}
