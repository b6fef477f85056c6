"""The ``task_completion`` scorer: rates the form of an answer and its match with the reference.

The expected form follows from the domain's data: task type, tools and example answers. ``tests`` of a reference are run
by the ``tests_pass`` scorer, not here.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from conch_dna import hookimpl
from conch_dna.plugin.protocols import without_perplexity
from conch_dna.util.text import fenced_code, lines, plain, refuse_constant, words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from conch_dna.domains.domain import DomainSettings, Example
    from conch_dna.plugin.protocols import ScoreContext, Scorer
    from conch_dna.records import Prompt, Reference

FORM, MATCH = 0.4, 0.6
NUMBERED, BULLET = "1.", "-"
ANSWER = "Answer:"
_NUMBERED = re.compile(r"(\d{1,6})[.)]\s+\S")
_LIST_NUMBER = re.compile(r"^\d{1,6}[.)]\s+")
_BULLET = re.compile(r"[-*•]\s+\S")
_LABEL = re.compile(r"([^\W\d_][\w '-]{0,23}:)\s*\S")
_FINISHED = re.compile(r"[.!?…。！？]['\"”’»)\]*_]*$")  # noqa: RUF001 - full-width marks end sentences too
_AFTER_ANSWER = re.compile(r"answer\s*:[*_\s]*(\S.*)", re.IGNORECASE)
_NUMBER = re.compile(r"[$£€¥~≈=\s]*(-?)\s*[$£€¥]?\s*(\d[\d,]*(?:\.\d+)?|\.\d+)\s*(?:%|[^\W\d][^\d:/]*)?")
_ARITHMETIC = re.compile(r"[\d\s.,+*/%^()=<>-]+")


@without_perplexity
def task_completion(prompt: Prompt, response: str, context: ScoreContext) -> float:
    """Return 0.4 * form + 0.6 * match with the reference; without a reference, the form alone."""
    if not response.strip():
        return 0.0
    settings = context.domain.settings
    try:
        form = FORMS[settings.task_type](response, settings)
        match = _match(prompt.reference, response, settings)
    except RecursionError:
        # JSON nested beyond the interpreter's limit is rated 0.
        return 0.0
    return min(1.0, form if match is None else FORM * form + MATCH * match)


# --- form ---


def _tool_call(response: str, settings: DomainSettings) -> float:
    """Rate a quarter each: one JSON object and nothing else, a known tool, an arguments object, valid arguments."""
    from jsonschema import Draft202012Validator

    call, alone = _json_object(response)
    if call is None:
        return 0.0
    rating = 0.25 if alone else 0.1
    schemas = {tool.name: tool.parameters for tool in settings.tools}
    name, arguments = call.get("tool"), call.get("arguments")
    schema = schemas.get(name) if isinstance(name, str) else None
    rating += 0.25 * (schema is not None) + 0.25 * isinstance(arguments, dict)
    if schema is not None and isinstance(arguments, dict):
        rating += 0.25 * Draft202012Validator(schema).is_valid(arguments)
    return rating


def _code(response: str, settings: DomainSettings) -> float:
    """Rate a fenced block: it is closed, parses and defines a function or class; a fifth is the text's structure.

    The structure counts only if the example answers have one outside their code.
    """
    block = fenced_code(response)
    if block is None:
        return 0.0
    tree = _parsed(block.code)
    defines = tree is not None and any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) for node in tree.body
    )
    rating = 0.2 + 0.2 * block.closed + 0.3 * (tree is not None) + 0.3 * defines
    shapes = _shapes(settings.examples)
    return 0.8 * rating + 0.2 * _presence(response, shapes) if shapes.common else rating


def _structured(response: str, settings: DomainSettings) -> float:
    """Rate prose by its similarity to the example answers; repeated lines, an unfinished end and excess length cost.

    Questions, summaries and generic tasks are rated alike; only their domains' examples differ.
    """
    items = [_LIST_NUMBER.sub("", line.casefold()) for line in lines(response)]
    fresh = len(set(items)) / len(items)
    shapes = _shapes(settings.examples)
    finished = not shapes.finished or _FINISHED.search(response.strip()) is not None
    brief = min(1.0, 2 * settings.length.max / len(response.split()))
    return _likeness(response, shapes) * (0.5 * fresh + 0.25 * finished + 0.25 * brief)


FORMS: dict[str, Callable[[str, DomainSettings], float]] = {
    "qa": _structured,
    "code": _code,
    "summary": _structured,
    "tool_call": _tool_call,
    "generic": _structured,
}


@dataclass(frozen=True)
class Shapes:
    """Properties that all example answers of a domain share.

    :param common: line shapes (``"1."``, ``"-"`` or a label like ``"Answer:"``) with the greatest count in an example.
    :param only: whether the examples have no other lines.
    :param last: the shape of the last line, if all examples share it.
    :param finished: whether every example ends with a finished sentence.
    """

    common: Mapping[str, int]
    only: bool
    last: str | None
    finished: bool


@lru_cache(maxsize=64)
def _shapes(examples: tuple[Example, ...]) -> Shapes:
    answers = [[_shape(line) for line in lines(example.answer)] for example in examples]
    if not answers or not all(answers):
        return Shapes({}, only=False, last=None, finished=True)
    shared = set.intersection(*(set(shapes) for shapes in answers)) - {None}
    common = {shape: max(shapes.count(shape) for shapes in answers) for shape in shared if shape is not None}
    only = bool(common) and all(shape in common for shapes in answers for shape in shapes)
    last = answers[0][-1] if len({shapes[-1] for shapes in answers}) == 1 else None
    finished = all(_FINISHED.search(example.answer.strip()) for example in examples)
    return Shapes(common, only, last, finished)


def _shape(line: str) -> str | None:
    """Return the shape of a stripped line: numbered, a bullet, a label before text, or ``None``."""
    if _NUMBERED.match(line):
        return NUMBERED
    if _BULLET.match(line):
        return BULLET
    label = _LABEL.match(line)
    return label[1] if label else None


def _likeness(response: str, shapes: Shapes) -> float:
    """Return the similarity of the response's line shapes to those of the examples; 1 if these share none."""
    if not shapes.common:
        return 1.0
    found = [_shape(line) for line in lines(response)]
    presence = _presence(response, shapes)
    pure = sum(shape in shapes.common for shape in found) / len(found) if shapes.only else presence
    ends = float(found[-1] == shapes.last) if shapes.last in shapes.common else presence
    return 0.6 * presence + 0.2 * pure + 0.2 * ends


def _presence(response: str, shapes: Shapes) -> float:
    """Return the mean presence of the common shapes: numbers must count up from 1, labels must not repeat."""
    stripped = lines(response)
    found = [_shape(line) for line in stripped]
    numbers = [int(number[1]) for line in stripped if (number := _NUMBERED.match(line))]
    shares = []
    for shape, most in shapes.common.items():
        count = found.count(shape)
        if shape == NUMBERED:
            in_order = sum(number == place for place, number in enumerate(numbers, 1))
            shares.append(in_order / count if count else 0.0)
        elif shape == BULLET:
            shares.append(float(count > 0))
        else:
            shares.append(min(1.0, most / count) if count else 0.0)
    return sum(shares) / len(shares)


# --- match ---


def _match(reference: Reference, response: str, settings: DomainSettings) -> float | None:
    """Return the mean match with the parts of the reference, or ``None`` if it has none."""
    call = _json_object(response)[0] if settings.task_type == "tool_call" else None
    parts = []
    if reference.answer is not None:
        labelled = any(ANSWER in example.answer for example in settings.examples)
        parts.append(_answer_match(reference.answer, response, labelled=labelled))
    if reference.contains:
        # JSON may escape characters, so both the arguments' values and their written form are searched.
        text = plain(f"{response} {json.dumps(call, ensure_ascii=False)} {_strings(call)}" if call else response)
        parts.append(sum(plain(part) in text for part in reference.contains) / len(reference.contains))
    if reference.tool is not None:
        parts.append(_tool_match(reference.tool, call or {}))
    return sum(parts) / len(parts) if parts else None


def _answer_match(wanted: str, response: str, *, labelled: bool) -> float:
    """Compare with the text after the last answer label; if the domain has no label, search the whole text."""
    if not labelled:
        sought, found = words(wanted), words(response)
        starts = range(len(found) - len(sought) + 1)
        contained = bool(sought) and any(found[i : i + len(sought)] == sought for i in starts)
        return float(contained or _same_answer(wanted, response))
    after = _AFTER_ANSWER.findall(response)
    return float(_same_answer(wanted, after[-1] if after else response))


def _same_answer(wanted: str, got: str) -> bool:
    """Compare numbers by value, else text without case, article and closing punctuation."""
    numbers = _value(wanted), _value(got)
    if None not in numbers:
        return numbers[0] == numbers[1]
    return _bare(wanted) == _bare(got)


def _value(text: str) -> float | None:
    """Return ``text`` as a number, without currency, commas, percent sign and unit; ``None`` if it is not one."""
    # A typographic minus counts as a minus.
    found = _NUMBER.fullmatch(text.replace("\u2212", "-").strip().strip("*_`'\"").rstrip(".!"))
    if not found:
        return None
    return float(found[1] + found[2].replace(",", ""))


def _bare(text: str) -> str:
    bare = plain(text).strip("*_`'\"“”.!;: ")
    return re.sub(r"^(?:the|an?)\s+", "", bare)


def _tool_match(wanted: Mapping[str, Any], call: Mapping[str, Any]) -> float:
    """Rate half for the right tool and, only then, half for the share of equal expected arguments."""
    if call.get("tool") != wanted.get("name"):
        return 0.0
    expected, given = wanted.get("arguments") or {}, call.get("arguments")
    if not isinstance(given, dict):
        return 0.5
    right = [key in given and _normal(given[key]) == _normal(value) for key, value in expected.items()]
    return 0.5 + 0.5 * (sum(right) / len(right) if right else 1.0)


def _normal(value: Any) -> Any:
    """Return an argument without differences in case, white space and key order."""
    if isinstance(value, str):
        return "".join(value.split()) if _ARITHMETIC.fullmatch(value) else plain(value)
    if isinstance(value, list):
        return [_normal(item) for item in value]
    if isinstance(value, dict):
        return {key: _normal(item) for key, item in value.items()}
    # True equals 1 in Python, but not in JSON.
    return ("bool", value) if isinstance(value, bool) else value


# --- reading ---


def _json_object(text: str) -> tuple[dict[str, Any] | None, bool]:
    """Return the first JSON object in ``text``, and whether there is no other text."""
    start = text.find("{")
    if start < 0:
        return None, False
    decoder = json.JSONDecoder(parse_constant=refuse_constant)
    try:
        value, end = decoder.raw_decode(text, start)
    except ValueError:
        return None, False
    return value, not text[:start].strip() and not text[end:].strip()


def _strings(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(_strings(item) for item in value.values())
    if isinstance(value, list):
        return " ".join(_strings(item) for item in value)
    return str(value)


def _parsed(code: str) -> ast.Module | None:
    with warnings.catch_warnings():
        # Invalid escapes in generated code would print warnings in the user's terminal.
        warnings.simplefilter("ignore")
        try:
            return ast.parse(code)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


@hookimpl
def register_scorers() -> Mapping[str, Scorer]:
    """Provide the scorer."""
    return {"task_completion": task_completion}
