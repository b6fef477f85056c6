"""Messages for settings that pydantic refused: field, value and the allowed values."""

from __future__ import annotations

import difflib
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import ValidationError

HIDDEN = "hidden"  # the type of a fault whose value must not be shown, because it may contain a password
_TABLE = re.compile(r"valid dictionary( or instance of \w+)?")


def faults_in(error: ValidationError, known: Iterable[str]) -> list[str]:
    """Return one line for each fault of a validation.

    :param known: the allowed names at top level, without those of nested tables.
    """
    return [_fault(fault, list(known)) for fault in error.errors()]


def nearest(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean NAME?" with the nearest of ``known``, or an empty text."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def unknown_setting(name: str, known: Iterable[str]) -> str:
    """Return the message for an unknown setting, with the nearest name and all allowed names."""
    known = list(known)
    return f"unknown setting {name!r}{nearest(name, known)}; allowed: {', '.join(known) or '(none)'}"


def _fault(fault: Any, known: list[str]) -> str:
    name = ".".join(map(str, fault["loc"]))
    message = _plain(fault["msg"])
    if not name:  # the settings contradict each other, or the value is not a table
        return message
    if fault["type"] == "extra_forbidden":
        return unknown_setting(name, known) if len(fault["loc"]) == 1 else f"unknown setting {name!r}"
    if fault["type"] == "missing":
        return f"{name} is missing"
    if fault["type"] == HIDDEN:
        return f"{name}: {message}"
    value = fault["input"]
    return f"{name} = {str(value) if isinstance(value, Decimal) else repr(value)}: {message}"


def _plain(message: str) -> str:
    """Return pydantic's message without the terms of its implementation."""
    text = message.removeprefix("Value error, ").partition(", unable to parse")[0]
    return _TABLE.sub("table", text.removeprefix("Input ").replace("valid decimal", "number"))
