"""Print figures of the structure of ``conch_dna``: files, rooms, imports between rooms, backward imports, circles.

    python tools/structure.py [CHECKOUT]

A room is a folder or a single module at the top of the package. Imports inside functions count; the figures are given
with and without the imports that only type checkers read. ``lint-imports`` checks the declared order of the rooms; this
script needs none. It takes the order with few backward imports that the greedy heuristic of Eades, Lin and Smyth (1993)
finds, so that a checkout without a declared order, or with another one, is counted by the same rule.
"""

from __future__ import annotations

import ast
import statistics
import sys
from collections import Counter
from pathlib import Path

PACKAGE = "conch_dna"
SETTINGS = "DistillConfig"  # its fields are the top-level settings

Arrows = set[tuple[str, str]]  # (importer, imported)


def modules_of(root: Path) -> dict[str, Path]:
    """Return the package's modules by dotted name."""
    found = {}
    for path in sorted((root / PACKAGE).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(tree: ast.AST, modules: dict[str, Path]) -> set[str]:
    """Return the modules of the package that a syntax tree imports.

    Both ``from conch_dna.util import files`` and ``from conch_dna.util.files import sweep`` import ``files``.
    """
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                found.add(submodule if submodule in modules else node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & modules.keys()


def nested_imports(tree: ast.AST, modules: dict[str, Path]) -> int:
    """Return how many import statements of the package's own modules are inside functions."""
    statements = {
        node
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    return sum(bool(imports_of(node, modules)) for node in statements)


class WithoutTypes(ast.NodeTransformer):
    """Remove the blocks that only type checkers read."""

    def visit_If(self, node: ast.If) -> ast.AST | None:
        """Drop ``if TYPE_CHECKING:``."""
        return None if ast.unparse(node.test) == "TYPE_CHECKING" else self.generic_visit(node)


def settings_of(tree: ast.AST) -> int:
    """Return the number of fields that the class of settings declares in this module; 0 where it is not here."""
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == SETTINGS]
    return sum(isinstance(statement, ast.AnnAssign) for node in classes for statement in node.body)


def room_of(module: str) -> str:
    """Return the room of a module: the part after the package's name, or that name for the package itself."""
    return [*module.split("."), PACKAGE][1]


def order_of(rooms: set[str], arrows: Arrows) -> list[str]:
    """Return the rooms from the ground up.

    A room that imports none of the remaining rooms comes next from below, one that none of them imports next from
    above. In a knot of rooms, the one that imports least and is imported most comes next from below.
    """
    left, low, high = set(rooms), [], []
    while left:
        imports = Counter(a for a, b in arrows if {a, b} <= left)
        importers = Counter(b for a, b in arrows if {a, b} <= left)
        sinks = [room for room in left if not imports[room]]
        sources = [room for room in left if not importers[room]]
        if sinks:
            room = min(sinks)
            low.append(room)
        elif sources:
            room = min(sources)
            high.append(room)
        else:
            room = min(left, key=lambda r: (imports[r] - importers[r], r))
            low.append(room)
        left.remove(room)
    return low + high[::-1]


def circles_of(nodes: set[str], arrows: Arrows) -> list[list[str]]:
    """Return the strongly connected components of two or more nodes, each sorted."""
    after: dict[str, set[str]] = {node: set() for node in nodes}
    for a, b in arrows:
        after[a].add(b)
    reach = {node: _reached(node, after) for node in nodes}
    groups = {tuple(sorted(other for other in reach[node] if node in reach[other])) for node in nodes}
    return sorted(list(group) for group in groups if len(group) > 1)


def _reached(start: str, after: dict[str, set[str]]) -> set[str]:
    """Return the nodes that a path of one or more arrows leads to."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        new = after[waiting.pop()] - seen
        seen |= new
        waiting += new
    return seen


def main(root: Path) -> None:
    """Print the figures of the checkout at ``root``."""
    modules = modules_of(root)
    if not modules:
        sys.exit(f"{root}: no package {PACKAGE}; give the folder of a checkout")
    texts = {name: path.read_text(encoding="utf-8") for name, path in modules.items()}
    trees = {name: ast.parse(text) for name, text in texts.items()}
    lines = [text.count("\n") for text in texts.values()]
    nested = sum(nested_imports(tree, modules) for tree in trees.values())

    print(f"files {len(lines)}, lines {sum(lines)}, median file {statistics.median(lines):.0f}")
    print(f"settings at the top level {sum(settings_of(tree) for tree in trees.values())}")
    print(f"imports of the package inside functions {nested}")
    report("all imports", trees, modules)
    report("imports that run", {name: WithoutTypes().visit(tree) for name, tree in trees.items()}, modules)


def report(what: str, trees: dict[str, ast.Module], modules: dict[str, Path]) -> None:
    """Print the arrows between rooms, those that run backwards, and the circles."""
    files = {(a, b) for a, tree in trees.items() for b in imports_of(tree, modules) if a != b}
    rooms = {room_of(module) for module in modules}
    arrows = {(a, b) for a, b in ((room_of(a), room_of(b)) for a, b in files) if a != b}
    order = order_of(rooms, arrows)
    backward = sorted((a, b) for a, b in arrows if order.index(b) > order.index(a))
    print(f"{what}: {len(rooms)} rooms, {len(arrows)} arrows between them, {len(backward)} of them backward")
    print("  order:", ", ".join(order))
    print("  backward:", "; ".join(f"{a} -> {b}" for a, b in backward) or "none")
    for kind, found in (("rooms", circles_of(rooms, arrows)), ("files", circles_of(set(modules), files))):
        print(f"  circles of {kind}: {len(found)}", *(f"\n    {', '.join(group)}" for group in found))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path())
