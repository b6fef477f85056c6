"""Rollouts: answers sampled from the model in training, with the log-probabilities of their tokens."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import mlx.core as mx
import numpy as np

from conch_dna.runtime.generate import decode
from conch_dna.runtime.samplers import seeded_sampler, sequence_seed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conch_dna.runtime.generate import Alora, Processors


@dataclass(frozen=True)
class Rollout:
    """One sampled answer of R tokens, including the end-of-turn token if it was reached.

    :param tokens: the token ids.
    :param log_probs: float32 (R,): the model's log-probabilities of these tokens at temperature 1, in nats.
    :param sampler_log_probs: float32 (R,): the same at the sampling temperature; 0 if that is 0.
    :param finished: whether the answer has its end-of-turn token; a truncated answer has none.
    """

    tokens: tuple[int, ...]
    log_probs: np.ndarray
    sampler_log_probs: np.ndarray
    finished: bool

    def cut(self, length: int) -> Rollout:
        """Return the first ``length`` tokens; a shortened answer is not finished."""
        if length >= len(self.tokens):
            return self
        return Rollout(self.tokens[:length], self.log_probs[:length], self.sampler_log_probs[:length], finished=False)

    def text(self, tokenizer: Any) -> str:
        """Return the answer without its end-of-turn token."""
        return str(tokenizer.decode(list(self.tokens[: -1 if self.finished else None])))


def rollout_seeds(seed: int, step: int, prompts: Sequence[str]) -> list[int]:
    """Return a seed for each prompt (a digest) of ``step``: a pure function of seed, step and prompt.

    A prompt that occurs several times in a step has a different seed each time.
    """
    times: Counter[str] = Counter()
    seeds = []
    for prompt in prompts:
        seeds.append(sequence_seed(seed, step, prompt, times[prompt]))
        times[prompt] += 1
    return seeds


def roll_out(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[int]],
    seeds: Sequence[int],
    *,
    max_tokens: int,
    temperature: float,
    alora: Alora | None = None,
    processors: Sequence[Processors] = (),
) -> list[Rollout]:
    """Return one rollout for each prompt (token ids) and seed, in order; list a prompt N times for N candidates.

    Decoding is batched, with a KV cache; the prompts' common prefix is processed once, and dropout is off. A rollout
    depends on weights, prompt and seed and, except for rounding, not on the rest of the batch.

    :param alora: the invocation tokens of an activated adapter; the base processes the tokens before them.
    :param processors: of each prompt; they change what is drawn, and log-probabilities are those after them.
    """
    samplers = [seeded_sampler(temperature, 1.0, seed) for seed in seeds]
    ends = set(tokenizer.eos_token_ids)
    tokens: list[list[int]] = [[] for _ in prompts]
    log_probs: list[list[list[float]]] = [[] for _ in prompts]
    finished = [False] * len(prompts)
    was_training = model.training
    model.eval()
    try:
        for step in decode(model, ends, prompts, samplers, max_tokens, alora, processors):
            pairs_B2 = _chosen([response for _, response in step], temperature).tolist()
            for (row, response), pair in zip(step, pairs_B2, strict=True):
                tokens[row].append(response.token)
                log_probs[row].append(pair)
                finished[row] = response.finish_reason == "stop"
    finally:
        model.train(was_training)
    columns = [np.array(pairs, np.float32).reshape(-1, 2) for pairs in log_probs]
    return [
        Rollout(tuple(ids), pair_R2[:, 0], pair_R2[:, 1], done)
        for ids, pair_R2, done in zip(tokens, columns, finished, strict=True)
    ]


def _chosen(responses: Sequence[Any], temperature: float) -> Any:
    """Return float32 (B, 2): the log-probability of each response's token at temperature 1 and at ``temperature``."""
    log_probs_BV = mx.stack([response.logprobs for response in responses])
    tokens_B1 = mx.array([[response.token] for response in responses])
    plain_B1 = mx.take_along_axis(log_probs_BV, tokens_B1, axis=-1)
    if temperature == 0:
        drawn_B1 = mx.zeros_like(plain_B1)
    elif temperature == 1:
        drawn_B1 = plain_B1
    else:
        drawn_B1 = plain_B1 / temperature - mx.logsumexp(log_probs_BV / temperature, axis=-1, keepdims=True)
    return mx.concatenate([plain_B1, drawn_B1], axis=-1)
