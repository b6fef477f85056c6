"""The decoding loop of every generator, on mlx-lm's ``BatchGenerator``: :class:`Decoder`, and batches of prompts on it.

:class:`Decoder` runs the requests of an :class:`~conch_dna.runtime.engine.Engine`, the answers of a
:class:`~conch_dna.runtime.neurons.NeuronRuntime` and the rollouts of training.
"""

from __future__ import annotations

import copy
import itertools
import types
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import mlx.core as mx
import numpy as np
from mlx_lm.generate import BatchGenerator, StopSequences, TextStateMachine
from mlx_lm.models.cache import KVCache, make_prompt_cache
from mlx_lm.sample_utils import apply_top_p, greedy_sampler

from conch_dna.data.alora import split_at_invocation
from conch_dna.data.tokens import prompt_ids
from conch_dna.records import digest_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from conch_dna.records import Sampling

    Sampler = Callable[[mx.array], mx.array]

READ_AT_ONCE = 2048  # tokens of a context in one forward pass
BATCH = 64  # sequences decoded together; on a CPU tokens/s grow by a quarter from 32 to 64
Messages = Sequence[dict[str, str]] | str
# Map the tokens so far (T,) and the logits (1, V) to logits (1, V), in order; of one sequence, never shared.
Processors = Sequence["Callable[[mx.array, mx.array], mx.array]"]
Ended = Literal["stop", "length"]


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


class _InFloat32:
    """A model that returns float32 logits: mlx-lm normalises and samples in the dtype of the logits."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def __call__(self, ids_BT: mx.array, cache: list[Any]) -> mx.array:
        logits_BTV: mx.array = self._model(ids_BT, cache=cache).astype(mx.float32)
        return logits_BTV

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


class Decoder:
    """A batch that sequences join and leave; each step gives every sequence in it one token.

    :param model: called as ``model(ids_BT, cache=caches)``.
    :param ends: token ids that end a sequence.
    :param batch: maximum number of sequences that run at once; the others wait their turn.
    """

    def __init__(self, model: Any, ends: Collection[int], batch: int) -> None:
        self._ends = StopSequences([[token] for token in sorted(ends)] or None)
        self._generator = BatchGenerator(
            _InFloat32(model), completion_batch_size=batch, prefill_batch_size=max(1, batch // 2)
        )

    @property
    def stream(self) -> Any:
        """The mlx stream that the batch is computed on."""
        return self._generator.stream

    def add(
        self,
        segments: Sequence[list[int]],
        sampler: Sampler,
        max_tokens: int,
        *,
        caches: list[Any],
        known: Sequence[int] = (),
        processors: Sequence[Any] = (),
    ) -> int:
        """Add a sequence; return the number by which :meth:`step` reports it.

        :param segments: the prompt in parts; no forward pass crosses their boundaries.
        :param caches: one cache per layer, holding ``known``; the batch copies them.
        :param known: the tokens before the prompt.
        :param processors: map the tokens so far and the logits (1, V) to logits, in order.
        """
        (number,) = self._generator.insert_segments(
            [list(segments)],
            max_tokens=[max_tokens],
            caches=[caches],
            all_tokens=[list(known)],
            samplers=[sampler],
            logits_processors=[list(processors)],
            stop_sequences=[self._ends],
        )
        return int(number)

    def step(self) -> tuple[list[int], list[Any]]:
        """Run one step; return the sequences of which a segment was read to its end, and the new tokens.

        :returns: numbers of sequences, and mlx-lm's responses: ``uid``, ``token``, ``logprobs`` float32 (V,) at
            temperature 1, and ``finish_reason``, which is ``stop`` after one of the end tokens.
        """
        read, responses = self._generator.next()
        return [one.uid for one in read if one.end_of_segment], responses

    def caches_of(self, number: int) -> list[Any]:
        """Return the caches of one sequence, one per layer."""
        caches, _ = self._generator.extract_cache([number])[number]
        return list(caches)

    def remove(self, number: int) -> None:
        """Remove a sequence before its end."""
        self._generator.remove([number])

    def close(self) -> None:
        """Release the batch."""
        self._generator.close()


class AnswerText:
    """The text of one answer, built token by token; text that may begin a stop string is held back.

    :param stop: strings that end the answer and are not part of it.

    :ivar tokens: the tokens so far, without the end-of-turn token.
    :ivar text: the text so far, up to the first stop string.
    """

    def __init__(self, tokenizer: Any, stop: Sequence[str] = ()) -> None:
        self.tokens: list[int] = []
        self.text = ""
        self._ends = set(tokenizer.eos_token_ids)
        self._detokenizer = tokenizer.detokenizer
        self._state = TextStateMachine({"normal": [(text, None) for text in stop]}).make_state()

    def add(self, token: int, reason: str | None) -> tuple[str, Ended | None]:
        """Add a token; return the text that may be shown after it, and why the answer ends with it, if it does.

        :param reason: why mlx-lm ended the sequence, if it did.
        """
        text = ""
        if token in self._ends:
            reason = "stop"
        else:
            self.tokens.append(token)
            self._detokenizer.add_token(token)
            text = self._detokenizer.last_segment
        if reason is not None:
            self._detokenizer.finalize()
            text += self._detokenizer.last_segment
        self._state, shown, state = TextStateMachine.step(self._state, text)
        if state is not None and reason is not None:
            self._state, rest, _ = TextStateMachine.flush(self._state)
            shown += rest
        self.text += shown
        if state is None or reason == "stop":
            return shown, "stop"
        return shown, None if reason is None else "length"


def as_turns(messages: Messages) -> list[dict[str, str]]:
    """Return chat turns; a text becomes one user turn."""
    return [{"role": "user", "content": messages}] if isinstance(messages, str) else list(messages)


def ids_of(tokenizer: Any, messages: Messages) -> list[int]:
    """Return the token ids of a prompt: chat turns, or the text of one user turn."""
    return prompt_ids(tokenizer, as_turns(messages))


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


def sequence_seed(*parts: object) -> int:
    """Return a 64-bit seed that is a pure function of ``parts``, which must be JSON-able."""
    return int(digest_of(parts)[:16], 16)


def seeded_sampler(temperature: float, top_p: float, seed: int) -> Sampler:
    """Return a sampler for one sequence: (1, V) log-probabilities to (1,) token id; greedy at temperature 0.

    Draw n depends only on ``seed`` and n (Gumbel-max with its own key), so a sequence is the same whatever else is in
    its batch. The sampler counts its draws and must not be used for a second sequence.
    """
    if temperature == 0:
        greedy: Sampler = greedy_sampler  # one object for all sequences: mlx-lm then calls it once per batch
        return greedy
    places = itertools.count()

    def draw(log_probs_1V: mx.array) -> mx.array:
        entropy = np.random.SeedSequence([seed, next(places)]).generate_state(1, np.uint64)
        kept_1V = apply_top_p(log_probs_1V, top_p) if top_p < 1 else log_probs_1V
        return mx.random.categorical(kept_1V * (1 / temperature), key=mx.random.key(int(entropy[0])))

    return draw


def sampler_for(prompt: Sequence[int], sampling: Sampling) -> Sampler:
    """Return the sampler of one answer: it depends on the prompt and the sampling alone."""
    return seeded_sampler(sampling.temperature, sampling.top_p, sequence_seed(sampling.seed, list(prompt)))


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
            rows = _one_row(layers) if alone else layers
            index[decoder.add([prompt], sampler, max_tokens, caches=rows, processors=own)] = place
        left = len(prompts)
        while left:
            _, responses = decoder.step()
            left -= sum(response.finish_reason is not None for response in responses)
            if responses:
                yield [(index[response.uid], response) for response in responses]
    finally:
        decoder.close()


def without_batched_form(caches: Sequence[Any]) -> list[str]:
    """Return the type names of those caches that mlx-lm cannot merge into a batch, such as quantised ones."""
    layers = [layer for cache in caches for layer in getattr(cache, "caches", (cache,))]
    return sorted({type(layer).__name__ for layer in layers if not hasattr(layer, "merge")})


def _one_row(caches: Sequence[Any]) -> list[Any]:
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
