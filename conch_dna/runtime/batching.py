"""Check that mlx-lm can batch a base: some of its models mix up the sequences of a batch."""

from __future__ import annotations

from typing import Any

import mlx.core as mx
from mlx_lm.generate import BatchGenerator, generate_step
from mlx_lm.models.cache import make_prompt_cache

from conch_dna.errors import ModelError
from conch_dna.runtime.row_caches import without_batched_form

PROMPTS = [[1, 2, 3], [4, 5, 6, 7, 8, 9, 10], [3, 1]]  # different lengths, so that some are padded
STEPS = 3
APART, APART_IN_HALF = 1e-3, 0.05  # tolerance, as a share of the largest log-probability
NEXT = "Use NeuronRuntime, one prompt at a time."


def check_batches(model: Any) -> None:
    """Check that sequences get the same log-probabilities in a batch as alone.

    :raises ModelError: the model's cache has no batched form, or a batch gives other values.
    """
    if names := without_batched_form(make_prompt_cache(model)):
        raise ModelError("this base's cache cannot be batched", got=", ".join(names), next_step=NEXT)
    try:
        batched = _batched(model)
    except (ValueError, IndexError, RuntimeError, AttributeError) as fault:
        raise ModelError("this base cannot be batched", got=str(fault), next_step=NEXT) from fault
    for prompt, found in zip(PROMPTS, batched, strict=True):
        alone = generate_step(mx.array(prompt), model, max_tokens=STEPS)
        for (token, found_V), (wanted_token, wanted_V) in zip(found, alone, strict=False):
            limit = APART if wanted_V.dtype == mx.float32 else APART_IN_HALF
            if not (mx.abs(found_V - wanted_V).max() <= limit * mx.abs(wanted_V).max()).item():
                raise ModelError("this base gives other answers in a batch than alone", next_step=NEXT)
            if token != wanted_token:
                break  # a tie: the log-probabilities agree, but later tokens may differ


def _batched(model: Any) -> list[list[tuple[int, mx.array]]]:
    """Return the greedy tokens and log-probabilities of all prompts in one batch."""
    generator = BatchGenerator(model, max_tokens=STEPS)
    try:
        place = {uid: n for n, uid in enumerate(generator.insert([list(prompt) for prompt in PROMPTS]))}
        found: list[list[tuple[int, mx.array]]] = [[] for _ in PROMPTS]
        while responses := generator.next_generated():
            for response in responses:
                found[place[response.uid]].append((response.token, response.logprobs))
        return found
    finally:
        generator.close()
