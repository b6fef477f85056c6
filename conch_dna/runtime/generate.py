"""Answers of one model to a batch of prompts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import mlx.core as mx
from mlx_lm.models.cache import make_prompt_cache

from conch_dna.data.alora import split_at_invocation
from conch_dna.data.tokens import prompt_ids
from conch_dna.runtime.decoder import Decoder
from conch_dna.runtime.row_caches import one_row, prefill, read_contexts, shared_prefix, without_batched_form
from conch_dna.runtime.samplers import sampler_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conch_dna.records import Sampling
    from conch_dna.runtime.samplers import Sampler

BATCH = 64  # sequences decoded together; on a CPU tokens/s grow by a quarter from 32 to 64
Messages: TypeAlias = Sequence[dict[str, str]] | str
# Map the tokens so far (T,) and the logits (1, V) to logits (1, V), in order; of one sequence, never shared.
Processors: TypeAlias = Sequence[Callable[[mx.array, mx.array], mx.array]]


class Answer(NamedTuple):
    """A finished sequence: its index among the prompts; ``tokens`` exclude the end-of-turn token."""

    place: int
    tokens: list[int]
    finished: bool


class Alora(NamedTuple):
    """Use of a neuron that shares the base's context.

    :param invocation_tokens: the neuron acts from their last occurrence in the prompt.
    :param off: returns a context manager that switches the neuron off.
    """

    invocation_tokens: tuple[int, ...]
    off: Callable[[], AbstractContextManager[None]]


def as_turns(messages: Messages) -> list[dict[str, str]]:
    """Return chat turns; a text becomes one user turn."""
    return [{"role": "user", "content": messages}] if isinstance(messages, str) else list(messages)


def ids_of(tokenizer: Any, messages: Messages) -> list[int]:
    """Return the token ids of a prompt: chat turns, or the text of one user turn."""
    return prompt_ids(tokenizer, as_turns(messages))


def decode(
    model: Any,
    ends: set[int],
    prompts: Sequence[Sequence[int]],
    samplers: Sequence[Sampler],
    max_tokens: int,
    alora: Alora | None = None,
    processors: Sequence[Processors] = (),
) -> Iterator[list[tuple[int, Any]]]:
    """Continue every prompt until one of ``ends`` or ``max_tokens``; yield the new tokens of each decoding step.

    The common start of the prompts is read once.

    :param alora: required if the model carries a neuron that shares the base's context; the base alone then reads what
        precedes the invocation tokens.
    :param processors: of each prompt, see :meth:`Decoder.add`; empty for none.
    :returns: for each running sequence, its index among the prompts and mlx-lm's response, see :meth:`Decoder.step`.
    :raises DataError: a prompt lacks the invocation tokens; raised by the call, before the first step.
    """
    each = list(processors) or [()] * len(prompts)
    if alora is None:
        return _after_prefix(model, ends, prompts, samplers, max_tokens, each)
    halves = [split_at_invocation(prompt, alora.invocation_tokens) for prompt in prompts]
    return _after_contexts(model, ends, halves, samplers, max_tokens, each, alora)


def _after_prefix(
    model: Any,
    ends: set[int],
    prompts: Sequence[Sequence[int]],
    samplers: Sequence[Sampler],
    max_tokens: int,
    processors: Sequence[Processors],
) -> Iterator[list[tuple[int, Any]]]:
    """Read the common start of the prompts once, then continue them together."""
    prefix = shared_prefix(prompts) if len(prompts) > 1 else []
    cache = prefill(model, prefix)
    cut = len(prefix) if cache else 0
    # A batch copies the caches of its sequences, so all sequences may start from the same one.
    caches = [cache or make_prompt_cache(model) for _ in prompts]
    yield from _continued(model, ends, [list(p[cut:]) for p in prompts], caches, samplers, max_tokens, processors)


def _after_contexts(
    model: Any,
    ends: set[int],
    halves: Sequence[tuple[list[int], list[int]]],
    samplers: Sequence[Sampler],
    max_tokens: int,
    processors: Sequence[Processors],
    alora: Alora,
) -> Iterator[list[tuple[int, Any]]]:
    """Let the base read the contexts, then continue them with the neuron, ``BATCH`` at a time to bound memory."""
    for start in range(0, len(halves), BATCH):
        here = slice(start, start + BATCH)
        with alora.off():
            contexts = read_contexts(model, [context for context, _ in halves[here]])
        rests = [rest for _, rest in halves[here]]
        for step in _continued(model, ends, rests, contexts, samplers[here], max_tokens, processors[here]):
            yield [(start + place, response) for place, response in step]


def _continued(
    model: Any,
    ends: set[int],
    prompts: Sequence[list[int]],
    caches: Sequence[list[Any]],
    samplers: Sequence[Sampler],
    max_tokens: int,
    processors: Sequence[Processors],
) -> Iterator[list[tuple[int, Any]]]:
    """Continue prompts after the tokens that their caches hold; see :func:`decode`."""
    alone = any(map(without_batched_form, caches))  # such a base decodes one sequence at a time
    decoder = Decoder(model, ends, 1 if alone else BATCH)
    index: dict[int, int] = {}
    try:
        each = zip(prompts, caches, samplers, processors, strict=True)
        for place, (prompt, layers, sampler, own) in enumerate(each):
            rows = one_row(layers) if alone else layers
            index[decoder.add([prompt], sampler, max_tokens, caches=rows, processors=own)] = place
        left = len(prompts)
        while left:
            _, responses = decoder.step()
            left -= sum(response.finish_reason is not None for response in responses)
            if responses:
                yield [(index[response.uid], response) for response in responses]
    finally:
        decoder.close()


def answer_many(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[int]],
    sampling: Sampling,
    alora: Alora | None = None,
    processors: Sequence[Processors] = (),
) -> Iterator[Answer]:
    """Yield an answer to each prompt (token ids) as it finishes; greedy at temperature 0.

    A sampled answer depends only on its prompt and the seed, up to rounding; equal prompts get equal answers.
    """
    samplers = [sampler_for(prompt, sampling) for prompt in prompts]
    ends = set(tokenizer.eos_token_ids)
    tokens: list[list[int]] = [[] for _ in prompts]
    for step in decode(model, ends, prompts, samplers, sampling.max_tokens, alora, processors):
        for place, response in step:
            if response.token not in ends:
                tokens[place].append(response.token)
            if response.finish_reason is not None:
                yield Answer(place, tokens[place], response.finish_reason == "stop")
