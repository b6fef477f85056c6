"""Near-duplicate search: Jaccard similarity of word 3-grams, with an inverted index."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from conch_dna.util.text import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conch_dna.records import Prompt

SIZE = 3
THRESHOLD = 0.5

Grams = frozenset[tuple[str, ...]]


class Overlap(NamedTuple):
    """An indexed text that is similar to the candidate; ``similarity`` is in (0, 1]."""

    place: int
    similarity: float


class Pair(NamedTuple):
    """Indices of two texts, ``first`` before ``second``, and their similarity in (0, 1]."""

    first: int
    second: int
    similarity: float


class Index:
    """Inverted index of texts by 3-gram; a look-up is linear in the postings of its grams, not in the number of texts.

    :param texts: the first texts, with indices 0, 1, …
    :ivar sizes: the number of grams of each text.
    :ivar places: indices of the texts that contain each gram.
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self.sizes: list[int] = []
        self.places: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        for text in texts:
            self.add(text)

    def add(self, text: str) -> None:
        """Add a text with the next index."""
        grams = _grams(text)
        for gram in grams:
            self.places[gram].append(len(self.sizes))
        self.sizes.append(len(grams))


def overlaps(candidate: str, index: Index, threshold: float = THRESHOLD) -> list[Overlap]:
    """Return the texts with at least ``threshold`` similarity to ``candidate``, the most similar first."""
    grams = _grams(candidate)
    shared = Counter(place for gram in grams for place in index.places.get(gram, ()))
    found = [Overlap(place, n / (len(grams) + index.sizes[place] - n)) for place, n in shared.items()]
    return sorted((o for o in found if o.similarity >= threshold), key=lambda o: (-o.similarity, o.place))


def near_duplicates(prompts: Sequence[Prompt], threshold: float = THRESHOLD) -> list[Pair]:
    """Return all pairs of ``prompts`` with at least ``threshold`` similarity over all turns, ordered by index."""
    index = Index()
    pairs = []
    for place, prompt in enumerate(prompts):
        pairs += [Pair(other, place, similarity) for other, similarity in overlaps(prompt.text, index, threshold)]
        index.add(prompt.text)
    return sorted(pairs)


def _grams(text: str) -> Grams:
    """Return the word 3-grams; a shorter text is a single gram, a text without words its characters."""
    found = tuple(words(text)) or (text.strip(),)
    return frozenset(found[i : i + SIZE] for i in range(max(1, len(found) - SIZE + 1)))
