"""The ``calls`` verifier: exactly the right tool calls, or none where no tool fits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from conch_dna import hookimpl
from conch_dna.util.text import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conch_dna.domains.domain import Domain
    from conch_dna.plugin.protocols import Verifier
    from conch_dna.records import FunctionCall, Prompt, Reference

# A call in whatever form, in an answer that should be a refusal in words.
_CALL = re.compile(r"\A\s*[\[{]|\{\s*\"(?:tool|name|function)\"|```|<tool_call>|\[TOOL_CALLS\]")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def calls(prompt: Prompt, response: str, domain: Domain) -> dict[str, float] | None:  # noqa: ARG001 - the hook's signature
    """Compare the calls of the response with those of the reference.

    A call is what ``conch serve`` returns as one: an answer in a code fence, or with a blank before it, is none.

    :returns: ``right``; ``valid JSON``, whether the response is calls and nothing else; ``right tool``, whether it
        calls the right tools. Where no tool fits, ``right`` is whether the response is words without a call, and alone.
    """
    wanted = prompt.reference
    if wanted.calls is None and wanted.tool is None:
        return None
    from conch_dna.data.tool_form import read_calls  # loads pydantic, which `conch --help` does without

    if wanted.calls == ():
        return {"right": float(bool(response.strip()) and _CALL.search(response) is None)}
    found = read_calls(response)
    made = found or []
    if wanted.calls is not None:
        names = sorted(call.name for call in made) == sorted(call.name for call in wanted.calls)
        right = names and _same_calls(made, wanted.calls)
    else:
        names = len(made) == 1 and wanted.tool is not None and made[0].name == wanted.tool.get("name")
        right = names and _fits(made[0], wanted)
    return {"right": float(right), "valid JSON": float(found is not None), "right tool": float(names)}


def _same_calls(made: Sequence[FunctionCall], wanted: Sequence[FunctionCall]) -> bool:
    """Return whether both have the same calls, in any order."""
    left = list(wanted)
    for call in made:
        match = next((w for w in left if w.name == call.name and _equal(call.arguments, w.arguments)), None)
        if match is None:
            return False
        left.remove(match)
    return not left


def _fits(call: FunctionCall, wanted: Reference) -> bool:
    """Return whether a call has the arguments that the reference names, and the texts in ``contains`` somewhere.

    Numbers are compared by value: "8" is in "8.0", and not in "18" or "8.5".
    """
    expected = (wanted.tool or {}).get("arguments") or {}
    said = plain(_text(call.arguments))
    return all(key in call.arguments and _equal(call.arguments[key], value) for key, value in expected.items()) and all(
        _has(said, plain(part)) for part in wanted.contains
    )


def _has(text: str, part: str) -> bool:
    text, part = (_NUMBER.sub(_shortest, one) for one in (text, part))
    before = r"(?<!\d)(?<!\d\.)" if part[:1].isdecimal() else ""
    after = r"(?!\.?\d)" if part[-1:].isdecimal() else ""
    return re.search(before + re.escape(part) + after, text) is not None


def _shortest(number: re.Match[str]) -> str:
    """Return a number without the zeros that say nothing: 08 is 8, and 86.40 is 86.4."""
    whole, _, rest = number[0].partition(".")
    return ".".join(filter(None, (whole.lstrip("0") or "0", rest.rstrip("0"))))


def _equal(value: Any, wanted: Any) -> bool:
    """Compare JSON values: strings without case and blanks; true is not 1, but 2.0 is 2."""
    if isinstance(wanted, str) and isinstance(value, str):
        return plain(value).replace(" ", "") == plain(wanted).replace(" ", "")
    if isinstance(wanted, dict) and isinstance(value, dict):
        return value.keys() == wanted.keys() and all(_equal(value[key], wanted[key]) for key in wanted)
    if isinstance(wanted, list) and isinstance(value, list):
        return len(value) == len(wanted) and all(map(_equal, value, wanted))
    return bool(value == wanted) and isinstance(value, bool) == isinstance(wanted, bool)


def _text(value: Any) -> str:
    if isinstance(value, dict | list):
        return " ".join(map(_text, value.values() if isinstance(value, dict) else value))
    return str(value)


@hookimpl
def register_verifiers() -> Mapping[str, Verifier]:
    """Provide the verifier."""
    return {"calls": calls}
