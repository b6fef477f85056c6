"""Review prompts for the ``reflection`` generator: cases in the wordings of people, with the answers' one form."""

from __future__ import annotations

import re
from random import Random
from string import Formatter
from typing import TYPE_CHECKING

from conch_dna.plugin.protocols import Draft
from conch_dna.records import Message, Prompt, Reference

from . import _reflection_frames as frames
from ._reflection_case import Case, Draw, has
from ._reflection_general import claims, facts, pairs
from ._reflection_limits import BUILDERS as LIMITS
from ._reflection_sums import calendar, clock, sums, units
from ._reflection_words import advice, code, letters, notes, roman, tone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SOUND = 0.28  # share of drafts without a flaw
CHATS = 0.2  # share of chats in which the draft is the assistant's turn
LONGEST = 110  # words of a prompt
BUILDERS: tuple[tuple[Callable[[Draw], Case], int], ...] = (
    (facts, 34), (claims, 3), (pairs, 2), (sums, 20), (units, 5), (clock, 2), (calendar, 2), (letters, 2), (roman, 1),
    (code, 4), (notes, 5), (tone, 3), (advice, 4), *LIMITS,
)  # fmt: skip
# Case, signs or exact words matter in these.
EXACT = frozenset({"symbol", "acronym", "computing", "code", "roman", "letters", "translation", "spelling", "notes"})


def drafts(seed: int, *, held_out: bool = False) -> Iterator[Draft]:
    """Yield drafts without end."""
    rng = Random(f"{seed}:reflection:{held_out}")
    builders, weights = zip(*BUILDERS, strict=True)
    while True:
        draw = Draw(rng, held_out=held_out, sound=rng.random() < SOUND)
        case = rng.choices(builders, weights)[0](draw)
        prompt = Prompt(messages=_messages(case, draw), reference=_reference(case))
        answer = f"Flaw: {case.flaw or 'none'}\nBetter: {case.right}"
        yield Draft(prompt, answer, case.kind, fault(case) or _too_long(prompt))


def _reference(case: Case) -> Reference:
    verdict = () if case.flaw else ("Flaw: none",)
    return Reference(contains=(*verdict, *case.contains), lacks=case.lacks)


def _messages(case: Case, draw: Draw) -> tuple[Message, ...]:
    if draw.chance(CHATS) and case.kind != "tone":
        asked = f"{case.question} Notes: {case.notes}" if case.notes else case.question
        review = draw.side(frames.REVIEW, frames.REVIEW_HELD)
        texts = (asked, case.draft, review)
        return tuple(Message(role=("user", "assistant")[n % 2], content=text) for n, text in enumerate(texts))
    return (Message(role="user", content=_framed(case, draw)),)


def _framed(case: Case, draw: Draw) -> str:
    """Return question and draft in one of the wordings, at times typed in haste or with a greeting."""
    known = {
        "q": case.question if case.question.endswith(("?", ".", ")")) else f"{case.question}.",
        "d": case.draft, "b": case.draft.rstrip("."), "c": draw.side(frames.CHECK, frames.CHECK_HELD), "n": case.notes,
        "t": case.topic, "v": case.value if case.topic else "",
    }  # fmt: skip
    if case.notes:
        usable = draw.side((frames.NOTES,), (frames.NOTES_HELD,))
    else:
        usable = draw.side((frames.TASK if case.task else frames.QUESTION,),
                           (frames.TASK_HELD if case.task else frames.QUESTION_HELD,))  # fmt: skip
    frame = draw.any([frame for frame in usable if _fits(frame, case, known)])
    quoted = {key: re.sub(r'"', "'", value) if '"' in frame else value for key, value in known.items()}
    text = frame.format(**quoted)
    text = text[:1].upper() + text[1:] if not draw.chance(0.1) else text
    if draw.chance(0.07) and not case.task and case.kind not in EXACT:
        text = text.lower()
    greeting, thanks = draw.side((("Hi! ", " Thanks!"), ("hey, ", " thx"), ("Hello, ", " Thank you.")),
                                 (("Good evening. ", " Cheers!"),))  # fmt: skip
    return (greeting if draw.chance(0.06) else "") + text + (thanks if draw.chance(0.04) else "")


def _fits(frame: str, case: Case, known: dict[str, str]) -> bool:
    """Return whether all parts of a frame are known, and a draft that stands alone can do so."""
    fields = {field for _, field, _, _ in Formatter().parse(frame) if field}
    alone = not fields & {"q", "t", "n"}
    return all(known[field] for field in fields) and (case.whole or not alone)


def fault(case: Case) -> str:
    """Return why a case is no good, or an empty text: its right answer is computed again, and limits are checked."""
    return next(_faults(case), "")


def _faults(case: Case) -> Iterator[str]:
    if not _accepted(case.right, case.contains, case.lacks):
        yield "the mended answer is not what the reference says"
    if case.meets is not None and not case.meets(case.right):
        yield "the mended answer breaks the limit"
    if case.truth is not None and not (case.truth() and has(case.right, case.truth())):
        yield "the right value is another"
    if not case.flaw:
        if not has(case.right, case.draft.rstrip(".")):
            yield "the draft is not the answer"
    elif case.draft == case.right:
        yield "the draft has no flaw"
    elif case.meets is not None:
        if case.meets(case.draft):
            yield "the draft keeps to the limit"
    elif _accepted(case.draft, case.contains, case.lacks):
        yield "the reference does not tell the draft from its mend"


def _accepted(text: str, contains: Sequence[str], lacks: Sequence[str]) -> bool:
    """Return whether a text has what it must; a text lacked in another case is compared with its case."""
    cased = {part.casefold() for part in contains} & {part.casefold() for part in lacks}

    def found(part: str) -> bool:
        return part in text if part.casefold() in cased else has(text, part)

    return all(map(found, contains)) and not any(map(found, lacks))


def _too_long(prompt: Prompt) -> str:
    return "the prompt is too long" if len(prompt.text.split()) > LONGEST else ""
