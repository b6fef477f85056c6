"""The ``tests_pass`` scorer runs an answer's code against the reference's asserts, and survives what that code does."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conch_dna.domains.domain import Domain, DomainSettings
from conch_dna.plugin.manager import load_plugins
from conch_dna.plugin.protocols import ScoreContext
from conch_dna.records import Message, Prompt, Reference

SCORER = load_plugins().catalog.get("scorers", "tests_pass")
CONTEXT = ScoreContext(domain=Domain(DomainSettings(name="x", description="x"), Path("prompts.jsonl")))
TESTS = ("assert double(2) == 4", "assert double('a') == 'aa'")


def rate(code, tests=TESTS):
    return rate_text(f"Bug: none.\n```python\n{code}\n```\nDone.", tests)


def rate_text(response, tests=TESTS):
    prompt = Prompt(messages=(Message(role="user", content="?"),), reference=Reference(tests=tests))
    return SCORER(prompt, response, CONTEXT)


@pytest.mark.promise
@pytest.mark.parametrize(
    ("code", "share"),
    [
        ("def double(x):\n    return x + x", 1.0),
        ("def double(x):\n    return 2 * int(x)", 0.5),
        ("def double(x):\n    return x", 0.0),
        ("def double(x: return", 0.0),
        ("def triple(x):\n    return x", 0.0),
    ],
    ids=["right", "half", "wrong", "no-python", "other-name"],
)
def test_the_share_of_passing_asserts_is_the_rating(code, share):
    assert rate(code) == share


@pytest.mark.parametrize("response", ["", "Add the number to itself."])
def test_a_response_without_code_passes_nothing(response):
    assert rate_text(response) == 0.0


@given(response=st.text(max_size=100))
@settings(max_examples=20, deadline=None, database=None)
def test_without_tests_everything_passes(response):
    assert rate_text(response, ()) == 1.0


def test_code_that_breaks_off_is_run_as_far_as_it_goes():
    assert rate_text("```python\ndef double(x):\n    return x + x") == 1.0


@pytest.mark.parametrize(
    "code",
    ["import sys\nsys.exit(0)", "raise SystemExit(0)", "import os\nos._exit(0)", "open('passed', 'w').write('yes')"],
    ids=["exit", "raise", "hard-exit", "forged-file"],
)
def test_an_early_exit_is_not_a_pass(code):
    assert rate(code, TESTS[:1]) == 0.0


@pytest.mark.parametrize(
    "code",
    [
        "held = bytearray(3 << 30)",
        "with open('big', 'wb') as file:\n    file.write(bytes(5_000_000))",
        "import os\nassert 'CONCH_TRUST' in os.environ",
        "open('/proc/self/environ')",
        "import subprocess\nsubprocess.run(['true'])",
        "import socket\nsocket.socket()",
        "open(__import__('os').path.expanduser('~/../../../etc/passwd'))",
        "input()",
    ],
    ids=["memory", "file-size", "environment", "processes", "child", "network", "files", "standard-input"],
)
def test_code_meets_its_limits(code):
    assert rate(f"{code}\ndef double(x):\n    return x + x", TESTS[:1]) == 0.0


def test_code_that_only_prints_much_still_passes():
    assert rate("print('x' * 3_000_000)\ndef double(x):\n    return x + x", TESTS[:1]) == 1.0


@pytest.mark.parametrize("code", ["while True:\n    pass", "import time\ntime.sleep(60)"], ids=["busy", "asleep"])
def test_endless_code_is_stopped(code):
    started = time.monotonic()
    assert rate(code, TESTS[:1]) == 0.0
    assert time.monotonic() - started < 15


def test_nothing_is_written_beside_the_caller(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert rate("open('here', 'w').close()\ndef double(x):\n    return x + x") == 1.0
    assert list(tmp_path.iterdir()) == []
