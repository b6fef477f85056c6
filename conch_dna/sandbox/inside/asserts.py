"""Tests generated code in two processes; see :mod:`conch_dna.sandbox.asserts`.

The process confines itself and forks. The child runs the code, and does what the parent asks of its objects; it never
has the tests. The parent, the judge, runs the tests on :mod:`.remote` objects and plain values, and writes the verdict.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import importlib
import io
import json
import os
import sys
import types
import warnings
from typing import TYPE_CHECKING, Any, NoReturn

from . import jail
from .remote import Link, Remote, side_of

if TYPE_CHECKING:
    from typing import BinaryIO

CONFINED, RAN, PASSED = b"c", b"r", b"p"  # of the verdict, in this order
CODE, TESTS = "answer", "tests"  # the modules of what the code and a test define
# Attributes that code may read of any object of a test, as functools.wraps does; others only of the test's own classes.
READABLE = [("getattr", f"__{name}__") for name in ("name", "qualname", "module", "doc")]


def main() -> None:
    """Do so, as the JSON of the last argument says; the code and the tests come over standard input."""
    order = json.loads(sys.argv[-1])
    jail.end_with_parent(order["parent"])
    jail.limit(order["seconds"], {})
    with jail.or_exit():
        jail.restrict(order["folder"], [])
        jail.hide()  # the judge, from the code
        asked, answered, parent = os.pipe(), os.pipe(), os.getpid()
        child = os.fork()
        if not child:  # neither the tests, nor the verdict, nor the judge's ends
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


class _Code(Link):
    """The process that runs the code, anew for each test."""

    def __init__(self, reader: BinaryIO, writer: BinaryIO) -> None:
        super().__init__(reader, writer, -1)
        self.names: dict[str, Any] = {}
        self.known: dict[str, Any] = {}  # the objects that the judge has for the names that its test uses
        sys.stdout = _Printed(self)

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
        self.uses = _Uses("")
        self.started = False  # whether the code has run
        self.failed = False  # whether an assert of the test failed in a function that the code called

    def start(self, code: str, test: str) -> None:
        """Have the code run for a test.

        :raises BaseException: the code fails, or the test is no Python.
        """
        self.reset()
        self.uses, self.names, self.failed = _Uses(test), {"__name__": TESTS}, False
        self.started = False
        self.request({"code": code, "names": self.uses.free})
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
        new = {name: value for name, value in message.get("names", {}).items() if name in self.uses.free}
        if "do" in message and not self.started:  # before all names are known, Python's own cannot be told from others
            new = {}
        # A name of Python's own means that of the code only if the test uses nothing else of it: otherwise
        # `abs(f(2) - 4) < 0.1` would ask the code for the difference.
        hides = any(name in self.uses.free and not hasattr(builtins, name) for name in (*new, *self.names))
        for name, said in new.items():
            if not (hides and hasattr(builtins, name)):
                self.names[name] = self._bound(name, self.read(said))
        return message

    def _bound(self, name: str, value: Any) -> Any:
        """Return what a name of the code stands for in the test."""
        module = _stdlib(name)
        if module and name in self.uses.attributes and all(hasattr(module, one) for one in self.uses.attributes[name]):
            return module
        if type(value) is Remote:
            side_of(value).makes = name[:1].isupper()
        return value

    def module(self, number: int, name: str) -> Any:
        """Return the judge's own module of the standard library."""
        return _stdlib(name) or super().module(number, name)

    def perform(self, message: dict[str, Any]) -> Any:
        """Do something with an object that the test has handed to the code, and nothing with others.

        :raises PermissionError: it is none, or the attribute leads to more than the test has defined.
        """
        said, deed = message["given"][0], message["do"]
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


class _Uses:
    """What a test uses.

    :ivar free: names that it does not define itself.
    :ivar attributes: by name, the attributes that it reads.
    """

    def __init__(self, test: str) -> None:
        self.tree = ast.parse(test)
        used, own = set(), set()
        self.attributes: dict[str, set[str]] = {}
        for node in ast.walk(self.tree):
            match node:
                case ast.Name(name, ast.Load()):
                    used.add(name)
                case ast.Name(name):
                    own.add(name)
                case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
                    own.add(name)
                case ast.alias(name, other):
                    own.add((other or name).partition(".")[0])
                case ast.Attribute(ast.Name(name), attribute):
                    self.attributes.setdefault(name, set()).add(attribute)
        self.free = sorted(name for name in used - own if not name.startswith("__"))


def _stdlib(name: str) -> types.ModuleType | None:
    return importlib.import_module(name) if name.partition(".")[0] in sys.stdlib_module_names else None
