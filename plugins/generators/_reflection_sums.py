"""Drafts with arithmetic, money, units and times for the ``reflection`` generator; every right value is computed."""

from __future__ import annotations

import ast
import operator
from fractions import Fraction
from typing import TYPE_CHECKING

from ._reflection_case import AN, Case, Draw, of_value
from ._reflection_sums_data import DAYS, MONTHS, SUMS, UNITS, Sum, Unit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_OPERATIONS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: lambda base, power: base ** int(power),
}


def value_of(formula: str, variables: Mapping[str, object]) -> Fraction:
    """Return the value of a formula of numbers, variables, the four operations and powers."""
    return _evaluated(ast.parse(formula, mode="eval").body, variables)


def _evaluated(node: ast.expr, variables: Mapping[str, object]) -> Fraction:
    if isinstance(node, ast.BinOp):
        left, right = _evaluated(node.left, variables), _evaluated(node.right, variables)
        return _OPERATIONS[type(node.op)](left, right)
    return Fraction(str(variables[node.id] if isinstance(node, ast.Name) else ast.literal_eval(node)))


def written(value: Fraction, *, money: bool = False) -> str | None:
    """Return a value as people write it, or ``None`` if that takes more than two decimals or is not positive."""
    if value <= 0 or (value * 100).denominator != 1:
        return None
    if value.denominator == 1:
        return f"{int(value):,}" if value >= 10_000 else str(int(value))
    return f"{float(value):.2f}" if money else f"{float(value):.2f}".rstrip("0")


def sums(draw: Draw) -> Case:
    """Return a case of arithmetic, bare or in a small story."""
    while True:
        family = draw.any(SUMS)
        found = {key: draw.any(values) for key, values in family.variables.items()}
        value = value_of(family.formula, found)
        right = written(value, money=family.money) if value.denominator == 1 or family.broken else None
        key = f"{family.formula}:{sorted(found.items())}"
        given = {str(value) for value in found.values()} - {right if family.also else ""}
        if (
            right is not None
            and right not in given
            and draw.own(key)
            and (family.unless is None or value_of(family.unless, found) > 0)
        ):
            return _sum(draw, family, found, right)


def _sum(draw: Draw, family: Sum, found: Mapping[str, object], right: str) -> Case:
    also = {key: written(value_of(formula, found)) for key, formula in family.also}
    said = {**found, **also, "name": draw.name(), "cur": draw.any("$\u00a3\u20ac"), "v": "{v}"}
    wrong = _slip(draw, family, found, right)

    def truth() -> str:
        plain = {key: float(value) for key, value in found.items() if isinstance(value, int | float)}
        return written(Fraction(str(round(_floated(family.formula, plain), 6))), money=family.money) or ""

    question = AN.sub("an ", draw.side(family.asked, family.held).format(**said))
    topic, say = AN.sub("an ", family.topic.format(**said)), family.said.format(**said)
    whole = bool(topic) and topic in say
    return of_value(family.kind, draw, question, say, right, wrong, topic=topic, bare=0.25, truth=truth, whole=whole)


def _floated(formula: str, variables: Mapping[str, float]) -> float:
    """Return the value in floating point, by Python's own evaluation of a formula of this module."""
    return float(eval(formula, {"__builtins__": {}}, dict(variables)))  # noqa: S307 - the formulas are the tables' own


def _slip(draw: Draw, family: Sum, found: Mapping[str, object], right: str) -> str:
    """Return a wrong value: a typical slip of the family, or one that any sum may have."""
    value = value_of(family.formula, found)
    slips = [written(value_of(slip, found), money=family.money) for slip in family.slips]
    if not slips or draw.chance(0.5):
        step = Fraction(draw.any((1, 2, 5, 10, 20))) if value.denominator == 1 else Fraction(1, 2)
        others = (value + step, value - step, value * 10, value / 10)
        slips = [written(other, money=family.money) for other in others[: 2 if draw.chance(0.8) else 4]]
    wrong = [slip for slip in slips if slip is not None and slip != right]
    return draw.any(wrong) if wrong else written(value + 1, money=family.money) or "0"


def units(draw: Draw) -> Case:
    """Return a case of one unit in another, with a wrong number or the wrong unit."""
    while True:
        unit: Unit = draw.any(UNITS)
        number = draw.any(unit.numbers)
        right = written(Fraction(number) * Fraction(unit.factor))
        if right is not None and draw.own(f"{unit.large}:{unit.small}:{number}"):
            break
    amount = f"{number} {unit.large if number == '1' else unit.larges}"
    smalls = unit.small if right == "1" else unit.smalls
    if unit.others and draw.chance(0.3):  # the number is right and the unit is wrong
        wrong = draw.any(unit.others)
        question = draw.side(
            (f"Which unit is missing: {amount} is {right} ...?", f"{amount} is {right} of which unit?"),
            (f"Fill in the unit: {amount} = {right} ...",),
        )
        return of_value("units", draw, question, f"{amount} is {right} {{v}}", smalls, wrong, bare=0.0)
    slips = [Fraction(number) * Fraction(unit.factor) * Fraction(f) for f in ("10", "1/10", "2", "1/2")]
    wrong = draw.any([w for slip in slips if (w := written(slip)) is not None and w != right] or ["7"])
    question = draw.side(
        (f"How many {unit.smalls} are {amount}?", f"convert {amount} to {unit.smalls}", f"{amount} in {unit.smalls}?",
         f"What is {amount} in {unit.smalls}?", f"How many {unit.smalls} make {amount}?"),
        (f"Express {amount} in {unit.smalls}.", f"{amount}: how many {unit.smalls}?"),
    )  # fmt: skip

    def truth() -> str:
        return written(Fraction(round(float(number) * float(unit.factor), 6)).limit_denominator(1000)) or ""

    say = f"{amount} is {{v}} {smalls}"
    return of_value("units", draw, question, say, right, wrong, topic=f"{amount} in {unit.smalls}", truth=truth)


def clock(draw: Draw) -> Case:
    """Return a case of a time some minutes after or before another, as people add times on a 24-hour clock."""
    while True:
        start, minutes = (
            draw.any(range(360, 1200, 5)),
            draw.any((15, 20, 25, 30, 35, 40, 45, 50, 60, 75, 80, 90, 110, 130)),
        )
        if draw.own(f"clock:{start}:{minutes}"):
            break
    back = draw.chance(0.25)
    end = start - minutes if back else start + minutes
    wrong = _time(end + draw.any((-60, 60, -10, 10, 20, -30)))
    length = f"{minutes} minutes" if minutes < 60 or draw.chance(0.4) else _length(minutes)
    name, place = (
        draw.name(),
        draw.row(("Leeds", "Lyon", "Oslo", "Porto", "York", "Graz", "Bath", "Kiel", "Bonn", "Bergen")),
    )
    asked: tuple[str, ...]
    held: tuple[str, ...]
    if back:
        asked = (f"I must be there at {_time(start)} and the way takes {length}. When do I leave?",
                 f"What time is {length} before {_time(start)}?")  # fmt: skip
        held = (f"{name}'s class starts at {_time(start)}; the walk is {length}. When must {name} set off?",)
        say = "The time to leave is {v}"
    else:
        asked = (f"The train to {place} leaves at {_time(start)} and takes {length}. When does it arrive?",
                 f"it's {_time(start)} now, what time is it in {length}?",
                 f"A film starts at {_time(start)} and lasts {length}. When does it end?",
                 f"What time is {length} after {_time(start)}?")  # fmt: skip
        held = (f"{name} puts a pie in at {_time(start)} for {length}. When is it done?",
                f"The coach for {place} sets off at {_time(start)}; the ride is {length}. Arrival?")  # fmt: skip
        say = f"{length} after {_time(start)} is {{v}}"
    sign = -1 if back else 1

    def truth() -> str:
        hours, rest = divmod(int(_time(start)[:-3]) * 60 + int(_time(start)[-2:]) + sign * minutes, 60)
        return f"{hours}:{rest:02}"

    return of_value("time", draw, draw.side(asked, held), say, _time(end), wrong, truth=truth, whole=not back)


def _time(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02}"


def _length(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    named = f"{hours} hour{'s' * (hours > 1)}"
    return f"{named} and {rest} minutes" if rest else named


def calendar(draw: Draw) -> Case:
    """Return a case of a weekday or month some steps after or before another."""
    names, what = draw.any(((DAYS, "day"), (MONTHS, "month")))
    start, steps = draw.any(range(len(names))), draw.any((1, 1, 1, 2, 3, 4, 5, 10))
    while not draw.own(f"{what}:{start}:{steps}"):
        start, steps = draw.any(range(len(names))), draw.any((1, 1, 1, 2, 3, 4, 5, 10))
    back = draw.chance(0.3)
    end = (start + (-steps if back else steps)) % len(names)
    wrong = names[(end + draw.any((1, -1, 2))) % len(names)]
    first, right = names[start], names[end]
    apart, way = (f"{steps} {what}s" if steps > 1 else f"one {what}"), "before" if back else "after"
    asked = [f"Which {what} is {apart} {way} {first}?", f"What {what} comes {apart} {way} {first}?"]
    held = [f"Counting from {first}, which {what} is {apart} {'earlier' if back else 'later'}?"]
    if steps == 1:
        asked += [f"Which {what} comes {way} {first}?", f"what {what} {'precedes' if back else 'follows'} {first}?"]
    elif not back:
        asked += [f"It is {first} now. Which {what} is it in {steps} {what}s?"]
    say = f"The {what} {'' if steps == 1 else apart + ' '}{way} {first} is {{v}}"
    topic = f"the {what} {apart if steps > 1 else ''} {way} {first}".replace("  ", " ")

    def truth() -> str:
        found = start
        for _ in range(steps):
            found = (found or len(names)) - 1 if back else (0 if found + 1 == len(names) else found + 1)
        return names[found]

    wrong = wrong if wrong != right else names[(end + 3) % len(names)]
    return of_value("calendar", draw, draw.side(asked, held), say, right, wrong, topic=topic, truth=truth)
