"""The text of a program with its syntax tree, and changes to it that leave all other text as it is."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

N = TypeVar("N", bound=ast.AST)
Function = ast.FunctionDef | ast.AsyncFunctionDef
INDENT = "    "


class Change(NamedTuple):
    """A replacement of the text between two offsets."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Edit:
    """A bug: changes to the right program.

    :param kind: the kind of bug, which has its own sentences.
    :param right, wrong: the part as it should be and as the bug writes it, for those sentences.
    :param cause, notice: sentences of this bug alone, in place of the kind's.
    """

    kind: str
    changes: tuple[Change, ...]
    right: str
    wrong: str
    cause: str = ""
    notice: str = ""


class Code:
    """A program's text and tree. All text is ASCII, so that the tree's columns are offsets."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.tree = ast.parse(source)
        self.lines = source.split("\n")
        self._starts = [0]
        for line in self.lines:
            self._starts.append(self._starts[-1] + len(line) + 1)

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """The parent of each node."""
        return {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """All nodes outside f-strings, in the order of the text: Python 3.11 misplaces those within."""
        found: list[ast.AST] = []
        waiting: list[ast.AST] = [self.tree]
        while waiting:
            node = waiting.pop()
            found.append(node)
            if not isinstance(node, ast.JoinedStr):
                waiting.extend(reversed(list(ast.iter_child_nodes(node))))
        return found

    def all(self, kind: type[N]) -> Iterator[N]:
        """Yield the nodes of one class."""
        return (node for node in self.nodes if isinstance(node, kind))

    @cached_property
    def functions(self) -> list[Function]:
        """The functions and methods."""
        return [node for node in self.nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]

    @cached_property
    def bodies(self) -> list[list[ast.stmt]]:
        """The lists of statements of all blocks inside functions."""
        found = []
        for node in self.nodes:
            if isinstance(node, ast.Module | ast.ClassDef):
                continue
            for name in ("body", "orelse"):
                block = getattr(node, name, None)
                if isinstance(block, list) and block:
                    found.append(block)
        return found

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """Return the offsets of a node's text."""
        end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0
        return self._starts[node.lineno - 1] + node.col_offset, self._starts[end_line - 1] + end_column

    def text(self, node: ast.expr | ast.stmt) -> str:
        """Return a node's text."""
        start, end = self.span(node)
        return self.source[start:end]

    def between(self, left: ast.expr, right: ast.expr, token: str) -> tuple[int, int]:
        """Return the offsets of an operator between two nodes."""
        start = self.source.index(token, self.span(left)[1], self.span(right)[0])
        return start, start + len(token)

    def whole_lines(self, node: ast.stmt) -> tuple[int, int]:
        """Return the offsets of the lines of a statement, with the line end."""
        return self._starts[node.lineno - 1], self._starts[node.end_lineno or node.lineno]

    def line_start(self, number: int) -> int:
        """Return the offset of the start of a line, counted from 1."""
        return self._starts[number - 1]

    def replaced(self, kind: str, node: ast.expr | ast.stmt, text: str, *, around: ast.expr | ast.stmt | None = None) -> Edit:
        """Return the bug that writes ``text`` for a node; the sentences quote ``around``, by default the node."""
        return self.changed(kind, Change(*self.span(node), text), around=around or node)

    def changed(self, kind: str, change: Change, *, around: ast.expr | ast.stmt) -> Edit:
        """Return the bug that makes one change; the sentences quote ``around``."""
        start, end = self.span(around)
        right = self.source[start:end]
        wrong = self.source[start : change.start] + change.text + self.source[change.end : end]
        return Edit(kind, (change,), right, wrong)

    def without(self, kind: str, *statements: ast.stmt) -> Edit:
        """Return the bug that leaves out statements that follow each other."""
        start, end = self.whole_lines(statements[0])[0], self.whole_lines(statements[-1])[1]
        start, end = (start, end) if end <= len(self.source) else (start - 1, len(self.source))
        return Edit(kind, (Change(start, end, ""),), self.text(statements[0]).split("\n")[0], "")

    def with_bug(self, edit: Edit) -> str:
        """Return the text with the bug."""
        text = self.source
        for change in sorted(edit.changes, reverse=True):
            text = text[: change.start] + change.text + text[change.end :]
        return text

    def statement(self, node: ast.AST) -> ast.stmt:
        """Return the statement that a node is part of."""
        while not isinstance(node, ast.stmt):
            node = self.parents[node]
        return node

    def owner(self, node: ast.AST) -> Function | None:
        """Return the innermost function around a node."""
        while node in self.parents:
            node = self.parents[node]
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                return node
        return None
