"""A program of HumanEval is broken by one bug, and an answer must pass its tests."""

from importlib import import_module

import pytest

from conch_dna.plugin.manager import load_plugins

pytestmark = pytest.mark.integration  # runs programs

load_plugins()
humaneval = import_module("conch_plugins.question_sets._humaneval")
ROW = {
    "task_id": "T/0",
    "entry_point": "total",
    "prompt": "from typing import List\n\n\ndef half(x):\n    return x / 2\n\n\n"
    'def total(xs: List[float]) -> float:\n    """Return the sum of halves."""\n',
    "canonical_solution": "    found = 0\n    for x in xs:\n        found += half(x)\n    return found\n",
    "test": "def check(candidate):\n    assert candidate([2, 4]) == 3\n    assert candidate([]) == 0\n",
}
RIGHT = "def total(xs: List[float]) -> float:\n    return sum(map(half, xs))"


class FakeWheel:
    """Two rows: the second has no bug that its tests see."""

    def read(self, _):
        return [ROW, ROW | {"task_id": "T/1", "test": "def check(candidate):\n    pass\n"}]


@pytest.fixture
def question(monkeypatch):
    monkeypatch.setattr(humaneval, "WHEEL", FakeWheel())
    (found,) = humaneval.questions()
    assert [found] == humaneval.questions(), "the same bug each time"
    return found


def test_the_program_in_the_prompt_has_one_bug_in_its_solution(question):
    code = question.prompt.messages[0].content.split("```python\n")[1].removesuffix("\n```")
    assert code.startswith(ROW["prompt"])
    assert code != (ROW["prompt"] + ROW["canonical_solution"]).rstrip()
    assert question.grade(f"```python\n{code}\n```") == {"right": 0, "has code": 1, "code runs": 1}


@pytest.mark.parametrize("before", ["", ROW["prompt"].partition("def total")[0]], ids=["function alone", "all of it"])
def test_a_repaired_program_is_right(question, before):
    assert question.grade(f"Bug: wrong.\n```python\n{before}{RIGHT}\n```")["right"] == 1


@pytest.mark.parametrize(
    ("answer", "figures"),
    [
        ("It is fine.", (0, 0, 0)),
        ("```python\ndef total(xs):\n    return 3\n```", (0, 1, 1)),
        ("```python\ndef\n```", (0, 1, 0)),
    ],
    ids=["no code", "another program", "no program"],
)
def test_anything_else_is_wrong(question, answer, figures):
    assert tuple(question.grade(answer).values()) == figures


def test_bugs_of_the_syntax_and_of_what_stands_before_the_solution_are_left_out():
    for code in humaneval.mutants(ROW):
        compile(code, "mutant", "exec")
        assert code.startswith(ROW["prompt"])
