"""Grading of answers in each domain: a figure in [0, 1] called ``task``, and its parts."""

from __future__ import annotations

import json
import re
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conch_dna.domains.domain import Domain
    from conch_dna.plugin.protocols import Scorer, Verifier
    from conch_dna.records import Prompt, Reference

# A dash after a word or a closing bracket is not a minus sign: "10-12", "(a)-3".
NUMBER = re.compile(r"(?:(?<![\w)])[-\u2212])?(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|(?<!\w)\.\d+)")
QUANTITY = re.compile(rf"[$£€¥]?\s*({NUMBER.pattern})\s*(?:%|°?[^\W\d_]+)?")
WORD = re.compile(r"[^\W\d_]+")
ITEM = re.compile(r"^\s*\d{1,2}[.)]\s+", re.MULTILINE)  # the number of a list item is not a fact
# The first word of a sentence, or of a line after its bullet or number, is capitalised even if it is not a name.
OPENING = re.compile(r"(?:^|[.!?:]['\")\]*]*\s)[\W\d_]*[^\W\d_]+", re.MULTILINE)
ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth"
SPELT = {
    word: start + step * place
    for row, start, step in ((ONES, 0, 1), (TENS, 20, 10), (ORDINALS, 1, 1))
    for place, word in enumerate(row.split())
}


def grade(  # noqa: PLR0911 - one return for each kind of reference
    prompt: Prompt, answer: str, domain: Domain, scorers: Mapping[str, Scorer]
) -> dict[str, float] | None:
    """Grade an answer to a held-out prompt of the domain; return ``None`` if the prompt has no exact reference."""
    reference = prompt.reference
    if reference.tests:
        from conch_dna.plugin.protocols import ScoreContext

        passed = scorers["tests_pass"](prompt, answer, ScoreContext(domain=domain))
        return {"task": float(passed == 1.0)}
    if reference.tool is not None:
        return own_call_grade(answer, reference)
    if reference.answer is not None:
        return {"task": answer_right(reference.answer, answer)}
    if domain.name == "reflection":
        figures = _verifier("mended")(prompt, answer, domain)
        return None if figures is None else {"task": figures["right"], **figures}
    if reference.contains:
        kept = sum(_plain(part) in _plain(answer) for part in reference.contains) / len(reference.contains)
        if domain.name != "memory":
            return {"task": kept}
        invented = float(bool(invented_in(answer, prompt.text)))
        return {"task": kept * (1 - invented), "facts kept": kept, "facts invented": invented}
    return None


@cache
def _verifier(name: str) -> Verifier:
    from conch_dna.plugin.manager import load_plugins

    return load_plugins().catalog.get("verifiers", name)


def own_call_grade(answer: str, reference: Reference) -> dict[str, float]:
    """Grade a tool call by a reference of a domain, which names the arguments with a single right value.

    Required parts of other arguments are listed in ``contains``; each must occur somewhere in the arguments.
    """
    call, wanted = _call(answer), reference.tool or {}
    right_tool = call is not None and call.get("tool") == wanted["name"]
    given = call["arguments"] if call is not None else {}
    expected = wanted.get("arguments") or {}
    right = right_tool and all(key in given and _equal(given[key], value) for key, value in expected.items())
    said = _plain(_text(given))
    right = right and all(_plain(part) in said for part in reference.contains)
    return {"task": float(right), "valid JSON": float(call is not None), "right tool": float(right_tool)}


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


def _text(value: Any) -> str:
    """Return the text of all arguments of a call."""
    if isinstance(value, dict | list):
        return " ".join(map(_text, value.values() if isinstance(value, dict) else value))
    return str(value)


def answer_right(truth: str, answer: str) -> float:
    """Return 1.0 if the final answer is ``truth``, else 0.0.

    The final answer follows the last ``Answer:``; without one it is the last number. Only the number of a quantity
    counts, not its currency or unit. Of a calculation, only the result counts.
    """
    labelled = re.findall(r"answer\s*:\s*(.+)", answer, flags=re.IGNORECASE)
    said = labelled[-1].rpartition("=")[2] if labelled else answer
    wanted = QUANTITY.fullmatch(truth.strip())
    if wanted is None:  # match whole words: "no" is not in "nobody"
        found = re.search(rf"(?<!\w){re.escape(_plain(truth))}(?!\w)", _plain(said))
        return float(bool(labelled) and found is not None)
    numbers = [_value(number) for number in NUMBER.findall(said)]
    if not numbers:
        return 0.0
    return float(abs(numbers[0 if labelled else -1] - _value(wanted[1])) < 1e-6)


def invented_in(answer: str, prompt: str) -> list[str]:
    """Return the numbers, and the names inside sentences, that occur in the answer but not in the prompt.

    The prompt may write a number in words or a time with another separator. A name may be a short form or the plural
    of a word of the prompt.
    """
    numbers, words = _numbers(prompt) | _spelt(prompt), {"user", *WORD.findall(prompt.casefold())}
    names = {w for w in WORD.findall(OPENING.sub(" ", answer)) if w[0].isupper() and w[1:].islower() and len(w) > 2}
    new_numbers = {f"{number:g}" for number in _numbers(ITEM.sub("", answer), times=False) - numbers}
    return sorted(new_numbers | {name for name in names if not _known(name.casefold(), words)})


def _numbers(text: str, *, times: bool = True) -> set[float]:
    """Return the absolute numbers of a text; a time counts as hours with minutes after a decimal point.

    :param times: add the parts of a time as separate numbers.
    """
    found = NUMBER.findall(re.sub(r"(?<=\d):(?=\d\d)", ".", text)) + (NUMBER.findall(text) if times else [])
    return {abs(_value(number)) for number in found}


def _spelt(text: str) -> set[float]:
    """Return the numbers below 100 that a text writes in words."""
    words = WORD.findall(text.casefold())
    pairs = [(SPELT[a], SPELT[b]) for a, b in pairwise(words) if a in SPELT and b in SPELT]
    together = {tens + ones for tens, ones in pairs if tens >= 20 and 0 < ones < 10}
    return {float(number) for number in together | {SPELT[word] for word in words if word in SPELT}}


def _known(name: str, words: set[str]) -> bool:
    return any(word.startswith(name) or name == f"{word}s" for word in words)


def _value(number: str) -> float:
    return float(number.replace(",", "").replace("\u2212", "-"))


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().casefold()
