# ruff: noqa: E501 - a table has one row a line
"""Families of sums and units for the ``reflection`` generator."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


class Sum(NamedTuple):
    """A formula with ways to ask for its value and to state it; ``{v}`` is the value, ``{name}`` a first name.

    :param slips: formulas of typical wrong values.
    :param unless: a formula that must be positive.
    :param also: further numbers of the sentences with their formulas.
    """

    kind: str
    variables: Mapping[str, Sequence[object]]
    formula: str
    slips: tuple[str, ...]
    asked: tuple[str, ...]
    held: tuple[str, ...]
    topic: str
    said: str
    money: bool = False
    unless: str | None = None
    also: tuple[tuple[str, str], ...] = ()

    @property
    def broken(self) -> bool:
        """Whether the value may have decimals."""
        return self.money or self.kind == "decimal"


_SMALL, _DOZEN, _TENS = range(2, 13), range(3, 13), range(10, 100)
_HUNDREDS = range(100, 1000, 10)
_PERCENT = (5, 10, 15, 20, 25, 30, 40, 50, 60, 75)
_THINGS = (
    "apples", "pens", "tickets", "cups", "stamps", "books", "eggs", "plants", "tiles", "cards", "bottles", "chairs",
)  # fmt: skip

SUMS = (
    Sum("sum", {"a": _DOZEN, "b": _SMALL}, "a*b", ("a*b+a", "a*b-b", "a+b", "a*b+2"),
        ("What is {a} x {b}?", "{a} x {b}?", "{a} times {b}?", "What does {a} times {b} make?"),
        ("Multiply {a} by {b}.", "What is the product of {a} and {b}?"), "{a} x {b}", "{a} x {b} is {v}"),
    Sum("sum", {"a": _TENS, "b": _TENS}, "a+b", ("a+b+10", "a+b-10", "a+b+1"),
        ("What is {a} + {b}?", "{a} + {b}?", "Add {a} and {b}.", "{a} plus {b}?"), ("Total of {a} and {b}?",),
        "{a} + {b}", "{a} + {b} is {v}"),
    Sum("sum", {"a": range(30, 200), "b": range(5, 100)}, "a-b", ("a-b+10", "a-b-10", "a-b+1", "a+b"),
        ("What is {a} - {b}?", "{a} - {b}?", "Subtract {b} from {a}.", "{a} minus {b}?"), ("Take {b} away from {a}.",),
        "{a} - {b}", "{a} - {b} is {v}", unless="a-b"),
    Sum("sum", {"a": range(100, 2000, 50), "b": range(50, 1000, 50)}, "a-b", ("a-b+100", "a-b-100", "a-b+50"),
        ("What is {a} - {b}?", "{a} - {b} = ?"), ("How much more is {a} than {b}?",),
        "{a} - {b}", "{a} - {b} = {v}", unless="a-b"),
    Sum("sum", {"a": range(12, 150, 3), "b": _SMALL}, "a/b", ("a/b+1", "a/b-1", "a/b+2", "a-b"),
        ("What is {a} divided by {b}?", "Divide {a} by {b}.", "{a} / {b}?"), ("{a} shared equally by {b} is how many?",),
        "{a} divided by {b}", "{a} divided by {b} is {v}", unless="a-b"),
    Sum("sum", {"a": _TENS, "b": _TENS, "c": _SMALL}, "a+b+c", ("a+b", "a+b+c-10", "a+b+c+10"),
        ("What is {a} + {b} + {c}?", "{a} + {b} + {c}?"), ("Add up {a}, {b} and {c}.",),
        "{a} + {b} + {c}", "{a} + {b} + {c} is {v}"),
    Sum("sum", {"a": _DOZEN, "b": _SMALL, "c": _SMALL}, "a+b*c", ("(a+b)*c", "a+b+c", "a*b+c"),
        ("What is {a} + {b} x {c}?", "{a} + {b} x {c}?"), ("Work out {a} + {b} x {c}.",),
        "{a} + {b} x {c}", "{a} + {b} x {c} is {v}"),
    Sum("percent", {"p": _PERCENT, "n": range(20, 420, 20)}, "p*n/100", ("p", "n-p", "p*n/1000", "p*n/100+2"),
        ("What is {p}% of {n}?", "{p}% of {n}?", "{p} percent of {n}?", "How much is {p}% of {n}?"),
        ("Work out {p}% of {n}.", "Take {n}. What is {p}% of it?"), "{p}% of {n}", "{p}% of {n} is {v}"),
    Sum("percent", {"p": _PERCENT, "n": range(20, 220, 10)}, "n-p*n/100", ("p*n/100", "n-p", "n+p*n/100"),
        ("A jumper costs {cur}{n} and is {p}% off. What do I pay?", "{p}% off {cur}{n}: what is the price now?",
         "A lamp at {cur}{n} has a {p}% discount. New price?"),
        ("{name} buys a {cur}{n} coat in a {p}% off sale. What does it cost?",),
        "the price of {cur}{n} with {p}% off", "The price is {cur}{v}", money=True),
    Sum("percent", {"p": (5, 10, 20, 25), "n": range(40, 400, 20)}, "p*n/100", ("p", "n/p", "p*n/100+10"),
        ("What is {p}% VAT on {cur}{n}?", "Client asks: how much is {p}% VAT on {cur}{n}?"), ("How much tax is {p}% on {cur}{n}?",),
        "{p}% VAT on {cur}{n}", "The VAT is {cur}{v}", money=True),
    Sum("percent", {"a": range(3, 30), "b": (12, 20, 25, 40, 48, 50, 60)}, "100*a/b", ("a", "100-100*a/b", "b-a"),
        ("{a} of {b} people said yes. What share is that in percent?", "{a} out of {b} in percent?"),
        ("{name} has {a} of {b} marks. How many percent?",),
        "{a} out of {b} in percent", "{a} of {b} is {v}%", unless="b-a"),
    Sum("percent", {"a": (20, 30, 40, 50, 60, 80, 100, 120, 200), "p": (10, 20, 25, 30, 50)}, "a+a*p/100",
        ("a*p/100", "a+p", "a-a*p/100"),
        ("{cur}{a} goes up by {p}%. What is it now?", "A rent of {cur}{a} rises {p}%. New rent?"),
        ("{name}'s {cur}{a} fee grows by {p}%. New fee?",), "", "The new amount is {cur}{v}", money=True),
    Sum("sum", {"a": range(10, 600, 2)}, "a/2", ("a/2+10", "a/2-5", "2*a"),
        ("What is half of {a}?", "half of {a}?"), ("{a} cut in half is what?",), "half of {a}", "Half of {a} is {v}"),
    Sum("sum", {"a": range(11, 150)}, "a*2", ("a*2+10", "a*2-2", "a+2"),
        ("What is double {a}?", "Twice {a}?"), ("{a} doubled is what?",), "twice {a}", "Twice {a} is {v}"),
    Sum("sum", {"a": range(20, 400, 4)}, "a/4", ("a/2", "a/4+5", "a/4-1"),
        ("What is a quarter of {a}?", "a quarter of {a}?"), ("One fourth of {a}?",),
        "a quarter of {a}", "A quarter of {a} is {v}"),
    Sum("sum", {"a": range(4, 16)}, "a**2", ("a*2", "a**2+a", "a**2-1"),
        ("What is {a} squared?", "{a} squared?"), ("The square of {a} is?",), "{a} squared", "{a} squared is {v}"),
    Sum("sum", {"a": range(2, 6), "b": range(2, 7)}, "a**b", ("a*b", "a**b+a", "a*a"),
        ("What is {a} to the power of {b}?", "{a} to the power of {b}?"), ("{a} raised to the power {b}?",),
        "{a} to the power of {b}", "{a} to the power of {b} is {v}"),
    Sum("sum", {"r": range(3, 16)}, "r", ("r+1", "r-1", "r*2"),
        ("What is the square root of {m}?",), ("Root of {m}?",),
        "the square root of {m}", "The square root of {m} is {v}", also=(("m", "r*r"),)),
    Sum("sum", {"a": range(2, 30), "b": range(2, 30), "c": range(2, 30)}, "(a+b+c)/3", ("a+b+c", "b", "(a+b+c)/2"),
        ("What is the average of {a}, {b} and {c}?", "Average of {a}, {b} and {c}?"), ("The mean of {a}, {b} and {c}?",),
        "the average of {a}, {b} and {c}", "The average of {a}, {b} and {c} is {v}"),
    Sum("sum", {"a": range(2, 20), "b": range(21, 60)}, "b-a", ("b+a", "b-a+2", "a"),
        ("Solve x + {a} = {b}.", "x + {a} = {b}. What is x?"), ("Find x: x + {a} = {b}.",),
        "x in x + {a} = {b}", "x = {v}"),
    Sum("sum", {"a": range(2, 12), "x": _DOZEN}, "x", ("x+1", "x+a", "x-1"),
        ("If {a} times a number is {m}, what is the number?",), ("{a} times what is {m}?",), "", "The number is {v}", also=(("m", "a*x"),)),
    Sum("shape", {"a": range(2, 15), "b": range(2, 15)}, "2*(a+b)", ("a*b", "a+b", "2*a+b"),
        ("Perimeter of a {a} m by {b} m yard?", "What is the perimeter of a {a} m by {b} m rectangle?"),
        ("How long is the fence around a {a} m by {b} m lawn?",),
        "the perimeter of a {a} m by {b} m rectangle", "The perimeter is {v} m"),
    Sum("shape", {"a": range(2, 15), "b": range(2, 15)}, "a*b", ("2*(a+b)", "a+b", "a*b+a"),
        ("What is the area of a {a} m by {b} m room?", "Area of a {a} m by {b} m floor?"),
        ("How many square metres is a {a} m by {b} m field?",),
        "the area of a {a} m by {b} m room", "The area is {v} square metres"),
    Sum("shape", {"a": range(2, 8)}, "a**3", ("a*3", "a*a", "6*a*a"),
        ("What is the volume of a {a} cm cube?", "Volume of a cube with {a} cm edges?"), ("How much fits in a {a} cm cube?",),
        "the volume of a {a} cm cube", "The volume of a {a} cm cube is {v} cubic centimetres"),
    Sum("shape", {"a": range(3, 20), "n": (3, 4, 5, 6)}, "a*n", ("a+n", "a*n+a", "a*a"),
        ("A shape has {n} equal sides of {a} cm. Perimeter?",), ("What is the way around {n} equal sides of {a} cm?",),
        "", "The perimeter is {v} cm"),
    Sum("story", {"s": range(20, 100, 10), "h": (2, 3, 4, 5, 1.5, 2.5)}, "s*h", ("s*h-s", "s*h+s", "s+h"),
        ("A car goes {s} km/h for {h} hours. How far?", "How far is {h} hours at {s} km/h?"),
        ("{name} drives for {h} hours at {s} miles an hour. How many miles?",), "", "The distance is {v}"),
    Sum("story", {"s": range(20, 100, 10), "h": (2, 3, 4, 5, 6)}, "h", ("h+1", "h-1", "h*2"),
        ("How long do {m} miles take at {s} mph?",), ("{m} km at {s} km/h: how many hours?",), "",
        "It takes {v} hours", also=(("m", "s*h"),)),
    Sum("story", {"a": _DOZEN, "b": _SMALL, "t": _THINGS}, "a*b", ("a+b", "a*b+a", "a*b-b"),
        ("How many {t} are in {b} packs of {a}?", "{b} packs of {a} {t}: how many {t}?", "{b} boxes with {a} {t} each. Total?"),
        ("{name} stacks {b} rows of {a} {t}. How many {t}?",), "", "There are {v} {t}"),
    Sum("story", {"a": _DOZEN, "b": _SMALL, "t": _THINGS}, "a*b", ("a+b", "a*b+a", "a*b+10"),
        ("{b} {t} at {cur}{a} each. Total?", "What do {b} {t} at {cur}{a} cost?", "{name} buys {b} {t} at {cur}{a} each. Total?"),
        ("Price of {b} {t} if one costs {cur}{a}?",), "", "The total is {cur}{v}", money=True),
    Sum("story", {"a": range(20, 90, 5), "b": range(20, 400, 20), "c": range(10, 100, 10)}, "a+b+c",
        ("a+b", "a+b+c+20", "a+b+c-10"),
        ("Budget: {cur}{b} rent, {cur}{a} food, {cur}{c} bus. Total?", "{cur}{b}, {cur}{a} and {cur}{c}: what's the total?"),
        ("{name} spends {cur}{a} on shoes, {cur}{b} on a bike and {cur}{c} on lamps. Sum?",), "", "The total is {cur}{v}",
        money=True),
    Sum("story", {"n": (10, 20, 50), "p": (3.5, 4.25, 6.5, 7.25, 8.75, 13.5, 12.75, 18.5, 5.4, 9.6)}, "n-p",
        ("n-p+1", "n-p-1", "n+p"),
        ("Change from a {cur}{n} note after paying {cur}{p:.2f}?", "I pay {cur}{p:.2f} with {cur}{n}. What's my change?"),
        ("{name} hands over {cur}{n} for a {cur}{p:.2f} book. What comes back?",),
        "the change from {cur}{n} after paying {cur}{p:.2f}", "The change is {cur}{v}", money=True, unless="n-p"),
    Sum("story", {"a": range(12, 240, 6), "b": (2, 3, 4, 5, 6, 8)}, "a/b", ("a/b+2", "a/b-1", "a-b"),
        ("Bill split: {cur}{a} between {b} friends. What does each pay?", "{cur}{a} shared by {b} people is how much each?"),
        ("{b} of us split {cur}{a} evenly. What is one share?",), "", "Each pays {cur}{v}", money=True, unless="a/b-1"),
    Sum("story", {"k": _DOZEN, "b": _SMALL, "t": ("pupils", "guests", "players", "children")}, "k",
        ("k-1", "k+1", "k+2"),
        ("There are {m} {t} and {b} sit at each table. How many tables?",),
        ("{m} {t} in groups of {b}: how many groups?",), "", "It takes {v} of them", also=(("m", "k*b"),)),
    Sum("story", {"e": range(2, 7), "k": (2, 3, 4, 5), "s": (2, 4, 6)}, "e*k", ("e+k", "e*k-e", "e*k+2"),
        ("A recipe for {s} people uses {e} eggs. How many eggs for {m} people?",),
        ("{e} onions feed {s}. How many onions feed {m}?",), "", "You need {v}", also=(("m", "s*k"),)),
    Sum("story", {"b": range(1950, 2015), "y": range(2016, 2031)}, "y-b", ("y-b+1", "y-b-1", "y-b+10"),
        ("Born in {b}, how old is one on the birthday in {y}?", "How many years are there from {b} to {y}?"),
        ("A firm from {b}: how old is it in {y}?",), "the years from {b} to {y}", "From {b} to {y} it is {v} years"),
    Sum("story", {"w": range(2, 10), "d": range(2, 15)}, "w*d", ("w+d", "w*d+w", "w*d-d"),
        ("{name} runs {w} km a day. How far in {d} days?", "Saving {cur}{w} a day for {d} days gives how much?"),
        ("{w} pages a day for {d} days: how many pages?",), "", "It makes {v} in all"),
    Sum("decimal", {"a": (0.1, 0.2, 0.3, 0.5, 0.7, 1.2, 1.5, 2.4), "b": (0.2, 0.4, 0.6, 0.25, 1.1, 2.3)}, "a+b",
        ("a+b/10", "a+b+1", "a+b-0.1"),
        ("What is {a} + {b}?", "{a} + {b}?"), ("Sum of the decimals {a} and {b}?",), "{a} + {b}", "{a} + {b} is {v}"),
    Sum("decimal", {"a": (0.5, 0.2, 1.5, 2.5, 0.1, 0.4), "b": _SMALL}, "a*b", ("a+b", "a*b*10", "a*b+1"),
        ("What is {a} x {b}?", "{a} times {b}?"), ("Multiply {b} by {a}.",), "{a} x {b}", "{a} x {b} is {v}"),
    Sum("decimal", {"a": (1, 2, 3, 4), "b": (2, 4, 5, 8, 10, 20)}, "a/b", ("a+b/10", "b/a", "a/b+0.1"),
        ("What is {a}/{b} as a decimal?", "{a}/{b} as a decimal?"), ("Write the fraction {a}/{b} as a decimal.",),
        "{a}/{b} as a decimal", "{a}/{b} is {v}", unless="b-a"),
    Sum("decimal", {"a": (1, 3, 7, 9), "b": (4, 5, 10, 20)}, "100*a/b", ("10*a+b", "a*10/b", "100*a/b+5"),
        ("What is {a}/{b} as a percentage?", "{a}/{b} in percent?"), ("Turn {a}/{b} into percent.",),
        "{a}/{b} as a percentage", "{a}/{b} is {v}%", unless="b-a"),
)  # fmt: skip


class Unit(NamedTuple):
    """A unit in a smaller one; ``others`` are wrong names of the smaller one."""

    large: str
    larges: str
    small: str
    smalls: str
    factor: str
    others: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ("1", "2", "3", "4", "5", "6", "8", "10", "12", "0.5", "1.5", "2.5", "0.1", "20")


UNITS = (
    Unit("km", "km", "metre", "metres", "1000", ("centimetres", "miles")),
    Unit("metre", "metres", "centimetre", "centimetres", "100", ("kilometres", "inches")),
    Unit("centimetre", "centimetres", "millimetre", "millimetres", "10", ("metres", "kilometres")),
    Unit("metre", "metres", "millimetre", "millimetres", "1000", ("centimetres",)),
    Unit("kilogram", "kilograms", "gram", "grams", "1000", ("milligrams", "tonnes")),
    Unit("kilo of sugar", "kilos of sugar", "gram", "grams", "1000", ("tonnes",)),
    Unit("tonne", "tonnes", "kilogram", "kilograms", "1000", ("grams",)),
    Unit("gram", "grams", "milligram", "milligrams", "1000", ("kilograms",)),
    Unit("litre", "litres", "millilitre", "millilitres", "1000", ("centilitres", "grams")),
    Unit("litre of milk", "litres of milk", "millilitre", "millilitres", "1000", ("centilitres",)),
    Unit("hour", "hours", "minute", "minutes", "60", ("seconds", "days")),
    Unit("minute", "minutes", "second", "seconds", "60", ("hours",)),
    Unit("day", "days", "hour", "hours", "24", ("minutes",)),
    Unit("week", "weeks", "day", "days", "7", ("months", "hours"), ("1", "2", "3", "4", "5", "6", "8", "10", "12")),
    Unit("year", "years", "month", "months", "12", ("weeks", "days")),
    Unit("century", "centuries", "year", "years", "100", ("months",), ("1", "2", "3", "4", "5", "0.5")),
    Unit("decade", "decades", "year", "years", "10", ("months",), ("1", "2", "3", "4", "5", "6", "8")),
    Unit("foot", "feet", "inch", "inches", "12", ("yards", "metres")),
    Unit("yard", "yards", "foot", "feet", "3", ("inches",), ("1", "2", "3", "4", "5", "6", "8", "10", "12", "20")),
    Unit("pound", "pounds", "ounce", "ounces", "16", ("stones",), ("1", "2", "3", "4", "5", "6", "0.5", "1.5")),
    Unit("dozen", "dozen", "piece", "pieces", "12", (), ("1", "2", "3", "4", "5", "6", "0.5", "1.5")),
    Unit("dollar", "dollars", "cent", "cents", "100", ("euros",)),
    Unit("pound (money)", "pounds (money)", "penny", "pence", "100", ()),
    Unit("byte", "bytes", "bit", "bits", "8", ("kilobytes",), ("1", "2", "3", "4", "5", "6", "8", "10")),
    Unit("full turn", "full turns", "degree", "degrees", "360", (), ("1", "2", "3", "0.5")),
    Unit("hectare", "hectares", "square metre", "square metres", "10000", ("square feet",), ("1", "2", "3", "0.5")),
)
