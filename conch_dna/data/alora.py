"""Neurons that share the base's context (activated LoRA, Greenewald et al. 2025): which tokens they act on.

Such a neuron adds its delta from its *cue* on: the tokens that open the assistant's turn, at their last place in a
prompt. What stands before is the base's work alone, and its keys and values serve the base and every such neuron.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from conch_dna.data.tokens import prompt_ids, render
from conch_dna.errors import DataError, ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

TURN = ({"role": "user", "content": "a"},)


def invocation_tokens_of(tokenizer: Any) -> tuple[int, ...]:
    """Return the cue of a base: what its chat template writes to open the assistant's turn, in tokens.

    :raises ModelError: the template writes nothing there, or the tokens of what stands before change with it.
    """
    opened = prompt_ids(tokenizer, TURN)
    closed = list(tokenizer.encode(render(tokenizer, TURN, open_turn=False), add_special_tokens=False))
    if len(opened) <= len(closed) or opened[: len(closed)] != closed:
        raise ModelError(
            "this base's chat template has no tokens of its own that open an answer, from which on a neuron could act",
            next_step="Leave `activated` off for this base",
        )
    return tuple(opened[len(closed) :])


def invocation_start(ids: Sequence[int], invocation_tokens: Sequence[int]) -> int | None:
    """Return where the last occurrence of the cue begins in a prompt's ids, or ``None`` where there is none."""
    cue = list(invocation_tokens)
    found = (at for at in range(len(ids) - len(cue), -1, -1) if list(ids[at : at + len(cue)]) == cue)
    return next(found, None)


def split_at_invocation(ids: Sequence[int], invocation_tokens: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return the context, which the base reads alone, and what the neuron reads: the cue and all after it.

    :raises DataError: the prompt has no cue.
    """
    start = invocation_start(ids, invocation_tokens)
    if start is None:
        raise DataError(
            "the prompt does not hold the tokens from which on this neuron acts", allowed=list(invocation_tokens),
            next_step="Ask by chat messages, or use a neuron that was trained without `activated`",
        )  # fmt: skip
    return list(ids[:start]), list(ids[start:])


def acts_on(ids_BT: np.ndarray, answers_B: np.ndarray, invocation_tokens: Sequence[int]) -> np.ndarray:
    """Return float32 (B, T, 1): 1 on the tokens that such a neuron acts on, from the cue before each answer on.

    :param ids_BT: conversations, padded at their end.
    :param answers_B: where the last assistant's turn of each begins.
    :raises DataError: an answer does not stand behind the cue.
    """
    cue = np.array(invocation_tokens)
    starts_B = answers_B - len(cue)
    for row, start in zip(ids_BT, starts_B, strict=True):
        if start < 0 or not np.array_equal(row[start : start + len(cue)], cue):
            raise DataError(
                "an answer does not stand behind the tokens from which on an activated neuron acts",
                got=row[max(0, start) : start + len(cue)].tolist(), allowed=list(invocation_tokens),
                next_step="Leave `activated` off for this base",
            )  # fmt: skip
    mask_BT = np.arange(ids_BT.shape[1])[None] >= starts_B[:, None]
    return mask_BT[..., None].astype(np.float32)
