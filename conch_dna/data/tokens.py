"""From chat messages to token ids and a mask: the tokens that a student is trained on, and no others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conch_dna.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Example:
    """One tokenised conversation.

    :param ids: token ids, length T.
    :param trained: whether token t is a target, length T; true on every assistant turn with its end-of-turn token.
    :param answer_start: index of the first token of the last assistant turn.
    :param answer_bytes: UTF-8 bytes of the last assistant turn's text.
    """

    ids: tuple[int, ...]
    trained: tuple[bool, ...]
    answer_start: int
    answer_bytes: int

    @property
    def answer_ids(self) -> tuple[int, ...]:
        """The tokens of the last assistant turn, its end-of-turn token included."""
        return tuple(
            i for i, t in zip(self.ids[self.answer_start :], self.trained[self.answer_start :], strict=True) if t
        )


def prompt_ids(tokenizer: Any, messages: Sequence[dict[str, str]]) -> list[int]:
    """Render ``messages`` with the chat template, ready for an answer, and tokenise them."""
    return _encode(tokenizer, _render(tokenizer, messages, open_turn=True))


def encode_chat(tokenizer: Any, messages: Sequence[dict[str, str]]) -> Example:
    """Tokenise a conversation that ends with an assistant turn, and mark what is trained.

    Each turn is tokenised as a piece of its own, the way it meets the model at run time: the prompt first, then the
    answer. Trained are the text of every assistant turn and the end-of-turn token after it; never a prompt, a tool
    result, the template's own words or what follows the end-of-turn token.

    :raises DataError: the last turn is not the assistant's, or the template changes earlier turns as later ones come.
    """
    if not messages or messages[-1]["role"] != "assistant":
        raise DataError("the last turn must be the assistant's", got=messages[-1]["role"] if messages else "nothing")
    ids: list[int] = []
    trained: list[bool] = []
    done, start = "", 0
    ends = set(tokenizer.eos_token_ids)
    for place, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        opened = _render(tokenizer, messages[:place], open_turn=True)
        closed = _render(tokenizer, messages[: place + 1], open_turn=False)
        if not opened.startswith(done) or not closed.startswith(opened):
            raise DataError("the chat template rewrites earlier turns; this conversation cannot be masked exactly")
        before = _encode(tokenizer, opened[len(done) :])
        turn = _encode(tokenizer, closed[len(opened) :])
        end = next((i for i, token in enumerate(turn) if token in ends), None)
        if end is None:
            raise DataError("the chat template puts no end-of-turn token after an assistant turn; none could be learnt")
        ids += before + turn
        start = len(trained) + len(before)
        trained += [False] * len(before) + [i <= end for i in range(len(turn))]
        done = closed
    return Example(tuple(ids), tuple(trained), start, len(messages[-1]["content"].encode()))


def _render(tokenizer: Any, messages: Sequence[dict[str, str]], *, open_turn: bool) -> str:
    text = tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=open_turn)
    return str(text)


def _encode(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer.encode(text, add_special_tokens=False))
