"""Expressions in the steps of ``thinking``: their exact values, and the numbers that a text states.

An expression is arithmetic (``3 * (4 + 5)``), a time with minutes (``14:50 + 95 min``), the minutes between two times
(``16:25 - 14:50``) or a weekday with days (``Friday + 10 days``).
"""

from __future__ import annotations

import ast
import re
from fractions import Fraction
from itertools import pairwise

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
PLACES = 4  # decimals of a result, at most
_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
SMALL = _ONES.split()
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
# Words that stand for a number in a calculation.
OTHERS = {
    "half": 2, "halves": 2, "halved": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4, "fourth": 4,
    "fourths": 4,
    "fifth": 5, "fifths": 5, "sixth": 6, "eighth": 8, "tenth": 10, "twice": 2, "double": 2, "doubled": 2, "doubles": 2,
    "thrice": 3, "triple": 3, "tripled": 3, "both": 2, "dozen": 12, "dozens": 12,
    "once": 1, "a": 1, "an": 1, "hundred": 100, "thousand": 1000, "million": 1_000_000,
}  # fmt: skip
VALUES = {word: n for n, word in enumerate(SMALL)} | {word: 20 + 10 * n for n, word in enumerate(TENS)} | OTHERS
# Constants that a calculation may use where the text speaks of what they belong to.
CONSTANTS = {
    "60": r"hour|minute|second|mph|\bh\b|\bmin|per h|km/h|\bhrs?\b", "24": r"day|hour|clock", "7": r"week|day",
    "30": r"month",
    "52": r"year|annual|week", "365": r"year|daily|days", "12": r"year|month|annual|dozen|foot|feet|inch|\bage",
    "4": r"month|gallon|quart|square|sides|cup",
    "5": r"weekday|school|nickel", "100": r"%|percent|cent|metre|meter|\bc?m\b|\d ?[pc]\b", "10": r"mm|dime|centimet",
    "1000": r"kilo|\bk[mg]\b|litre|liter|\bm?l\b",
    "16": r"pound|ounce|\blbs?\b|\boz\b", "3": r"yard|feet|teaspoon|tablespoon", "0.25": "quarter", "0.1": "dime",
    "0.05": "nickel",
    "1": "",
    "2": r"perimeter|fence|hedge|edges|hands|play every|round trip|rectang|two-way|back|average|each way|sides",
}  # fmt: skip
_TIMED = re.compile(r"(\d{1,2}:\d\d)((?: [+-] \d+ min)+)")
_BETWEEN = re.compile(r"(\d{1,2}:\d\d) - (\d{1,2}:\d\d)")
_DAY = re.compile(rf"({'|'.join(WEEKDAYS)}) ([+-]) (\d+) days?")
_DIGITS = re.compile(r"\d{1,2}:\d\d|(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+")
_WORD = re.compile(r"[^\W\d_]+")
_OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}


def result_of(expression: str) -> str | None:
    """Return the value of an expression as it stands after the equals sign; ``None`` if it has no exact short form."""
    if found := _TIMED.fullmatch(expression):
        change = sum(int(part.replace(" ", "")) for part in re.findall(r"[+-] \d+", found[2]))
        return clock(minutes_of(found[1]) + change)
    if found := _BETWEEN.fullmatch(expression):
        return f"{(minutes_of(found[1]) - minutes_of(found[2])) % 1440} min"
    if found := _DAY.fullmatch(expression):
        return WEEKDAYS[(WEEKDAYS.index(found[1]) + int(found[2] + found[3])) % 7]
    value = exact(expression)
    return None if value is None else written(value)


def exact(expression: str) -> Fraction | None:
    """Return the exact value of arithmetic with plain numbers; ``None`` if it is anything else, or divides by zero."""
    try:
        return _value(ast.parse(expression, mode="eval").body, expression)
    except (SyntaxError, ValueError, ZeroDivisionError):
        return None


def _value(node: ast.expr, text: str) -> Fraction:
    if isinstance(node, ast.Constant) and type(node.value) in {int, float}:
        return Fraction(ast.get_source_segment(text, node) or "")
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand, text)
    if not isinstance(node, ast.BinOp) or type(node.op) not in _OPERATORS:
        msg = "not plain arithmetic"
        raise ValueError(msg)
    left, right = _value(node.left, text), _value(node.right, text)
    match _OPERATORS[type(node.op)]:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case _:
            return left / right


def written(value: Fraction) -> str | None:
    """Return a number in decimals, without trailing zeros; ``None`` if it has more than :data:`PLACES` of them."""
    scaled = value * 10**PLACES
    if scaled.denominator != 1:
        return None
    if value.denominator == 1:
        return str(value.numerator)
    digits = f"{abs(scaled.numerator):0{PLACES + 1}d}"
    return f"{'-' if value < 0 else ''}{digits[:-PLACES]}.{digits[-PLACES:]}".rstrip("0")


def minutes_of(time: str) -> int:
    """Return the minutes since midnight."""
    hours, minutes = time.split(":")
    return 60 * int(hours) + int(minutes)


def clock(minutes: int) -> str:
    """Return the time of day, ``9:05`` or ``16:25``."""
    minutes %= 1440
    return f"{minutes // 60}:{minutes % 60:02d}"


def figures(text: str) -> list[str]:
    """Return the numbers and times of an expression."""
    return [figure.replace(",", "") for figure in _DIGITS.findall(text)]


def stated(text: str) -> set[str]:
    """Return the numbers and times that a text states in digits or in words, in the form of :func:`written`."""
    found = {plain(figure) for figure in figures(text)}
    words = _WORD.findall(text.casefold())
    found |= {str(VALUES[word]) for word in words if word in VALUES}
    for tens, ones in pairwise(words):
        if tens in TENS and ones in SMALL[1:10]:
            found.add(str(VALUES[tens] + VALUES[ones]))
    return found


def constants(text: str) -> set[str]:
    """Return the constants that a calculation about a text may use, such as 60 where it speaks of hours."""
    return {number for number, spoken in CONSTANTS.items() if re.search(spoken, text, re.IGNORECASE)}


def unfounded(expression: str, known: set[str]) -> list[str]:
    """Return the numbers of an expression that are not among the known ones."""
    return [figure for figure in figures(expression) if plain(figure) not in known]


def plain(figure: str) -> str:
    """Return a number without trailing zeros, and a time as it is."""
    return figure if ":" in figure else written(Fraction(figure)) or figure
