"""From chat messages to token ids and a mask: the tokens that a student is trained on, and no others."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conch_dna.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conch_dna.records import Prompt


@dataclass(frozen=True)
class Example:
    """One tokenised conversation.

    :param ids: token ids, length T.
    :param trained: whether token t is a target, length T; true on every assistant turn with its end-of-turn token.
    :param answer_start: index of the first token of the last assistant turn.
    :param answer_bytes: UTF-8 bytes of the last assistant turn's text; with tool calls, of their rendered form too.
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


def prompt_ids(tokenizer: Any, messages: Sequence[Mapping[str, Any]]) -> list[int]:
    """Render ``messages`` with the chat template, ready for an answer, and tokenise them."""
    return _encode(tokenizer, render(tokenizer, messages, open_turn=True))


def encode_answer(tokenizer: Any, prompt: Prompt, text: str) -> Example:
    """Tokenise a bare prompt with an answer behind it; see :func:`encode_chat`."""
    return encode_chat(tokenizer, [*prompt.turns, {"role": "assistant", "content": text}])


def encode_chat(tokenizer: Any, messages: Sequence[Mapping[str, Any]]) -> Example:
    """Tokenise a conversation that ends with an assistant turn, and mark what is trained.

    Each turn is tokenised as a piece of its own, the way it meets the model at run time: the prompt first, then the
    answer. Trained are the text and the tool calls of every assistant turn and the end-of-turn token after it; never a
    prompt, a tool result, the template's own words or what follows the end-of-turn token.

    :raises DataError: the last turn is not the assistant's, the template refuses the conversation, or it changes
        earlier turns as later ones come.
    """
    if not messages or messages[-1]["role"] != "assistant":
        raise DataError("the last turn must be the assistant's", got=messages[-1]["role"] if messages else "nothing")
    messages = _shown(tokenizer, messages)
    ids: list[int] = []
    trained: list[bool] = []
    done, start, turn, end = "", 0, [0], 0
    ends = set(tokenizer.eos_token_ids)
    for place, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        opened = _template(tokenizer, messages[:place], open_turn=True)
        closed = _template(tokenizer, messages[: place + 1], open_turn=False)
        if not opened.startswith(done) or not closed.startswith(opened):
            raise DataError("the chat template rewrites earlier turns; this conversation cannot be masked exactly")
        before = _encode(tokenizer, opened[len(done) :])
        turn = _encode(tokenizer, closed[len(opened) :])
        end = next((i for i, token in enumerate(turn) if token in ends), -1)
        if end < 0:
            raise DataError("the chat template puts no end-of-turn token after an assistant turn; none could be learnt")
        ids += before + turn
        start = len(trained) + len(before)
        trained += [False] * len(before) + [i <= end for i in range(len(turn))]
        done = closed
    answer = tokenizer.decode(turn[:end]) if messages[-1].get("tool_calls") else messages[-1]["content"]
    return Example(tuple(ids), tuple(trained), start, len(answer.encode()))


def render(tokenizer: Any, messages: Sequence[Mapping[str, Any]], *, open_turn: bool) -> str:
    """Return the conversation as the chat template writes it, with the assistant's turn opened or not.

    Where the template has no form for tool calls they are written as content (see :func:`_shown`).

    :raises DataError: the template refuses the conversation.
    """
    return _template(tokenizer, _shown(tokenizer, messages), open_turn=open_turn)


def _shown(tokenizer: Any, messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the messages in a form of which the template leaves nothing out.

    Many templates pass over ``tool_calls`` without a word, and the turn would be trained as an empty one. Then each
    call becomes a line of the turn's content in the form that this project's domains and scorers have for it:
    ``{"tool": NAME, "arguments": {…}}``. A refusal would keep bases without tools, the default one among them, from
    every conversation with tools.
    """
    turns = [dict(message) for message in messages]
    if not any(turn.get("tool_calls") for turn in turns):
        return turns
    silent = [{key: value for key, value in turn.items() if key != "tool_calls"} for turn in turns]
    if _template(tokenizer, turns, open_turn=False) != _template(tokenizer, silent, open_turn=False):
        return turns
    return [with_calls_written(turn) for turn in turns]


def with_calls_written(turn: Mapping[str, Any]) -> dict[str, Any]:
    """Return a turn whose tool calls, if it has any, are lines of its content."""
    called = [call["function"] for call in turn.get("tool_calls", ())]
    lines = [json.dumps({"tool": call["name"], "arguments": call["arguments"]}, ensure_ascii=False) for call in called]
    written = {key: value for key, value in turn.items() if key != "tool_calls"}
    return written | {"content": "\n".join(filter(None, [turn["content"], *lines]))}


def _template(tokenizer: Any, messages: Sequence[Mapping[str, Any]], *, open_turn: bool) -> str:
    from jinja2 import TemplateError

    try:
        text = tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=open_turn)
    except TemplateError as error:
        raise DataError("the chat template refuses this conversation", got=error.message) from error
    return str(text)


def _encode(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer.encode(text, add_special_tokens=False))
