"""Tool calls: tools are described in the prompt, and calls are parsed from the answer.

The format is that of the ``action`` domain for all bases: ``{"tool": NAME, "arguments": {...}}``, one call per line.
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

from conch_dna.data.tokens import with_calls_written
from conch_dna.server.bounds import check_depth, check_schema
from conch_dna.server.faults import ApiFault
from conch_dna.server.grammar import calls_grammar, json_grammar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conch_dna.server.requests import ChatBody, Function, Turn

INTRODUCTION = (
    'You can call tools. A call is one line of JSON and nothing else: {"tool": "NAME", "arguments": {...}}. The tools:'
)


def callable_tools(body: ChatBody) -> list[Function]:
    """Return the tools that the answer may call.

    :raises ApiFault: 400, ``tool_choice`` names an unknown tool, a name occurs twice, or a tool's arguments are not an
        object or exceed the schema limits.
    """
    tools = [tool.function for tool in body.tools or ()]
    check_schema({"parameters": [tool.parameters for tool in tools]}, "tools")
    if len({tool.name for tool in tools}) < len(tools):
        raise ApiFault(400, "tools: two tools have the same name.", "invalid_value", "tools")
    if any((tool.parameters or {}).get("type", "object") != "object" for tool in tools):
        raise ApiFault(400, "tools: parameters must be the schema of an object.", "invalid_schema", "tools")
    choice = body.tool_choice
    if choice is None or choice == "auto":
        return tools
    if choice == "none":
        return []
    chosen = tools if choice == "required" else [tool for tool in tools if tool.name == choice.function.name]
    if not chosen:
        raise ApiFault(400, "tool_choice: no such tool.", "invalid_value", "tool_choice")
    return chosen


def grammar_of(body: ChatBody, tools: Sequence[Function]) -> tuple[str, str] | None:
    """Return an answer's grammar and the request field that requires it; ``None`` for free text.

    :raises ApiFault: 400, the request has both tools and a response format, or the schema exceeds the limits.
    """
    wanted = body.response_format
    schema = None if wanted is None else wanted.json_schema_of()
    if tools and schema is not None:
        raise ApiFault(
            400, "response_format: must be text when tools may be called.", "invalid_value", "response_format"
        )
    if schema is not None:
        check_schema(schema, "response_format")
    if tools:
        offered = [(tool.name, {"type": "object"} | (tool.parameters or {})) for tool in tools]
        free = body.tool_choice is None or body.tool_choice == "auto"
        return calls_grammar(offered, text=free, several=body.parallel_tool_calls is not False), "tools"
    return None if schema is None else (json_grammar(schema), "response_format")


def turns_of(messages: Sequence[Turn], tools: Sequence[Function]) -> list[dict[str, Any]]:
    """Return the chat for the template, with the tools in its system turn and earlier calls as text.

    :raises ApiFault: 400, an earlier call's arguments are not JSON.
    """
    turns = [_turn(message) for message in messages]
    if tools:
        described = [json.dumps(tool.described(), ensure_ascii=False) for tool in tools]
        text = "\n".join([INTRODUCTION, *described])
        if turns[0]["role"] == "system":
            turns[0]["content"] = f"{turns[0]['content']}\n\n{text}"
        else:
            turns.insert(0, {"role": "system", "content": text})
    return turns


def _turn(message: Turn) -> dict[str, Any]:
    role = "system" if message.role == "developer" else message.role
    turn: dict[str, Any] = {"role": role, "content": message.text}
    if not message.tool_calls:
        return turn
    try:
        calls = [
            {"function": {"name": call.function.name, "arguments": json.loads(call.function.arguments)}}
            for call in message.tool_calls
        ]
    except (ValueError, RecursionError) as fault:
        raise ApiFault(400, "messages: a call's arguments are not JSON.", "invalid_value", "messages") from fault
    check_depth(calls, "messages")
    return with_calls_written(turn | {"tool_calls": calls})


def read_calls(text: str) -> list[dict[str, Any]] | None:
    """Return the calls in an answer in OpenAI's format; ``None`` if it is text or was cut."""
    try:
        found = [json.loads(line) for line in text.split("\n")] if text.startswith("{") else []
    except ValueError:
        return None
    return [
        {
            "id": f"call_{secrets.token_hex(12)}",
            "type": "function",
            "function": {"name": call["tool"], "arguments": json.dumps(call["arguments"], ensure_ascii=False)},
        }
        for call in found
    ] or None
