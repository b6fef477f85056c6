"""Conversion of conversations in data set formats (OpenAI's, ShareGPT's) to prompts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from conch_dna.data.tokens import with_calls_written
from conch_dna.domains.prompts import first_fault, messages_of, tools_of
from conch_dna.records import Message, Reference, Tool
from conch_dna.util.text import is_utf8, strict_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

COLUMNS = ("messages", "conversations", "conversation")
SYSTEM = "system"  # a column that may contain the system prompt
TOOLS = ("tools", "functions")  # columns that may contain the tools, the older name last
REFERENCE = "reference"  # a column that may contain what is known about the right answer, as in prompts.jsonl
_NAMES = {
    "system": ("system", "developer"),
    "user": ("user", "human"),
    "assistant": ("assistant", "gpt", "chatgpt", "bing", "bard", "model", "bot", "function_call", "tool_call"),
    "tool": ("tool", "function", "observation", "tool_response", "function_response"),
}
ROLES = {name: role for role, names in _NAMES.items() for name in names}
_CALLS = {"function_call", "tool_call"}  # ShareGPT's roles for a turn that is a tool call in JSON


class Chat(NamedTuple):
    """A conversation up to its last answer.

    :param messages: the turns before that answer.
    :param answer: the text of the answer, with tool calls as lines.
    :param tools: the tools that the answer may call.
    :param reference: what is known about the right answer.
    :param read: the columns that were read.
    """

    messages: tuple[Message, ...]
    answer: str
    tools: tuple[Tool, ...] = ()
    reference: Reference = Reference()
    read: frozenset[str] = frozenset()


class Refused(NamedTuple):
    """A rejected row: the reason by which it is counted, and the exact fault."""

    reason: str
    fault: str


def chat_of(row: Mapping[str, Any], column: str | None = None) -> Chat | Refused:
    """Return the conversation in a row of a data set. Turns after the last assistant turn are dropped.

    :param column: the column of the turns; by default the first of :data:`COLUMNS` in the row.
    """
    names = [column] if column else COLUMNS
    found = next((row[name] for name in names if row.get(name) is not None), None)
    if found is None:
        return Refused(
            "no conversation", f"has none of the columns {', '.join(names)}; columns: {', '.join(row) or 'none'}"
        )
    items = _items(found)
    if items is None:
        return Refused("no conversation", f"the turns are a {type(found).__name__}, not a list")
    turns: list[dict[str, Any]] = []
    if isinstance(row.get(SYSTEM), str) and row[SYSTEM].strip():
        turns.append({"role": "system", "content": row[SYSTEM]})
    for place, item in enumerate(items):
        turn = _turn(item)
        if isinstance(turn, str):
            return Refused("faulty turns", f"turn {place}: {turn}")
        turns.append(turn)
    chat = _answered(turns)
    return chat if isinstance(chat, Refused) else _completed(chat, row, names)


def _completed(chat: Chat, row: Mapping[str, Any], names: Iterable[str]) -> Chat | Refused:
    """Return the chat with the tools and the reference of its row.

    :param names: the columns with the turns.
    """
    tools, reference = _tools(row), _reference(row)
    if isinstance(tools, str):
        return Refused("faulty tools", tools)
    if isinstance(reference, str):
        return Refused("faulty reference", reference)
    read = {SYSTEM, *names, *(TOOLS if tools else ()), *(() if reference is None else (REFERENCE,))}
    return chat._replace(tools=tools, reference=reference or Reference(), read=frozenset(read))


def _tools(row: Mapping[str, Any]) -> tuple[Tool, ...] | str:
    """Return the tools of a row, in OpenAI's form or bare, as a list or its JSON text; or their fault.

    A column of another kind, such as names, has no tools.
    """
    found = next((_parsed(row[name]) for name in TOOLS if row.get(name)), ())
    if not isinstance(found, list) or not all(isinstance(tool, dict) for tool in found):
        return ()
    tools = tools_of(found)
    if isinstance(tools, str):
        return tools
    written = json.dumps([tool.model_dump() for tool in tools], ensure_ascii=False)
    return tools if is_utf8(written) else "broken UTF-8 (a lone surrogate)"


def _reference(row: Mapping[str, Any]) -> Reference | str | None:
    """Return the reference of a row, an object or its JSON text; its fault; ``None`` for a column of another kind."""
    found = _parsed(row.get(REFERENCE))
    if not isinstance(found, dict):
        return None
    try:
        reference = Reference.model_validate(found)
    except ValidationError as error:
        return first_fault(error)
    return reference if is_utf8(json.dumps(found, ensure_ascii=False)) else "broken UTF-8 (a lone surrogate)"


def _parsed(value: Any) -> Any:
    """Return the value of JSON text; any other value as it is."""
    if not isinstance(value, str):
        return value
    try:
        return strict_json(value)
    except (ValueError, RecursionError):
        return value


def _items(found: Any) -> list[Any] | None:
    """Return the turns; ``datasets`` may store a list of objects as an object of lists, or as JSON text."""
    if isinstance(found, str):
        try:
            found = strict_json(found)
        except (ValueError, RecursionError):
            return None
    if isinstance(found, dict) and found and all(isinstance(values, list) for values in found.values()):
        if len({len(values) for values in found.values()}) > 1:
            return None
        return [dict(zip(found, values, strict=True)) for values in zip(*found.values(), strict=True)]
    return found if isinstance(found, list) else None


def _turn(item: Any) -> dict[str, Any] | str:
    """Return one turn with the keys of :class:`Message`, or its fault; other keys are dropped."""
    if not isinstance(item, dict):
        return f"a {type(item).__name__}, not an object"
    name = item.get("role", item.get("from"))
    role = ROLES.get(name) if isinstance(name, str) else None
    if role is None:
        return f"the role {name!r} is unknown"
    content = _text(next((item[key] for key in ("content", "value", "text") if item.get(key) is not None), ""))
    if content is None:
        return "its content is not text"
    turn: dict[str, Any] = {"role": role, "content": content}
    if role == "assistant":
        calls = item.get("tool_calls") or [{"function": call} for call in [item.get("function_call")] if call]
        if name in _CALLS and (call := _call(content)):
            turn["content"], calls = "", [{"function": call}]
        if calls:
            turn["tool_calls"] = calls
    if role == "tool":
        turn |= {key: item[key] for key in ("tool_call_id", "name") if item.get(key) is not None}
    return turn


def _text(content: Any) -> str | None:
    """Return the text of a turn, joined from its parts; ``None`` if a part is not text, for example an image."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    parts = [part.get("text") if isinstance(part, dict) else part for part in content]
    texts = [part for part in parts if isinstance(part, str)]
    return "\n".join(texts) if len(texts) == len(parts) else None


def _call(content: str) -> Any:
    """Return the tool call in JSON text, or ``None``."""
    try:
        call = strict_json(content)
    except (ValueError, RecursionError):
        return None
    return call if isinstance(call, dict) and "name" in call else None


def _answered(turns: Iterable[dict[str, Any]]) -> Chat | Refused:
    """Split the turns at the last answer and check both parts."""
    turns = list(turns)
    last = max((place for place, turn in enumerate(turns) if turn["role"] == "assistant"), default=None)
    if last is None:
        return Refused("no answer", "no assistant turn")
    messages = messages_of(turns[:last])
    if isinstance(messages, str):
        return Refused("faulty turns", messages)
    try:
        answer = with_calls_written(Message.model_validate(turns[last]).as_dict())["content"]
    except ValidationError as error:
        first = error.errors()[0]
        return Refused("faulty turns", f"the answer: {'.'.join(map(str, first['loc']))}: {first['msg']}")
    if not answer.strip():
        return Refused("empty answer", "the last assistant turn is empty")
    if not is_utf8(json.dumps(answer, ensure_ascii=False)):
        return Refused("faulty turns", "the answer: broken UTF-8 (a lone surrogate)")
    return Chat(messages, answer)
