"""Limits on JSON schemas that llguidance itself does not set; found by attacking it."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from conch_dna.server.faults import ApiFault

if TYPE_CHECKING:
    from collections.abc import Iterator

DEPTH = 100  # llguidance accepts 128, including the levels that this project adds
CHARACTERS = 131_072
# The time for `multipleOf` grows with the square of its digits' value: 999983 took 41 seconds, and several in one
# schema multiply. Patterns that must match together multiply too: 300 of them did not finish.
MULTIPLES = 10_000
TOGETHER = 16


def check_schema(schema: dict[str, Any], param: str) -> None:
    """Check that a schema compiles in little time and memory.

    :param param: the request field of the schema.
    :raises ApiFault: 400, the schema exceeds a limit.
    """
    multiples, seen = 1, Counter[str]()
    for value in _within(schema, param):
        if isinstance(value, dict):
            seen.update(value.keys() & {"pattern", "allOf", "$ref"})
            multiples = min(multiples * _digits(value.get("multipleOf")), MULTIPLES + 1)
    if multiples > MULTIPLES:
        raise _fault(param, f"the multipleOf in it, multiplied, exceed {MULTIPLES}")
    if seen["pattern"] > TOGETHER and (seen["allOf"] or seen["$ref"]):
        raise _fault(param, f"more than {TOGETHER} patterns, with allOf or $ref")
    if len(json.dumps(schema)) > CHARACTERS:
        raise _fault(param, f"longer than {CHARACTERS} characters")


def check_depth(value: Any, param: str) -> None:
    """Check that a JSON value is not too deep to be serialised.

    :raises ApiFault: 400, it is too deep.
    """
    for _ in _within(value, param):
        pass


def _within(value: Any, param: str) -> Iterator[Any]:
    """Yield a value and all values in it, without recursion, because deep values would overflow the stack."""
    level, depth = [value], 0
    while level:
        if depth > DEPTH:
            raise _fault(param, f"deeper than {DEPTH} levels")
        yield from level
        below: list[Any] = []
        for one in level:
            below += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        level, depth = below, depth + 1


def _digits(multiple: Any) -> int:
    """Return a ``multipleOf`` without its decimal point: 12.5 is 125."""
    if isinstance(multiple, bool) or not isinstance(multiple, int | float):
        return 1  # the name of a property, or an error that llguidance reports
    number = abs(Decimal(repr(multiple)))
    if not number.is_finite() or number > MULTIPLES:
        return MULTIPLES + 1
    while number != int(number):
        number *= 10
    return int(number) or 1


def _fault(param: str, what: str) -> ApiFault:
    return ApiFault(400, f"{param}: {what}.", "invalid_schema", param)
