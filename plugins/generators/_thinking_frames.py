"""Problems of ``thinking`` that are made from templates (:mod:`_thinking_frames_data`)."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from ._thinking_data import HELD_OUT, PLURALS, TRAINING, World
from ._thinking_frames_data import MORE_STEPS, ONE_STEP, TWO_STEPS
from ._thinking_steps import SMALL, WEEKDAYS, clock, exact, result_of, written

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence

TRIES = 400  # draws of a frame until its conditions hold and its results are fit to be shown
LARGEST = 1_000_000
SPELT = 0.1  # share of problems that spell their small numbers
# Nouns drawn from another's table.
SECOND = {"other": "thing", "third": "thing", "treat2": "treat", "colour2": "colour"}
SHARES = {2: "half", 3: "third", 4: "quarter", 5: "fifth", 6: "sixth", 8: "eighth", 10: "tenth"}
PRONOUNS = ({"he": "she", "his": "her", "him": "her"}, {"he": "he", "his": "his", "him": "him"})
_LETTER = re.compile(r"(?<![#\w])[a-z](?!\w)|#\d")
_SLOT = re.compile(r"\{(\w+)\}")
# A capital A elsewhere than at the start of a sentence is a name.
_ARTICLE = re.compile(r"(\ba|(?:^|(?<=[.?!:] ))A) (?=[aeio]|un(?!i)|8\b|11\b|18\b|8\d\b)")
_OP = re.compile(r"(<=|!=|<|>|=)")


class Step(NamedTuple):
    """A line of the answer; one without an expression states its result, or nothing but its label."""

    label: str
    expression: str = ""
    result: str = ""

    @property
    def text(self) -> str:
        """The line without its number."""
        if self.expression:
            # The recorded answers write x for times, and a student learns one sign faster than two.
            return f"{self.label}: {self.expression.replace('*', 'x')} = {self.result}."
        return f"{self.label}: {self.result}." if self.result else f"{self.label}."


@dataclass(frozen=True)
class Problem:
    """A question with its steps.

    :param known: constants that the question does not state, such as the legs of a spider.
    :param turns: the chat before the question.
    """

    kind: str
    question: str
    steps: tuple[Step, ...]
    answer: str
    known: frozenset[str] = frozenset()
    turns: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        """The answer as it is trained on."""
        return "\n".join([*(f"{n}. {step.text}" for n, step in enumerate(self.steps, 1)), f"Answer: {self.answer}"])


@dataclass
class Frame:
    """A template: draws, wordings and steps, each as it is written."""

    kind: str
    draws: tuple[str, ...] = ()
    wordings: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    steps: list[tuple[str, str]] = field(default_factory=list)

    @property
    def count(self) -> int:
        """The number of steps in the answer."""
        return len(self.steps)

    @property
    def decimals(self) -> int:
        """The number of decimals that a result may have."""
        if "dec" in self.draws:
            return 4
        return 3 if any(":$" in draw for draw in self.draws) else 0


@cache
def frames() -> tuple[Frame, ...]:
    """Return all templates."""
    found: list[Frame] = []
    for block in re.split(r"^## ", f"{ONE_STEP}\n{TWO_STEPS}\n{MORE_STEPS}", flags=re.MULTILINE)[1:]:
        kind, *lines = re.sub(r"\n {2}", " ", block).strip().splitlines()
        frame = Frame(kind, tuple(lines[0].split()))
        for line in lines[1:]:
            mark, _, rest = line.partition(" ")
            if mark == "-":
                frame.wordings.append(rest)
            elif mark == "~":
                frame.held.append(rest)
            else:
                frame.steps.append((mark, rest))
        found.append(frame)
    return tuple(found)


@cache
def frames_with(count: int, *, held_out: bool) -> Mapping[str, tuple[Frame, ...]]:
    """Return the templates with this many steps by kind; four stands for four and more."""
    found: dict[str, list[Frame]] = {}
    for frame in frames():
        if min(frame.count, 4) == count and (frame.held if held_out else frame.wordings):
            found.setdefault(frame.kind, []).append(frame)
    return {kind: tuple(those) for kind, those in found.items()}


def world_of(*, held_out: bool) -> World:
    """Return the words of one side."""
    return HELD_OUT if held_out else TRAINING


def plural(noun: str) -> str:
    """Return the plural of a noun or of a phrase such as ``pair of boots``."""
    head, of, rest = noun.partition(" of ")
    first, _, last = head.rpartition(" ")
    if last in PLURALS:
        last = PLURALS[last]
    elif re.search(r"[^aeiou]y$", last):
        last = f"{last[:-1]}ies"
    else:
        last += "es" if re.search(r"(s|x|ch|sh)$", last) else "s"
    return f"{first} {last}".strip() + of + rest


@cache
def names_of(*, held_out: bool) -> tuple[tuple[str, int], ...]:
    """Return the names of one side, each with 0 for a woman's and 1 for a man's."""
    women, men = (part.split() for part in world_of(held_out=held_out).names.split("|"))
    return (*((name, 0) for name in women), *((name, 1) for name in men))


def words_for(rng: random.Random, *, held_out: bool) -> dict[str, str]:
    """Draw the names and nouns of one problem, by placeholder."""
    world, slots = world_of(held_out=held_out), {}
    people = rng.sample(names_of(held_out=held_out), 4)
    for letter, (name, _) in zip("ABCD", people, strict=True):
        slots[letter] = name
    for word, said in PRONOUNS[people[0][1]].items():
        slots[word], slots[word.capitalize()] = said, said.capitalize()
    taken: set[str] = set()
    for key in (*world.nouns, *SECOND):
        noun = rng.choice([n for n in _nouns(world, SECOND.get(key, key)) if n not in taken])
        taken.add(noun)
        slots[key], slots[f"{plural(key)}"] = noun, plural(noun)
    slots["day"] = rng.choice(WEEKDAYS)
    return slots


def _nouns(world: World, key: str) -> list[str]:
    return [noun.strip() for noun in world.nouns[key].split(",")]


def fill(text: str, slots: Mapping[str, str]) -> str:
    """Fill the placeholders of a wording; sentences begin with a capital, and ``a`` becomes ``an`` before a vowel."""
    filled = _SLOT.sub(lambda slot: slots[slot[1]], text)
    return _ARTICLE.sub(r"\1n ", filled)


def from_frame(frame: Frame, rng: random.Random, *, held_out: bool) -> Problem | None:
    """Return a problem of a template; ``None`` if its draws found no fit numbers."""
    for _ in range(TRIES):
        drawn = _draw(frame, rng, world_of(held_out=held_out))
        if drawn is None:
            continue
        values, slots, known = drawn
        made = _steps(frame, values)
        if made is not None:
            break
    else:
        return None
    slots |= words_for(rng, held_out=held_out)
    wording = rng.choice(frame.held if held_out else frame.wordings)
    steps, answer = made
    shown = {**slots, **_shown(values, wording, rng)}
    question = fill(wording, shown)
    filled = tuple(step._replace(label=fill(_in_label(step.label, values), slots)) for step in steps)
    return Problem(frame.kind, question[:1].upper() + question[1:] if wording[0] == "{" else question, filled,
                   fill(answer, {**slots, **values}), frozenset(known))  # fmt: skip


# --- draws ---


def _draw(frame: Frame, rng: random.Random, world: World) -> tuple[dict[str, str], dict[str, str], set[str]] | None:
    """Draw the values of a template's variables; return them, the nouns of table rows and their numbers."""
    values: dict[str, str] = {}
    slots: dict[str, str] = {}
    known: set[str] = set()
    for spec in frame.draws:
        if spec in {"dec", "neg"}:
            continue
        name, mark, rest = spec[0], spec[1:2], spec[2:]
        if name == "?":
            if not _holds(spec[1:], values):
                return None
        elif mark == "!":
            *nouns, values[name] = rng.choice(world.tables[rest])
            known.add(values[name])
            for place, noun in enumerate(nouns):
                slots[f"{name}{place}"], slots[f"{name}{place}s"] = noun, plural(noun)
        elif mark == "@":
            low, high = map(int, rest.split("-"))
            values[name] = clock(5 * rng.randint(12 * low, 12 * high))
        elif mark == "%":
            values[name] = rng.choice(WEEKDAYS)
        else:
            value = _derived(rest, values) if mark == "=" else _number(rest, rng)
            if value is None or (mark == "=" and "." in value and not frame.decimals):
                return None
            values[name] = value
    return values, slots, known


def _number(spec: str, rng: random.Random) -> str:
    """Draw a number of a range or a choice; money that is not whole has two decimals."""
    spec, money = spec.lstrip("$"), spec.startswith("$")
    if "|" in spec:
        return rng.choice(spec.split("|"))
    span, _, step = spec.partition("/")
    low, high = (Fraction(bound) for bound in re.findall(r"(?:^-)?[\d.]+", span))
    size = Fraction(step or "1")
    value = low + size * rng.randint(0, int((high - low) / size))
    return f"{float(value):.2f}" if money and value.denominator > 1 else written(value) or ""


def _derived(expression: str, values: Mapping[str, str]) -> str | None:
    spaced = re.sub(r"(?<=[\w)])([-+*/])(?=[\w(])", r" \1 ", expression).replace("_", " ")
    return result_of(_LETTER.sub(lambda letter: values[letter[0]], spaced))


def _holds(condition: str, values: Mapping[str, str]) -> bool:
    left, sign, right = _OP.split(condition)
    sides = [exact(_LETTER.sub(lambda letter: values[letter[0]], side)) for side in (left, right)]
    if sides[0] is None or sides[1] is None:
        return False
    less, equal = sides[0] < sides[1], sides[0] == sides[1]
    return {"<": less, ">": not less and not equal, "=": equal}.get(sign, not equal)


# --- steps ---


def _steps(frame: Frame, values: Mapping[str, str]) -> tuple[list[Step], str] | None:
    """Return the steps of a template and its answer; ``None`` if a result is not fit to be shown."""
    steps: list[Step] = []
    answer = ""
    for mark, rest in frame.steps:
        label, _, expression = rest.rpartition(": ")
        results = [step.result.removesuffix(" min") for step in steps]
        if mark in "^v":
            step = _rounded(rest, results[-1], up=mark == "^")
        elif mark == "?":
            compared = _compared(rest, values, results)
            if compared is None:
                return None
            step, answer = compared
        else:
            filled = _filled(expression, values, results)
            step = Step(label, filled, result_of(filled) or "")
            if not _fit(step, frame):
                return None
        if step is None:
            return None
        steps.append(step)
    return steps, answer or steps[-1].result.removesuffix(" min")


def _filled(expression: str, values: Mapping[str, str], results: Sequence[str]) -> str:
    def value(found: re.Match[str]) -> str:
        return results[int(found[0][1:]) - 1] if found[0][0] == "#" else values[found[0]]

    return _LETTER.sub(value, expression)


def _fit(step: Step, frame: Frame) -> bool:
    """Return whether a result is in range: not empty, not zero or negative, without too many decimals."""
    result = exact(step.result)
    if result is None:
        return bool(step.result)  # a time or a weekday
    if "neg" not in frame.draws and result <= 0:
        return False
    return abs(result) <= LARGEST and (result * 10**frame.decimals).denominator == 1


def _rounded(label: str, result: str, *, up: bool) -> Step | None:
    """Return the step that makes a result whole, which it must not be."""
    value = Fraction(result)
    if value.denominator == 1 or (value < 1 and not up):
        return None
    return Step(label, result=str(math.ceil(value) if up else math.floor(value)))


def _compared(rule: str, values: Mapping[str, str], results: Sequence[str]) -> tuple[Step, str] | None:
    """Return the step that compares two values, and the answer; ``None`` if they are equal."""
    condition, _, choices = rule.partition(" : ")
    left, right = (_filled(side.strip(), values, results) for side in condition.split("<"))
    less, more = choices.split(" | ")
    if Fraction(left) == Fraction(right):
        return None
    small, large = sorted((left, right), key=Fraction)
    return Step(f"{small} is less than {large}"), less if small == left else more


# --- numbers in a wording ---


def _shown(values: Mapping[str, str], wording: str, rng: random.Random) -> dict[str, str]:
    """Return how the values are written in a question: some small ones as words, large ones with commas."""
    spell, commas = rng.random() < SPELT, rng.random() < 0.5
    shown = {}
    for name, value in values.items():
        shown[name] = value
        if value.isdigit():
            number = int(value)
            shown[f"{name}_th"] = SHARES.get(number, f"{value}th")
            shown[f"{name}_nth"] = nth(number)
            if spell and 1 < number <= 12 and re.search(rf"(?<![$/:\w.])\{{{name}\}}(?= (?:\{{|[a-z]{{3}}))", wording):
                shown[name] = SMALL[number]
            elif commas and number >= 1000:
                shown[name] = f"{number:,}"
    return shown


def nth(number: int) -> str:
    """Return ``1st``, ``2nd``, ``11th``."""
    ending = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _in_label(label: str, values: Mapping[str, str]) -> str:
    """Fill the values in a label."""
    return _SLOT.sub(lambda slot: values.get(slot[1], slot[0]), label)
