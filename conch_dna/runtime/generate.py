"""Generation in batches on mlx-lm's ``BatchGenerator``, with a shared prefix computed once."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, NamedTuple

import mlx.core as mx
import numpy as np
from mlx_lm.generate import BatchGenerator
from mlx_lm.models.cache import KVCache, make_prompt_cache
from mlx_lm.sample_utils import apply_top_p, greedy_sampler

from conch_dna.data.alora import split_at_invocation
from conch_dna.records import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conch_dna.records import Sampling

READ_AT_ONCE = 2048  # tokens of a context in one forward pass
BATCH = 64  # sequences decoded together; on a CPU tokens/s grow by a quarter from 32 to 64


class Answer(NamedTuple):
    """One finished sequence: its place among the prompts; ``tokens`` are without the end-of-turn token."""

    place: int
    tokens: list[int]
    finished: bool


class Alora(NamedTuple):
    """How a neuron that shares the base's context is to be used.

    :param cue: the tokens from whose last occurrence on it acts.
    :param off: gives the base without it for a block.
    """

    cue: tuple[int, ...]
    off: Callable[[], AbstractContextManager[None]]


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


def read_contexts(model: Any, contexts: Sequence[Sequence[int]]) -> list[list[Any]]:
    """Return a prompt cache for each context that holds it; equal ones share theirs, which nobody may write to."""
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


class _InFloat32:
    """A model that gives float32 logits: mlx-lm normalises them and samples in whatever type they have."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def __call__(self, ids_BT: mx.array, cache: list[Any]) -> mx.array:
        logits_BTV: mx.array = self._model(ids_BT, cache=cache).astype(mx.float32)
        return logits_BTV

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


def sequence_seed(*parts: object) -> int:
    """Return a 64-bit seed that is a pure function of ``parts``, which must be JSON-able."""
    return int(digest_of(parts)[:16], 16)


def seeded_sampler(temperature: float, top_p: float, seed: int) -> Callable[[mx.array], mx.array]:
    """Return a sampler for one sequence: (1, V) log-probabilities to (1,) token id; greedy at temperature 0.

    Its n-th draw depends on ``seed`` and n alone (Gumbel-max with a key of its own), so that a sequence is the same
    whatever else is in its batch. It belongs to one sequence, since it counts its draws.
    """
    if temperature == 0:
        greedy: Callable[[mx.array], mx.array] = greedy_sampler  # one object for all: called once for a whole batch
        return greedy
    places = itertools.count()

    def draw(log_probs_1V: mx.array) -> mx.array:
        entropy = np.random.SeedSequence([seed, next(places)]).generate_state(1, np.uint64)
        kept_1V = apply_top_p(log_probs_1V, top_p) if top_p < 1 else log_probs_1V
        return mx.random.categorical(kept_1V * (1 / temperature), key=mx.random.key(int(entropy[0])))

    return draw


def decode(
    model: Any,
    ends: set[int],
    prompts: Sequence[Sequence[int]],
    samplers: Sequence[Callable[[mx.array], mx.array]],
    max_tokens: int,
    alora: Alora | None = None,
) -> Iterator[list[tuple[int, Any]]]:
    """Continue every prompt until one of ``ends`` or ``max_tokens``; yield the new tokens of each decoding step.

    The prompts' common start goes through the model once.

    :param alora: the invocation tokens, where the model carries an activated neuron; the base reads what precedes them.
    :returns: for each sequence that is still going, its place among the prompts and mlx-lm's response: ``token``,
        ``logprobs`` float32 (V,) at temperature 1, and ``finish_reason``, which is ``stop`` after one of ``ends``.
    :raises DataError: a prompt is without the cue.
    """
    if alora is None:
        prefix = shared_prefix(prompts) if len(prompts) > 1 else []
        cache = prefill(model, prefix)
        cut = len(prefix) if cache else 0
        # A batch is merged from its sequences' caches into arrays of its own: all may start from the same one.
        caches = [cache] * len(prompts) if cache else None
        yield from _continued(model, ends, [list(p[cut:]) for p in prompts], caches, samplers, max_tokens)
        return
    halves = [split_at_invocation(prompt, alora.cue) for prompt in prompts]
    for start in range(0, len(halves), BATCH):  # the contexts of all would take memory without bound
        here = slice(start, start + BATCH)
        with alora.off():
            contexts = read_contexts(model, [context for context, _ in halves[here]])
        rests = [rest for _, rest in halves[here]]
        for step in _continued(model, ends, rests, contexts, samplers[here], max_tokens):
            yield [(start + place, response) for place, response in step]


def _continued(
    model: Any,
    ends: set[int],
    prompts: Sequence[list[int]],
    caches: list[list[Any]] | None,
    samplers: Sequence[Callable[[mx.array], mx.array]],
    max_tokens: int,
) -> Iterator[list[tuple[int, Any]]]:
    """Continue prompts behind what their caches hold; see :func:`decode`."""
    generator = BatchGenerator(
        _InFloat32(model),
        max_tokens=max_tokens,
        stop_tokens=[[token] for token in sorted(ends)],
        completion_batch_size=BATCH,
        prefill_batch_size=BATCH // 2,
    )
    uids = generator.insert(list(prompts), caches=caches, samplers=list(samplers))
    index = {uid: place for place, uid in enumerate(uids)}
    try:
        while responses := generator.next_generated():
            yield [(index[response.uid], response) for response in responses]
    finally:
        generator.close()


def answer_many(
    model: Any, tokenizer: Any, prompts: Sequence[Sequence[int]], sampling: Sampling, alora: Alora | None = None
) -> Iterator[Answer]:
    """Yield an answer to each prompt (token ids) as it finishes; greedy at temperature 0.

    A sampled answer depends on its prompt and the seed alone, as far as rounding allows: equal prompts get equal ones.
    """
    seeds = [sequence_seed(sampling.seed, list(prompt)) for prompt in prompts]
    samplers = [seeded_sampler(sampling.temperature, sampling.top_p, seed) for seed in seeds]
    ends = set(tokenizer.eos_token_ids)
    tokens: list[list[int]] = [[] for _ in prompts]
    for step in decode(model, ends, prompts, samplers, sampling.max_tokens, alora):
        for place, response in step:
            if response.token not in ends:
                tokens[place].append(response.token)
            if response.finish_reason is not None:
                yield Answer(place, tokens[place], response.finish_reason == "stop")
