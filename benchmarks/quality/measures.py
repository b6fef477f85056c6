"""What right means in each domain: one figure in [0, 1] called ``task``, and what it is made of."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conch_dna.domains import Domain
    from conch_dna.interfaces import Scorer
    from conch_dna.records import Prompt

NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
NAME = re.compile(r"(?<![.!?:\-•] )(?<!^)\b[A-Z][a-z]{2,}\b", re.MULTILINE)


def grade(prompt: Prompt, answer: str, domain: Domain, scorers: Mapping[str, Scorer]) -> dict[str, float] | None:
    """Grade an answer to a held-out prompt of the domain; ``None`` where nothing is known for sure."""
    reference = prompt.reference
    if reference.tests:
        from conch_dna.interfaces import ScoreContext

        passed = scorers["tests_pass"](prompt, answer, ScoreContext(domain=domain))
        return {"task": float(passed == 1.0)}
    if reference.tool is not None:
        truth = {reference.tool["name"]: {k: [v] for k, v in reference.tool.get("arguments", {}).items()}}
        return call_grade(answer, truth)
    if reference.answer is not None:
        return {"task": answer_right(reference.answer, answer)}
    if reference.contains:
        kept = sum(_plain(part) in _plain(answer) for part in reference.contains) / len(reference.contains)
        if domain.name != "memory":
            return {"task": kept}
        invented = float(bool(invented_in(answer, prompt.text)))
        return {"task": kept * (1 - invented), "facts kept": kept, "facts invented": invented}
    return None


def call_grade(answer: str, truth: Mapping[str, Mapping[str, list[Any]]]) -> dict[str, float]:
    """Grade a tool call: one JSON object, the right tool, and each argument one of the values that are right.

    :param truth: the tool's name, and by argument the values allowed; ``""`` among them means that it may be left out.
    """
    call = _call(answer)
    ((tool, wanted),) = truth.items()
    right_tool = call is not None and call.get("tool") == tool
    given = call.get("arguments") if call is not None else None
    right_arguments = (
        right_tool
        and isinstance(given, dict)
        and (not wanted or set(given) <= set(wanted))
        and all(_allowed(given.get(name, ""), values) for name, values in wanted.items())
    )
    return {"task": float(right_arguments), "valid JSON": float(call is not None), "right tool": float(right_tool)}


def _call(answer: str) -> dict[str, Any] | None:
    text = re.sub(r"^```(?:json)?\s*|\s*```$", "", answer.strip())
    try:
        call = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return call if isinstance(call, dict) and isinstance(call.get("arguments"), dict) else None


def _allowed(value: Any, values: list[Any]) -> bool:
    return any(_same(value, one) for one in values)


def _same(value: Any, one: Any) -> bool:
    if isinstance(one, dict) and isinstance(value, dict):  # BFCL lists the allowed values of nested arguments too
        return set(value) <= set(one) and all(_allowed(value.get(k, ""), v) for k, v in one.items())
    if isinstance(one, list) and isinstance(value, list):
        return len(value) == len(one) and all(map(_same, value, one))
    if isinstance(one, str) and isinstance(value, str):
        return _plain(value) == _plain(one)
    return bool(value == one)


def answer_right(truth: str, answer: str) -> float:
    """Tell whether the final answer is ``truth``: what stands after the last ``Answer:``, else the last number."""
    labelled = re.findall(r"answer\s*:\s*(.+)", answer, flags=re.IGNORECASE)
    said = labelled[-1] if labelled else answer
    wanted = NUMBER.fullmatch(truth.strip())
    if wanted is None:
        return float(bool(labelled) and _plain(truth) in _plain(said))
    numbers = NUMBER.findall(said)
    if not numbers:
        return 0.0
    number = numbers[0] if labelled else numbers[-1]
    return float(abs(float(number.replace(",", "")) - float(truth.replace(",", ""))) < 1e-6)


def invented_in(answer: str, prompt: str) -> list[str]:
    """Return the numbers, and the names inside sentences, that the answer has and the prompt has not."""
    known, said = _plain(prompt), set(NUMBER.findall(answer)) | set(NAME.findall(answer))
    return sorted(fact for fact in said - {"User"} if _plain(fact) not in known)


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().casefold()
