"""Grading of answers in each domain: a figure in [0, 1] called ``task``, and its parts."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from conch_dna.plugin.manager import load_plugins

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conch_dna.domains.domain import Domain
    from conch_dna.plugin.protocols import Verifier
    from conch_dna.records import Prompt


def grade(prompt: Prompt, answer: str, domain: Domain) -> dict[str, float] | None:
    """Grade an answer to a held-out prompt by the domain's verifier; ``None`` if the prompt has no reference for it.

    ``task`` is whether the answer is right, or a share where the verifier has one: facts that are kept if none is
    invented, and demands that are met.
    """
    if not domain.settings.verifier:
        return None
    figures = _verifier(domain.settings.verifier)(prompt, answer, domain)
    if figures is None:
        return None
    task = figures["right"]
    if "facts kept" in figures:
        task = figures["facts kept"] * (1 - figures["facts invented"])
    return {"task": figures.get("demands met", task), **figures}


@lru_cache
def _verifier(name: str) -> Verifier:
    verifier: Verifier = load_plugins().catalog.get("verifiers", name)
    return verifier


def call_grade(answer: str, truth: Mapping[str, Mapping[str, list[Any]]]) -> dict[str, float]:
    """Grade a tool call: one JSON object, the right tool, and an allowed value for each argument.

    Strings are compared without case and blanks. This is stricter than BFCL's checker, which ignores punctuation too.

    :param truth: the tool's name, and the allowed values by argument; ``""`` among them marks an optional argument.
    """
    call = _call(answer)
    ((tool, wanted),) = truth.items()
    right_tool = call is not None and call.get("tool") == tool
    given = call["arguments"] if call is not None else {}
    right = right_tool and _same(given, wanted)
    return {"task": float(right), "valid JSON": float(call is not None), "right tool": float(right_tool)}


def _call(answer: str) -> dict[str, Any] | None:
    """Return the JSON object of an answer, with or without a code fence, if it has an object of arguments."""
    text = re.sub(r"^```(?:json)?\s*|\s*```$", "", answer.strip())
    try:
        call = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return call if isinstance(call, dict) and isinstance(call.get("arguments"), dict) else None


def _refuse(name: str) -> None:
    """Reject NaN and Infinity, which Python accepts but JSON does not define."""
    msg = f"{name} is not JSON"
    raise ValueError(msg)


def _same(value: Any, one: Any) -> bool:
    """Return whether a value is allowed; in BFCL, an object lists the allowed values of each field."""
    if isinstance(one, dict) and isinstance(value, dict):
        return set(value) <= set(one) and all(any(_same(value.get(k, ""), v) for v in vs) for k, vs in one.items())
    if isinstance(one, list) and isinstance(value, list):
        return len(value) == len(one) and all(map(_same, value, one))
    return _equal(value, one)


def _equal(value: Any, one: Any) -> bool:
    """Compare strings without case and blanks; true is not 1."""
    if isinstance(one, str) and isinstance(value, str):
        return _plain(value).replace(" ", "") == _plain(one).replace(" ", "")
    return bool(value == one) and isinstance(value, bool) == isinstance(one, bool)


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().casefold()
