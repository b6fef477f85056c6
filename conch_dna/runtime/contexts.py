"""Shared contexts of requests: those in the prompt cache, and those that the batch is computing now.

A request's *context* is the part of its prompt that only the base reads: for the base all but the last token, for a
neuron that shares its base's context (:mod:`conch_dna.data.alora`) all before the invocation tokens, for any other
neuron nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from conch_dna.runtime.prompt_cache import LEAST, shared_length

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conch_dna.runtime.prompt_cache import Key, PromptCache
    from conch_dna.runtime.request import Request

WORTH = 0.5  # a request waits for a context that saves at least this share of its own


@dataclass
class Computing:
    """A context that the batch is computing.

    :param tokens_T: its tokens, int64.
    :param sharing: the name of those who share it.
    :param activated: whether it belongs to a neuron; requests for the base do not wait for one another.
    :param awaited: whether a request waits for it.
    """

    tokens_T: np.ndarray
    sharing: str
    activated: bool
    awaited: bool = False


class Contexts:
    """The contexts of one engine; use it only from the thread that runs the model.

    :param prompt_cache: holds the contexts that are complete.
    :param base: digest of the base.
    """

    def __init__(self, prompt_cache: PromptCache, base: str) -> None:
        self._cache, self._base = prompt_cache, base
        self._computing: dict[int, Computing] = {}

    def known(self, request: Request) -> tuple[int, list[Any] | None]:
        """Return the number of a request's first tokens that are cached, and their caches, as ``PromptCache.fetch``."""
        return self._cache.fetch(*self._sought(request))

    def begin(self, uid: int, request: Request, known: int) -> None:
        """Record that the batch computes a request's context after its ``known`` first tokens."""
        if self._cache.plain and request.context - known >= LEAST:
            tokens_T = np.asarray(request.prompt[: request.context])
            self._computing[uid] = Computing(tokens_T, request.sharing, request.activated)

    def end(self, uid: int) -> Computing | None:
        """Return and forget the record of a request whose context is complete or left the batch."""
        return self._computing.pop(uid, None)

    def must_wait(self, request: Request) -> bool:
        """Return whether the batch computes at least half of a request's context; if so, mark it as awaited."""
        shared = [c for c in self._computing.values() if c.sharing == request.sharing]
        others = [c for c in shared if c.activated or request.activated]
        if not others or request.context < LEAST:
            return False
        tokens_T = np.asarray(request.prompt[: request.context])
        length, longest = max(((shared_length(c.tokens_T, tokens_T), c) for c in others), key=lambda pair: pair[0])
        if length < max(LEAST, WORTH * request.context):  # checked before the prompt cache, whose lookup costs more
            return False
        known = self._cache.known(*self._sought(request))
        if length - known < max(LEAST, WORTH * (request.context - known)):
            return False
        longest.awaited = True
        return True

    def worth_keeping(self, context: Computing) -> bool:
        """Return whether a complete context should be copied out of the batch."""
        return context.awaited or (context.activated and self._cache.max_bytes > 0)

    def keep(self, context: Computing, caches: Sequence[Any]) -> None:
        """Store a complete context's caches; requests that waited get them even if they exceed the budget."""
        self._cache.store((self._base, None, context.sharing), context.tokens_T, caches, lend=context.awaited)

    def keep_answer(self, request: Request, tokens: Sequence[int], caches: Sequence[Any]) -> None:
        """Store the caches of a whole sequence, unless the base read one part of it and a neuron the other.

        Such a mixed sequence has no reusable rest: the base's part is stored already, and in a longer prompt the
        invocation tokens come later, so the base must read what the neuron has read here.
        """
        if not (request.activated and request.context):
            self._cache.store((self._base, request.digest, request.sharing), tokens, caches)

    def take_back(self) -> None:
        """Drop the caches that were kept only for waiting requests."""
        self._cache.lent.clear()

    def _sought(self, request: Request) -> tuple[Key, Sequence[int]]:
        """Return the cache key of a request and the tokens to look up, the last of which is always computed."""
        if request.context:
            return (self._base, None, request.sharing), request.prompt[: request.context + 1]
        return (self._base, request.digest, request.sharing), request.prompt
