"""Tokenisation of chats: token ids and the mask of the trained tokens."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conch_dna.data.tool_form import student_turns
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
    :param answer_bytes: UTF-8 bytes of the last assistant turn's text, including rendered tool calls.
    """

    ids: tuple[int, ...]
    trained: tuple[bool, ...]
    answer_start: int
    answer_bytes: int

    @property
    def answer_ids(self) -> tuple[int, ...]:
        """The tokens of the last assistant turn, including its end-of-turn token."""
        return tuple(
            i for i, t in zip(self.ids[self.answer_start :], self.trained[self.answer_start :], strict=True) if t
        )


def prompt_ids(tokenizer: Any, messages: Sequence[Mapping[str, Any]]) -> list[int]:
    """Render ``messages`` with the chat template, with the assistant's turn opened, and tokenise them."""
    return _encode(tokenizer, render(tokenizer, messages, open_turn=True))


def encode_answer(tokenizer: Any, prompt: Prompt, text: str) -> Example:
    """Tokenise a prompt as a student sees it, with its tools, and its answer; see :func:`encode_chat`."""
    return encode_chat(tokenizer, [*student_turns(prompt), {"role": "assistant", "content": text}])


def encode_chat(tokenizer: Any, messages: Sequence[Mapping[str, Any]]) -> Example:
    """Tokenise a conversation that ends with an assistant turn, and mark the trained tokens.

    Prompts and answers are tokenised separately, as at run time. The text, the tool calls and the end-of-turn token of
    every assistant turn are trained. Prompts, tool results, the template's own words and anything after the end-of-turn
    token are not.

    :raises DataError: the last turn is not the assistant's, the template refuses the conversation, or later turns
        change how it renders earlier ones.
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
            raise DataError("the chat template rewrites earlier turns, so this conversation cannot be masked exactly")
        before = _encode(tokenizer, opened[len(done) :])
        turn = _encode(tokenizer, closed[len(opened) :])
        end = next((i for i, token in enumerate(turn) if token in ends), -1)
        if end < 0:
            raise DataError(
                "the chat template writes no end-of-turn token after an assistant turn, so none can be learned"
            )
        ids += before + turn
        start = len(trained) + len(before)
        trained += [False] * len(before) + [i <= end for i in range(len(turn))]
        done = closed
    answer = tokenizer.decode(turn[:end]) if messages[-1].get("tool_calls") else messages[-1]["content"]
    return Example(tuple(ids), tuple(trained), start, len(answer.encode()))


def render(tokenizer: Any, messages: Sequence[Mapping[str, Any]], *, open_turn: bool) -> str:
    """Render the conversation with the chat template; ``open_turn`` appends the opening of an assistant's turn.

    If the template has no form for tool calls, they are written as content (see :func:`_shown`).

    :raises DataError: the template refuses the conversation.
    """
    return _template(tokenizer, _shown(tokenizer, messages), open_turn=open_turn)


def _shown(tokenizer: Any, messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the messages in a form that the template renders completely.

    Many templates silently ignore ``tool_calls``, so the turn would be trained as an empty one. In that case each call
    becomes a line of the turn's content, in the form that the domains and scorers use:
    ``{"tool": NAME, "arguments": {…}}``. Raising an error instead would exclude bases without tool support, such as the
    default one, from all conversations with tools.
    """
    turns = [dict(message) for message in messages]
    if not any(turn.get("tool_calls") for turn in turns):
        return turns
    silent = [{key: value for key, value in turn.items() if key != "tool_calls"} for turn in turns]
    if _template(tokenizer, turns, open_turn=False) != _template(tokenizer, silent, open_turn=False):
        return turns
    return [with_calls_written(turn) for turn in turns]


def with_calls_written(turn: Mapping[str, Any]) -> dict[str, Any]:
    """Return the turn with its tool calls, if any, as lines of its content."""
    called = [call["function"] for call in turn.get("tool_calls", ())]
    lines = [json.dumps({"tool": call["name"], "arguments": call["arguments"]}, ensure_ascii=False) for call in called]
    written = {key: value for key, value in turn.items() if key != "tool_calls"}
    return written | {"content": "\n".join(filter(None, [turn["content"], *lines]))}


def _template(tokenizer: Any, messages: Sequence[Mapping[str, Any]], *, open_turn: bool) -> str:
    from jinja2 import TemplateError  # slow to import; a template has loaded it already

    try:
        text = tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=open_turn)
    except TemplateError as error:
        raise DataError("the chat template refuses this conversation", got=error.message) from error
    return str(text)


def _encode(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer.encode(text, add_special_tokens=False))
