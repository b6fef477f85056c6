"""Computed spans: parts of an answer that a processor computes are forced while a neuron answers."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import mlx.core as mx
import structlog

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from conch_dna.plugin.protocols import SpanProcessor
    from conch_dna.runtime.neuron_cache import Blend, Version

TAIL = 64  # tokens before a span that are encoded with it, so that it is split as in a whole text
log = structlog.get_logger()


class ComputedSpans:
    """A logits processor for one answer; it follows the tokens and must not be shared.

    After each token it asks the processors for the text that must come next, and forces the tokens of that text one by
    one. It must be the last processor of its sequence: a token that an earlier one forbids is not forced, and the rest
    of that span is left to the model.

    :param tokenizer: the base's, of mlx-lm.
    :param processors: asked in order; the first text counts.
    :param detokenizer: a new one of that tokenizer; making one reads the whole vocabulary.
    """

    def __init__(self, tokenizer: Any, processors: Sequence[SpanProcessor], detokenizer: Any = None) -> None:
        self._tokenizer, self._processors = tokenizer, tuple(processors)
        self._detokenizer = tokenizer.detokenizer if detokenizer is None else detokenizer
        self._ends = set(tokenizer.eos_token_ids)
        self._tokens: list[int] = []
        self._forced: list[int] = []  # the tokens that must come next, the last one first
        self._begun = False
        self._asked = 0  # characters of the answer that the processors have seen

    def __call__(self, tokens_T: mx.array, logits_1V: mx.array) -> mx.array:
        """Return the logits with minus infinity for every token but the forced one, if there is one.

        :param tokens_T: prompt and answer so far.
        """
        if self._begun:
            self._follow(int(tokens_T[-1]))
        self._begun = True
        if not self._forced:
            return logits_1V
        token = self._forced[-1]
        if not mx.isfinite(logits_1V[0, token]).item():
            self._forced = []
            return logits_1V
        return mx.where(mx.arange(logits_1V.shape[-1]) == token, logits_1V, -mx.inf)

    def _follow(self, token: int) -> None:
        """Take the token that was chosen, and compute what must follow it."""
        self._tokens.append(token)
        if token in self._ends:
            self._forced = []
            return
        self._detokenizer.add_token(token)
        if self._forced:
            self._forced = self._forced[:-1] if token == self._forced[-1] else []
        text = self._detokenizer.text
        if not self._forced and len(text) > self._asked:  # a token may show its text only with the next one
            self._asked = len(text)
            if (following := self._computed(text)) is not None:
                self._forced = self._encoded(following)[::-1]

    def _computed(self, text: str) -> str | None:
        """Return what must follow; a processor that raises is not asked again, since an error would end the batch."""
        for processor in self._processors:
            try:
                found = processor(text)
            except Exception as fault:  # noqa: BLE001 - a plug-in may raise anything
                log.warning("processor_failed", processor=repr(processor), fault=repr(fault))
                self._processors = tuple(other for other in self._processors if other is not processor)
                continue
            if found:
                return found
        return None

    def _encoded(self, text: str) -> list[int]:
        """Return the tokens that continue the answer with exactly ``text``; nothing if there are none."""
        tail = self._tokens[-TAIL:]
        before = self._tokenizer.decode(tail)
        for found in self._candidates(tail, before, text):
            if found and self._tokenizer.decode([*tail, *found]) == before + text:
                return found
        return []

    def _candidates(self, tail: list[int], before: str, text: str) -> Iterator[list[int]]:
        """Yield the text's tokens after the answer, as in a whole text, and those of the text alone."""
        together = self._tokenizer.encode(before + text, add_special_tokens=False)
        if together[: len(tail)] == tail:
            yield together[len(tail) :]
        yield self._tokenizer.encode(text, add_special_tokens=False)


class SpanProcessors:
    """The processors of a runtime, for the neurons that were trained with them.

    :param available: processors by name; by default those of the bundled and installed plug-ins, which are loaded when
        a neuron first needs one.
    """

    def __init__(self, tokenizer: Any, available: Mapping[str, SpanProcessor] | None = None) -> None:
        self._tokenizer, self._available = tokenizer, available
        self._reported: set[tuple[str, str]] = set()
        self._detokenizer: Any = None

    def of(self, wanted: Version | Blend | None) -> list[ComputedSpans]:
        """Return the logits processors of one answer of a neuron: one, or none for the base."""
        return [] if wanted is None else self.named(wanted.processors, wanted.ref)

    def named(self, names: Sequence[str], neuron: str) -> list[ComputedSpans]:
        """Return the logits processors of one answer: one, or none if no processor is named or available.

        A processor that is not available is logged once for each neuron, which then guesses these spans.
        """
        if not names:
            return []
        if self._available is None:
            from conch_dna.plugin.manager import load_plugins  # most neurons need no processor

            self._available = load_plugins().catalog.all("processors")
        for name in names:
            if name not in self._available and (neuron, name) not in self._reported:
                self._reported.add((neuron, name))
                log.warning("processor_missing", neuron=neuron, processor=name)
        found = [self._available[name] for name in names if name in self._available]
        return [ComputedSpans(self._tokenizer, found, self._new_detokenizer())] if found else []

    def _new_detokenizer(self) -> Any:
        """Return a detokenizer that shares the vocabulary of the others."""
        if self._detokenizer is None:
            self._detokenizer = self._tokenizer.detokenizer
        fresh = copy.copy(self._detokenizer)
        fresh.reset()
        return fresh
