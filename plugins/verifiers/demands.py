"""The ``demands`` verifier: a numbered plan that meets every demand of the reference."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from conch_dna import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from conch_dna.domains.domain import Domain
    from conch_dna.plugin.protocols import Verifier
    from conch_dna.records import Plan, Prompt

LEAST = 2  # steps: a single one is no plan
LONG = 5  # letters: a word of this length may be the stem of a longer one, such as "licen" of "licence"
_STEP = re.compile(r"(\d{1,3})[.)]\s+(\S.*)")


def demands(prompt: Prompt, response: str, domain: Domain) -> dict[str, float] | None:
    """Check that the response is a numbered plan and meets the demands of the reference.

    :returns: ``right``; ``demands met``, the share of single demands that are met: texts of ``contains``, number of
        steps, pairs in order, first and last step, texts that are lacking; ``is a plan``, whether the response has
        numbered steps that count up, none of them twice, and nothing else.
    """
    reference = prompt.reference
    if not reference.contains and reference.plan is None:
        return None
    steps = steps_of(response)
    wanted = reference.plan.steps if reference.plan is not None else None
    least, most = wanted or _usual(domain)
    is_plan = least <= len(steps) <= most
    met = [mentions(response, part) for part in reference.contains]
    if reference.plan is not None:
        met += _met(reference.plan, steps)
    share = sum(met) / len(met) if met else float(is_plan)
    return {"right": float(is_plan and all(met)), "demands met": share, "is a plan": float(is_plan)}


def steps_of(text: str) -> list[str]:
    """Return the steps of a plan without their numbers; none if the text is something else.

    Every line must be a step, the numbers must count up from 1, and no step may come twice.
    """
    found = [_STEP.fullmatch(line.strip()) for line in text.splitlines() if line.strip()]
    steps = [match[2] for match in found if match]
    counts_up = [int(match[1]) for match in found if match] == list(range(1, len(found) + 1))
    return steps if counts_up and len({_plain(step) for step in steps}) == len(steps) else []


def mentions(text: str, part: str) -> bool:
    """Return whether ``text`` has the words of ``part`` one after the other, without case.

    The last word may have the ending of a plural or a verb form; one of at least :data:`LONG` letters may go on, and
    stand at the end of a compound.
    """
    return _pattern(part).search(_plain(text)) is not None


@lru_cache(maxsize=4096)
def _pattern(part: str) -> re.Pattern[str]:
    *before, last = _plain(part).split(" ")
    endings = r"[^\W\d_]*" if len(last) >= LONG and last.isalpha() else ""
    begin = r"(?<![^\W_])(?<!\d\.)" if before or not endings else ""
    forms = "|".join(map(re.escape, _forms(last)))
    return re.compile(
        rf"{begin}{re.escape(''.join(f'{word} ' for word in before))}(?:{forms}){endings}(?![^\W_])(?!\.\d)"
    )


def _forms(word: str) -> list[str]:
    """Return a word with the endings of nouns and verbs."""
    if not word.isalpha():
        return [word, f"{word}s"]
    forms = [word + ending for ending in ("", "s", "'s", "es", "d", "ed", "ing")]
    forms += [word + word[-1] + ending for ending in ("ed", "ing")]
    if word.endswith("e"):
        forms.append(word[:-1] + "ing")
    if word.endswith("y"):
        forms += [word[:-1] + "ies", word[:-1] + "ied"]
    return forms


def _plain(text: str) -> str:
    """Return a text without case, hyphens and separators of thousands, with a blank between a number and its unit."""
    text = text.casefold().replace("\u2019", "'")
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    text = re.sub(r"(?<=\d)(?=[^\W\d_])", " ", text)
    return " ".join(re.sub(r"[-\u2010-\u2015]", " ", text).split())


def _usual(domain: Domain) -> tuple[int, float]:
    """Return the usual number of steps: that of the domain's examples, and one fewer or more."""
    counts = [len(steps) for example in domain.settings.examples if (steps := steps_of(example.answer))]
    return (max(LEAST, min(counts) - 1), max(counts) + 1) if counts else (LEAST, float("inf"))


def _met(plan: Plan, steps: Sequence[str]) -> Iterator[bool]:
    """Yield for each demand whether it is met; a response without steps meets none."""
    if plan.steps is not None:
        yield plan.steps[0] <= len(steps) <= plan.steps[1]
    for first, second in plan.order:
        earlier, later = _places(steps, first), _places(steps, second)
        yield bool(earlier and later) and earlier[0] < later[-1]
    if plan.first:
        yield bool(steps) and mentions(steps[0], plan.first)
    if plan.last:
        yield bool(steps) and mentions(steps[-1], plan.last)
    for part in plan.lacks:
        yield bool(steps) and not _places(steps, part)


def _places(steps: Sequence[str], part: str) -> list[int]:
    return [place for place, step in enumerate(steps) if mentions(step, part)]


@hookimpl
def register_verifiers() -> Mapping[str, Verifier]:
    """Provide the verifier."""
    return {"demands": demands}
