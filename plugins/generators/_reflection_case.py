"""What a reviewed draft is made of: a question, a draft, its flaw and the right answer; and how instances are split."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from ._reflection_frames import NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

T = TypeVar("T")
AN = re.compile(r"\ba (?=(?:8|11|18|8\d)\b)")
_AROUND = re.compile(r"([^\s\w{(]*)\{v\}([^\s\w,.;:?!)]*)")
HELD = 5  # one of so many rows of a table is for measurement


@dataclass(frozen=True)
class Case:
    """A draft to review.

    :param right: the mended answer; for a draft without a flaw, the answer repeated.
    :param flaw: what is wrong, a sentence; empty for a draft without a flaw.
    :param contains: texts of the right answer.
    :param lacks: texts of the wrong answer that no right one has.
    :param topic: what was asked for, as a noun phrase.
    :param value: the drafted value alone.
    :param notes: facts that the draft must not contradict.
    :param task: the question is an instruction.
    :param whole: the draft can be understood without the question.
    :param meets: whether an answer keeps to the limit, if there is one.
    :param truth: computes a text of the right answer in another way, for the check.
    """

    kind: str
    question: str
    draft: str
    right: str
    flaw: str
    contains: tuple[str, ...]
    lacks: tuple[str, ...] = ()
    topic: str = ""
    value: str = ""
    notes: str = ""
    task: bool = False
    whole: bool = False
    meets: Callable[[str], bool] | None = None
    truth: Callable[[], str] | None = None


class Draw:
    """Random choices; those of training and of measurement are from different rows of each table.

    :param sound: the draft to make has no flaw.
    """

    def __init__(self, rng: Random, *, held_out: bool, sound: bool = False) -> None:
        self.rng, self.held_out, self.sound = rng, held_out, sound

    def row(self, rows: Sequence[T]) -> T:
        """Return one of the rows of this side: each fifth row is for measurement."""
        own = [row for place, row in enumerate(rows) if (place % HELD == HELD - 1) == self.held_out]
        return self.rng.choice(own)

    def side(self, training: Sequence[T], held: Sequence[T]) -> T:
        """Return one of the items of this side's sequence."""
        return self.rng.choice(held if self.held_out else training)

    def any(self, items: Sequence[T]) -> T:
        """Return any item, for parts that both sides share, such as numbers."""
        return self.rng.choice(items)

    def chance(self, share: float) -> bool:
        """Return true in this share of calls."""
        return self.rng.random() < share

    def own(self, key: str) -> bool:
        """Return whether an instance, such as a sum with its numbers, belongs to this side."""
        return (zlib.crc32(key.encode()) % HELD == 0) == self.held_out

    def name(self) -> str:
        """Return a first name."""
        return self.row(NAMES.split())


def held_rows(rows: Sequence[T]) -> list[T]:
    """Return the rows that are for measurement."""
    return list(rows[HELD - 1 :: HELD])


def sentence(text: str) -> str:
    """Return a text with a capital at its beginning and a stop at its end."""
    text = AN.sub("an ", text.strip())
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def has(text: str, part: str) -> bool:
    """Return whether a text has a part as whole words; a part without letters or digits as it stands."""
    before, after = (
        (r"(?<![\w.])(?<!(?<!\w)-)" if part[:1].isalnum() else ""),
        (r"(?!\w|[.,:]\d)" if part[-1:].isalnum() else ""),
    )
    return re.search(before + re.escape(part) + after, text, flags=re.IGNORECASE) is not None


def without_article(text: str) -> str:
    """Return a value without its article, which a right answer may change."""
    return re.sub(r"^(?:an?|the) (?=\w)", "", text)


def of_value(
    kind: str, draw: Draw, question: str, say: str, right: str, wrong: str, *, topic: str = "",
    bare: float = 0.35, truth: Callable[[], str] | None = None, whole: bool = True,
) -> Case:  # fmt: skip
    """Return a case whose draft states one value.

    :param say: the statement, with ``{v}`` for the value.
    :param bare: share of drafts that are the value alone.
    :param truth: computes the right value in another way, for the check.
    :param whole: the statement can be understood without the question.
    """
    around = _AROUND.search(say)  # a sign of money or percent, or quotes, belong to the value
    before, after = around.groups() if around else ("", "")
    stated = sentence(say.replace("{v}", right))
    value = f"{before}{right if draw.sound else wrong}{after}"
    alone = draw.chance(bare)
    drafted = sentence(say.replace(f"{before}{{v}}{after}", value))
    draft = (value if value[:1].islower() else f"{value}.") if alone else drafted
    flaw = "" if draw.sound else f"{stated.rstrip('.')}, not {value}."
    right, wrong = without_article(right), without_article(wrong)
    same = wrong.casefold() == right.casefold() and wrong not in stated  # they differ by their case alone
    lacks = () if draw.sound or (has(f"{question} {stated}", wrong) and not same) else (wrong,)
    return Case(
        kind, question, draft, stated, flaw, (right,), lacks, topic, value, truth=truth, whole=whole and not alone
    )
