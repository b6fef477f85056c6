"""Facts: the comparison of those in a response with those of its reference."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conch_dna.util.numbers import NUMBER, in_digits, value_of
from conch_dna.util.text import lines, words

if TYPE_CHECKING:
    from conch_dna.domains.domain import Domain
    from conch_dna.records import Prompt

NOTHING = "nothing to remember"
LONGEST_FACT = 10  # words; a copy of a message of at most as many words may be its fact
LONGEST_COPY = 20  # words in a row that a response may take from a message

_WORD = re.compile(r"[^\W\d_]+")
_BULLET = re.compile(r"^[-*\u2022]\s*")
_ITEM = re.compile(r"^\s*\d{1,2}[.)]\s+", re.MULTILINE)  # the number of a list item is not a fact
# The first word of a sentence, or of a line after its bullet or number, is capitalised even if it is not a name.
_OPENING = re.compile(r"(?:^|[.!?:]['\")\]*]*\s)[\W\d_]*[^\W\d_]+", re.MULTILINE)
_TIME = re.compile(r"(?<![\d.,:])0?(\d{1,2})[.:](\d\d)(?![\d.,:]*\d)")
_CALENDAR = (
    "monday tuesday wednesday thursday friday saturday sunday "
    "january february march april june july august september october november december"
)
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth"
# Words of a conversation that may be a number in an answer.
_COUNTS = {word: place for place, word in enumerate(_ORDINALS.split(), 1)} | {
    "one": 1, "once": 1, "single": 1, "twice": 2, "both": 2, "couple": 2, "pair": 2, "dozen": 12, "noon": 12,
    "midnight": 12,
}  # fmt: skip
_DENIES = re.compile(r"\b(?:not|never|cannot|no longer)\b|n't\b")
# Words with which a conversation may say no to something.
_REFUSES = re.compile(
    r"\b(?:no|not|never|none|nobody|nothing|neither|nor|without|cannot|cant|dont|wont|isnt|except|only|instead|rather|"
    r"over|than|avoid\w*|allerg\w*|intoleran\w*|hat(?:e|es|ed|ing)|dislik\w*|stop\w*|quit\w*|g[ai]v\w+ up|forg[eo]\w*|"
    r"drop\w*|delet\w*|remov\w*|cancel\w*|scrap\w*|wipe\w*|off|out|free|refus\w*|wrong|chang\w*|switch\w*|moved?|"
    r"used to|until|before|after|unless|less|few|bor(?:es|ed|ing)|spare|away|bad|worse|worst|awful\w*|afraid|scared|"
    r"impossible|forbidden|miss\w*|broke\w*|hard|fail\w*|ill|rash|sick|safe|ban\w*|skip\w*|leave|left|lost|old|"
    r"anymore|any more)\b|n['\u2019]t\b"
)


def compared(prompt: Prompt, response: str, domain: Domain) -> dict[str, float]:
    """Return the figures of a response; see the verifier ``facts``."""
    wanted = prompt.reference
    said = [_BULLET.sub("", line).rstrip(".!").casefold() for line in lines(response)]
    invented = bool(invented_in(response, prompt.text))
    if wanted.contains == (NOTHING,):
        kept, sound = float(said == [NOTHING]), True
    else:
        kept = sum(occurs(part, response) for part in wanted.contains) / len(wanted.contains)
        sound = NOTHING not in said and not _denies(prompt, response)
    sound = sound and not any(occurs(part, response) for part in wanted.lacks)
    sound = sound and len(words(response)) <= domain.settings.length.max and not _copies(prompt, response)
    return {"right": float(kept == 1 and sound and not invented), "facts kept": kept, "facts invented": float(invented)}


def occurs(part: str, text: str) -> bool:
    """Return whether a text has a part that starts with a word of its own: a name, a number, the stem of a word.

    "8" does not occur in "18" or "8.5", nor "go" in "good"; stems have at least four letters.
    """
    wanted = _plain(part)
    end = r"(?![\w]|[.,:]\d)" if wanted[-1].isdecimal() else r"(?!\w)" if len(wanted.split()[-1]) < 3 else ""
    if not end and len(words(wanted)[-1]) == 3:
        end = r"(?:e?s)?(?!\w)"
    start = r"(?<!\w)(?<!\d[.,:])" if wanted[0].isalnum() else ""
    return re.search(start + re.escape(wanted) + end, _plain(text)) is not None


def invented_in(answer: str, prompt: str) -> list[str]:
    """Return the numbers, and the names inside sentences, that occur in the answer but not in the prompt.

    Both may write a number in words or a time with another separator. A name may be a short form or the plural of a
    word of the prompt, or the full name of a day or month.
    """
    told = {"user", *_WORD.findall(prompt.casefold())}
    numbers = _numbers(prompt) | _numbers(in_digits(prompt)) | {_COUNTS[word] for word in told if word in _COUNTS}
    names = {w for w in _WORD.findall(_OPENING.sub(" ", answer)) if w[0].isupper() and w[1:].islower() and len(w) > 2}
    new_numbers = {f"{number:g}" for number in _numbers(in_digits(_ITEM.sub("", answer)), times=False) - numbers}
    return sorted(new_numbers | {name for name in names if not _known(name.casefold(), told)})


def _plain(text: str) -> str:
    """Return a text in the form in which parts are compared: 4,000 is 4000, 06.15 is 6:15, 8pm is 8 pm, 3rd is 3."""
    text = in_digits(" ".join(text.split()).replace("\u2019", "'"))
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", _TIME.sub(r"\1:\2", text))
    text = re.sub(r"(?<=\d)(?:st|nd|rd|th)\b", "", text)
    return re.sub(r"(?<=\d)(?=[^\W\d_])", " ", text)


def _numbers(text: str, *, times: bool = True) -> set[float]:
    """Return the absolute numbers of a text; a time counts as hours with minutes after a decimal point.

    :param times: add the parts of a time as separate numbers.
    """
    found = NUMBER.findall(re.sub(r"(?<=\d):(?=\d\d)", ".", text)) + (NUMBER.findall(text) if times else [])
    return {abs(value_of(number)) for number in found}


def _known(name: str, told: set[str]) -> bool:
    short = name in _CALENDAR.split() and any(name.startswith(word) for word in told if len(word) >= 3)
    return short or any(word.startswith(name) or name == f"{word}s" for word in told)


def _copies(prompt: Prompt, response: str) -> bool:
    """Return whether a response has a whole conversation, or a message of the user or long passage of it.

    A single short message may be a fact as it stands.
    """
    said = f" {' '.join(words(response))} "
    if len(prompt.messages) > 1 and f" {' '.join(words(prompt.text))} " in said:
        return True
    for message in prompt.messages:
        told = words(message.content) if message.role == "user" else []
        size = min(len(told), LONGEST_COPY)
        passages = (told[start : start + size] for start in range(len(told) - size + 1))
        if size > LONGEST_FACT and any(f" {' '.join(passage)} " in said for passage in passages):
            return True
    return False


def _denies(prompt: Prompt, response: str) -> bool:
    """Return whether a response says no to a fact of a conversation that says no to nothing."""
    if _DENIES.search(response.casefold().replace("\u2019", "'")) is None:
        return False
    return _REFUSES.search(prompt.text.casefold()) is None
