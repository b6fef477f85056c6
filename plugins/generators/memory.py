"""The ``memory`` generator: conversations with facts, corrections and small talk, and what to remember of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from conch_dna.plugin.protocols import Draft, Generator


def memory(seed: int, *, held_out: bool = False) -> Iterator[Draft]:
    """Yield conversations whose last message states one to four facts, changes or forgets one, or has none.

    :param held_out: conversations with phrasings, names and kinds of facts that no training draft has.
    """
    from ._memory import drafts

    return drafts(seed, held_out=held_out)


@hookimpl
def register_generators() -> Mapping[str, Generator]:
    """Provide the generator."""
    return {"memory": memory}
