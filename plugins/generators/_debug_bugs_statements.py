"""Bugs in statements: each function yields the bugs of its kinds that a program can have."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from ._debug_code import INDENT, Change, Code, Edit

if TYPE_CHECKING:
    from collections.abc import Iterator

STARTS = {
    "0": (("initial", "1"), ("initial", "None")),
    "1": (("initial", "0"),),
    '""': (("initial", "[]"), ("initial", "None")),
    "[]": (("initial", '""'), ("initial", "{}"), ("initial", "None")),
    "{}": (("initial", "[]"),),
    "set()": (("initial", "{}"), ("initial", "[]")),
    "True": (("initial", "False"),),
    "False": (("initial", "True"),),
}
SHADOWED = ("max", "min", "len", "sum", "str", "sorted", "list", "int")


def starts(code: Code) -> Iterator[Edit]:
    """Yield wrong and missing initial values."""
    for node in code.all(ast.Assign):
        value = code.text(node.value)
        for kind, wrong in STARTS.get(value, ()):
            yield code.replaced(kind, node.value, wrong, around=node)
        parent = code.parents[node]
        if value in STARTS and isinstance(parent, ast.FunctionDef) and isinstance(node.targets[0], ast.Name):
            yield code.without("missing_start", node)
        first = node.value
        if isinstance(first, ast.Subscript) and isinstance(first.slice, ast.Constant) and code.text(first.slice) == "0":
            yield code.replaced("start_zero", first, "0", around=node)


def steps(code: Code) -> Iterator[Edit]:
    """Yield missing steps, overwritten results, and values that are thrown away."""
    for body in code.bodies:
        for node in body:
            if len(body) > 1 and isinstance(node, ast.AugAssign | ast.Expr):
                yield code.without("missing_step", node)
            if isinstance(node, ast.Nonlocal | ast.Global):
                yield code.without("nonlocal", node)
            if isinstance(node, ast.AugAssign):
                yield from _augmented(code, node)
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and isinstance(node.targets[0], ast.Name):
                if isinstance(node.value.func, ast.Attribute) or code.text(node.value).startswith("sorted("):
                    start = code.span(node)[0]
                    yield code.changed("thrown_away", Change(start, code.span(node.value)[0], ""), around=node)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute):
                owner = node.value.func.value
                if isinstance(owner, ast.Name) and node.value.func.attr in {"append", "reverse", "sort", "extend", "add"}:
                    start = code.span(node)[0]
                    yield code.changed("none_assigned", Change(start, start, f"{owner.id} = "), around=node)


def _augmented(code: Code, node: ast.AugAssign) -> Iterator[Edit]:
    start, end = code.span(node.target)[1], code.span(node.value)[0]
    token = code.source[start:end].strip()
    place = Change(start, end, f" {token} ")
    if token == "+=":
        yield code.changed("overwritten", place._replace(text=" = "), around=node)
        yield code.changed("overwritten", place._replace(text=" =+ "), around=node)
    for wrong in {"+=": ("-=",), "-=": ("+=",), "*=": ("+=",), "//=": ("-=",)}.get(token, ()):
        yield code.changed("operator", place._replace(text=f" {wrong} "), around=node)


def returns(code: Code) -> Iterator[Edit]:
    """Yield missing, early and printed results."""
    for owner in code.functions:
        last = owner.body[-1]
        if isinstance(last, ast.Return) and last.value is not None:
            value = code.text(last.value)
            if isinstance(last.value, ast.Name) and len(owner.body) > 1:
                yield code.without("no_return", last)
            elif not isinstance(last.value, ast.Name | ast.Constant):
                yield code.replaced("no_return", last, f"result = {value}")
            yield code.replaced("no_return", last, value)
            yield code.replaced("printed", last, f"print({value})")
            if len(owner.body) > 1 and isinstance(owner.body[-2], ast.For | ast.While):
                yield code.changed("early_return", _indented(code, last), around=last)
    for node in code.all(ast.Yield):
        statement = code.statement(node)
        yield code.changed("no_yield", Change(code.span(node)[0], code.span(node)[0] + 5, "return"), around=statement)


def _indented(code: Code, node: ast.stmt) -> Change:
    start = code.line_start(node.lineno)
    return Change(start, start, INDENT)


def blocks(code: Code) -> Iterator[Edit]:
    """Yield statements in the wrong block, swapped branches and missing base cases."""
    for loop in (*code.all(ast.For), *code.all(ast.While)):
        last = loop.body[-1]
        if len(loop.body) > 1 and isinstance(last, ast.AugAssign | ast.Assign | ast.Expr) and not _yields(last):
            start = code.line_start(last.lineno)
            yield code.changed("dedented", Change(start, start + len(INDENT), ""), around=last)
    for word, other in (("break", "continue"), ("continue", "break")):
        kind = ast.Break if word == "break" else ast.Continue
        for node in code.all(kind):
            yield code.replaced("break_continue", node, other)
    for owner in code.functions:
        first = owner.body[0]
        recursive = any(isinstance(n, ast.Name) and n.id == owner.name for n in ast.walk(owner))
        if recursive and isinstance(first, ast.If) and not first.orelse:
            yield code.without("base_case", first)
        for one, two in zip(owner.body, owner.body[1:], strict=False):
            if isinstance(one, ast.If) and isinstance(two, ast.If) and not one.orelse and not two.orelse:
                swap = Change(*code.span(one), code.text(two)), Change(*code.span(two), code.text(one))
                right = code.text(one).split("\n")[0].rstrip(":")
                yield Edit("order", swap, right, code.text(two).split("\n")[0].rstrip(":"))
    for body in code.bodies:
        for node in body[:-1]:
            test = node.test if isinstance(node, ast.If) else None
            if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.NotIn) and _fills(node):
                yield code.without("key_missing", node)


def _yields(node: ast.stmt) -> bool:
    return any(isinstance(inner, ast.Yield) for inner in ast.walk(node))


def _fills(node: ast.stmt) -> bool:
    """Return whether a condition gives a dictionary its first value for a key."""
    if not isinstance(node, ast.If) or not isinstance(node.body[0], ast.Assign):
        return False
    return isinstance(node.body[0].targets[0], ast.Subscript)


def parameters(code: Code) -> Iterator[Edit]:
    """Yield mutable defaults, missing self, and names that hide a built-in function."""
    for owner in code.functions:
        yield from _mutable_default(code, owner)
        if owner.args.args and owner.args.args[0].arg == "self":
            start = code.source.index("self", code.span(owner)[0])
            end = start + len("self, " if len(owner.args.args) > 1 else "self")
            header = code.lines[owner.lineno - 1].strip()
            wrong = header.replace("self, ", "").replace("self", "")
            yield Edit("self_parameter", (Change(start, end, ""),), header, wrong)
    for node in code.all(ast.Attribute):
        if isinstance(node.value, ast.Name) and node.value.id == "self":
            kind = "self_stored" if isinstance(node.ctx, ast.Store) else "self_missing"
            yield code.replaced(kind, node, node.attr)
    called = {call.func.id for call in code.all(ast.Call) if isinstance(call.func, ast.Name)}
    for hidden in SHADOWED:
        if hidden in called:
            yield from _shadow(code, hidden)


def _mutable_default(code: Code, owner: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Edit]:
    first = owner.body[0]
    for arg, default in zip(owner.args.args[-len(owner.args.defaults) :], owner.args.defaults, strict=False):
        if isinstance(first, ast.If) and code.text(first.test) == f"{arg.arg} is None" and len(owner.body) > 1:
            cut = Change(*code.whole_lines(first), "")
            wrong = f"{arg.arg}=[]"
            yield Edit("mutable_default", (Change(*code.span(default), "[]"), cut), f"{arg.arg}=None", wrong)


def _shadow(code: Code, hidden: str) -> Iterator[Edit]:
    for node in code.all(ast.Assign):
        target = node.targets[0]
        if isinstance(target, ast.Name) and isinstance(code.parents[node], ast.FunctionDef):
            used = [n for n in ast.walk(code.tree) if isinstance(n, ast.Name) and n.id == target.id]
            if all(n in code.parents and n in code.nodes for n in used):
                yield Edit("shadow", tuple(Change(*code.span(n), hidden) for n in used), target.id, hidden)
                return


def syntax(code: Code) -> Iterator[Edit]:
    """Yield missing colons and brackets, and a body that is not indented."""
    for node in code.nodes:
        if isinstance(node, ast.FunctionDef | ast.If | ast.For | ast.While | ast.ClassDef):
            line = code.lines[node.lineno - 1]
            if line.endswith(":"):
                end = code.line_start(node.lineno) + len(line)
                yield Edit("colon", (Change(end - 1, end, ""),), line.strip(), line.strip()[:-1])
        if isinstance(node, ast.Return | ast.Assign | ast.Expr | ast.AugAssign) and node.end_lineno == node.lineno:
            line = code.lines[node.lineno - 1]
            if line.endswith((")", "]")):
                end = code.line_start(node.lineno) + len(line)
                yield Edit("bracket", (Change(end - 1, end, ""),), line.strip(), line.strip()[:-1])
    for node in code.nodes:
        body = getattr(node, "body", None)
        if isinstance(node, ast.FunctionDef | ast.For | ast.If) and isinstance(body, list) and len(body) == 1:
            inner = body[0]
            if inner.lineno == inner.end_lineno:
                start = code.line_start(inner.lineno)
                yield code.changed("indent", Change(start, start + len(INDENT), ""), around=inner)


STATEMENTS = (starts, steps, returns, blocks, parameters, syntax)
