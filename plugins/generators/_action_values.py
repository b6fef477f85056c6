"""Typed values of arguments: each with the words by which a request says it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING, Any

from ._action_values_data import POOLS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WORDS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
    "twenty",
)
LONG = 15  # pools of at least this many values are split between training and held-out drafts
LAST_YEAR = 2100  # a number of at most this size may be a year, which has no comma
STEP = 5  # each fifth value is a held-out one
NOTES = {
    "date": "YYYY-MM-DD",
    "rate": "as a decimal, such as 0.05 for 5%",
    "time": "HH:MM",
    "us_place": "city and state",
}
ARTICLES = re.compile(r"^(?:a|an|the|my) ")  # said before a value, and no part of it
NAMED = (
    *("product", "contact", "device", "landmark", "exercise", "food", "symptom", "crime", "event_known", "topic"),
    *("garment", "museum", "region", "amenity"),
)


@dataclass(frozen=True)
class Value:
    """An argument's value and the words that say it."""

    value: Any
    said: str


class Draws:
    """Random draws of one generator: from the values of training, or from those that training never uses."""

    def __init__(self, seed: str, *, held_out: bool) -> None:
        self.random = Random(seed)
        self.held_out = held_out

    def of_split(self, options: tuple[str, ...]) -> str:
        """Return one of a long pool's values that belong to this split."""
        if len(options) < LONG:
            return self.random.choice(options)
        return self.random.choice(_split(options, held_out=self.held_out))

    def pool(self, name: str) -> str:
        """Return one of the values of a pool."""
        return self.of_split(POOLS[name])

    def chance(self, share: float) -> bool:
        """Return true in this share of the cases."""
        return self.random.random() < share

    def value(self, kind: str) -> Value:
        """Return a value of a kind such as ``city`` or ``int 1 20``."""
        head, _, rest = kind.partition(" ")
        if head in MAKERS:
            return MAKERS[head](self, rest.split())
        text = self.pool(head)
        return Value(ARTICLES.sub("", text) if head in NAMED else text, text)


@lru_cache
def _split(options: tuple[str, ...], *, held_out: bool) -> tuple[str, ...]:
    return tuple(text for place, text in enumerate(options) if (place % STEP == STEP - 1) == held_out)


def schema_of(kind: str) -> dict[str, Any]:
    """Return the JSON schema of a kind's values."""
    head, _, rest = kind.partition(" ")
    if head == "enum":
        return {"type": "string", "enum": [part.partition("=")[0] for part in rest.split(",")]}
    if head in {"list", "ints", "nums"}:
        inner = {"ints": "integer", "nums": "number"}.get(head)
        return {"type": "array", "items": {"type": inner} if inner else schema_of(rest.rsplit(" ", 2)[0])}
    simple = {"int": "integer", "num": "number", "money": "number", "percent": "number", "rate": "number"}
    return {"type": simple.get(head, "boolean" if head == "bool" else "string")}


def listed(parts: Sequence[str], last: str = "and") -> str:
    """Return the parts as a list in a sentence."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def spoken_dates(day: date) -> tuple[str, ...]:
    """Return the ways in which a request says a date, the one to copy first."""
    month = day.strftime("%B")
    return day.isoformat(), f"{day.day} {month} {day.year}", f"{month} {day.day}, {day.year}"


def _int(draws: Draws, bounds: Sequence[str]) -> Value:
    low, high = map(int, bounds)
    number = draws.random.randint(low, high)
    if 1 < number < len(WORDS) and high <= 60 and draws.chance(0.2):
        return Value(number, WORDS[number])
    if number == low == 1 and draws.chance(0.7):
        number = 2
    if number >= 1000 and high > LAST_YEAR and draws.chance(0.25):
        return Value(number, f"{number:,}")
    return Value(number, str(number))


def _num(draws: Draws, bounds: Sequence[str]) -> Value:
    low, high, digits = float(bounds[0]), float(bounds[1]), int(bounds[2]) if len(bounds) > 2 else 1
    if draws.chance(0.5) and high - low > 2:
        number = draws.random.randint(int(low) + 1, int(high))
        return Value(number, str(number))
    scale = 10**digits
    number = draws.random.randint(int(low * scale) + 1, int(high * scale)) / scale
    return Value(int(number) if number == int(number) else number, _plain(number))


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else repr(number)


def _money(draws: Draws, bounds: Sequence[str]) -> Value:
    low, high = map(int, bounds)
    amount: float = draws.random.randint(low, high)
    if high >= 2000 and draws.chance(0.6):
        amount = max(low, amount // 100 * 100)
    elif high < 1000 and draws.chance(0.3):
        amount += draws.random.choice((0.25, 0.5, 0.75, 0.99, 0.2))
        amount = round(amount, 2)
    number = f"{amount:,}" if amount >= 1000 and draws.chance(0.4) else str(amount)
    said = draws.random.choice(("${}", "${}", "£{}", "€{}", "{} dollars", "{} euros", "{} pounds")).format(number)
    return Value(amount, said)


def _percent(draws: Draws, bounds: Sequence[str]) -> Value:
    number = _num(draws, bounds)
    return Value(number.value, number.said + draws.random.choice(("%", "%", " percent")))


def _rate(draws: Draws, bounds: Sequence[str]) -> Value:
    tenths = draws.random.randint(int(float(bounds[0]) * 2), int(float(bounds[1]) * 2)) * 5
    rate = tenths / 1000
    if draws.chance(0.3):
        return Value(rate, repr(rate))
    return Value(rate, _plain(tenths / 10) + draws.random.choice(("%", "%", " percent")))


def _date(draws: Draws, _: Sequence[str]) -> Value:
    return date_value(draws, date(2024, 1, 1) + timedelta(days=draws.random.randint(0, 1400)))


def date_value(draws: Draws, day: date) -> Value:
    """Return a date in one of the ways of saying it; its value is always of the form YYYY-MM-DD."""
    ways = spoken_dates(day)
    return Value(ways[0], ways[0] if draws.chance(0.55) else draws.random.choice(ways[1:]))


def _day(draws: Draws, _: Sequence[str]) -> Value:
    said = draws.pool("day")
    return Value(said.removeprefix("on "), said)


def _time(draws: Draws, _: Sequence[str]) -> Value:
    text = f"{draws.random.randint(6, 22):02}:{draws.random.choice((0, 5, 10, 15, 20, 30, 45, 50)):02}"
    return Value(text, text)


def _id(draws: Draws, pattern: Sequence[str]) -> Value:
    letters = {"#": "0123456789", "@": "ABCDEFGHJKLMNPQRSTUVWXYZ", "%": "0123456789abcdef"}
    text = "".join(draws.random.choice(letters[c]) if c in letters else c for c in pattern[0])
    return Value(text, text)


def _list(draws: Draws, spec: Sequence[str]) -> Value:
    *kind, low, high = spec
    found: dict[str, Value] = {}
    count = draws.random.randint(int(low), int(high))
    while len(found) < count:
        one = draws.value(" ".join(kind))
        found.setdefault(str(one.value), one)
    return _together(draws, list(found.values()))


def _numbers(draws: Draws, bounds: Sequence[str], *, whole: bool) -> Value:
    low, high, least, most = bounds
    count = draws.random.randint(int(least), int(most))
    whole = whole or draws.chance(0.4)
    numbers = [draws.random.randint(int(low) * 10, int(high) * 10) for _ in range(count)]
    return _together(draws, [Value(n // 10, str(n // 10)) if whole else Value(n / 10, repr(n / 10)) for n in numbers])


def _together(draws: Draws, parts: Sequence[Value]) -> Value:
    """Return the list of these values, said as a list in a sentence or, of numbers, in brackets too."""
    said = [part.said for part in parts]
    values = [part.value for part in parts]
    if not isinstance(values[0], str) and draws.chance(0.35):
        return Value(values, f"[{', '.join(said)}]")
    return Value(values, ", ".join(said) if draws.chance(0.25) else listed(said))


def _enum(draws: Draws, options: Sequence[str]) -> Value:
    name, _, said = draws.random.choice(" ".join(options).split(",")).partition("=")
    return Value(name, draws.random.choice(said.split("/")) if said else name.replace("_", " "))


def _pair(*names: str, between: str) -> Callable[[Draws, Sequence[str]], Value]:
    def make(draws: Draws, _: Sequence[str]) -> Value:
        text = between.join(draws.pool(name) for name in names)
        return Value(text, text)

    return make


def _email(draws: Draws, _: Sequence[str]) -> Value:
    name = draws.pool("person").lower()
    host = draws.random.choice(("example.com", "example.org", "mail.example", "firm.example", "school.example"))
    text = f"{name}{draws.random.choice(('', '.' + draws.pool('surname').lower()))}@{host}"
    return Value(text, text)


def _phone(draws: Draws, _: Sequence[str]) -> Value:
    return _id(draws, [draws.random.choice(("+44-20-####-####", "555-####", "+1-###-555-####", "07###-######"))])


def _path(draws: Draws, kinds: Sequence[str]) -> Value:
    name = f"{draws.pool('stem')}.{draws.random.choice(kinds) if kinds else draws.pool('ext')}"
    return Value(text := f"{draws.pool('folder')}/{name}" if draws.chance(0.65) else name, text)


def _address(draws: Draws, _: Sequence[str]) -> Value:
    text = f"{draws.random.randint(1, 180)} {draws.pool('street')}"
    return Value(text := f"{text}, {draws.pool('city')}" if draws.chance(0.4) else text, text)


def _url(draws: Draws, _: Sequence[str]) -> Value:
    host = draws.random.choice(("example.com", "example.org", "shop.example", "news.example"))
    text = f"https://{host}/{draws.pool('stem')}"
    return Value(text, text)


MAKERS: dict[str, Callable[[Draws, Sequence[str]], Value]] = {
    "int": _int,
    "num": _num,
    "money": _money,
    "percent": _percent,
    "rate": _rate,
    "date": _date,
    "day": _day,
    "time": _time,
    "id": _id,
    "list": _list,
    "ints": lambda draws, bounds: _numbers(draws, bounds, whole=True),
    "nums": lambda draws, bounds: _numbers(draws, bounds, whole=False),
    "enum": _enum,
    "full": _pair("person", "surname", between=" "),
    "email": _email,
    "phone": _phone,
    "path": _path,
    "address": _address,
    "url": _url,
}
