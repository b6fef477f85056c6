"""Tests generated code in two processes; see :mod:`conch_dna.sandbox.asserts`.

The process confines itself and forks. The child runs the code, and does what the parent asks of its objects; it never
has the tests. The parent, the judge, runs the tests on :mod:`.remote` objects and plain values, and writes the verdict.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import functools
import importlib
import io
import json
import os
import sys
import types
import warnings
from typing import TYPE_CHECKING, Any, NoReturn

from . import jail
from .remote import Link, Remote, ask, side_of, type_of

if TYPE_CHECKING:
    from typing import BinaryIO

CONFINED, RAN, PASSED = b"c", b"r", b"p"  # of the verdict, in this order
CODE, TESTS = "answer", "tests"  # the modules of what the code and a test define
# Attributes that code may read of any object of a test, as functools.wraps does; others only of the test's own classes.
READABLE = [("getattr", f"__{name}__") for name in ("name", "qualname", "module", "doc")]
IMPORTED = sys.stdlib_module_names | {"numpy"}  # modules that the judge imports itself, if the code imports them
OF_DATACLASSES = ("asdict", "astuple", "fields", "is_dataclass", "replace")


def main() -> None:
    """Do so, as the JSON of the last argument says; the code and the tests come over standard input."""
    order = json.loads(sys.argv[-1])
    jail.end_with_parent(order["parent"])
    jail.limit(order["seconds"], {})
    with jail.or_exit():
        jail.restrict(order["folder"], [])
        asked, answered, parent = os.pipe(), os.pipe(), os.getpid()
        child = os.fork()
        if child:
            jail.hide()  # the judge, from the code
        else:  # neither the tests, nor the verdict, nor the judge's ends
            for descriptor in (sys.stdin.fileno(), order["verdict"], asked[1], answered[0]):
                os.close(descriptor)
            jail.end_with_parent(parent)
        jail.seccomp()
    warnings.simplefilter("ignore")
    if not child:
        _Code(os.fdopen(asked[0], "rb"), os.fdopen(answered[1], "wb")).serve()
    os.write(order["verdict"], CONFINED)
    os.close(asked[0])
    os.close(answered[1])
    judge = _Judge(os.fdopen(answered[0], "rb"), os.fdopen(asked[1], "wb"))
    code, tests = json.load(sys.stdin)
    for test in tests:
        judge.start(code, test)
        os.write(order["verdict"], RAN)
        judge.run()
    os.write(order["verdict"], PASSED)


class _Printed(io.TextIOBase):
    """Standard output of the code: the judge writes it, to where the test has directed its own."""

    def __init__(self, link: Link) -> None:
        self.link = link

    def write(self, text: str) -> int:
        self.link.printed.append(text)
        return len(text)


class _Typed(io.TextIOBase):
    """Standard input of the code: that of the test."""

    def __init__(self, link: Link) -> None:
        self.link = link

    def readline(self, _: int | None = -1, /) -> str:  # type: ignore[override]
        return str(self.link.ask("readline"))

    def read(self, _: int | None = -1, /) -> str:
        return "".join(self)


class _Code(Link):
    """The process that runs the code, anew for each test."""

    def __init__(self, reader: BinaryIO, writer: BinaryIO) -> None:
        super().__init__(reader, writer, -1)
        self.names: dict[str, Any] = {}
        self.known: dict[str, Any] = {}  # the objects that the judge has for the names that its test uses
        sys.stdout, sys.stdin = _Printed(self), _Typed(self)
        builtins.input = lambda prompt="", /: self.ask("input", prompt)

    def serve(self) -> NoReturn:
        """Do what the judge asks until it ends."""
        while True:
            self.answer(self.receive())

    def perform(self, message: dict[str, Any]) -> Any:
        """Run the code, or do something with an object."""
        if "code" not in message:
            return super().perform(message)
        self.reset()
        sys.modules[CODE] = module = types.ModuleType(CODE)  # dataclasses look there
        self.names, self.known = vars(module), dict.fromkeys(message["names"], self)
        with contextlib.suppress(SystemExit):
            exec(compile(message["code"], CODE, "exec", dont_inherit=True), self.names)  # noqa: S102 - the purpose
        return None

    def send(self, message: dict[str, Any]) -> None:
        """Send a message with the names that have other objects than before."""
        new = {name: self.names[name] for name, one in self.known.items() if self.names.get(name, one) is not one}
        self.known |= new
        super().send(message | {"names": {name: self.written(value) for name, value in new.items()}})


class _Judge(Link):
    """The process that runs the tests."""

    def __init__(self, reader: BinaryIO, writer: BinaryIO) -> None:
        super().__init__(reader, writer, 1)
        self.names: dict[str, Any] = {}
        self.uses = _Uses("", "")
        self.bound: dict[str, Any] = {}  # what names of the code were bound to; the test may bind them anew
        self.started = False  # whether the code has run
        self.failed = False  # whether an assert of the test failed in a function that the code called

    def start(self, code: str, test: str) -> None:
        """Have the code run for a test.

        :raises BaseException: the code fails, or the test is no Python.
        """
        self.reset()
        self.uses, self.failed, self.started = _Uses(code, test), False, False
        self.names, self.bound = {"__name__": TESTS, "__type__": type_of}, {}
        if "dataclasses" in test:
            _reach_dataclasses()
        self.request({"code": code, "names": sorted(self.uses.names)})
        self.started = True

    def run(self) -> None:
        """Run the test.

        :raises BaseException: it fails.
        """
        exec(compile(self.uses.tree, TESTS, "exec", dont_inherit=True), self.names)  # noqa: S102 - the purpose
        if self.failed:
            raise AssertionError("in a function of the test, and the code went on")

    def receive(self) -> dict[str, Any]:
        """Receive a message, and bind the names that it brings."""
        message = super().receive()
        new = {name: value for name, value in message.get("names", {}).items() if name in self.uses.names}
        if "do" in message and not self.started:  # before all names are known, Python's own cannot be told from others
            new = {}
        # A name of Python's own means that of the code only if the test uses nothing else of it: otherwise
        # `abs(f(2) - 4) < 0.1` would ask the code for the difference.
        hides = any(name in self.uses.names and not hasattr(builtins, name) for name in (*new, *self.bound))
        for name, said in new.items():
            ours = self.names.get(name) is not self.bound.get(name)
            if not ours and not (hides and hasattr(builtins, name)):
                self.names[name] = self.bound[name] = self._bound(name, self.read(said))
        return message

    def _bound(self, name: str, value: Any) -> Any:
        """Return what a name of the code stands for in the test."""
        if name in self.uses.imports:
            imported, attribute = self.uses.imports[name]
            with contextlib.suppress(ImportError, AttributeError):
                found = importlib.import_module(imported)
                return getattr(found, attribute) if attribute else found
        module = _stdlib(name)
        if module and name in self.uses.attributes and all(hasattr(module, one) for one in self.uses.attributes[name]):
            return module
        if type(value) is Remote:
            side_of(value).makes = side_of(value).a_class and name[:1].isupper()
        return value

    def module(self, number: int, name: str) -> Any:
        """Return the judge's own module of the standard library."""
        return _stdlib(name) or super().module(number, name)

    def perform(self, message: dict[str, Any]) -> Any:
        """Do something with an object that the test has handed to the code, and nothing with others.

        :raises PermissionError: it is none, or the attribute leads to more than the test has defined.
        """
        deed = message["do"]
        if deed == "input":
            return input(*message["given"])
        if deed == "readline":
            return sys.stdin.readline()
        said = message["given"][0]
        if not (isinstance(said, list) and said[0] == "yours"):
            raise PermissionError("not an object of the test")
        if deed in {"getattr", "setattr", "delattr"}:
            target, name = self.read(said), str(message["given"][1])
            ours = type(target).__module__ == TESTS or isinstance(target, io.IOBase)
            if not (ours and not name.startswith("_")) and (deed, name) not in READABLE:
                raise AttributeError(name)
        try:
            return super().perform(message)
        except AssertionError:
            self.failed = True
            raise


class _Uses(ast.NodeTransformer):
    """What a test uses.

    :ivar tree: the test; ``type(x)`` and ``x.__class__`` are ``__type__(x)``, see :func:`.remote.type_of`.
    :ivar names: what it reads, apart from ``__names__``.
    :ivar attributes: by name, the attributes that it reads.
    :ivar imports: by name, the module that the code imports as it, and the attribute of the module or "".
    """

    def __init__(self, code: str, test: str) -> None:
        self.names: set[str] = set()
        self.attributes: dict[str, set[str]] = {}
        self.imports: dict[str, tuple[str, str]] = {}
        self.tree = self.visit(ast.parse(test))
        with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):  # the code fails by itself
            self._imports(ast.parse(code))

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if isinstance(node.ctx, ast.Load) and not node.id.startswith("__"):
            self.names.add(node.id)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name):
            self.attributes.setdefault(node.value.id, set()).add(node.attr)
        self.generic_visit(node)
        return _typed(node, node.value) if node.attr == "__class__" and isinstance(node.ctx, ast.Load) else node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        match node:
            case ast.Call(ast.Name("type"), [one], []):
                return _typed(node, one)
        return node

    def _imports(self, tree: ast.Module) -> None:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for one in node.names:
                    name = one.asname or one.name.partition(".")[0]
                    self.imports[name] = (one.name if one.asname else name, "")
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for one in node.names:
                    self.imports[one.asname or one.name] = (node.module, one.name)
        self.imports = {name: one for name, one in self.imports.items() if one[0].partition(".")[0] in IMPORTED}


def _typed(node: ast.expr, value: ast.expr) -> ast.AST:
    called = ast.Call(ast.Name("__type__", ast.Load()), [value], [])
    return ast.fix_missing_locations(ast.copy_location(called, node))


@functools.cache
def _reach_dataclasses() -> None:
    """Have :mod:`dataclasses` work on remote objects."""
    import dataclasses  # slow

    for name in OF_DATACLASSES:
        function = getattr(dataclasses, name)

        def reach(one: Any, /, *given: Any, _function: Any = function, **named: Any) -> Any:
            if type(one) is Remote:
                return ask("dataclasses", _function.__name__, one, *given, **named)
            return _function(one, *given, **named)

        setattr(dataclasses, name, functools.wraps(function)(reach))


def _stdlib(name: str) -> types.ModuleType | None:
    return importlib.import_module(name) if name.partition(".")[0] in sys.stdlib_module_names else None
