"""Cache of keys and values: a later prompt of the same neuron reuses those of a common start."""

from __future__ import annotations

import copy
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import mlx.core as mx
import numpy as np
from mlx_lm.models.cache import KVCache, make_prompt_cache

if TYPE_CHECKING:
    from collections.abc import Sequence

Key: TypeAlias = tuple[str, str | None, str]
LEAST = 16  # fewer shared tokens are cheaper to compute again than to merge
MOST = 256  # entries; a lookup compares each of them with the prompt


@dataclass(eq=False)
class Entry:
    """The caches of one sequence.

    :param key: digests of the base and the adapter (``None`` for the base alone), whose keys and values fit no other
        pair, and the name of those who share them.
    :param tokens_T: the tokens that the caches hold, int64.
    :param caches: one ``KVCache`` a layer, of one row.
    :param used: the count of the last use.
    :param nbytes: bytes of keys and values.
    """

    key: Key
    tokens_T: np.ndarray
    caches: list[Any]
    used: int
    nbytes: int


class PromptCache:
    """The caches of several sequences within a budget of bytes; the least recently used are evicted first.

    Only models with plain key-value caches are supported: other caches (sliding windows, state spaces) cannot be cut
    back to an earlier token.

    :param model: the base.
    :param max_bytes: limit of all entries; 0 disables the cache.

    :ivar plain: whether the model's caches are plain keys and values.
    :ivar lent: entries outside the budget for requests that are admitted next; the caller clears them.
    """

    def __init__(self, model: Any, max_bytes: int) -> None:
        self.plain = all(type(cache) is KVCache for cache in make_prompt_cache(model))
        self.max_bytes = max_bytes if self.plain else 0
        self.lent: list[Entry] = []
        self._entries: list[Entry] = []
        self._count = itertools.count()

    @property
    def nbytes(self) -> int:
        """Bytes of all entries."""
        return sum(entry.nbytes for entry in self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def fetch(self, key: Key, tokens: Sequence[int]) -> tuple[int, list[Any] | None]:
        """Return the number of first tokens cached for this key, and their caches; ``(0, None)`` if they are too few.

        At least one token is left to compute. The caches share their arrays with the entry; a batch copies them.
        """
        length, entry = self._longest(key, tokens)
        if entry is None:
            return 0, None
        entry.used = next(self._count)
        caches = [copy.copy(cache) for cache in entry.caches]
        for cache in caches:
            cache.offset = length
        return length, caches

    def known(self, key: Key, tokens: Sequence[int]) -> int:
        """Return the number of first tokens that :meth:`fetch` would find."""
        return self._longest(key, tokens)[0]

    def _longest(self, key: Key, tokens: Sequence[int]) -> tuple[int, Entry | None]:
        """Return the longest common start with an entry, and the entry; ``(0, None)`` if it is too short."""
        tokens_T = np.asarray(tokens)
        entries = (entry for entry in (*self._entries, *self.lent) if entry.key == key)
        found = ((shared_length(entry.tokens_T, tokens_T), entry) for entry in entries)
        length, entry = max(found, key=lambda pair: pair[0], default=(0, None))
        length = min(length, len(tokens_T) - 1)
        return (0, None) if length < LEAST else (length, entry)

    def store(self, key: Key, tokens: Sequence[int] | np.ndarray, caches: Sequence[Any], *, lend: bool = False) -> None:
        """Store a sequence's caches, which hold exactly ``tokens``; replaces entries that are a start of it.

        :param lend: also lend the caches, whether or not they fit into the budget.
        """
        if not self.plain or not (self.max_bytes or lend):
            return
        nbytes = sum(int(cache.nbytes) for cache in caches)
        new = Entry(key, np.asarray(tokens), list(caches), next(self._count), nbytes)
        if lend:
            self.lent.append(_begun(new))
        if nbytes > self.max_bytes:
            return
        for entry in [entry for entry in self._entries if entry.key == key]:
            shared = shared_length(entry.tokens_T, new.tokens_T)
            if shared == len(new.tokens_T):
                entry.used = new.used
                return
            if shared == len(entry.tokens_T):
                self._entries.remove(entry)
        self._entries.append(_begun(new))
        self._entries.sort(key=lambda entry: entry.used)
        spent = self.nbytes
        while spent > self.max_bytes or len(self._entries) > MOST:
            spent -= self._entries.pop(0).nbytes


def _begun(entry: Entry) -> Entry:
    """Start to compute an entry: a graph would keep the whole batch alive, and waiting would block the step."""
    mx.async_eval([(cache.keys, cache.values) for cache in entry.caches])  # type: ignore[no-untyped-call]
    return entry


def shared_length(a_T: np.ndarray, b_T: np.ndarray) -> int:
    """Return the length of the common start of two sequences."""
    shorter = min(len(a_T), len(b_T))
    differ = np.flatnonzero(a_T[:shorter] != b_T[:shorter])
    return int(differ[0]) if differ.size else shorter
