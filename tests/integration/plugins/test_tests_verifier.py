"""The ``tests`` verifier runs all asserts of an answer in one process, and takes no exit for a pass."""

import time
from pathlib import Path

import pytest
from checkout import ROOT

from conch_dna.domains.domain import Domain, DomainSettings, load_domain
from conch_dna.domains.generation import NamedGenerator, generate
from conch_dna.plugin.manager import load_plugins
from conch_dna.records import Message, Prompt, Reference

VERIFIER = load_plugins().catalog.get("verifiers", "tests")
DOMAIN = Domain(DomainSettings(name="x", description="x"), Path("prompts.jsonl"))
TESTS = ("assert double(2) == 4", "assert double('a') == 'aa'")
RIGHT = "def double(x):\n    return x + x"


def verify(response, tests=TESTS):
    prompt = Prompt(messages=(Message(role="user", content="?"),), reference=Reference(tests=tests))
    return VERIFIER(prompt, response, DOMAIN)


def verify_code(code, tests=TESTS):
    return verify(f"Bug: none.\n```python\n{code}\n```", tests)


@pytest.mark.parametrize(
    ("code", "right", "runs"),
    [
        (RIGHT, 1, 1),
        ("def double(x):\n    return 2 * int(x)", 0, 1),
        ("def double(x):\n    return x", 0, 1),
        ("def triple(x):\n    return x", 0, 1),
        ("def double(x: return", 0, 0),
        (f"{RIGHT}\ndouble(y)", 0, 0),
    ],
    ids=["right", "half", "wrong", "other-name", "no-python", "crash"],
)
def test_an_answer_is_right_if_every_assert_passes(code, right, runs):
    assert verify_code(code) == {"right": right, "has code": 1, "code runs": runs}


@pytest.mark.parametrize("response", ["", "Add the number to itself."])
def test_a_response_without_code_is_wrong(response):
    assert verify(response) == {"right": 0, "has code": 0, "code runs": 0}


def test_a_prompt_without_tests_cannot_be_verified():
    assert verify(f"```python\n{RIGHT}\n```", ()) is None


@pytest.mark.parametrize(
    "code",
    ["import sys\nsys.exit(0)", "import os\nos._exit(0)", "open('passed', 'w').write('yes')\nexit()"],
    ids=["exit", "hard-exit", "forged-file"],
)
def test_an_early_exit_is_not_right(code):
    assert verify_code(code)["right"] == 0


def test_no_assert_sees_what_another_changed():
    code = "count = 0\ndef bump():\n    global count\n    count += 1\n    return count"
    assert verify_code(code, ("assert bump() == 1",) * 3)["right"] == 1


def test_endless_code_is_wrong():
    assert verify_code("def double(x):\n    while True:\n        pass") == {"right": 0, "has code": 1, "code runs": 1}


def test_an_answer_takes_little_time():
    started = time.monotonic()
    for _ in range(10):
        assert verify_code(RIGHT)["right"] == 1
    assert time.monotonic() - started < 10  # 0.3 s on a free machine


def test_the_drafts_of_the_debug_generator_are_right():
    domain = load_domain(ROOT / "domains" / "debug")
    generator = load_plugins().catalog.get("generators", "debug")
    for held_out in (False, True):
        made = generate(domain, NamedGenerator("debug", generator, VERIFIER), 60, held_out=held_out)
        assert sum(made.report.rejected.values()) <= 3
