"""Count the rooms of ``conch_dna``, the imports between them, those that run backwards, and the circles.

    python tools/structure.py [CHECKOUT]

A room is a folder or a loose module at the top of the package. Every import counts, also those inside functions and
those for type checkers alone. The order of the rooms is the one with few backward imports that the greedy heuristic of
Eades, Lin and Smyth (1993) finds, so that checkouts without a declared order are counted by the same rule.
"""

from __future__ import annotations

import ast
import statistics
import sys
from collections import Counter
from pathlib import Path

PACKAGE = "conch_dna"


def modules_of(root: Path) -> dict[str, Path]:
    """Return the package's modules by dotted name."""
    found = {}
    for path in sorted((root / PACKAGE).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(tree: ast.AST, modules: dict[str, Path]) -> set[str]:
    """Return the modules of the package that a syntax tree imports."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                found |= {f"{node.module}.{alias.name}", node.module} & modules.keys() and {
                    next(name for name in (f"{node.module}.{alias.name}", node.module) if name in modules)
                }
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & modules.keys()
    return found


def room_of(module: str) -> str:
    """Return the room of a module: the part after the package's name."""
    return [*module.split("."), PACKAGE][1]


def order_of(rooms: set[str], arrows: set[tuple[str, str]]) -> list[str]:
    """Return the rooms from the ground up: sinks first, else the room that imports least and is imported most."""
    left, low, high = set(rooms), [], []
    while left:
        out = Counter(a for a, b in arrows if {a, b} <= left)
        into = Counter(b for a, b in arrows if {a, b} <= left)
        sinks, sources = [r for r in left if not out[r]], [r for r in left if not into[r]]
        if sinks:
            room = min(sinks)
            low.append(room)
        elif sources:
            room = min(sources)
            high.append(room)
        else:
            room = min(left, key=lambda r: (out[r] - into[r], r))
            low.append(room)
        left.remove(room)
    return low + high[::-1]


def circles_of(nodes: set[str], arrows: set[tuple[str, str]]) -> list[list[str]]:
    """Return the strongly connected components of two nodes and more (Tarjan's, by reachability)."""
    after: dict[str, set[str]] = {n: set() for n in nodes}
    for a, b in arrows:
        after[a].add(b)

    def reached(start: str) -> set[str]:
        seen, waiting = set(), [start]
        while waiting:
            for nxt in after[waiting.pop()] - seen:
                seen.add(nxt)
                waiting.append(nxt)
        return seen

    reach = {n: reached(n) for n in nodes}
    groups = {tuple(sorted(m for m in reach[n] if n in reach[m])) for n in nodes}
    return sorted(list(g) for g in groups if len(g) > 1)


def main(root: Path) -> None:
    """Print the figures."""
    modules = modules_of(root)
    trees = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in modules.items()}
    files = {(a, b) for a, tree in trees.items() for b in imports_of(tree, modules) if a != b}
    nested = sum(
        isinstance(node, ast.Import | ast.ImportFrom) and bool(imports_of(ast.Module([node], []), modules))
        for tree in trees.values()
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    )
    rooms = {room_of(m) for m in modules}
    arrows = {(room_of(a), room_of(b)) for a, b in files} - {(r, r) for r in rooms}
    order = order_of(rooms, arrows)
    back = sorted((a, b) for a, b in arrows if order.index(b) > order.index(a))
    lines = [path.read_text(encoding="utf-8").count("\n") for path in modules.values()]
    print(f"files {len(lines)}, lines {sum(lines)}, median file {statistics.median(lines):.0f}")
    print(f"rooms {len(rooms)}, arrows between rooms {len(arrows)}, imports inside functions {nested}")
    print("order:", ", ".join(order))
    print(f"backward arrows {len(back)}:", "; ".join(f"{a} -> {b}" for a, b in back))
    for what, found in (("rooms", circles_of(rooms, arrows)), ("files", circles_of(set(modules), files))):
        print(f"circles of {what} {len(found)}:", *(f"\n  {', '.join(group)}" for group in found))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path())
