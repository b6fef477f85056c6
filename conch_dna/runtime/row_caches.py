"""Caches of keys and values for a batch: a common start is read once, and a cache may stand for several rows."""

from __future__ import annotations

import copy
import types
from typing import TYPE_CHECKING, Any

import mlx.core as mx
from mlx_lm.models.cache import KVCache, make_prompt_cache

if TYPE_CHECKING:
    from collections.abc import Sequence

READ_AT_ONCE = 2048  # tokens of a context in one forward pass


def shared_prefix(prompts: Sequence[Sequence[int]]) -> list[int]:
    """Return the longest common start of all prompts that leaves each at least one token."""
    shortest = min(len(p) for p in prompts) - 1
    first = prompts[0]
    length = next((i for i in range(shortest) if any(p[i] != first[i] for p in prompts)), shortest)
    return list(first[: max(0, length)])


def prefill(model: Any, prefix: Sequence[int]) -> list[Any] | None:
    """Return a prompt cache that holds ``prefix``, or ``None`` if this model's cache cannot be shared."""
    cache = make_prompt_cache(model)
    if not prefix or not all(type(c) is KVCache for c in cache):
        return None
    model(mx.array([list(prefix)]), cache=cache)
    mx.eval([(c.keys, c.values) for c in cache])
    return list(cache)


def widen(cache: list[Any], rows: int) -> list[Any]:
    """Return a copy of a one-row cache repeated over ``rows`` rows."""
    wide = []
    for one in cache:
        many = KVCache()
        many.keys, many.values = (
            mx.repeat(part[..., : one.offset, :], rows, axis=0) for part in (one.keys, one.values)
        )
        many.offset = one.offset
        wide.append(many)
    return wide


def read_contexts(model: Any, contexts: Sequence[Sequence[int]]) -> list[list[Any]]:
    """Return a prompt cache for each context; equal contexts share one cache, which must not be written to."""
    prefix = shared_prefix(contexts) if len(contexts) > 1 else []
    shared = prefill(model, prefix)
    cut = len(prefix) if shared else 0
    found: dict[tuple[int, ...], list[Any]] = {}
    for context in map(tuple, contexts):
        if context in found:
            continue
        cache = found[context] = widen(shared, 1) if shared else make_prompt_cache(model)
        for start in range(cut, len(context), READ_AT_ONCE):
            model(mx.array([context[start : start + READ_AT_ONCE]]), cache=cache)
            mx.eval([one.state for one in cache])
    return [found[tuple(context)] for context in contexts]


def without_batched_form(caches: Sequence[Any]) -> list[str]:
    """Return the type names of those caches that mlx-lm cannot merge into a batch, such as quantised ones."""
    layers = [layer for cache in caches for layer in getattr(cache, "caches", (cache,))]
    return sorted({type(layer).__name__ for layer in layers if not hasattr(layer, "merge")})


def one_row(caches: Sequence[Any]) -> list[Any]:
    """Return copies of caches without a batched form that ``BatchGenerator`` accepts as a batch of one sequence.

    A batch of one row needs no batched form: merging, filtering and extracting its only row change nothing.
    """
    rows = copy.deepcopy(list(caches))
    for row in rows:
        row.merge = _only
        row.filter = types.MethodType(_keep_row, row)
        row.extract = types.MethodType(_extract_row, row)
    return rows


def _only(caches: Sequence[Any]) -> Any:
    (cache,) = caches
    return cache


def _keep_row(_: Any, rows: Sequence[int]) -> None:
    if list(rows) != [0]:
        raise IndexError(f"a batch of one sequence has no rows {list(rows)}")


def _extract_row(cache: Any, _: int) -> Any:
    return cache
