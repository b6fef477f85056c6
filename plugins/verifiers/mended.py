"""The ``mended`` verifier: the response finds the draft's flaw, or that there is none, and gives the right answer."""

from __future__ import annotations

import re
import unicodedata
from itertools import takewhile
from typing import TYPE_CHECKING

from conch_dna import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from conch_dna.domains.domain import Domain
    from conch_dna.plugin.protocols import Verifier
    from conch_dna.records import Prompt

Token = str | float

_FORM = re.compile(r"\bflaw\W*?:(?P<flaw>.*?)\bbetter\W*?:(?P<better>.*?)(?=\n\W*flaw\b|\Z)", re.IGNORECASE | re.DOTALL)
_NO_FLAW = re.compile(
    r"(?:there (?:is|are) )?(?:none|nothing(?: is)?(?: wrong)?|no (?:flaw|error|mistake|problem)s?)"
    r"(?: (?:found|here|at all))?(?:\s*[,.;:(].*)?",
    re.IGNORECASE | re.DOTALL,
)
_SOUND = re.compile(r"flaw:\s*none", re.IGNORECASE)  # the text of a reference for a draft without a flaw
# A time is no number, and a dash after a word is no minus sign.
_TOKEN = re.compile(
    r"(?P<time>\d{1,2}:\d\d(?!\d))|(?P<place>\d+(?:st|nd|rd|th)\b)"
    r"|(?P<number>(?:(?<![\w)])-)?(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|(?<!\w)\.\d+))|(?P<word>[^\W\d_]\w*)"
)
_CODE = re.compile(r"[()\[\]{}<>=!_*#@|\\]|\+\+")
_QUOTES = str.maketrans("\u2018\u2019\u201c\u201d\u2212", "''\"\"-")  # curly quotes and the minus sign
# A quotation opens after a blank or a bracket and closes before one, so an apostrophe is no end of it.
_QUOTED = re.compile(r"(?<![\w])\"(.+?)\"(?!\w)|(?<![\w])'(.+?)'(?!\w)", re.DOTALL)
_AFTER_COLON = re.compile(r"[:>]\s(?=\S)")
_ENDINGS = re.compile(r"[.!?](?=\s)|\s\(|$", re.MULTILINE)
_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SPELT = {
    word: start + step * place
    for row, start, step in ((_ONES, 0, 1), (_TENS, 20, 10))
    for place, word in enumerate(row.split())
}
_PLACES = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
_PLACE = {word: f"{n}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(n, 'th') }" for n, word in enumerate(_PLACES.split(), 1)}
_STEM = 4  # letters of the shortest text that a longer word may have: "brakes" has "brake", but "iced" has no "ice"


def mended(prompt: Prompt, response: str, domain: Domain) -> dict[str, float] | None:  # noqa: ARG001 - the hook's signature
    """Check the verdict after ``Flaw:`` and the answer after ``Better:`` against ``contains`` and ``lacks``.

    ``Flaw: none`` in ``contains`` says that the draft is right. A text that is contained in one case and lacked in
    another is compared with its case, all others without.

    :returns: ``right``, that both parts are; ``verdict right``; ``answer right``, that the answer contains and lacks
        what it must. Without ``lacks`` it must not be the draft either, if that has a flaw.
    """
    lacks = prompt.reference.lacks
    contains = [part for part in prompt.reference.contains if not _SOUND.fullmatch(part.strip())]
    sound = len(contains) < len(prompt.reference.contains)
    if not prompt.reference.contains and not lacks:
        return None
    found = _FORM.search(response)
    flaw, better = (found["flaw"].strip(' \t\n*_."'), found["better"].strip(" \t\n*_")) if found else ("", "")
    verdict = bool(flaw) and (_NO_FLAW.fullmatch(flaw) is not None) == sound
    cased = {part.casefold() for part in contains} & {part.casefold() for part in lacks}
    answer = (
        bool(better)
        and all(_has(better, part, cased=part.casefold() in cased) for part in contains)
        and not any(_has(better, part, cased=part.casefold() in cased, stem=False) for part in lacks)
        and (sound or bool(lacks) or not _repeats(better, prompt))
    )
    return {"right": float(verdict and answer), "verdict right": float(verdict), "answer right": float(answer)}


def _has(text: str, part: str, *, cased: bool, stem: bool = True) -> bool:
    """Return whether a text has a part: whole words, and numbers by their value; code and signs as they stand.

    :param stem: let the beginning of a word stand for it.
    """
    text, part = _plain(text, cased=cased), _plain(part, cased=cased)
    wanted = list(_tokens(part))
    if _CODE.search(part) or not wanted:
        before, after = (r"(?<!\w)" if part[:1].isalnum() else ""), (r"(?!\w)" if part[-1:].isalnum() else "")
        return re.search(before + r"\s*".join(map(re.escape, part.replace(" ", ""))) + after, text) is not None
    there = list(_tokens(text))
    ends = range(len(wanted), len(there) + 1)
    return any(all(map(_same, there[end - len(wanted) : end], wanted, [stem] * len(wanted))) for end in ends)


def _same(there: Token, wanted: Token, stem: bool) -> bool:
    if isinstance(there, str) and isinstance(wanted, str):
        longer = stem and len(wanted) >= _STEM and there.removeprefix("un").startswith(wanted)
        return there == wanted or longer
    return type(there) is type(wanted) and there == wanted


def _tokens(text: str) -> Iterator[Token]:
    """Yield words, times as text, and numbers, spelt ones among them; ``and`` is left out, as lists may do."""
    tens: float | None = None
    for match in _TOKEN.finditer(text):
        token = match[0]
        value = _SPELT.get(token.casefold())
        if tens is not None and (value is None or not 0 < value < 10):
            yield tens
            tens = None
        if match["number"]:
            yield float(token.replace(",", ""))
        elif value is not None and value >= 20:
            tens = float(value)
        elif value is not None:
            yield (tens or 0.0) + value
            tens = None
        elif token.casefold() != "and":
            yield _PLACE.get(token.casefold(), token)
    if tens is not None:
        yield tens


def _plain(text: str, *, cased: bool) -> str:
    """Return the text with plain quotes and blanks, ``pm`` for ``p.m.``, and without case."""
    text = " ".join(unicodedata.normalize("NFKC", text).translate(_QUOTES).split())
    text = re.sub(r"\b([ap])\.m\b\.?", r"\1m", text, flags=re.IGNORECASE)
    text = re.sub(r"(?<=\d):00(?=\s?[ap]m\b)", "", text, flags=re.IGNORECASE)
    return text if cased else text.casefold()


def _repeats(better: str, prompt: Prompt) -> bool:
    """Return whether an answer is the draft: a whole turn, a quotation, or what follows a colon in the prompt."""
    said = _bare(better)
    return any(said == _bare(piece) for message in prompt.messages for piece in _pieces(message.content))


def _pieces(text: str) -> Iterator[str]:
    text = unicodedata.normalize("NFKC", text).translate(_QUOTES)
    yield text
    for match in _QUOTED.finditer(text):
        yield match[1] or match[2]
    for colon in _AFTER_COLON.finditer(text):
        rest = text[colon.end() :]
        line = "".join(takewhile(lambda sign: sign != "\n", rest))
        yield from (line[: end.start()] for end in _ENDINGS.finditer(line) if line[0] not in "\"'")


def _bare(text: str) -> str:
    """Return a text without quotes, final stops and the case of its first letter, which a repetition may change."""
    text = " ".join(unicodedata.normalize("NFKC", text).translate(_QUOTES).split()).strip(" \"'.!?")
    return text[:1].casefold() + text[1:]


@hookimpl
def register_verifiers() -> Mapping[str, Verifier]:
    """Provide the verifier."""
    return {"mended": mended}
