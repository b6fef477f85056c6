"""The form in which a prompt shows a tool: its names, spelling, arguments, descriptions, or names without meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conch_dna.records import FunctionCall, Tool

from ._action_values import NOTES, schema_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ._action_grammar import Argument, ToolSpec
    from ._action_values import Draws, Value

NEEDS_NOTE = ("date", "rate")  # kinds whose value can differ from the words that say it


@dataclass(frozen=True)
class Style:
    """How all tools of one prompt are written.

    :param spelling: ``snake``, ``camel``, ``dotted`` or ``mixed``.
    :param described: share of the arguments that have a description.
    :param masked_tools, masked_arguments: whether names have no meaning.
    """

    spelling: str
    described: float
    masked_tools: bool = False
    masked_arguments: bool = False


@dataclass(frozen=True)
class Shown:
    """A tool as a prompt shows it.

    :param names: the shown names of the arguments and fields, by slot.
    """

    spec: ToolSpec
    tool: Tool
    names: Mapping[str, str]

    def call(self, filled: Mapping[str, Value]) -> FunctionCall:
        """Return the call with these values, in the order of the signature."""
        arguments: dict[str, Any] = {}
        for argument in self.spec.arguments:
            for slot, _ in argument.leaves:
                if slot not in filled:
                    continue
                owner = arguments.setdefault(self.names[argument.key], {}) if argument.fields else arguments
                owner[self.names[slot]] = filled[slot].value
        order = list(self.tool.parameters["properties"])
        return FunctionCall(name=self.tool.name, arguments={n: arguments[n] for n in order if n in arguments})


def style_of(draws: Draws, *, masked: bool = False) -> Style:
    """Return a random style; with ``masked``, one in which tools or arguments have names without meaning."""
    spelling = draws.random.choices(("snake", "camel", "dotted", "mixed"), (58, 10, 12, 20))[0]
    described = draws.random.choices((0.0, 0.35, 1.0), (45, 30, 25))[0]
    if not masked:
        return Style(spelling, described)
    tools, arguments = draws.random.choice(((True, True), (True, False), (False, True)))
    return Style(spelling, 1.0 if arguments else described, tools, arguments)


def show(
    spec: ToolSpec, draws: Draws, style: Style, needed: Collection[str] = (), taken: Collection[str] = ()
) -> Shown:
    """Return the tool in a style, with all required arguments and, of the optional ones, those needed and some more.

    :param needed: slots that a call fills.
    :param taken: names of the prompt's other tools.
    """
    names: dict[str, str] = {}
    properties: dict[str, Any] = {}
    required: list[str] = []
    spelling = style.spelling
    if spelling == "mixed":
        spelling = draws.random.choice(("snake", "snake", "camel", "dotted"))
    used: set[str] = set()
    camel = spelling == "camel" and draws.chance(0.75)
    for argument in spec.arguments:
        wanted = argument.key in needed or any(slot in needed for slot, _ in argument.leaves)
        if not (argument.required or wanted or draws.chance(0.6)):
            continue
        name = _argument_name(argument, draws, style, used, camel=camel)
        names[argument.key] = name
        properties[name] = _property(argument, draws, style, names, wanted=wanted)
        if argument.required:
            required.append(name)
    described = style.masked_tools or draws.chance(0.87)
    tool = Tool(
        name=_masked("func", draws, taken) if style.masked_tools else _tool_name(spec, draws, spelling),
        description=draws.random.choice(spec.descriptions) if described else "",
        parameters={"type": "object", "properties": properties, "required": required},
    )
    return Shown(spec, tool, names)


def camel_case(name: str) -> str:
    """Return ``get_weather`` as ``getWeather``."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _tool_name(spec: ToolSpec, draws: Draws, spelling: str) -> str:
    name = draws.random.choice(spec.names)
    if spelling == "camel":
        return camel_case(name)
    return f"{spec.area}.{name}" if spelling == "dotted" else name


def _argument_name(argument: Argument, draws: Draws, style: Style, used: set[str], *, camel: bool) -> str:
    if style.masked_arguments:
        name = _masked("arg", draws, used)
    else:
        # The first name is the plainest one; a name that another argument has already is none.
        options = [n for n in (argument.names[0], *argument.names) if n not in used] or [argument.key]
        name = draws.random.choice(options)
    used.add(name)
    return camel_case(name) if camel and not style.masked_arguments else name


def _masked(stem: str, draws: Draws, taken: Collection[str]) -> str:
    """Return a name without meaning that is not taken."""
    while True:
        letter, digit = draws.random.choice("abcdefghkmnpqrstuvwxyz"), draws.random.randint(1, 9)
        options = {
            "func": (
                f"func_{letter}{digit}",
                f"fn_{digit}{letter}",
                f"tool_{letter}{digit}",
                f"f{digit}{digit}_{letter}",
            ),
            "arg": (f"arg_{digit}", f"p{digit}", f"param_{letter}", f"x{digit}{letter}"),
        }[stem]
        name = draws.random.choice(options)
        if name not in taken:
            return name


def _property(argument: Argument, draws: Draws, style: Style, names: dict[str, str], *, wanted: bool) -> dict[str, Any]:
    schema = schema_of(argument.kind)
    if argument.fields:
        inner = {}
        for slot, leaf in argument.leaves:
            names[slot] = leaf.key
            inner[leaf.key] = _property(leaf, draws, style, {}, wanted=wanted)
        schema = {"type": "object", "properties": inner, "required": [f.key for f in argument.fields if f.required]}
    if argument.default is not None:
        schema["default"] = argument.default
    head = argument.kind.partition(" ")[0]
    if (head in NEEDS_NOTE and wanted) or draws.chance(style.described):
        schema["description"] = _described(draws.random.choice(argument.descriptions), head)
    return schema


def _described(text: str, head: str) -> str:
    return f"{text.rstrip('.')}, {NOTES[head]}" if head in NOTES else text
