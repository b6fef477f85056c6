"""The calculator tool: parses arithmetic and walks its syntax tree; never evaluates Python."""

from __future__ import annotations

import ast
import math
import operator
import warnings
from typing import TYPE_CHECKING, TypeAlias

from conch_dna.agent import ToolFailed

if TYPE_CHECKING:
    from collections.abc import Callable

Number: TypeAlias = int | float

LONGEST = 200  # characters
MOST_BITS = 4096  # limit for integers: some 1,200 digits
# Typographic signs for times, divided by and minus.
SPOKEN = str.maketrans({"\u00d7": "*", "\u00f7": "/", "\u2212": "-"})


def _power(base: Number, exponent: Number) -> Number:
    """Return a power, limited in size: 9**9**9 would have 370 million digits."""
    if isinstance(base, int) and isinstance(exponent, int) and abs(exponent) * base.bit_length() > MOST_BITS:
        raise ToolFailed("the power is too large")
    found = base**exponent
    if isinstance(found, complex):
        raise ToolFailed("the root of a negative number is not a real number")
    return found


OPERATIONS: dict[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}


def calculate(expression: str) -> str:
    """Return the value of an expression of numbers, ``+ - * / // % **`` and parentheses.

    :raises ToolFailed: the expression has other syntax, is too long, divides by zero, or its value is too large.
    """
    if len(expression) > LONGEST:
        raise ToolFailed(f"the expression is longer than {LONGEST} characters")
    try:
        with warnings.catch_warnings(action="ignore"):  # the parser warns about Python style
            tree = ast.parse(expression.translate(SPOKEN).strip(), mode="eval")
        value = _value(tree.body)
    except ZeroDivisionError as fault:
        raise ToolFailed("division by zero") from fault
    except OverflowError as fault:
        raise ToolFailed("a number is too large") from fault
    except (SyntaxError, ValueError, RecursionError, MemoryError) as fault:
        raise ToolFailed(f"not an arithmetic expression: {expression}") from fault
    if not math.isfinite(value):
        raise ToolFailed("a number is too large")
    return str(value) if isinstance(value, int) else f"{value:.12g}"


def _value(node: ast.expr) -> Number:
    """Return the value of one node; only the node types listed here are allowed."""
    match node:
        case ast.Constant(value=value) if type(value) in {int, float}:  # excludes bool, a subclass of int
            found: Number = value  # type: ignore[assignment]  # just checked
        case ast.UnaryOp(op=ast.UAdd() | ast.USub() as sign, operand=inner):
            found = -_value(inner) if isinstance(sign, ast.USub) else _value(inner)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATIONS:
            found = OPERATIONS[type(op)](_value(left), _value(right))
        case _:
            raise ToolFailed(f"only numbers, + - * / // % ** and parentheses; got {ast.unparse(node)}")
    if isinstance(found, int) and found.bit_length() > MOST_BITS:
        raise ToolFailed("a number is too large")
    return found
