"""The ``calculator`` processor: what follows ``expression =`` in an answer is computed, not guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conch_dna import hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conch_dna.plugin.protocols import SpanProcessor

LONGEST = 200  # characters before the equals sign that may belong to an expression
NOT_EQUALS = "=<>!+-*/~:≈"  # before an equals sign, these make another sign


def calculator(text: str) -> str | None:
    """Return the result of the expression before an equals sign that ends ``text``.

    Arithmetic, percentages, currency, times of day, dates, weekdays and units of measurement; docs/domains.md lists
    the forms. The result follows the spacing of the text: ``6 * 7 =`` gives `` 42``, ``6*7=`` gives ``42``.
    """
    before = text.removesuffix(" ")
    if not before.endswith("=") or before[-2:-1] in NOT_EQUALS or before.count("```") % 2:
        return None
    from ._calculator import result_of  # most tokens end at no equals sign

    written = before[-LONGEST - 1 : -1]
    found = result_of(written.rpartition("\n")[2], whole=len(before) <= LONGEST + 1 or "\n" in written)
    if found is None:
        return None
    spaced = written.endswith(" ") and before == text
    return f" {found}" if spaced else found


@hookimpl
def register_processors() -> Mapping[str, SpanProcessor]:
    """Provide the calculator."""
    return {"calculator": calculator}
