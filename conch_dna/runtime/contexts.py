"""What requests need not compute: what the prompt cache has, and contexts that the batch is computing for others.

A request's *context* is what the base alone reads of its prompt: for the base all but the last token, for a neuron that
shares its base's context (:mod:`conch_dna.data.alora`) all before the invocation tokens, for any other neuron nothing.
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

WORTH = 0.5  # share of what it would compute of its context that makes a request wait for another's


@dataclass
class Computing:
    """A context in the batch.

    :param tokens_T: its tokens, int64.
    :param activated: whether it is that of a neuron; requests for the base do not wait for one another.
    :param awaited: whether a request has been held back for it.
    """

    tokens_T: np.ndarray
    activated: bool
    awaited: bool = False


class Contexts:
    """The contexts of one engine; to be used by the thread that runs the model alone.

    :param prompt_cache: where those that were computed are.
    :param base: digest of the base.
    """

    def __init__(self, prompt_cache: PromptCache, base: str) -> None:
        self._cache, self._base = prompt_cache, base
        self._computing: dict[int, Computing] = {}

    def known(self, request: Request) -> tuple[int, list[Any] | None]:
        """Return how many of a request's first tokens need not be computed, and their caches, as the prompt cache."""
        return self._cache.fetch(*self._sought(request))

    def begin(self, uid: int, request: Request, known: int) -> None:
        """Note that the batch is going to compute a request's context but for its ``known`` first tokens."""
        if self._cache.plain and request.context - known >= LEAST:
            self._computing[uid] = Computing(np.asarray(request.prompt[: request.context]), request.activated)

    def end(self, uid: int) -> Computing | None:
        """Return and forget what was noted for a request, whose context is complete or has left the batch."""
        return self._computing.pop(uid, None)

    def must_wait(self, request: Request) -> bool:
        """Tell whether the batch computes at least half of what a request needs, and note that it is waited for."""
        others = [c for c in self._computing.values() if c.activated or request.activated]
        if not others or request.context < LEAST:
            return False
        tokens_T = np.asarray(request.prompt[: request.context])
        length, longest = max(((shared_length(c.tokens_T, tokens_T), c) for c in others), key=lambda pair: pair[0])
        if length < max(LEAST, WORTH * request.context):  # whatever is known; a look at that costs most
            return False
        known = self._cache.known(*self._sought(request))
        if length - known < max(LEAST, WORTH * (request.context - known)):
            return False
        longest.awaited = True
        return True

    def worth_keeping(self, context: Computing) -> bool:
        """Tell whether a complete context is to be taken out of the batch."""
        return context.awaited or (context.activated and self._cache.max_bytes > 0)

    def keep(self, context: Computing, caches: Sequence[Any]) -> None:
        """Keep a complete context's caches; who has waited may have them even where the budget does not."""
        self._cache.store((self._base, None), context.tokens_T, caches, lend=context.awaited)

    def keep_answer(self, request: Request, tokens: Sequence[int], caches: Sequence[Any]) -> None:
        """Keep the caches of a whole sequence; of one that is part the base's and part a neuron's nothing.

        The base's part is kept already, and what a later prompt has of the neuron's part is the base's there: the invocation tokens
        stands further back.
        """
        if not (request.activated and request.context):
            self._cache.store((self._base, request.digest), tokens, caches)

    def take_back(self) -> None:
        """Let go of what is kept for those only who had waited."""
        self._cache.lent.clear()

    def _sought(self, request: Request) -> tuple[Key, Sequence[int]]:
        """Return where a request's first tokens may be known, and which they are, with one that is to be computed."""
        if request.context:
            return (self._base, None), request.prompt[: request.context + 1]
        return (self._base, request.digest), request.prompt
