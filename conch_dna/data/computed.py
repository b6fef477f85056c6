"""Computed spans in training: the parts of an answer that a processor computes at run time carry no loss."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import replace
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from conch_dna.align.offsets import byte_spans
from conch_dna.align.vocabulary import vocabulary_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conch_dna.align.vocabulary import Vocabulary
    from conch_dna.data.tokens import Example
    from conch_dna.plugin.protocols import SpanProcessor

# What stands in the place of a result: a word with a blank before it, without the punctuation after it.
OTHER_RESULT = re.compile(r"[ \t]?[^\s]*[^\s.,;:!?)\]]")
GOES_ON = re.compile(r"[0-9]|[.,:][0-9]")  # after a number, the rest of a longer one


def computed_spans(text: str, processors: Sequence[SpanProcessor]) -> list[tuple[int, int]]:
    """Return the half-open character ranges of an answer that are computed at run time, in order.

    An answer may have another text where a processor computes one, such as a wrong result. The word there is a span
    too, since no model is ever asked for it.
    """
    spans: list[tuple[int, int]] = []
    place = 1
    while place < len(text):
        before = text[:place]
        found = next((found for processor in processors if (found := processor(before))), None)
        end = place
        if found is not None:
            end = place + len(found)
            if not text.startswith(found, place) or (text[end - 1].isdigit() and GOES_ON.match(text, end)):
                other = OTHER_RESULT.match(text, place)
                end = other.end() if other else place
        if end > place:
            spans.append((place, end))
        place = max(end, place + 1)
    return spans


@lru_cache(maxsize=8)
def _vocabulary(tokenizer: Any) -> Vocabulary:
    """Return a tokenizer's vocabulary; to find it anew costs a tenth of a second for each example."""
    return vocabulary_of(tokenizer)


def without_computed(tokenizer: Any, example: Example, processors: Sequence[SpanProcessor]) -> Example:
    """Return an example whose last turn is not trained on the tokens that lie inside computed spans.

    A token with text on both sides of a span's border stays trained.

    :raises ConchError: the tokenizer's tokens cannot be written as bytes.
    """
    if not processors:
        return example
    answer = byte_spans(_vocabulary(tokenizer), example.answer_ids)
    text = answer.text.decode(errors="replace")
    offsets = [0, *accumulate(len(character.encode()) for character in text)]
    ranges = [(offsets[start], offsets[end]) for start, end in computed_spans(text, processors)]
    starts = [start for start, _ in ranges]
    computed, size = [], 0
    for place, (start, end) in enumerate(zip(answer.starts_T.tolist(), answer.ends_T.tolist(), strict=True)):
        index = bisect_right(starts, start) - 1
        if index >= 0 and start < end <= ranges[index][1]:
            computed.append(example.answer_start + place)
            size += end - start
    hidden = set(computed)
    trained = tuple(here and place not in hidden for place, here in enumerate(example.trained))
    return replace(example, trained=trained, computed=tuple(computed), answer_bytes=example.answer_bytes - size)
