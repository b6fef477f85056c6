"""What is wrong with settings that pydantic refused, in this project's words: field, value, what it should be."""

from __future__ import annotations

import difflib
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import ValidationError

HIDDEN = "hidden"  # the type of a fault whose value must not be shown, for a password may stand in it
_TABLE = re.compile(r"valid dictionary( or instance of \w+)?")


def faults_in(error: ValidationError, known: Iterable[str]) -> list[str]:
    """Return every fault of a validation, a line each.

    :param known: the names that settings may have; those of a table within are not among them.
    """
    return [_fault(fault, list(known)) for fault in error.errors()]


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a question that names the one of ``known`` that was meant, or nothing."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def unknown_setting(name: str, known: Iterable[str]) -> str:
    """Say that there is no such setting, which one may have been meant, and which there are."""
    known = list(known)
    return f"unknown setting {name!r}{nearest(name, known)}; allowed: {', '.join(known) or '(none)'}"


def _fault(fault: Any, known: list[str]) -> str:
    name = ".".join(map(str, fault["loc"]))
    said = _worded(fault["msg"])
    if not name:  # settings that do not agree with each other, or no table at all
        return said
    if fault["type"] == "extra_forbidden":
        return unknown_setting(name, known) if len(fault["loc"]) == 1 else f"unknown setting {name!r}"
    if fault["type"] == "missing":
        return f"{name} is missing"
    if fault["type"] == HIDDEN:
        return f"{name}: {said}"
    value = fault["input"]
    return f"{name} = {str(value) if isinstance(value, Decimal) else repr(value)}: {said}"


def _worded(message: str) -> str:
    """Return pydantic's message without what speaks of its own workings."""
    text = message.removeprefix("Value error, ").partition(", unable to parse")[0]
    return _TABLE.sub("table", text.removeprefix("Input ").replace("valid decimal", "number"))
