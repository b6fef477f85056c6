"""How many ids a tokenizer has, and how many a model's head has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def token_count(tokenizer: Any) -> int:
    """Return how many ids a tokenizer has, counted from 0; ids that a head has beyond them are padding."""
    return int(max(tokenizer.get_vocab().values())) + 1


def text_setting(config: Mapping[str, Any], key: str) -> int | None:
    """Return a number of a model's ``config.json``; a multimodal model has it in ``text_config``."""
    value = config.get(key, config.get("text_config", {}).get(key))
    return None if value is None else int(value)


def head_width(tokenizer: Any, config: Mapping[str, Any]) -> int:
    """Return the number of logits: the tokenizer's ids and the padding that the configuration states."""
    return text_setting(config, "vocab_size") or token_count(tokenizer)
