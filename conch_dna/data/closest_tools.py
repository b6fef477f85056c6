"""Which tools share words with a request: a hint for small students, which find tools they know and not new ones."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING

from conch_dna.util.text import words

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST = 4  # letters of a word that counts; shorter ones are mostly articles and prepositions
EMPTY = frozenset(  # longer words that say nothing about a tool
    words(
        "about could does from have here into like need please said should some that them there they this want what "
        "when which will with would your"
    )
)
STEM = 5  # first letters of a word that are compared, so that endings make no difference
MOST = 3  # tools that are named
NEAR = 0.5  # share of the best score that a further tool needs
EVEN = 4  # is added to the length of a signature, so that a tool with few words does not win by one of them
_WORD = re.compile(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+")  # one word of camelCase too


def closest(request: str, signatures: Sequence[str]) -> list[int]:
    """Return the indices of the tools whose signatures share words with a request, the closest first, at most 3.

    The score is the sum of ``log(1 + N / n)`` over the shared words, where n of the N tools have the word (inverse
    document frequency, Spärck Jones 1972), over the root of the signature's number of words. Tools with less than half
    of the best score are left out, and those of equal score keep their order.
    """
    asked, known = _stems(request), [_stems(signature) for signature in signatures]
    spread = Counter(stem for stems in known for stem in stems)
    scores = [
        math.fsum(math.log(1 + len(known) / spread[stem]) for stem in stems & asked) / math.sqrt(EVEN + len(stems))
        for stems in known
    ]
    order = sorted(range(len(scores)), key=lambda place: -scores[place])[:MOST]
    return [place for place in order if scores[place] > 0 and scores[place] >= NEAR * scores[order[0]]]


def _stems(text: str) -> set[str]:
    found = (word.casefold() for word in _WORD.findall(text))
    return {word[:STEM] for word in found if len(word) >= LEAST and word not in EMPTY}
