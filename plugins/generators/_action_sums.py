"""Calculations in digits, in words and in small stories, each with its expression."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from ._action_requests import marked, plain_request
from ._action_values import WORDS

if TYPE_CHECKING:
    from ._action_values import Draws

TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def sum_request(draws: Draws) -> tuple[str, dict[str, Any]]:
    """Return a calculation, written as such or in words, with its expression."""
    said, expression = draws.random.choice((written_sum, written_sum, _worded_sum, _story_sum))(draws)
    return plain_request(said, draws), {"expression": expression}


def written_sum(draws: Draws) -> tuple[str, str]:
    parts = [str(draws.random.randint(2, 400)) if draws.chance(0.75) else f"{draws.random.randint(11, 990) / 10}"]
    for _ in range(draws.random.choice((1, 1, 1, 2, 2, 3))):
        parts += [draws.random.choice("+-*/"), str(draws.random.randint(2, 99))]
    expression = " ".join(parts)
    if len(parts) > 4 and draws.chance(0.5):
        expression = f"({' '.join(parts[:3])}) {' '.join(parts[3:])}"
    if draws.chance(0.15):
        expression = f"{draws.random.randint(2, 20)}**{draws.random.randint(2, 9)}"
    if draws.chance(0.15):
        expression = expression.replace(" ", "")
    form = draws.random.choice((
        "what is {}?", "{}", "{} = ?", "work out {}", "compute {} for me", "calculate {}", "what's {}",
        "how much is {}?",
        "evaluate {}", "{}, please", "can you work out {}?", "I need the result of {}", "solve {}", "quick: {}",
    ))  # fmt: skip
    return form.format(marked(expression)), expression


def _worded_sum(draws: Draws) -> tuple[str, str]:
    """Return arithmetic in words: number words, percentages, roots and averages, each with one form of expression."""
    a, b = draws.random.randint(21, 900), draws.random.randint(2, 20)
    percent = draws.random.choice((5, 8, 10, 12, 15, 18, 20, 25, 30, 35, 40, 60, 75))
    low = draws.random.randint(3, 99)
    marks = [draws.random.randint(40, 99) for _ in range(draws.random.choice((2, 3, 4)))]
    listed = f"{', '.join(map(str, marks[:-1]))} and {marks[-1]}"
    price = _price(draws)
    forms = (
        (f"{_in_words(low)} plus {_in_words(b)}", f"{low} + {b}"),
        (f"{_in_words(low)} minus {_in_words(b)}", f"{low} - {b}"),
        (f"{_in_words(low)} times {_in_words(b)}", f"{low} * {b}"),
        (f"{a} minus {b}", f"{a} - {b}"),
        (f"{a} times {b}", f"{a} * {b}"),
        (f"{a} divided by {b}", f"{a} / {b}"),
        (f"{percent}% of {a}", f"{a} * {percent} / 100"),
        (f"{percent} percent of {price}", f"{price} * {percent} / 100"),
        (f"the average of {listed}", f"({' + '.join(map(str, marks))}) / {len(marks)}"),
        (f"the sum of {listed}", " + ".join(map(str, marks))),
        (f"the square root of {a}", f"sqrt({a})"),
        (f"{b} squared", f"{b}**2"),
        (f"{a} plus {b}", f"{a} + {b}"),
        (f"half of {a}", f"{a} / 2"),
        (f"double {price}", f"{price} * 2"),
    )
    said, expression = draws.random.choice(forms)
    form = draws.random.choice((
        "what's {}?", "what is {}", "work out {}", "{}", "{}, quick!", "calculate {} please", "can you tell me {}?",
        "how much is {}?", "tell me {}", "I need {}", "compute {}", "{}?",
    ))  # fmt: skip
    return form.format(said), expression


def _in_words(number: int) -> str:
    """Return a number below 100 in words."""
    if number < len(WORDS):
        return WORDS[number]
    tens, ones = divmod(number, 10)
    return TENS[tens - 2] + (f"-{WORDS[ones]}" if ones else "")


def _story_sum(draws: Draws) -> tuple[str, str]:
    """Return a small story with one operation or two."""
    price, other = _price(draws), _price(draws)
    n, m = draws.random.randint(2, 14), draws.random.randint(2, 60)
    big = draws.random.randint(40, 950)
    percent = draws.random.choice((5, 10, 15, 20, 25, 30, 40, 50))
    thing = draws.random.choice(("tickets", "tiles", "books", "bags of soil", "lamps", "chairs", "bottles", "pizzas"))
    coin = draws.random.choice("$£€")
    forms = (
        (f"Split a {coin}{price} bill between {n} people", f"{price} / {n}"),
        (f"{n} {thing} at {coin}{price} each, what's the total?", f"{n} * {price}"),
        (f"I bought {m} {thing} for {coin}{price} each. How much did I pay?", f"{m} * {price}"),
        (f"{percent}% tip on {coin}{price}", f"{price} * {percent} / 100"),
        (f"A {coin}{big} coat is {percent}% off. Sale price?", f"{big} * (100 - {percent}) / 100"),
        (f"My rent is {big} a month. How much is that a year?", f"{big} * 12"),
        (f"I drove {big} km on {m} litres. How many km per litre?", f"{big} / {m}"),
        (f"how many hours are in {m} days", f"{m} * 24"),
        (f"How many seconds are there in {m} minutes?", f"{m} * 60"),
        (f"Convert {m} °C to Fahrenheit", f"{m} * 9 / 5 + 32"),
        (f"Convert {big} °F to Celsius", f"({big} - 32) * 5 / 9"),
        (f"What's the area of a room {n} m by {m} m?", f"{n} * {m}"),
        (f"I paid {coin}{price} and {coin}{other}. What's that together?", f"{price} + {other}"),
        (f"I had {big} {thing} and gave away {m}. How many are left?", f"{big} - {m}"),
        (f"simple interest on {big} dollars at {percent}% for {n} years", f"{big} * {percent} / 100 * {n}"),
        (f"A recipe for {n} needs {big} g of flour. How much for {m} people?", f"{big} / {n} * {m}"),
        (f"I run {n} km every day. Total distance in {m} weeks?", f"{n} * 7 * {m}"),
        (f"if petrol costs {coin}{price} per litre, what will {m} litres set me back?", f"{price} * {m}"),
        (f"I saved {big} dollars, {m} more each week. What do I have after {n} weeks?", f"{big} + {m} * {n}"),
        (f"I earn {price} an hour and work {m} hours. What do I get?", f"{price} * {m}"),
    )
    return draws.random.choice(forms)


def _price(draws: Draws) -> str:
    return draws.random.choice((f"{draws.random.randint(2, 300)}", f"{draws.random.randint(150, 9900) / 100:.2f}"))


def is_sum(expression: str) -> bool:
    """Return whether an expression is arithmetic of numbers."""
    try:
        tree = ast.parse(expression, mode="eval")
    except SyntaxError:
        return False
    allowed = (ast.Expression, ast.BinOp, ast.Constant, ast.operator, ast.Call, ast.Name, ast.Load)
    return all(isinstance(node, allowed) for node in ast.walk(tree))
