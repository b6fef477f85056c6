"""Invocation tokens of activated LoRA (Greenewald et al. 2025), and the tokens on which such an adapter acts.

The adapter adds its delta only from the last occurrence of its invocation tokens in a prompt: the tokens that open the
assistant's turn. Everything before them is computed by the base alone, so the base and all such adapters share its keys
and values.
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
    """Return the invocation tokens of a base: those that its chat template writes to open the assistant's turn.

    :raises ModelError: the template writes none, or writing them changes the tokens before them.
    """
    opened = prompt_ids(tokenizer, TURN)
    closed = list(tokenizer.encode(render(tokenizer, TURN, open_turn=False), add_special_tokens=False))
    if len(opened) <= len(closed) or opened[: len(closed)] != closed:
        raise ModelError(
            "this base's chat template has no separate tokens that open an answer, so it has no invocation tokens",
            next_step="Train without `activated` for this base",
        )
    return tuple(opened[len(closed) :])


def invocation_start(ids: Sequence[int], invocation_tokens: Sequence[int]) -> int | None:
    """Return the index of the last occurrence of the invocation tokens in a prompt's ids, or ``None``."""
    sought = list(invocation_tokens)
    found = (at for at in range(len(ids) - len(sought), -1, -1) if list(ids[at : at + len(sought)]) == sought)
    return next(found, None)


def split_at_invocation(ids: Sequence[int], invocation_tokens: Sequence[int]) -> tuple[list[int], list[int]]:
    """Split a prompt's ids before its last invocation tokens: the base alone reads the first part.

    :raises DataError: the prompt does not contain the invocation tokens.
    """
    start = invocation_start(ids, invocation_tokens)
    if start is None:
        raise DataError(
            "the prompt does not contain the invocation tokens of this neuron", allowed=list(invocation_tokens),
            next_step="Send chat messages, or use a neuron that was trained without `activated`",
        )  # fmt: skip
    return list(ids[:start]), list(ids[start:])


def acts_on(ids_BT: np.ndarray, answers_B: np.ndarray, invocation_tokens: Sequence[int]) -> np.ndarray:
    """Return a float32 mask (B, T, 1): 1 from the invocation tokens before each last answer to the end, else 0.

    :param ids_BT: conversations, padded at their end.
    :param answers_B: the index of the first token of each last assistant turn.
    :raises DataError: an answer does not follow the invocation tokens.
    """
    sought = np.array(invocation_tokens)
    starts_B = answers_B - len(sought)
    for row, start in zip(ids_BT, starts_B, strict=True):
        if start < 0 or not np.array_equal(row[start : start + len(sought)], sought):
            raise DataError(
                "an answer does not follow the invocation tokens",
                got=row[max(0, start) : start + len(sought)].tolist(), allowed=list(invocation_tokens),
                next_step="Train without `activated` for this base",
            )  # fmt: skip
    mask_BT = np.arange(ids_BT.shape[1])[None] >= starts_B[:, None]
    return mask_BT[..., None].astype(np.float32)
