"""Statistics of a domain's prompts."""

from __future__ import annotations

from collections import Counter
from statistics import fmean
from typing import TYPE_CHECKING

from conch_dna.data.splits import position
from conch_dna.domains.near_duplicates import near_duplicates
from conch_dna.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conch_dna.records import Prompt


class Words(Record):
    """Numbers of words in texts."""

    fewest: int
    mean: float
    most: int


class Start(Record):
    """The most common first two words, and the share of prompts that begin with them."""

    words: str
    share: float


class Stats(Record):
    """Statistics of one domain's prompts."""

    prompts: int
    words: Words
    turns: dict[int, int]
    held_out: float
    near_duplicates: int
    commonest_start: Start
    sources: dict[str, int]
    references: dict[str, int]


def words_of(texts: Iterable[str]) -> Words:
    """Return the least, mean and most words of texts, of which there must be at least one."""
    counts = [len(text.split()) for text in texts]
    return Words(fewest=min(counts), mean=round(fmean(counts), 1), most=max(counts))


def stats_of(prompts: Sequence[Prompt], held_out: float) -> Stats:
    """Return the statistics of ``prompts``, which must not be empty.

    :param held_out: the share of held-out prompts in the settings.
    """
    starts = Counter(" ".join(prompt.messages[-1].content.casefold().split()[:2]) for prompt in prompts)
    start, times = starts.most_common(1)[0]
    kinds = Counter(kind for prompt in prompts for kind in prompt.reference.model_dump(exclude_defaults=True))
    return Stats(
        prompts=len(prompts),
        words=words_of(prompt.text for prompt in prompts),
        turns=dict(sorted(Counter(len(prompt.messages) for prompt in prompts).items())),
        held_out=sum(position(prompt.digest) < held_out for prompt in prompts) / len(prompts),
        near_duplicates=len(near_duplicates(prompts)),
        commonest_start=Start(words=start, share=times / len(prompts)),
        sources=dict(Counter(prompt.source for prompt in prompts).most_common()),
        references=dict(kinds.most_common()),
    )
