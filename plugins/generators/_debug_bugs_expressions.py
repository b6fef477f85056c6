"""Bugs in expressions: each function yields the bugs of its kinds that a program can have."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from ._debug_code import Change, Code, Edit

if TYPE_CHECKING:
    from collections.abc import Iterator

COMPARISONS: dict[type[ast.cmpop], tuple[str, tuple[tuple[str, str], ...]]] = {
    ast.Lt: ("<", (("boundary", "<="), ("direction", ">"))),
    ast.LtE: ("<=", (("boundary", "<"), ("direction", ">="))),
    ast.Gt: (">", (("boundary", ">="), ("direction", "<"))),
    ast.GtE: (">=", (("boundary", ">"), ("direction", "<="))),
    ast.Eq: ("==", (("negated", "!="),)),
    ast.NotEq: ("!=", (("negated", "=="),)),
    ast.In: ("in", (("negated", "not in"),)),
    ast.NotIn: ("not in", (("negated", "in"),)),
    ast.Is: ("is", (("negated", "is not"),)),
    ast.IsNot: ("is not", (("negated", "is"),)),
}
OPERATORS: dict[type[ast.operator], tuple[str, tuple[tuple[str, str], ...]]] = {
    ast.Add: ("+", (("operator", "-"),)),
    ast.Sub: ("-", (("operator", "+"),)),
    ast.Mult: ("*", (("operator", "+"), ("operator", "/"))),
    ast.Div: ("/", (("operator", "*"), ("whole_division", "//"))),
    ast.FloorDiv: ("//", (("true_division", "/"), ("remainder", "%"))),
    ast.Mod: ("%", (("quotient", "//"), ("quotient", "/"))),
    ast.Pow: ("**", (("operator", "*"), ("xor", "^"))),
}
METHODS = {
    "append": ("extend", "push", "add"),
    "extend": ("append",),
    "add": ("append",),
    "upper": ("lower",),
    "lower": ("upper",),
    "lstrip": ("rstrip",),
    "rstrip": ("lstrip",),
    "startswith": ("endswith", "startwith"),
    "endswith": ("startswith", "endwith"),
    "rfind": ("find",),
    "items": ("keys",),
    "values": ("keys",),
    "isdigit": ("isalpha",),
    "isupper": ("islower",),
    "update": ("append",),
    "title": ("upper",),
}
UNKNOWN = {"push", "startwith", "endwith", "add", "append", "extend"}  # methods that the object may lack
FUNCTIONS = {"max": ("min",), "min": ("max",), "any": ("all",), "all": ("any",), "sum": ("len", "max"), "len": ("sum",)}
CONVERSIONS = {"str", "int", "float", "list"}
CONSTANTS = {60: (100, 6), 100: (10, 1000), 1000: (100,), 7: (6, 8), 24: (12,), 10: (9, 100), 12: (11,), 3600: (360,)}


def _plus(code: Code, node: ast.expr, n: int) -> str:
    """Return a number's text plus n, as people write it."""
    value = _number(node)
    if value is not None:
        return str(value + n)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub) and (by := _number(node.right)) is not None:
        by = (by if isinstance(node.op, ast.Add) else -by) + n
        left = code.text(node.left)
        return left if by == 0 else f"{left} {'+' if by > 0 else '-'} {abs(by)}"
    text = code.text(node)
    text = text if isinstance(node, ast.Name | ast.Call | ast.Subscript | ast.Attribute) else f"({text})"
    return f"{text} {'+' if n > 0 else '-'} {abs(n)}"


def _number(node: ast.expr | None) -> int | None:
    """Return the value of a whole number, which may have a minus."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _number(node.operand)
        return None if value is None else -value
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    return None


def _calls(code: Code, name: str) -> Iterator[ast.Call]:
    return (call for call in code.all(ast.Call) if isinstance(call.func, ast.Name) and call.func.id == name)


def ranges(code: Code) -> Iterator[Edit]:
    """Yield loops that are one step too short, too long, or start at the wrong place."""
    for call in _calls(code, "range"):
        args = call.args
        backwards = len(args) == 3 and (_number(args[2]) or 0) < 0
        stop = args[0] if len(args) == 1 else args[1]
        later = -1 if backwards else 1
        yield code.replaced("range_short", stop, _plus(code, stop, -later), around=call)
        yield code.replaced("range_long", stop, _plus(code, stop, later), around=call)
        if len(args) == 1:
            yield code.replaced("range_late", stop, f"1, {code.text(stop)}", around=call)
        else:
            yield code.replaced("range_late", args[0], _plus(code, args[0], later), around=call)
            yield code.replaced("range_early", args[0], _plus(code, args[0], -later), around=call)
        if len(args) == 3 and _number(args[2]) == 2:
            yield code.replaced("step", args[2], "1", around=call)


def slices(code: Code) -> Iterator[Edit]:
    """Yield slices with a wrong start, end, side or step."""
    for node in code.all(ast.Subscript):
        cut = node.slice
        if not isinstance(cut, ast.Slice):
            continue
        low, high = cut.lower, cut.upper
        if low is None and high is None and cut.step is None:
            yield code.replaced("changed_in_loop", node, code.text(node.value))
        if low is not None:
            yield code.replaced("slice_start", low, _plus(code, low, 1), around=node)
            yield code.replaced("slice_start", low, _plus(code, low, -1), around=node)
        if high is not None:
            yield code.replaced("slice_end", high, _plus(code, high, -1), around=node)
            yield code.replaced("slice_end", high, _plus(code, high, 1), around=node)
            if isinstance(high, ast.BinOp) and low is not None:
                yield code.replaced("slice_end", high, code.text(high.right), around=node)
        start, end = code.span(node.value)[1] + 1, code.span(node)[1] - 1
        if low is not None and high is None and cut.step is None:
            yield code.changed("slice_side", Change(start, end, f":{code.text(low)}"), around=node)
        if high is not None and low is None and cut.step is None:
            yield code.changed("slice_side", Change(start, end, f"{code.text(high)}:"), around=node)
        if cut.step is not None and _number(cut.step) == -1:
            yield code.changed("slice_step", Change(start, end, ":"), around=node)


def indexes(code: Code) -> Iterator[Edit]:
    """Yield element accesses at the neighbouring place."""
    for node in code.all(ast.Subscript):
        place = node.slice
        number = _number(place)
        if isinstance(node.value, ast.Name) and node.value.id in {"list", "dict", "tuple"}:
            continue
        if number is not None:
            yield code.replaced("index", place, str(number + 1), around=node)
            yield code.replaced("index", place, str(number - 1) if number else "-1", around=node)
        elif isinstance(place, ast.BinOp) and isinstance(place.op, ast.Add | ast.Sub) and _number(place.right):
            yield code.replaced("index", place, code.text(place.left), around=node)
        elif isinstance(place, ast.BinOp) and isinstance(place.op, ast.Mod):
            yield code.replaced("wrap", place, code.text(place.left).strip("()"), around=node)
        elif isinstance(place, ast.Name) and place.id in {"i", "j", "k", "idx", "pos", "mid"}:
            yield code.replaced("index", place, f"{place.id} + 1", around=node)


def comparisons(code: Code) -> Iterator[Edit]:
    """Yield comparisons with the wrong operator, and ``=`` or ``is`` in the place of ``==``."""
    for node in code.all(ast.Compare):
        left = node.left
        for op, right in zip(node.ops, node.comparators, strict=True):
            token, wrongs = COMPARISONS[type(op)]
            place = code.between(left, right, token)
            for kind, wrong in wrongs:
                yield code.changed(kind, Change(*place, wrong), around=node)
            parent = code.parents[node]
            if isinstance(op, ast.Eq) and isinstance(parent, ast.If) and parent.test is node:
                yield code.changed("single_equals", Change(*place, "="), around=node)
            if isinstance(op, ast.Eq) and isinstance(right, ast.Call | ast.List):
                yield code.changed("identity", Change(*place, "is"), around=node)
            left = right


def arithmetic(code: Code) -> Iterator[Edit]:
    """Yield wrong operators, swapped sides and missing parentheses."""
    for node in code.all(ast.BinOp):
        if type(node.op) not in OPERATORS:
            continue
        token, wrongs = OPERATORS[type(node.op)]
        left, right = code.text(node.left), code.text(node.right)
        place = code.between(node.left, node.right, token)
        for kind, wrong in wrongs:
            yield code.changed(kind, Change(*place, wrong), around=node)
        simple = isinstance(node.left, ast.Name | ast.Call | ast.Subscript | ast.Constant)
        other = isinstance(node.right, ast.Name | ast.Call | ast.Subscript | ast.Constant)
        if isinstance(node.op, ast.Sub | ast.Div | ast.FloorDiv | ast.Mod) and simple and other:
            yield code.replaced("swapped_sides", node, f"{right} {token} {left}")
        if isinstance(node.op, ast.Mult | ast.Div | ast.FloorDiv | ast.Mod):
            for side in (node.left, node.right):
                start, end = code.span(side)
                if isinstance(side, ast.BinOp) and code.source[start - 1] == "(" and code.source[end] == ")":
                    inner = Change(start - 1, end + 1, code.source[start:end])
                    yield code.changed("parentheses", inner, around=code.statement(node))


def names(code: Code) -> Iterator[Edit]:
    """Yield the wrong variable, and a misspelt one."""
    loops = any(code.all(ast.While))
    for node in code.all(ast.Name):
        owner = code.owner(node)
        parent = code.parents[node]
        if not isinstance(node.ctx, ast.Load) or owner is None or (isinstance(parent, ast.Call) and parent.func is node):
            continue
        local = _locals(code, owner)
        statement = code.statement(node)
        simple = isinstance(statement, ast.Return | ast.Assign | ast.AugAssign | ast.Expr)
        around: ast.expr | ast.stmt = statement if simple else node
        # An endless loop that doubles what it holds fills the memory before its steps run out.
        others = [] if loops or node.id not in local else [n for n in local if n not in {node.id, "self"}]
        for other in others[:3]:
            yield code.replaced("wrong_name", node, other, around=around)
        if node.id in local and len(node.id) >= 4 and not isinstance(owner, ast.AsyncFunctionDef):
            wrong = node.id[0] + node.id[2] + node.id[1] + node.id[3:]
            for typo in (wrong, node.id[:-1], node.id[:2] + node.id[3:]):
                if typo not in {*local, node.id}:
                    yield Edit("typo", (Change(*code.span(node), typo),), node.id, typo)


def _locals(code: Code, owner: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """Return parameters and variables of a function, in the order of the text."""
    found = dict.fromkeys(arg.arg for arg in owner.args.args)
    for node in ast.walk(owner):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and code.owner(node) is owner:
            found[node.id] = None
    return list(found)


def methods(code: Code) -> Iterator[Edit]:
    """Yield wrong, missing and unfinished method calls."""
    for call in code.all(ast.Call):
        if not isinstance(call.func, ast.Attribute):
            continue
        name, owner = call.func.attr, call.func.value
        end = code.span(call.func)[1]
        for other in METHODS.get(name, ()):
            kind = "unknown_method" if other in UNKNOWN and other != "extend" else "wrong_method"
            yield code.changed(kind, Change(end - len(name), end, other), around=call)
        if not call.args and not call.keywords:
            cut = Change(end, code.span(call)[1], "")
            if isinstance(code.parents[call], ast.expr | ast.Return | ast.Assign | ast.For | ast.comprehension):
                yield code.changed("no_brackets", cut, around=call)
            if name in {"strip", "lower", "upper", "title", "rstrip", "split", "copy", "items", "values"}:
                kind = {"copy": "no_copy", "items": "no_items", "values": "no_items"}.get(name, "missing_call")
                yield code.replaced(kind, call, code.text(owner))
        elif name in {"lstrip", "replace"}:
            yield code.replaced("missing_call", call, code.text(owner))
        elif name == "split":
            yield code.changed("missing_argument", Change(end, code.span(call)[1], "()"), around=call)
        if name in {"get", "setdefault"} and len(call.args) == 2:
            yield code.replaced("key_error", call, f"{code.text(owner)}[{code.text(call.args[0])}]")
        if name == "get" and len(call.args) == 2:
            yield code.replaced("no_default", call, f"{code.text(call.func)}({code.text(call.args[0])})")
        if name == "append":
            stores = f"{code.text(owner)} = [{code.text(call.args[0])}]"
            yield code.replaced("overwritten", call, stores)


def functions(code: Code) -> Iterator[Edit]:
    """Yield wrong and missing function calls, and wrong arguments."""
    for call in code.all(ast.Call):
        if isinstance(call.func, ast.Name):
            yield from _function(code, call, call.func.id)
        plain = all(isinstance(arg, ast.Name | ast.Constant | ast.Subscript | ast.BinOp) for arg in call.args)
        if len(call.args) == 2 and plain and not call.keywords:
            first, second = call.args
            swap = (Change(*code.span(first), code.text(second)), Change(*code.span(second), code.text(first)))
            wrong = f"{code.text(call.func)}({code.text(second)}, {code.text(first)})"
            yield Edit("swapped_arguments", swap, code.text(call), wrong)
        spare = [call.keywords[-1].value] if call.keywords else []
        if len(call.args) == 2 and isinstance(call.func, ast.Name) and call.func.id in {"enumerate", "round", "int"}:
            spare = [call.args[1]]
        if spare and (call.args or len(call.keywords) > 1):
            before = call.args[-1] if len(call.keywords) <= 1 and call.keywords else None
            before = before or (call.args[0] if not call.keywords else call.keywords[-2].value)
            cut = Change(code.span(before)[1], code.span(call)[1] - 1, "")
            yield code.changed("missing_argument", cut, around=call)
        for arg in call.args:
            if isinstance(arg, ast.Starred):
                yield code.replaced("star", arg, code.text(arg.value), around=call)


def _function(code: Code, call: ast.Call, name: str) -> Iterator[Edit]:
    for other in FUNCTIONS.get(name, ()):
        yield code.replaced("wrong_function", call.func, other, around=call)
    if len(call.args) != 1 or isinstance(call.args[0], ast.Starred | ast.GeneratorExp):
        return
    arg, parent = call.args[0], code.parents[call]
    inner = code.text(arg)
    if isinstance(parent, ast.For) and name == "list":
        yield code.replaced("changed_in_loop", call, inner, around=parent.iter)
    elif isinstance(parent, ast.Assign) and name in {"list", "dict"} and isinstance(arg, ast.Name):
        yield code.replaced("no_copy", call, inner)
    elif name in CONVERSIONS:
        yield code.replaced("conversion", call, inner, around=call)
    elif name in {"abs", "round", "sorted"}:
        yield code.replaced("missing_call", call, inner)
    if name == "sorted" and not call.keywords and isinstance(arg, ast.Name):
        yield code.replaced("sort_none", call, f"{inner}.sort()")
    if name == "len" and isinstance(arg, ast.Name):
        yield code.replaced("no_length", call, f"{inner}.{'length' if len(inner) % 2 else 'size'}")


def logic(code: Code) -> Iterator[Edit]:
    """Yield ``and`` for ``or``, missing and extra ``not``, and half a comparison after ``or``."""
    for node in code.all(ast.BoolOp):
        token, other = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in zip(node.values, node.values[1:], strict=False):
            yield code.changed("and_or", Change(*code.between(left, right, token), other), around=node)
            yield code.changed("half_condition", Change(code.span(left)[1], code.span(right)[1], ""), around=node)
            if isinstance(node.op, ast.Or) and _same_subject(left, right):
                half = code.text(right.comparators[0])  # type: ignore[attr-defined]  # both compare with ==
                yield code.replaced("or_value", right, half, around=node)
    for flip in code.all(ast.UnaryOp):
        if isinstance(flip.op, ast.Not):
            yield code.replaced("missing_not", flip, code.text(flip.operand))
    for branch in code.all(ast.If):
        if isinstance(branch.test, ast.Name | ast.Call | ast.Subscript | ast.Attribute):
            yield code.replaced("extra_not", branch.test, f"not {code.text(branch.test)}")


def _same_subject(left: ast.expr, right: ast.expr) -> bool:
    sides = [side for side in (left, right) if isinstance(side, ast.Compare) and isinstance(side.ops[0], ast.Eq)]
    return len(sides) == 2 and ast.dump(sides[0].left) == ast.dump(sides[1].left)


def constants(code: Code) -> Iterator[Edit]:
    """Yield wrong numbers, and texts whose braces or formats are lost."""
    for node in code.all(ast.Constant):
        value = _number(node)
        parent = code.parents[node]
        if value is None or abs(value) < 2 or isinstance(parent, ast.Subscript | ast.Slice | ast.UnaryOp):
            continue
        statement = code.statement(node)
        simple = isinstance(statement, ast.Return | ast.Assign | ast.AugAssign)
        for wrong in CONSTANTS.get(value, (value + 1, value - 1)):
            yield code.replaced("constant", node, str(wrong), around=statement if simple else parent_expression(parent, node))
    for text in code.all(ast.JoinedStr):
        start = code.span(text)[0]
        yield code.changed("no_f", Change(start, start + 1, ""), around=text)
        for found in re.finditer(r":[.0]\d+[df](?=\})", code.text(text)):
            yield code.changed("format", Change(start + found.start(), start + found.end(), ""), around=text)


def parent_expression(parent: ast.AST, node: ast.expr) -> ast.expr:
    """Return the parent if it is an expression, else the node."""
    return parent if isinstance(parent, ast.expr) else node


EXPRESSIONS = (
    ranges,
    slices,
    indexes,
    comparisons,
    arithmetic,
    names,
    methods,
    functions,
    logic,
    constants,
)
