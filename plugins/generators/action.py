"""The ``action`` generator: requests with tools of many fields, and exactly the right calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from conch_dna.plugin.protocols import Draft, Generator


def action(seed: int, *, held_out: bool = False) -> Iterator[Draft]:
    """Yield drafts without end; held-out ones use other tools, phrases and values.

    :param seed: equal seeds give equal drafts.
    """
    from ._action import drafts  # reads the tables of tools

    return drafts(seed, held_out=held_out)


@hookimpl
def register_generators() -> Mapping[str, Generator]:
    """Provide the generator."""
    return {"action": action}
