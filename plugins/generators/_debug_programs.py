"""Small right programs with their asserts, and the renaming of what they name.

A block of the data describes one program::

    > what it does, as a verb phrase after "should"
    def name(parameter):
        ...
    ? an expression that is true; statements before the last semicolon prepare it
    ~ name: other names | parameter: other names
    ! right part => wrong part :: what is wrong :: what the user notices

A ``!`` line is a bug of this program alone, and needs no notice. ``\\n`` in it is a line end.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

# Other names for variables that say nothing about the task. A program's own names come first.
COMMON = {
    "total": ("acc", "s", "amount_sum"),
    "count": ("c", "hits", "found"),
    "result": ("res", "out", "answer"),
    "best": ("chosen", "top"),
    "xs": ("nums", "seq", "vals"),
    "nums": ("numbers", "xs"),
    "i": ("k", "idx", "pos"),
    "x": ("val", "el"),
    "n": ("num",),
    "a": ("one", "p1"),
    "b": ("two", "p2"),
    "ch": ("c", "char", "letter"),
    "w": ("each", "one_word"),
    "key": ("k",),
    "value": ("v", "val"),
    "counts": ("freq", "seen"),
    "steps": ("turns", "n_steps"),
    "text": ("s", "txt"),
    "word": ("s", "wd"),
    "row": ("r", "cells"),
    "names": ("found", "selected"),
    "line": ("ln", "s"),
    "lines": ("rows", "out"),
}


@dataclass(frozen=True)
class Bug:
    """A bug written for one program: the wrong part stands for the right one."""

    right: str
    wrong: str
    cause: str
    notice: str


@dataclass(frozen=True)
class Program:
    """A right program.

    :param purpose: what it does, as a verb phrase.
    :param tests: expressions that are true of it, with the statements that prepare them.
    :param others: other names for its names.
    :param bugs: bugs of this program alone.
    """

    purpose: str
    source: str
    tests: tuple[str, ...]
    others: Mapping[str, tuple[str, ...]]
    bugs: tuple[Bug, ...]

    @property
    def name(self) -> str:
        """The name of its last function or class on the top level."""
        return [node.name for node in self.tree.body if isinstance(node, DEFINITIONS)][-1]

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed source."""
        return ast.parse(self.source)

    @property
    def asserts(self) -> tuple[str, ...]:
        """The tests as statements."""
        return tuple(str(Check.of(test)) for test in self.tests)


class Check(NamedTuple):
    """A test in its parts; ``wanted`` is empty unless it compares a call with a value."""

    prepared: str
    expression: str
    call: str
    wanted: str

    @classmethod
    @lru_cache(maxsize=4096)
    def of(cls, test: str) -> Check:
        """Split a test into preparation and expression, and the expression into the call and the value wanted."""
        *before, last = ast.parse(test).body
        if not isinstance(last, ast.Expr):
            raise TypeError(f"not an expression: {test}")
        expression = test[last.col_offset :]
        prepared = "; ".join(ast.get_source_segment(test, node) or "" for node in before)
        compared = last.value
        if isinstance(compared, ast.Compare) and isinstance(compared.left, ast.Call | ast.Attribute):
            left = ast.get_source_segment(test, compared.left) or ""
            right = ast.get_source_segment(test, compared.comparators[-1]) or ""
            return cls(prepared, expression, left, right)
        return cls(prepared, expression, "", "")

    def __str__(self) -> str:
        return f"{self.prepared}; assert {self.expression}" if self.prepared else f"assert {self.expression}"


DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def read_programs(data: str) -> list[Program]:
    """Return the programs of a data file, in its order."""
    return [_program(block) for block in data.strip("\n").split("\n\n")]


def _program(block: str) -> Program:
    marked: dict[str, list[str]] = {mark: [] for mark in ">?~!"}
    code = []
    for line in block.splitlines():
        if line[:2] in {"> ", "? ", "~ ", "! "}:
            marked[line[0]].append(line[2:])
        else:
            code.append(line)
    others = dict(_others(part) for line in marked["~"] for part in line.split(" | "))
    return Program(marked[">"][0], "\n".join(code), tuple(marked["?"]), others, tuple(map(_bug, marked["!"])))


def _others(part: str) -> tuple[str, tuple[str, ...]]:
    name, _, others = part.partition(": ")
    return name, tuple(others.split())


def _bug(line: str) -> Bug:
    change, cause, *notice = (part.strip(" ") for part in line.replace("\\n", "\n").split("::"))
    right, _, wrong = change.partition("=>")
    return Bug(right.strip(" "), wrong.strip(" "), cause, notice[0] if notice else "")


def renamed(program: Program, draw: random.Random, chance: float) -> Program:
    """Return the program with some of its names changed, each with the given chance."""
    taken = set(re.findall(r"\w+", program.source + " ".join(program.tests)))
    defined = {node.name for node in program.tree.body if isinstance(node, DEFINITIONS)}
    names = {}
    for name in renamable(program):
        pool = [other for other in (*program.others.get(name, ()), *COMMON.get(name, ())) if other not in taken]
        if pool and draw.random() < chance:
            names[name] = draw.choice(pool)
            taken.add(names[name])
    if not names:
        return program
    outside = {old: new for old, new in names.items() if old in defined}
    bugs = tuple(
        Bug(_swap(bug.right, names), _swap(bug.wrong, names), _swap_code(bug.cause, names), bug.notice)
        for bug in program.bugs
    )
    tests = tuple(_swap(test, outside) for test in program.tests)
    return replace(program, source=_swap(program.source, names), tests=tests, bugs=bugs)


@lru_cache(maxsize=1024)
def _words_fixed(source: str, tests: str) -> frozenset[str]:
    """Return the words that stand in texts, as attributes or as keywords, where a name would change too."""
    fixed = set()
    for node in (*ast.walk(ast.parse(source)), *ast.walk(ast.parse(tests))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            fixed.update(re.findall(r"\w+", node.value))
        elif isinstance(node, ast.Attribute):
            fixed.add(node.attr)
        elif isinstance(node, ast.keyword) and node.arg:
            fixed.add(node.arg)
    return frozenset(fixed)


def renamable(program: Program) -> list[str]:
    """Return the names of functions, parameters and variables that can change, in the order of the source."""
    names: dict[str, None] = {}
    nested = set()
    for node in ast.walk(program.tree):
        if isinstance(node, DEFINITIONS):
            names[node.name] = None
            nested.update(inner.name for inner in ast.iter_child_nodes(node) if isinstance(inner, DEFINITIONS))
        elif isinstance(node, ast.arg):
            names[node.arg] = None
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names[node.id] = None
    fixed = _words_fixed(program.source, "\n".join(program.tests))
    return sorted((n for n in names if n not in fixed and n not in nested and n != "self"), key=program.source.index)


def _swap(text: str, names: Mapping[str, str]) -> str:
    """Replace names in code; an attribute is not a name."""
    pattern = r"(?<![\w.])(?:" + "|".join(map(re.escape, names)) + r")(?!\w)"
    return re.sub(pattern, lambda found: names[found[0]], text) if names else text


def _swap_code(text: str, names: Mapping[str, str]) -> str:
    """Replace names in the parts between backticks."""
    return re.sub(r"`[^`]*`", lambda found: _swap(found[0], names), text)
