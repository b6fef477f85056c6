"""Strict reader of chat prompts in JSON lines; an error lists all faults of the file."""

from __future__ import annotations

import codecs
import json
from itertools import pairwise, zip_longest
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from conch_dna.errors import DataError
from conch_dna.records import Message, Prompt, Reference, Tool, to_json_line
from conch_dna.util.text import is_utf8, strict_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

T = TypeVar("T")
PROMPTS_FILE = "prompts.jsonl"  # of a domain's folder
MOST_FAULTS = 20
KEYS = {"messages", "reference", "source", "tools"}
FOLLOWERS = {"user": {"assistant"}, "assistant": {"user", "tool"}, "tool": {"assistant", "tool"}, "system": {"user"}}


def read_prompts(path: Path) -> tuple[Prompt, ...]:
    """Read prompts, one JSON object a line: ``{"messages": [{"role": …, "content": …}, …], "reference": {…}}``.

    :raises DataError: the file is missing, empty, not UTF-8, or a line is faulty; the message lists the first 20 faults
        with their line numbers, and the number of the others.
    """
    seen: dict[str, int] = {}

    def read(number: int, raw: bytes) -> Prompt | str:
        found = _read_line(raw)
        if isinstance(found, str):
            return found
        first = seen.setdefault(found.digest, number)
        return found if first == number else f"the same prompt as line {first}"

    prompts = read_lines(path, read)
    if not prompts:
        raise DataError("contains no prompt", where=path, allowed='lines like {"messages": [{"role": "user", …}]}')
    return tuple(prompts)


def read_lines(path: Path, read: Callable[[int, bytes], T | str]) -> list[T]:
    """Return what is read from each line that is not blank.

    :param read: returns what is on the line with that number, or its fault.
    :raises DataError: the file cannot be read, or lines are faulty; the first faults are listed, the others counted.
    """
    found: list[T] = []
    faults: list[str] = []
    for number, raw in enumerate(_lines(path), 1):
        if not raw.strip():
            continue
        line = read(number, raw)
        if isinstance(line, str):
            faults.append(f"line {number}: {line}")
        else:
            found.append(line)
    if faults:
        more = f"\n  … and {len(faults) - MOST_FAULTS} more" if len(faults) > MOST_FAULTS else ""
        listed = "".join(f"\n  {fault}" for fault in faults[:MOST_FAULTS])
        raise DataError(f"{len(faults)} faulty line(s){listed}{more}", where=path, next_step="Fix them and run again")
    return found


def prompt_line(prompt: Prompt, **more: str) -> str:
    """Return a prompt as a line for :func:`read_prompts`, without empty fields.

    :param more: further keys of the line.
    """
    line = prompt.model_dump(mode="json", include={"messages", "source"})
    if prompt.tools:
        line["tools"] = [tool.model_dump(mode="json") for tool in prompt.tools]
    reference = prompt.reference.model_dump(mode="json", exclude_defaults=True)
    return to_json_line(line | ({"reference": reference} if reference else {}) | more)


def tools_of(items: Sequence[Any]) -> tuple[Tool, ...] | str:
    """Return tools, in OpenAI's form or bare, or the first fault."""
    try:
        tools = tuple(map(Tool.model_validate, items))
    except ValidationError as error:
        return first_fault(error, "tool")
    return "two tools have the same name" if len({tool.name for tool in tools}) < len(tools) else tools


def _lines(path: Path) -> list[bytes]:
    """Return the file's lines, split at line feeds only: prompts may contain other Unicode line separators."""
    try:
        return path.read_bytes().removeprefix(codecs.BOM_UTF8).split(b"\n")
    except OSError as error:
        raise DataError("cannot be read", where=path, got=error.strerror, next_step="Check the path") from error


def _read_line(raw: bytes) -> Prompt | str:
    """Return the prompt on one line, or its fault."""
    data = object_of(raw, KEYS)
    return data if isinstance(data, str) else prompt_of(data)


def prompt_of(data: Mapping[str, Any]) -> Prompt | str:
    """Return the prompt of a JSON object, or its fault."""
    messages = messages_of(data.get("messages"))
    if isinstance(messages, str):
        return messages
    try:
        reference = Reference.model_validate({} if data.get("reference") is None else data["reference"])
        prompt = Prompt(
            messages=messages, reference=reference, source=data.get("source", "unknown"), tools=data.get("tools") or ()
        )
    except ValidationError as error:
        return first_fault(error)
    if not is_utf8(json.dumps([data.get("reference"), data.get("tools"), prompt.source], ensure_ascii=False)):
        return "reference, tools or source: broken UTF-8 (a lone surrogate)"
    return prompt


def object_of(raw: bytes, keys: AbstractSet[str]) -> dict[str, Any] | str:
    """Return the JSON object on one line, or its fault.

    :param keys: those that it may have.
    """
    try:
        data = strict_json(raw.decode())
    except UnicodeDecodeError as error:
        return f"not UTF-8 (byte 0x{raw[error.start]:02x})"
    except json.JSONDecodeError as error:
        return f"not JSON ({error.msg} at column {error.colno})"
    except (ValueError, RecursionError) as error:
        return f"not JSON ({error})"
    if not isinstance(data, dict):
        return f"a {type(data).__name__}, not an object with messages"
    if unknown := set(data) - keys:
        return f"unknown key(s) {', '.join(sorted(map(repr, unknown)))}; allowed: {', '.join(sorted(keys))}"
    return data


def first_fault(error: ValidationError, whole: str = "") -> str:
    """Return the first fault, after the name of its field.

    :param whole: the name of what was read, for a fault of no single field.
    """
    first = error.errors()[0]
    field = ".".join(map(str, first["loc"])) or whole
    return f"{field}: {first['msg']}" if field else first["msg"]


def messages_of(value: Any) -> tuple[Message, ...] | str:
    """Return the chat turns, or the first fault: roles, order, empty content, tool calls, last turn."""
    if not isinstance(value, list) or not value:
        return "messages must be a non-empty list"
    messages = []
    for place, item in enumerate(value):
        try:
            message = Message.model_validate(item)
        except ValidationError as error:
            return f"messages[{place}]: {first_fault(error)}"
        if (
            not message.content.strip() and not message.tool_calls and message.role != "tool"
        ):  # a tool result may be empty
            return f"messages[{place}]: empty content"
        if not is_utf8(json.dumps(message.as_dict(), ensure_ascii=False)):
            return f"messages[{place}]: broken UTF-8 (a lone surrogate)"
        messages.append(message)
    return _order_fault(messages) or _calls_fault(messages) or tuple(messages)


def _order_fault(messages: list[Message]) -> str | None:
    """Return the fault in the order of roles, or ``None``."""
    turns = messages[1:] if messages[0].role == "system" else messages
    if not turns or turns[0].role != "user":
        return "the first turn (after an optional system message) must be the user's"
    for before, after in pairwise(turns):
        allowed = FOLLOWERS.get(before.role, set())
        if after.role not in allowed:
            return f"a {after.role} turn follows a {before.role} turn; allowed: {' or '.join(sorted(allowed))}"
    if turns[-1].role == "assistant":
        return "the last turn must be the user's or a tool's, because it is the one to answer"
    return None


def _calls_fault(messages: list[Message]) -> str | None:
    """Return the fault of tool calls and their results, or ``None``."""
    calls: set[str | None] = set()
    for place, (message, after) in enumerate(zip_longest(messages, messages[1:])):
        if message.role != "tool":
            calls = {call.id for call in message.tool_calls}
        elif message.tool_call_id is not None and message.tool_call_id not in calls:
            return f"messages[{place}]: tool_call_id {message.tool_call_id!r} matches no call in the previous turn"
        if message.tool_calls and (after is None or after.role != "tool"):
            return f"messages[{place}]: tool calls without a tool turn after them"
    return None
