"""Tool calls: tools are described in the prompt, and calls are parsed from the answer.

The format is that of the ``action`` domain for all bases: ``{"tool": NAME, "arguments": {...}}``, one call per line.
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

from conch_dna.data.tokens import with_calls_written
from conch_dna.data.tool_form import read_calls, with_tools
from conch_dna.records import Tool
from conch_dna.runtime.grammar import grammar_of
from conch_dna.server.bounds import check_depth, check_schema
from conch_dna.server.faults import ApiFault
from conch_dna.server.requests import Choice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conch_dna.server.requests import ChatBody, Turn


def callable_tools(body: ChatBody) -> list[Tool] | None:
    """Return the tools that the answer may call; ``None`` if the request says nothing about tools.

    :raises ApiFault: 400, ``tool_choice`` names an unknown tool, a name occurs twice, or a tool's arguments are not an
        object or exceed the schema limits.
    """
    if body.tools is None and body.tool_choice is None:
        return None
    tools = [tool.function for tool in body.tools or ()]
    check_schema({"parameters": [tool.parameters for tool in tools]}, "tools")
    if len({tool.name for tool in tools}) < len(tools):
        raise ApiFault(400, "tools: two tools have the same name.", "invalid_value", "tools")
    if any((tool.parameters or {}).get("type", "object") != "object" for tool in tools):
        raise ApiFault(400, "tools: parameters must be the schema of an object.", "invalid_schema", "tools")
    choice = body.tool_choice
    if choice == "none":
        return []
    chosen = tools
    if isinstance(choice, Choice):
        chosen = [tool for tool in tools if tool.name == choice.function.name]
    if not chosen and choice is not None and choice != "auto":
        raise ApiFault(400, "tool_choice: no such tool.", "invalid_value", "tool_choice")
    return [Tool.model_validate(tool.described()) for tool in chosen]


def required_grammar(body: ChatBody, tools: Sequence[Tool]) -> tuple[str, str] | None:
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
    text = body.tool_choice is None or body.tool_choice == "auto"
    grammar = grammar_of(tools, schema, text=text, several=body.parallel_tool_calls is not False)
    return None if grammar is None else (grammar, "tools" if tools else "response_format")


def turns_of(messages: Sequence[Turn], tools: Sequence[Tool], form: int) -> list[dict[str, Any]]:
    """Return the chat for the template, with the tools in its system turn and earlier calls as text.

    :param form: the form of tools that the model was trained with.
    :raises ApiFault: 400, an earlier call's arguments are not JSON.
    """
    return with_tools([_turn(message) for message in messages], tools, form)


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


def openai_calls(text: str) -> list[dict[str, Any]] | None:
    """Return the calls in an answer in OpenAI's format; ``None`` if it is text or was cut."""
    found = read_calls(text)
    if found is None:
        return None
    return [
        {
            "id": f"call_{secrets.token_hex(12)}",
            "type": "function",
            "function": {"name": call.name, "arguments": json.dumps(call.arguments, ensure_ascii=False)},
        }
        for call in found
    ]
