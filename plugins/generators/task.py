"""The ``task`` generator: goals with limits and dependencies, and plans that respect them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from conch_dna.plugin.protocols import Draft, Generator


def task(seed: int, *, held_out: bool = False) -> Iterator[Draft]:
    """Yield goals and chats about goals, each with a numbered plan."""
    from ._task import drafts  # parses long tables

    return drafts(seed, held_out=held_out)


@hookimpl
def register_generators() -> Mapping[str, Generator]:
    """Provide the generator."""
    return {"task": task}
