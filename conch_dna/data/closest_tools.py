"""The tools that share words with a request: a hint for small students, which find tools they know and not new ones."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST = 4  # letters of a word that counts; shorter ones are mostly articles and prepositions
EMPTY = {  # longer words that say nothing about a tool
    "about", "could", "does", "from", "have", "here", "into", "like", "need", "please", "said", "should", "some",
    "that", "them", "there", "they", "this", "want", "what", "when", "which", "will", "with", "would", "your",
}  # fmt: skip
STEM = 5  # first letters of a word that are compared, so that endings make no difference
MOST = 3  # tools that are named
NEAR = 0.5  # share of the best score that a further tool needs
EVEN = 4  # is added to the length of a signature, so that a tool with few words does not win by one of them
_WORD = re.compile(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+")  # one word of camelCase too


class ClosestTools:
    """A search among tools for those that share words with a request.

    The score of a tool is the sum of ``log(1 + N / n)`` over the shared words, where n of the N tools have the word
    (inverse document frequency, Spärck Jones 1972), over the root of the signature's number of words.

    :param signatures: of the tools, see :func:`conch_dna.data.tool_form.signature`.
    """

    def __init__(self, signatures: Sequence[str]) -> None:
        self._known = [_stems(signature) for signature in signatures]
        spread = Counter(stem for stems in self._known for stem in stems)
        self._weights = {stem: math.log(1 + len(self._known) / count) for stem, count in spread.items()}

    def __call__(self, request: str) -> list[int]:
        """Return the indices of the closest tools, the closest first, at most 3.

        Tools with less than half of the best score are left out, and those of equal score keep their order.
        """
        asked = _stems(request)
        scores = [
            math.fsum(self._weights[stem] for stem in stems & asked) / math.sqrt(EVEN + len(stems))
            for stems in self._known
        ]
        order = sorted(range(len(scores)), key=lambda place: -scores[place])[:MOST]
        return [place for place in order if scores[place] > 0 and scores[place] >= NEAR * scores[order[0]]]


def _stems(text: str) -> set[str]:
    found = (word.casefold() for word in _WORD.findall(text))
    return {word[:STEM] for word in found if len(word) >= LEAST and word not in EMPTY}
