"""Generation in batches on mlx-lm's ``BatchGenerator``, with a shared prefix computed once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import mlx.core as mx
from mlx_lm.generate import BatchGenerator
from mlx_lm.models.cache import KVCache, make_prompt_cache
from mlx_lm.sample_utils import make_sampler

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conch_dna.records import Sampling

BATCH = 32  # sequences decoded together; on a CPU tokens/s grow up to about here


class Answer(NamedTuple):
    """One finished sequence: its place among the prompts; ``tokens`` are without the end-of-turn token."""

    place: int
    tokens: list[int]
    finished: bool


def shared_prefix(prompts: Sequence[Sequence[int]]) -> list[int]:
    """Return the longest common start of all prompts that leaves each at least one token."""
    shortest = min(len(p) for p in prompts) - 1
    first = prompts[0]
    length = next((i for i in range(shortest) if any(p[i] != first[i] for p in prompts)), shortest)
    return list(first[: max(0, length)])


def prefill(model: Any, prefix: Sequence[int]) -> list[Any] | None:
    """Return a prompt cache that holds ``prefix``, or ``None`` where this model's cache cannot be shared."""
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


def answer_many(model: Any, tokenizer: Any, prompts: Sequence[Sequence[int]], sampling: Sampling) -> Iterator[Answer]:
    """Yield an answer to each prompt (token ids) as it finishes; greedy at temperature 0.

    The prompts' common start goes through the model once. Sampled answers depend on the seed and on the batch.
    """
    mx.random.seed(sampling.seed)
    prefix = shared_prefix(prompts) if len(prompts) > 1 else []
    cache = prefill(model, prefix)
    cut = len(prefix) if cache else 0
    ends = set(tokenizer.eos_token_ids)
    generator = BatchGenerator(
        model,
        max_tokens=sampling.max_tokens,
        stop_tokens=[[token] for token in sorted(ends)],
        sampler=make_sampler(temp=sampling.temperature, top_p=sampling.top_p),
        completion_batch_size=BATCH,
        prefill_batch_size=BATCH // 2,
    )
    # A batch is merged from its sequences' caches into arrays of its own: all may start from the same one.
    caches = [cache] * len(prompts) if cache else None
    uids = generator.insert([list(p[cut:]) for p in prompts], caches=caches)
    index = {uid: place for place, uid in enumerate(uids)}
    tokens: dict[int, list[int]] = {uid: [] for uid in uids}
    try:
        while responses := generator.next_generated():
            for response in responses:
                if response.token not in ends:
                    tokens[response.uid].append(response.token)
                if response.finish_reason is not None:
                    yield Answer(index[response.uid], tokens[response.uid], response.finish_reason == "stop")
    finally:
        generator.close()
