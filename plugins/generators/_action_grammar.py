"""The notation in which tools and their requests are written down, and its reader.

A tool is a block of lines; blocks are separated by empty lines::

    get_weather current_weather #weather
    = check the weather
    : Get the current weather in a city | Current conditions at a place.
    -* city location : city ; City name
    -? units unit : enum celsius=Celsius,fahrenheit=Fahrenheit ; Temperature unit ; in {} | Use {}
    I (check|look up) the weather in {city}
    Q what's the weather like in {city}

First its names, the first of which is its key, and tags of what it does for tools that could stand for each other.
``=`` is what it can do, ``:`` its descriptions. An argument has names, a kind of value, descriptions, and clauses that
say it where a request does not; ``?`` marks an optional one, ``*`` one with several values in one request, ``--`` a
field of the object above. ``:=`` gives a default. A clause that starts with a capital letter is a sentence of its own;
those of truth values start with ``t:`` or ``f:``. Requests: ``I`` imperative, ``Q`` question, ``L`` something to look
up, ``N`` something to get, ``F`` a fragment, ``S`` whole sentences. ``(a|b)`` is a choice.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

KINDS = "IQLNFS"
_CHOICE = re.compile(r"\(([^()]*\|[^()]*)\)")
_SLOT = re.compile(r"\{([\w.]+)\}")


@dataclass(frozen=True)
class Argument:
    """An argument of a tool.

    :param key: its name in the templates.
    :param kind: the kind of its values; ``object`` for one with fields.
    :param many: whether one request may name several values, each for a call of its own.
    """

    key: str
    names: tuple[str, ...]
    kind: str
    required: bool
    many: bool
    default: Any
    descriptions: tuple[str, ...]
    clauses: tuple[str, ...]
    fields: tuple[Argument, ...] = ()

    @property
    def leaves(self) -> tuple[tuple[str, Argument], ...]:
        """The slots and arguments whose values a request says: the argument itself, or its fields."""
        if not self.fields:
            return ((self.key, self),)
        return tuple((f"{self.key}.{inner.key}", inner) for inner in self.fields)


@dataclass(frozen=True)
class ToolSpec:
    """A tool under all its names, with the requests for it."""

    key: str
    area: str
    names: tuple[str, ...]
    tags: frozenset[str]
    ability: str
    descriptions: tuple[str, ...]
    arguments: tuple[Argument, ...]
    requests: Mapping[str, tuple[str, ...]] = field(hash=False)

    @property
    def templates(self) -> tuple[tuple[str, str], ...]:
        """All requests, each with its kind."""
        return tuple((kind, text) for kind, texts in self.requests.items() for text in texts)


@lru_cache
def slots_of(template: str) -> frozenset[str]:
    """Return the keys of the arguments that a template says."""
    return frozenset(_SLOT.findall(template))


def chosen(template: str, random: Random) -> str:
    """Return the template with one option of each choice."""
    while match := _CHOICE.search(template):
        option = random.choice(match[1].split("|"))
        template = f"{template[: match.start()]}{option}{template[match.end() :]}"
    return " ".join(template.split())


def read_tools(area: str, text: str) -> list[ToolSpec]:
    """Return the tools of one area."""
    return [_tool(area, block.strip().splitlines()) for block in re.split(r"\n\s*\n", text.strip())]


def _tool(area: str, lines: list[str]) -> ToolSpec:
    words = lines[0].split()
    ability = ""
    descriptions: tuple[str, ...] = ()
    arguments: list[Argument] = []
    requests: dict[str, list[str]] = {}
    for line in lines[1:]:
        mark, _, rest = line.strip().partition(" ")
        if mark == "=":
            ability = rest.strip()
        elif mark == ":":
            descriptions = _parts(rest, "|")
        elif mark.startswith("--"):
            owner = arguments.pop()
            arguments.append(_with_field(owner, _argument(mark[1:], rest)))
        elif mark.startswith("-"):
            arguments.append(_argument(mark, rest))
        elif mark in KINDS:
            requests.setdefault(mark, []).append(rest.strip())
        else:
            raise ValueError(f"{words[0]}: unknown line {line!r}")
    return ToolSpec(
        key=words[0],
        area=area,
        names=tuple(word for word in words if word[0] != "#"),
        tags=frozenset(word for word in words if word[0] == "#"),
        ability=ability,
        descriptions=descriptions,
        arguments=tuple(arguments),
        requests={kind: tuple(texts) for kind, texts in requests.items()},
    )


def _argument(mark: str, text: str) -> Argument:
    head, _, rest = text.partition(" : ")
    kind, *more = (part.strip() for part in rest.split(" ; "))
    kind, _, default = kind.partition(":=")
    names = tuple(head.split())
    return Argument(
        key=names[0],
        names=names,
        kind=kind.strip(),
        required="?" not in mark,
        many="*" in mark,
        default=json.loads(default) if default else None,
        descriptions=_parts(more[0], "|") if more else (),
        clauses=_parts(more[1], "|") if len(more) > 1 else (),
    )


def _with_field(owner: Argument, inner: Argument) -> Argument:
    return Argument(**{**vars(owner), "fields": (*owner.fields, inner)})


def _parts(text: str, mark: str) -> tuple[str, ...]:
    """Split at a mark, but not inside the parentheses of a choice."""
    parts, depth = [""], 0
    for char in text:
        depth += (char == "(") - (char == ")")
        if char == mark and not depth:
            parts.append("")
        else:
            parts[-1] += char
    return tuple(part.strip() for part in parts if part.strip())
