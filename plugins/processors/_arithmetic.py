"""Exact arithmetic on the end of a line: numbers, signs, percentages, currency, and words that are units."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

from ._calendar import MONTHS, WEEKDAYS
from ._units import DIMENSIONS, UNITS

DIGITS = 15  # of a number, before its decimal point
PLACES = 4  # of an exact result
LEAST = Fraction(1, 10**6)  # a smaller result would be a long row of zeros
MOST_TOKENS, MOST_WORDS, MOST_DEPTH = 60, 3, 20
MOST_EXPONENT = 50
TOKEN = re.compile(
    r"(?P<number>[0-9.,:]*[0-9])|(?P<word>/?[^\W\d_]+(?:/[^\W\d_]+)*)|(?P<power>\*\*|\^)|(?P<sign>[-+*/()%$£€])"
    r"|(?P<blank>\s+)|(?P<other>.)"
)
NUMBER = re.compile(r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)?(?:\.[0-9]+)?")
SPELLED = {"x": "*", "X": "*", "times": "*", "plus": "+", "minus": "-", "**": "^", "percent": "%"}
# Words before an expression that belong to it, and words after a number that change it.
_BEFORE = """
half twice thrice double triple treble third quarter by than negative root square cube sum product difference average
mean less more of log per
"""
_SCALES = """
hundred thousand million billion dozen dozens half halves third thirds quarter quarters squared cubed mod modulo
factorial pm am st nd rd th one two three four five six seven eight nine ten eleven twelve
"""
BEFORE = frozenset([*_BEFORE.split(), *map(str.lower, MONTHS)])
SCALES = frozenset([*_SCALES.split(), *map(str.lower, (*MONTHS, *WEEKDAYS))])
SAFE = ":;,.!?=\"'\u2019“”—…&|→⇒•"  # signs after which an expression may begin
NOT_NUMBERS = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]/[0-9]{1,2}/[0-9]{4}|\b0[xX]")
BULLET = re.compile(r"^\s*(?:[-*•+]|[0-9]{1,2}[.)])\s+")


class Quantity(NamedTuple):
    """A number with the exponents of its units, and whether it was written with a percent sign.

    :param units: unit and exponent, sorted; a currency sign is a unit.
    """

    value: Fraction
    units: tuple[tuple[str, int], ...] = ()
    percent: bool = False


class Token(NamedTuple):
    """A number, or a sign.

    :param glued: a sign that touches what follows it and not what precedes it, as the minus of a negative number does.
    """

    sign: str
    number: Quantity | None = None
    glued: bool = False


class NotArithmetic(Exception):
    """The text is no expression with one clear result."""


def arithmetic(line: str, *, whole: bool) -> str | None:
    """Return the result of the expression at the end of ``line``, or ``None``.

    :param whole: whether the line is complete; if not, an expression that fills it may have begun earlier.
    """
    try:
        tokens, filled = _expression(BULLET.sub("", line, count=1) if whole else line)
        if filled and not whole:
            return None
        numbers = sum(token.number is not None for token in tokens)
        if numbers < 2 or len(tokens) > MOST_TOKENS:
            return None
        return _written(_Parser(tokens).result())
    except (NotArithmetic, ZeroDivisionError):
        return None


def _expression(line: str) -> tuple[list[Token], bool]:
    """Return the tokens after the last text that cannot be part of an expression, and whether there is no such text.

    :raises NotArithmetic: the text before the expression may belong to it.
    """
    if NOT_NUMBERS.search(line.rpartition("=")[2]):
        raise NotArithmetic
    reader = _Reader()
    for match in TOKEN.finditer(line):
        reader.read(match, line)
    reader.end_words("end", "")
    if reader.doubtful and reader.tokens:
        raise NotArithmetic
    return reader.tokens, reader.whole


class _Reader:
    """Reads a line from left to right and keeps the tokens of the expression that may end it.

    :ivar tokens: the tokens since the last text that is no part of an expression.
    :ivar whole: whether there was no such text.
    :ivar doubtful: whether that text may belong to an expression after it.
    """

    def __init__(self) -> None:
        self.tokens: list[Token] = []
        self.whole, self.doubtful = True, False
        self._words: list[str] = []
        self._before = ""

    def read(self, match: re.Match[str], line: str) -> None:
        """Read one token.

        :raises NotArithmetic: no expression around it has a clear result.
        """
        kind, text, at = match.lastgroup or "", match[0], match.start()
        sign = SPELLED.get(text, text)
        if kind == "blank":
            return
        if kind == "word" and sign == text and sign != "of":
            if not text.replace("/", "").isalpha():  # a superscript or a fraction in one character
                raise NotArithmetic
            self._words.append(text)
            return
        self.end_words(kind, sign)
        if kind == "number":
            self._number(text, line[:at][-1:])
        elif kind == "other":
            if text.isdigit():
                raise NotArithmetic
            self._begin(doubtful=text not in SAFE)
        else:
            if sign in {"+", "-"} and self._before in {"x", "X"}:  # the x of "2x - 3" is no sign
                raise NotArithmetic
            apart = line[:at][-1:].strip(" (") == ""
            self.tokens.append(Token(sign, None, apart and line[match.end() :][:1].strip() != ""))
        self._before = text

    def _begin(self, *, doubtful: bool) -> None:
        """Drop the tokens so far, since an expression can only begin after them."""
        self.tokens, self.whole, self.doubtful = [], False, doubtful

    def _number(self, text: str, touched: str) -> None:
        """Read a number; ``touched`` is the character before it."""
        if touched == "_" or (touched.isalpha() and touched not in "xX"):
            raise NotArithmetic
        number = _number(text)
        if number is None:
            self._begin(doubtful=True)
            return
        if self.tokens and _ends_operand(self.tokens[-1]):
            self._begin(doubtful=False)
        self.tokens.append(Token("", Quantity(number)))

    def end_words(self, kind: str, sign: str) -> None:
        """Take the words before a token as the unit of what precedes them, or as the end of other text.

        They are a unit if there are at most three, after a number or a parenthesis and before an operator, a closing
        parenthesis or the end.
        """
        words, self._words = self._words, []
        if not words:
            return
        follows = kind in {"end", "power"} or (kind in {"sign", "word"} and sign not in {"(", "$", "£", "€", "%"})
        last = self.tokens[-1] if self.tokens else Token("")
        if (last.number or last.sign == ")") and len(words) <= MOST_WORDS and follows:
            self.tokens[-1] = _with_unit(last, words)
            return
        word = words[-1].lower()
        joins = word == "and" and bool(self.tokens)  # "2 hours and 30 minutes" is one amount
        self._begin(doubtful=joins or word in BEFORE or word in UNITS or (len(word) == 1 and word not in {"a", "i"}))


def _ends_operand(token: Token) -> bool:
    return token.number is not None or token.sign in {")", "%"}


def _with_unit(token: Token, words: list[str]) -> Token:
    """Return the token with the known units among the words.

    :raises NotArithmetic: a word changes the number, or is a variable, as in "0.9P" and "10/x".
    """
    if any(len(word.removeprefix("/")) == 1 and word.removeprefix("/") not in UNITS for word in words):
        raise NotArithmetic
    if not SCALES.isdisjoint(part for word in words for part in word.lower().split("/")):
        raise NotArithmetic
    if token.number is None:  # a parenthesis
        return token
    units: dict[str, int] = {}
    exponent = 1
    for word in words:
        for place, part in enumerate(word.split("/")):
            exponent = -1 if place or part == "per" else exponent
            if (unit := UNITS.get(part if len(part) == 1 else part.lower())) is not None:
                units[unit] = units.get(unit, 0) + exponent
    return token._replace(number=token.number._replace(units=_sorted(units)))


def _number(text: str) -> Fraction | None:
    """Return the number that a run of digits, points, commas and colons is, or ``None``.

    :raises NotArithmetic: it has too many digits.
    """
    text = text.lstrip(",:")
    plain = text.replace(",", "")
    before, _, after = plain.partition(".")
    if not NUMBER.fullmatch(text) or (len(before) > 1 and before[0] == "0"):
        return None
    if max(len(before), len(after)) > DIGITS:
        raise NotArithmetic
    return Fraction(plain if before else f"0{plain}")


class _Parser:
    """Recursive descent over the tokens of one expression."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens, self._at, self._depth = tokens, 0, 0

    def result(self) -> Quantity:
        """Return the value of all tokens.

        :raises NotArithmetic: they are not one expression, or its value is too large, too small or in mixed units.
        """
        found = self._sum()
        if self._at < len(self._tokens):
            raise NotArithmetic
        known = [DIMENSIONS[unit] for unit, _ in found.units]
        if 0 < abs(found.value) < LEAST:
            raise NotArithmetic
        if len(known) != len(set(known)) or any(DIMENSIONS[u] == "money" and n > 1 for u, n in found.units):
            raise NotArithmetic
        return found

    def _sign(self) -> str:
        """Return the sign at the present place; nothing at a number or the end."""
        return self._tokens[self._at].sign if self._at < len(self._tokens) else ""

    def _sum(self) -> Quantity:
        found = self._product()
        while (sign := self._sign()) in {"+", "-"}:
            self._at += 1
            found = _added(found, self._product(), -1 if sign == "-" else 1)
        return found

    def _product(self) -> Quantity:
        found = self._factor()
        while (sign := self._sign()) in {"*", "/", "of"}:
            self._at += 1
            following = self._factor()
            if sign == "of" and not (found.percent or found.value.denominator > 1):
                raise NotArithmetic
            found = _divided(found, following) if sign == "/" else _multiplied(found, following)
        return found

    def _factor(self) -> Quantity:
        """Read a number with its sign, currency, percent sign and power."""
        if self._sign() == "-":
            # A minus with a blank after it would be the second operator in a row, as in "2x - 3".
            if not self._tokens[self._at].glued:
                raise NotArithmetic
            self._at += 1
            found = self._factor()
            return found._replace(value=-found.value)
        currency = self._sign() if self._sign() in {"$", "£", "€"} else ""
        self._at += bool(currency)
        found = self._atom()
        if currency:
            found = _multiplied(found, Quantity(Fraction(1), ((currency, 1),)))
        if self._sign() == "%":
            self._at += 1
            if found.percent or found.units:
                raise NotArithmetic
            found = Quantity(found.value / 100, (), percent=True)
        if self._sign() == "^":
            self._at += 1
            found = _power(found, self._atom())
        return found

    def _atom(self) -> Quantity:
        token = self._tokens[self._at] if self._at < len(self._tokens) else None
        self._at += 1
        if token is None or (token.number is None and token.sign != "("):
            raise NotArithmetic
        if token.number is not None:
            return token.number
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise NotArithmetic
        found = self._sum()
        if self._sign() != ")":
            raise NotArithmetic
        self._at += 1
        return found


def _added(left: Quantity, right: Quantity, sign: int) -> Quantity:
    """Return a sum; of two units one may be left out, and a percentage is added to percentages only."""
    if left.percent != right.percent or (left.units and right.units and left.units != right.units):
        raise NotArithmetic
    return _bounded(Quantity(left.value + sign * right.value, left.units or right.units, left.percent))


def _multiplied(left: Quantity, right: Quantity) -> Quantity:
    units = dict(left.units)
    for unit, exponent in right.units:
        units[unit] = units.get(unit, 0) + exponent
    return _bounded(Quantity(left.value * right.value, _sorted(units), left.percent and right.percent))


def _divided(left: Quantity, right: Quantity) -> Quantity:
    inverse = tuple((unit, -exponent) for unit, exponent in right.units)
    found = _multiplied(left._replace(percent=False), Quantity(1 / right.value, inverse))
    return found._replace(percent=left.percent and not right.percent)


def _power(base: Quantity, exponent: Quantity) -> Quantity:
    if base.percent or base.units or exponent.percent or exponent.units or exponent.value.denominator > 1:
        raise NotArithmetic
    power = int(exponent.value)
    # The size is checked before the power is computed: 9**9**9 has 370 million digits.
    if not 0 <= power <= MOST_EXPONENT or power * len(str(abs(base.value.numerator))) > 2 * MOST_EXPONENT:
        raise NotArithmetic
    return _bounded(Quantity(base.value**power))


def _bounded(found: Quantity) -> Quantity:
    """Return the quantity.

    :raises NotArithmetic: it has more digits than results may have, or more than are needed for exactness.
    """
    if abs(found.value) >= 10**DIGITS or found.value.denominator >= 10 ** (4 * DIGITS):
        raise NotArithmetic
    return found


def _sorted(units: dict[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted((unit, exponent) for unit, exponent in units.items() if exponent))


def _written(found: Quantity) -> str:
    """Return the text of a result: a currency sign is kept, other units are not."""
    money = [unit for unit, exponent in found.units if DIMENSIONS[unit] == "money" and exponent == 1]
    value = found.value * 100 if found.percent else found.value
    if not money:
        return decimal(value) + "%" * found.percent
    amount = decimal(abs(value), least=0 if value.denominator == 1 else 2)
    return f"{'-' * (value < 0)}{money[0]}{amount}"


def decimal(value: Fraction, *, least: int = 0) -> str:
    """Return a decimal: exact with at most four places, otherwise rounded half up to two, or to two digits below 0.1.

    :param least: number of places that are written even if they are 0.
    """
    places = next((n for n in range(PLACES + 1) if (value * 10**n).denominator == 1), None)
    if places is None:
        places = next(n for n in range(2, 2 * DIGITS) if abs(value) * 10 ** (n - 1) >= 1 or n == 2 * DIGITS - 1)
    places = max(places, least)
    scaled = int(abs(value) * 10**places + Fraction(1, 2))
    digits = str(scaled).rjust(places + 1, "0")
    whole, part = (digits[:-places], digits[-places:]) if places else (digits, "")
    if len(part) > least:
        part = part[:least] + part[least:].rstrip("0")
    sign = "-" if value < 0 and scaled else ""
    return f"{sign}{whole}.{part}" if part else f"{sign}{whole}"
