"""Runs the programs of the generator against their tests, in process: all of them are part of this project."""

from __future__ import annotations

import re
import sys
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from ._debug_programs import Check

if TYPE_CHECKING:
    from types import FrameType

STEPS = 10_000  # lines that a program may run; a bug can make a loop endless
SHOWN = 60  # characters of a result that a complaint still quotes
FILE = "main.py"
# Python's versions word these messages differently.
WORDINGS = (
    (re.compile(r".*\b(?:division|modulo)\b.*by zero"), "division by zero"),
    (re.compile(r"maximum recursion depth exceeded.*"), "maximum recursion depth exceeded"),
    (
        re.compile(r"(max|min)\(\) (?:arg|iterable argument) is (?:an empty sequence|empty)"),
        r"\1() arg is an empty sequence",
    ),
    (re.compile(r"(object has no attribute '\w+')\..*"), r"\1"),
)


class Finding(NamedTuple):
    """A test that fails.

    :param got: the value in place of the one wanted, as text; empty if there is none to show.
    :param error: the exception's type and message; ``hang`` stands for an endless loop.
    :param line: the line of the program that raised it; 0 if none did.
    :param where: the function with that line.
    """

    test: str
    got: str = ""
    error: str = ""
    line: int = 0
    where: str = ""


class _EndlessError(BaseException):
    """Too many steps; no ``except Exception`` of a program catches it."""


@lru_cache(maxsize=4096)
def failures(source: str, tests: tuple[str, ...]) -> tuple[Finding, ...]:
    """Return the tests that fail; the same finding for all if the source does not compile."""
    with warnings.catch_warnings():
        # Code such as `x is 3` warns, and so does a coroutine that nobody awaits.
        warnings.simplefilter("ignore")
        try:
            code = compile(source, FILE, "exec")
        except SyntaxError as error:
            return tuple(
                Finding(t, error=f"{type(error).__name__}: {error.msg}", line=error.lineno or 0) for t in tests
            )
        found = (_failure(code, test) for test in tests)
        return tuple(finding for finding in found if finding)


def _failure(code: Any, test: str) -> Finding | None:
    names: dict[str, Any] = {"__name__": "main", "print": lambda *_: None}
    check = Check.of(test)
    steps = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal steps
        if frame.f_code.co_filename != FILE:
            return None
        steps += event == "line"
        if steps > STEPS:
            raise _EndlessError
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        exec(code, names)  # noqa: S102 - a program of this project
        exec(check.prepared, names)  # noqa: S102 - its test
        if check.call:
            names["got"] = eval(check.call, names)  # noqa: S307 - its test
            passed = eval("got" + check.expression[len(check.call) :], names)  # noqa: S307 - its test
            return None if passed else Finding(test, got=shown(names["got"]))
        return None if eval(check.expression, names) else Finding(test)  # noqa: S307 - its test
    except _EndlessError:
        return Finding(test, error="hang")
    except Exception as error:  # noqa: BLE001 - a bug may raise anything
        return _raised(test, error)
    finally:
        sys.settrace(before)


def _raised(test: str, error: Exception) -> Finding:
    line, where, step = 0, "", error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        if code.co_filename == FILE:
            line = step.tb_lineno
            # Python 3.12 has no frame of its own for a comprehension.
            where = where if code.co_name.startswith("<") else code.co_name
        step = step.tb_next
    if isinstance(error, RecursionError):
        line = 0  # where the stack ends differs between Python's versions
    message = str(error)
    for pattern, wording in WORDINGS:
        message = pattern.sub(wording, message)
    return Finding(test, error=f"{type(error).__name__}: {message}".removesuffix(": "), line=line, where=where)


def shown(value: Any) -> str:
    """Return a value as people write it; empty if it is long, or differs from run to run."""
    text = repr(value)
    unordered = isinstance(value, set | frozenset) and len(value) > 1
    if unordered or " at 0x" in text or len(text) > SHOWN:
        return ""
    return text.replace("'", '"') if '"' not in text else text
