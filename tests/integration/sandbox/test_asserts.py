"""Tests of generated code see what Python's own would, and code that tricks them does not pass."""

import builtins
import contextlib
import sys
from pathlib import Path

import pytest

from conch_dna.errors import ConfigError
from conch_dna.sandbox import asserts
from conch_dna.sandbox.asserts import Outcome, run_asserts, withheld
from conch_dna.sandbox.process import Ended

pytestmark = pytest.mark.skipif(withheld() is not None, reason=f"this machine cannot confine: {withheld()}")
DOUBLE = "def double(x):\n    return x + x"
TEST = "assert double(2) == 4"


def cases(file):
    """Return code and test by name: a block starts with ``#####``, and its tests with ``###``; without one, TEST."""
    found = {}
    for block in Path(__file__).with_name(file).read_text(encoding="utf-8").split("##### ")[1:]:
        name, _, text = block.partition("\n")
        code, *tests = text.split("\n### ")
        for test in tests or [f"\n{TEST}"]:
            kind, _, source = test.partition("\n")
            found[f"{name}: {kind}"] = (code, source)
    return found


RIGHT, TRICKS = cases("right_code.txt"), cases("tricks.txt")


@pytest.mark.promise
@pytest.mark.parametrize(("code", "test"), RIGHT.values(), ids=RIGHT)
def test_right_code_passes(code, test, monkeypatch):
    monkeypatch.setattr(builtins, "input", input)
    monkeypatch.setattr(sys, "stdin", sys.stdin)
    names = {"__name__": "answer"}
    with contextlib.suppress(SystemExit):
        exec(compile(code, "answer", "exec"), names)  # noqa: S102 - what Python itself says of it
    exec(compile(test, "tests", "exec"), names)  # noqa: S102 - as above
    assert run_asserts(code, [test]) == Outcome(ran=True, passed=True)


@pytest.mark.promise
@pytest.mark.parametrize(("code", "test"), TRICKS.values(), ids=TRICKS)
def test_code_that_tricks_its_test_does_not_pass(code, test):
    assert not run_asserts(code, [test]).passed


def test_no_test_sees_what_another_changed():
    code = "count = 0\ndef bump():\n    global count\n    count += 1\n    return count"
    assert run_asserts(code, ["assert bump() == 1"] * 3).passed
    assert run_asserts(code, ["bump(); assert count == 1", "assert count == 0"]).passed


def test_code_that_fails_by_itself_has_not_run():
    assert run_asserts("1 / 0", [TEST]) == Outcome(ran=False, passed=False)
    assert run_asserts("def f(:", [TEST]) == Outcome(ran=False, passed=False)
    assert run_asserts("x = 1", [TEST]) == Outcome(ran=True, passed=False)


def test_code_is_not_tested_where_it_cannot_be_confined(monkeypatch):
    monkeypatch.setattr(asserts, "withheld", lambda: "no Landlock")
    monkeypatch.setattr(asserts, "run", lambda *_, **__: Ended(1, None))
    with pytest.raises(ConfigError, match="no Landlock"):
        run_asserts(DOUBLE, [TEST])
