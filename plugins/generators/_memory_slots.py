"""Values for the slots of templates: a word of a pool, a number, a date or a person, each new in its conversation."""

from __future__ import annotations

import re
from collections import ChainMap
from copy import copy
from functools import cache
from typing import TYPE_CHECKING

from ._memory_values import CLOSED, HELD_OUT, HOLD_FROM, OPEN

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

SLOT = re.compile(r"\{(a )?([a-z]+)(\d?)\}")
MONTHS = CLOSED["month"].split(", ")
WORDS = "two three four five six seven eight nine ten eleven twelve".split()  # noqa: SIM905 - a list of words
PRONOUNS = {"she": {"he": "she", "him": "her", "his": "her"}, "he": {"he": "he", "him": "him", "his": "his"}}
OF_PRONOUN = {
    ("name", "she"): "woman", ("name", "he"): "man", ("child", "she"): "girl", ("child", "he"): "boy",
    ("relation", "she"): "her relation", ("relation", "he"): "his relation",
}  # fmt: skip
TITLES = {"teacher": ("Mr", "Ms", "Mrs"), "doctor": ("Dr",)}


@cache
def pool(name: str, *, held_out: bool) -> tuple[str, ...]:
    """Return the values of a pool for training drafts or for held-out ones."""
    if whole := CLOSED.get(name) or HELD_OUT.get(name):
        return tuple(whole.split(", "))
    values = OPEN[name].split(", ")
    return tuple(value for place, value in enumerate(values) if (place % HOLD_FROM == HOLD_FROM - 1) == held_out)


class Values:
    """The values of one conversation; those of one subject are equal wherever a slot has the same name.

    :param used: the values that the conversation has already, case-folded.
    """

    def __init__(self, rng: Random, used: set[str], *, held_out: bool) -> None:
        self._rng, self._used, self._held_out = rng, used, held_out
        self._known: ChainMap[str, str] = ChainMap()

    def fill(self, template: str, change: Callable[[str], str] = str) -> str:
        """Return the template with its values.

        :param change: applied to the text between the values, which are copied exactly.
        """
        parts, end = [], 0
        for slot in SLOT.finditer(template):
            parts.append(change(template[end : slot.start()]))
            value = self[slot[2] + slot[3]]
            parts.append(f"{'an' if value[0] in 'aeiouAEIO' else 'a'} {value}" if slot[1] else value)
            end = slot.end()
        return "".join([*parts, change(template[end:])])

    def __getitem__(self, slot: str) -> str:
        if slot not in self._known:
            self._known.maps[-1][slot] = self._new(slot)
        return self._known[slot]

    def replaced(self, slot: str) -> Values:
        """Return the same values, drawn or not yet drawn, with another one for a slot."""
        self[slot]  # the old value is drawn first, so that the new one differs
        other = copy(self)
        vars(other)["_known"] = self._known.new_child({slot: self._new(slot)})
        return other

    def _new(self, slot: str) -> str:
        name = slot.rstrip("0123456789")
        for _ in range(50):
            value = self._drawn(name)
            if name in PRONOUNS["he"] or value.casefold() not in self._used:
                break
        self._used.add(value.casefold())
        return value

    def _drawn(self, name: str) -> str:
        rng = self._rng
        pronoun = self._known.maps[-1].setdefault("pronoun", self._rng.choice(("she", "he")))
        if name in PRONOUNS[pronoun]:
            return PRONOUNS[pronoun][name]
        if name in NUMBERS:
            return NUMBERS[name](rng)
        if name in TITLES:
            return f"{rng.choice(TITLES[name])} {self._pick('surname')}"
        return self._pick(OF_PRONOUN.get((name, pronoun), name))

    def _pick(self, name: str) -> str:
        return self._rng.choice(pool(name, held_out=self._held_out))


def _date(rng: Random) -> str:
    day, month = rng.randint(1, 28), rng.choice(MONTHS)
    if rng.random() < 0.75:
        return f"{day} {month}"
    return rng.choice((f"{month} {day}", f"the {_ordinal(day)} of {month}", f"{_ordinal(day)} {month}"))


def _ordinal(day: int) -> str:
    return f"{day}{'th' if 10 < day < 14 else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}"


def _money(rng: Random) -> str:
    amount = rng.choice((rng.randint(2, 40) * 5, rng.randint(2, 19) * 50, rng.randint(10, 99) * 100))
    written = f"{amount:,}"
    return rng.choice((f"£{written}", f"{written} euros", f"{written} dollars", f"${written}", f"€{written}", written))


def _code(rng: Random) -> str:
    letters = "ABCDEFGHKLMNPRSTVWX"
    return f"{rng.choice(letters)}{rng.choice(letters)}{rng.randint(10, 999)}"


def _time(rng: Random) -> str:
    return f"{rng.randint(6, 22)}:{rng.choice(('00', '05', '10', '15', '20', '30', '40', '45', '50'))}"


def _hour(rng: Random) -> str:
    return f"{rng.randint(1, 11)} {rng.choice(('am', 'pm'))}"


NUMBERS: dict[str, Callable[[Random], str]] = {
    "n": lambda rng: rng.choice(WORDS) if rng.random() < 0.35 else str(rng.randint(2, 12)),
    "age": lambda rng: rng.choice((str(rng.randint(3, 95)), "thirty", "forty", "fifty", "sixty", "seventy", "eighty")),
    "date": _date,
    "ordinal": lambda rng: "the " + _ordinal(rng.randint(1, 28)),
    "year": lambda rng: str(rng.randint(2026, 2035)),
    "time": lambda rng: rng.choice((_time, _time, _hour))(rng),
    "hour": _hour,
    "money": _money,
    "roomno": lambda rng: str(rng.randint(101, 899)),
    "room": lambda rng: rng.choice(
        (f"room {rng.randint(2, 499)}", f"hall {rng.randint(2, 9)}", f"lab {rng.randint(2, 40)}")
    ),
    "flight": lambda rng: f"{rng.choice(('BA', 'KL', 'LH', 'AF', 'TP', 'SK', 'EI', 'UA'))}{rng.randint(101, 9899)}",
    "version": lambda rng: f"{rng.randint(1, 21)}.{rng.randint(0, 19)}",
    "dose": lambda rng: f"{rng.choice((5, 10, 20, 25, 40, 50, 75, 100, 150, 200, 250, 400, 500, 850))} mg",
    "calories": lambda rng: f"{rng.randint(13, 32) * 100:,}",
    "plate": lambda rng: f"{_code(rng)}{rng.choice('ABCDEFGH')}",
    "pressure": lambda rng: f"{rng.randint(18, 35) / 10:.1f}",
    "inch": lambda rng: str(rng.choice((16, 20, 24, 26, 27, 28, 29))),
    "duration": lambda rng: rng.choice(
        (f"{rng.randint(2, 5)}:{rng.randint(10, 59)}", f"{rng.randint(28, 95)} minutes")
    ),
    "shoesize": lambda rng: str(rng.randint(35, 47)),
    "house": lambda rng: str(rng.randint(2, 180)),
    "digits": lambda rng: f"{rng.randint(100, 9999):04}",
    "model": _code,
    "guests": lambda rng: rng.choice((str(rng.randint(8, 150)), "twenty", "thirty", "sixty", "eighty", "fourteen")),
    "port": lambda rng: str(
        rng.choice((3000, 5000, 5432, 6379, 8000, 8080, 8443, 9000, 9090, rng.randint(1025, 9999)))
    ),
    "minutes": lambda rng: str(rng.randint(13, 90)),
    "degrees": lambda rng: str(rng.randint(20, 50) * 5),
    "litres": lambda rng: str(rng.randint(5, 60) * 10),
}
