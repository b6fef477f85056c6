"""The form of tools in a student's prompt, and of calls in its answer.

Training, recordings, gate, server, agent and exports use this one form. A neuron's card has the version that the neuron
was trained with, :data:`FORM`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from conch_dna.data.closest_tools import ClosestTools
from conch_dna.records import FunctionCall
from conch_dna.util.text import strict_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conch_dna.records import Prompt, Tool

REFERENCES = 32  # of one tool's schema that are shown; two in each target would double its text at every level
FORM = 3  # 1: version 0.1, which described tools as JSON to clients' neurons and trained without any; 2: not released
INTRODUCTION = (
    'Answer with tool calls, one line of JSON each: {"tool": "NAME", "arguments": {...}}. If no tool fits, say so.\n'
    "Tools:"
)
INTRODUCTION_1 = (
    'You can call tools. A call is one line of JSON and nothing else: {"tool": "NAME", "arguments": {...}}. The tools:'
)


def with_tools(turns: Sequence[Mapping[str, Any]], tools: Sequence[Tool], form: int = FORM) -> list[dict[str, Any]]:
    """Return the chat with the tools at the end of its system turn, which is added if there is none.

    Each user turn ends with the names of the tools that share words with it, see :class:`ClosestTools`: a line that
    depends on no other turn, so that a longer chat begins with the same tokens.

    :param form: the version of the form that the neuron was trained with.
    """
    shown = [dict(turn) for turn in turns]
    if not tools:
        return shown
    if form == 1:
        text = "\n".join([INTRODUCTION_1, *(json.dumps(_described(tool), ensure_ascii=False) for tool in tools)])
    else:
        signatures = [signature(tool) for tool in tools]
        text = "\n".join([INTRODUCTION, *signatures])
        closest = ClosestTools(signatures)
        for turn in shown:
            if turn["role"] == "user":
                names = [tools[place].name for place in closest(turn["content"])]
                turn["content"] += f"\nClosest: {', '.join(names) or 'none'}"
    if shown and shown[0]["role"] == "system":
        shown[0]["content"] = f"{shown[0]['content']}\n\n{text}"
    else:
        shown.insert(0, {"role": "system", "content": text})
    return shown


def student_turns(prompt: Prompt, form: int = FORM) -> list[dict[str, Any]]:
    """Return the messages of a prompt as a student sees them: with the tools that the answer may call.

    A neuron of the first form was trained without its domain's tools, and sees only those of the prompt.
    """
    return with_tools(prompt.turns, prompt.tools if form == 1 else prompt.offered, form)


def _described(tool: Tool) -> dict[str, Any]:
    """Return a tool as version 0.1 described it."""
    return {"name": tool.name} | tool.model_dump(exclude={"name"}, exclude_unset=True)


def signature(tool: Tool) -> str:
    """Return a tool on one line: ``name(argument: type (description), optional?: type = default) - description``."""
    text = f"{tool.name}({_Types(tool.parameters).fields(tool.parameters)})"
    return f"{text} - {' '.join(tool.description.split())}" if tool.description.strip() else text


class _Types:
    """The types of one tool's arguments, in a few characters each; ``any`` for what has no short form.

    A reference is replaced by its target, except within that target, and after the first 32.
    """

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self._parameters = parameters
        self._left = REFERENCES
        self._within = ["#"]

    def fields(self, schema: Mapping[str, Any]) -> str:
        properties, required = schema.get("properties"), schema.get("required")
        if not isinstance(properties, dict):
            return ""
        needed = required if isinstance(required, list) else []
        return ", ".join(self._field(name, value, needed=name in needed) for name, value in properties.items())

    def _field(self, name: str, schema: Any, *, needed: bool) -> str:
        text = f"{name}{'' if needed else '?'}: {self._type(schema)}"
        if not isinstance(schema, dict):
            return text
        if "default" in schema:
            text += f" = {json.dumps(schema['default'], ensure_ascii=False)}"
        described = schema.get("description")
        return f"{text} ({' '.join(described.split())})" if isinstance(described, str) and described.strip() else text

    def _type(self, schema: Any) -> str:  # noqa: PLR0911 - one return for each form of a schema
        if not isinstance(schema, dict):
            return "any"
        if isinstance(schema.get("$ref"), str):
            return self._referenced(schema["$ref"])
        if isinstance(schema.get("enum"), list):
            return "|".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
        if "const" in schema:
            return json.dumps(schema["const"], ensure_ascii=False)
        for key in ("anyOf", "oneOf", "allOf"):
            if isinstance(schema.get(key), list) and (key != "allOf" or len(schema[key]) == 1):
                return "|".join(dict.fromkeys(map(self._type, schema[key])))
        kind = schema.get("type", "object" if "properties" in schema else "any")
        if isinstance(kind, list):
            return "|".join(map(str, kind))
        if kind == "array":
            inner = self._type(schema.get("items"))
            return f"({inner})[]" if "|" in inner else f"{inner}[]"
        if kind == "object" and schema.get("properties"):
            return f"{{{self.fields(schema)}}}"
        return str(kind)

    def _referenced(self, reference: str) -> str:
        """Return the type of the schema that a reference such as ``#/$defs/Address`` names."""
        first, *keys = reference.split("/")
        if first != "#" or reference in self._within or not self._left:
            return "any"
        target: Any = self._parameters
        for key in keys:
            target = target.get(key) if isinstance(target, dict) else None
        self._left -= 1
        self._within.append(reference)
        text = self._type(target)
        self._within.pop()
        return text


def written_calls(calls: Iterable[FunctionCall]) -> str:
    """Return the answer that makes these calls: one line of JSON each."""
    return "\n".join(json.dumps({"tool": call.name, "arguments": call.arguments}, ensure_ascii=False) for call in calls)


def read_calls(text: str) -> list[FunctionCall] | None:
    """Return the calls of an answer; ``None`` if it is text or was cut."""
    if not text.startswith("{"):
        return None
    try:
        found = [strict_json(line) for line in text.split("\n")]
        return [FunctionCall(name=call["tool"], arguments=call["arguments"]) for call in found]
    except (ValueError, KeyError, TypeError, RecursionError):  # pydantic's error is a ValueError
        return None
