"""Units of measurement: their spellings, and their sizes in the first unit of each dimension."""

from __future__ import annotations

from fractions import Fraction

# Sizes are exact. A month and a year have no fixed number of days and are missing.
_TABLE: dict[str, tuple[tuple[str, str], ...]] = {
    "mass": (
        ("g gram grams gramme grammes", "1"),
        ("mg milligram milligrams", "0.001"),
        ("kg kilo kilos kilogram kilograms", "1000"),
        ("t tonne tonnes", "1000000"),
        ("lb lbs pound pounds", "453.59237"),
        ("oz ounce ounces", "28.349523125"),
    ),
    "length": (
        ("m metre metres meter meters", "1"),
        ("mm millimetre millimetres millimeter millimeters", "0.001"),
        ("cm centimetre centimetres centimeter centimeters", "0.01"),
        ("km kilometre kilometres kilometer kilometers", "1000"),
        ("inch inches", "0.0254"),
        ("ft foot feet", "0.3048"),
        ("yd yard yards", "0.9144"),
        ("mi mile miles", "1609.344"),
    ),
    "volume": (
        ("l litre litres liter liters", "1"),
        ("ml millilitre millilitres milliliter milliliters", "0.001"),
        ("cl centilitre centilitres", "0.01"),
        ("dl decilitre decilitres", "0.1"),
    ),
    "time": (
        ("min mins minute minutes", "1"),
        ("s sec secs second seconds", "1/60"),
        ("h hr hrs hour hours", "60"),
        ("day days", "1440"),
        ("week weeks", "10080"),
    ),
    "money": (("$", "1"), ("£", "1"), ("€", "1")),
}
UNITS: dict[str, str] = {}  # the first spelling of a unit by each of its spellings
DIMENSIONS: dict[str, str] = {}
SIZES: dict[str, Fraction] = {}
for _dimension, _rows in _TABLE.items():
    for _spellings, _size in _rows:
        _first = _spellings.split()[0]
        UNITS.update(dict.fromkeys(_spellings.split(), _first))
        DIMENSIONS[_first], SIZES[_first] = _dimension, Fraction(_size)


def factor(source: str, target: str) -> Fraction | None:
    """Return how many ``target`` one ``source`` is, both in any spelling; ``None`` if they cannot be converted."""
    first, second = UNITS.get(source.lower()), UNITS.get(target.lower())
    if first is None or second is None or DIMENSIONS[first] != DIMENSIONS[second] or DIMENSIONS[first] == "money":
        return None
    return SIZES[first] / SIZES[second]
