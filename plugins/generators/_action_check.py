"""The generator's own check of a draft: its schema, a call of a stub, and values that were said."""

from __future__ import annotations

import inspect
import json
import re
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ._action_values import WORDS, spoken_dates

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conch_dna.records import FunctionCall, Tool

    from ._action_grammar import ToolSpec

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_DIGITS = re.compile(r"\d[\d,]*(?:\.\d+)?")


def fault_of(conversation: str, tools: Sequence[Tool], calls: Sequence[FunctionCall]) -> str:
    """Return why these calls are not the certain answer to a conversation; empty if they are."""
    known = {tool.name: tool for tool in tools}
    if len(known) < len(tools):
        return "two tools have one name"
    for call in calls:
        if call.name not in known:
            return "a tool that is not offered"
        schema = known[call.name].parameters
        if next(_validator(json.dumps(schema)).iter_errors(call.arguments), None):
            return "arguments that the schema forbids"
        if not _callable_with(schema, call.arguments):
            return "a call that the tool cannot take"
        if unsaid := _unsaid(schema, call.arguments, conversation):
            return f"a value that nobody says ({unsaid})"
    return ""


def rivals(needed: Iterable[ToolSpec], spec: ToolSpec) -> bool:
    """Return whether a tool could stand for one of those needed: the same one, or one that does the same."""
    return any(one.key == spec.key or one.tags & spec.tags for one in needed)


@lru_cache(maxsize=4096)
def _validator(schema: str) -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator({**json.loads(schema), "additionalProperties": False})


def _callable_with(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> bool:
    """Return whether a function of the tool's signature takes these arguments."""
    kind = inspect.Parameter
    parameters = [
        kind(name, kind.KEYWORD_ONLY, default=kind.empty if name in schema["required"] else None)
        for name in schema["properties"]
    ]
    try:
        inspect.Signature(parameters).bind(**arguments)
    except TypeError:
        return False
    return True


def _unsaid(schema: Mapping[str, Any], arguments: Mapping[str, Any], text: str) -> str:
    """Return the name of an argument whose value is not in the text, or nothing."""
    return next((n for n, value in arguments.items() if not _is_said(value, schema["properties"][n], text)), "")


def _is_said(value: Any, schema: Mapping[str, Any], text: str) -> bool:
    """Return whether a text says a value: strings as they are, numbers in digits, words or percent, dates in any form.

    A truth value or one of an enumeration is said in other words, which only the templates know.
    """
    if isinstance(value, dict):
        return not _unsaid(schema, value, text)
    if isinstance(value, list):
        return all(_is_said(item, schema.get("items", {}), text) for item in value)
    if isinstance(value, bool) or "enum" in schema:
        return True
    return _is_copied(value, text) if isinstance(value, str) else _is_counted(value, text)


def _is_copied(value: str, text: str) -> bool:
    if _DATE.fullmatch(value):
        return any(form in text for form in spoken_dates(date.fromisoformat(value)))
    return value in text


def _is_counted(value: float, text: str) -> bool:
    if isinstance(value, int) and value < len(WORDS) and WORDS[value] in text.casefold():
        return True
    numbers = {float(number.replace(",", "")) for number in _DIGITS.findall(text)}
    return any(abs(value - number) < 1e-9 or abs(value * 100 - number) < 1e-9 for number in numbers)
