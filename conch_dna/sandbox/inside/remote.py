"""Two processes use each other's objects over a pair of pipes, and neither runs the other's code.

Plain values are copied. Lists, dicts, sets and the like keep their identity: both sides have one each, and a change to
either is made to the other with the next message. Any other object stays in its process; the other side has a
:class:`Remote`, whose every use is a request.

One side is the judge of the other. So a remote object is never equal to a plain value, however its class defines
``==``, and no operator hands it the plain value that it is compared with. What ends a loop or a test in silence, such
as ``StopIteration``, does so only where Python's own protocols raise it.
"""

from __future__ import annotations

import builtins
import collections
import copy
import datetime as dt
import decimal
import fractions
import functools
import json
import operator
import pathlib
import sys
import threading
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

ATOMS = (type(None), bool, float, str)  # are written as they are, and so are small integers
SMALL = 1 << 53
ALONE = 2  # references to an object of a table that nothing else refers to: the table's and the question's own
# Copied, with the arguments that make an equal one.
VALUES = (
    complex, range, slice, decimal.Decimal, fractions.Fraction,
    dt.date, dt.time, dt.datetime, dt.timedelta, dt.timezone, pathlib.PosixPath, pathlib.PurePosixPath,
)  # fmt: skip
FROZEN = (tuple, frozenset)
# Copied, with what makes such a view of the items.
VIEWS: dict[type, Callable[..., Any]] = {
    type({}.keys()): lambda *items: dict.fromkeys(items).keys(),
    type({}.values()): lambda *items: dict(enumerate(items)).values(),
    type({}.items()): lambda *items: dict(items).items(),
}
# Both sides have one each.
SHARED = (
    list, dict, set, bytearray,
    collections.deque, collections.OrderedDict, collections.defaultdict, collections.Counter,
)  # fmt: skip
# Plain types that other classes derive from, with what returns the plain value of an instance of such a class.
PLAIN: dict[type, Callable[[Any], Any]] = {
    int: int.__int__, float: float.__float__, complex: lambda one: complex(one.real, one.imag), str: str.__str__,
    bytes: lambda one: bytes.__getitem__(one, slice(None)), tuple: lambda one: tuple.__getitem__(one, slice(None)),
    list: list.copy, dict: dict.copy, set: set.copy, frozenset: frozenset.copy, bytearray: bytearray.copy,
}  # fmt: skip
TYPES = {kind.__name__: kind for kind in (*vars(builtins).values(), *VALUES, *SHARED) if isinstance(kind, type)}

ARITHMETIC = (
    "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and_", "or_", "xor", "lshift", "rshift",
)  # fmt: skip
IN_PLACE = tuple(f"i{name.rstrip('_')}" for name in ARITHMETIC)
ORDER = ("lt", "le", "gt", "ge")
UNARY = ("neg", "pos", "invert", "abs")
# With a plain operand, these tell by how much it differs from a value, as in ``abs(area(2) - 12.57) < 0.01``.
DIFFERING = ("sub", "truediv", "floordiv", "mod", "xor", "divmod", "isub", "itruediv", "ifloordiv", "imod", "ixor")
# Attributes whose call may end an iteration, and the exceptions that do.
STEPS = {"__next__", "__anext__", "send", "throw", "asend", "athrow"}
ENDS = (StopIteration, StopAsyncIteration, GeneratorExit)
# By module, the exceptions with which the standard library ends a test in silence.
SILENT = {"unittest.case": "SkipTest", "asyncio.exceptions": "CancelledError"}


def _await(waiting: Any) -> Any:
    async def finish() -> Any:
        return await waiting

    return _loop().run_until_complete(finish())


@functools.cache
def _loop() -> Any:
    import asyncio  # slow

    return asyncio.new_event_loop()


def _of_dataclasses(function: str, *given: Any, **named: Any) -> Any:
    import dataclasses  # slow

    return getattr(dataclasses, function)(*given, **named)


# What one side may ask the other to do, by name.
DEEDS: dict[str, Callable[..., Any]] = {
    "call": lambda function, /, *given, **named: function(*given, **named),
    "getattr": getattr, "setattr": setattr, "delattr": delattr, "dir": dir,
    "getitem": operator.getitem, "setitem": operator.setitem, "delitem": operator.delitem,
    "contains": operator.contains, "eq": operator.eq, "isinstance": isinstance, "issubclass": issubclass,
    "len": len, "iter": iter, "next": next, "reversed": reversed, "bool": bool, "hash": hash,
    "str": str, "repr": repr, "format": format, "int": int, "float": float, "index": operator.index, "round": round,
    "bytes": bytes, "divmod": divmod,
    "enter": lambda manager: type(manager).__enter__(manager),
    "exit": lambda manager, *raised: type(manager).__exit__(manager, *raised),
    "copy": copy.copy, "deepcopy": copy.deepcopy, "value": lambda one: PLAIN[_base_of(type(one))](one),
    "await": _await, "dataclasses": _of_dataclasses,
    **{name: getattr(operator, name) for name in (*ARITHMETIC, *IN_PLACE, *ORDER, *UNARY)},
}  # fmt: skip


class Side:
    """What this process knows of an object of the other one.

    :param base: the plain type that its class derives from, such as ``tuple`` for a named tuple, or ``None``. It is
        compared and computed with as the plain value that it then has.
    :param a_class: whether it is a class.
    :ivar name: the attribute that it was last read from.
    :ivar makes: whether it is a class whose instances may be compared with plain values, such as ``Vector(1, 2) - 3``.
    :ivar made: whether it is such an instance, as the class made it: what else returns it may have been asked for a
        plain value.
    """

    def __init__(self, link: Link, number: int, base: type | None, *, a_class: bool) -> None:
        self.link, self.number, self.base, self.a_class = link, number, base, a_class
        self.name = ""
        self.makes = self.made = False


class Remote:
    """An object of the other process: what is done to it is done there."""

    __slots__ = ("_side",)  # all other names are those of the object

    def __init__(self, side: Side) -> None:
        object.__setattr__(self, "_side", side)

    @property  # type: ignore[misc]  # isinstance() asks it
    def __class__(self) -> Any:
        return self._side.base or (type if self._side.a_class else Remote)

    @property
    def __doc__(self) -> Any:  # type: ignore[override]
        return ask("getattr", self, "__doc__")

    def __getattr__(self, name: str) -> Any:
        found = ask("getattr", self, name)
        if type(found) is Remote:
            side_of(found).name = name
        return found

    def __setattr__(self, name: str, value: object) -> None:
        ask("setattr", self, name, value)

    def __delattr__(self, name: str) -> None:
        ask("delattr", self, name)

    def __call__(self, /, *given: object, **named: object) -> Any:  # noqa: D102 - as its object says
        result = ask("call", self, *given, **named)
        if type(result) is Remote:
            side_of(result).made = self._side.makes
        return result

    def __eq__(self, other: object) -> Any:
        if self._side.base is not None:
            return plain(self) == plain(other)
        return ask("eq", self, other) if type(other) is Remote else NotImplemented

    def __hash__(self) -> int:
        return int(hash(plain(self)) if self._side.base is not None else ask("hash", self))

    def __contains__(self, item: object) -> bool:
        if self._side.made or type(item) is Remote:
            return bool(ask("contains", self, item))
        return any(item is one or item == one for one in self) if self._side.base is None else item in plain(self)

    def __iter__(self) -> Any:
        return ask("iter", self)

    def __exit__(self, kind: object, raised: object, _: object) -> Any:
        swallowed = ask("exit", self, kind, raised, None)
        return swallowed and not isinstance(raised, AssertionError)  # a test that fails in the block fails

    async def __aenter__(self) -> Any:
        return await self.__getattr__("__aenter__")()

    async def __aexit__(self, kind: object, raised: object, _: object) -> Any:
        swallowed = await self.__getattr__("__aexit__")(kind, raised, None)
        return swallowed and not isinstance(raised, AssertionError)

    def __aiter__(self) -> Any:
        return self.__getattr__("__aiter__")()

    async def __anext__(self) -> Any:
        return await self.__getattr__("__anext__")()

    def __await__(self) -> Any:
        return self._side.link.waiting(self._side.number).__await__()

    def __deepcopy__(self, _: object) -> Any:
        return ask("deepcopy", self)

    def __instancecheck__(self, one: object) -> bool:
        return type(one) is Remote and bool(ask("isinstance", one, self))

    def __subclasscheck__(self, one: object) -> bool:
        return type(one) is Remote and bool(ask("issubclass", one, self))


def _asking(name: str) -> Callable[..., Any]:
    """Return a method that asks the other side."""

    def method(self: Remote, *given: Any) -> Any:
        return ask(name, self, *given)

    return method


def _computing(name: str, *, swapped: bool) -> Callable[..., Any]:
    """Return an operator between a remote object and another operand, see :class:`Remote`."""

    def method(self: Remote, other: Any) -> Any:
        if self._side.base is not None and not (name in IN_PLACE and self._side.made):
            return DEEDS[name](*((plain(other), plain(self)) if swapped else (plain(self), plain(other))))
        if type(other) is not Remote and (name in ORDER or (name in DIFFERING and not self._side.made)):
            return NotImplemented
        made = self._side.made
        result = ask(name, *((other, self) if swapped else (self, other)))
        self._side.made = made and (result is not self or name in IN_PLACE)
        return result

    return method


for _name in (
    "len", "bool", "str", "repr", "format", "bytes", "int", "float", "index", "round", "dir", "enter", "copy", "next",
    "reversed", "getitem", "setitem", "delitem", *UNARY,
):  # fmt: skip
    setattr(Remote, f"__{_name}__", _asking(_name))
for _name in (*ARITHMETIC, "divmod"):
    setattr(Remote, f"__{_name.rstrip('_')}__", _computing(_name, swapped=False))
    setattr(Remote, f"__r{_name.rstrip('_')}__", _computing(_name, swapped=True))
for _name in (*IN_PLACE, *ORDER):
    setattr(Remote, f"__{_name}__", _computing(_name, swapped=False))


class Mirror(type):
    """The class here for a class of exceptions of the other side, which makes the instances."""

    remote: Remote

    def __call__(cls, *given: object, **named: object) -> Any:  # noqa: D102 - as its class says
        return cls.remote(*given, **named)

    def __getattr__(cls, name: str) -> Any:
        return getattr(cls.remote, name)


class Mirrored(BaseException):
    """What exceptions of a :class:`Mirror` have from their originals on the other side."""

    original: Remote

    def __str__(self) -> str:
        return str(self.original)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)


def ask(deed: str, /, *given: Any, **named: Any) -> Any:
    """Ask the process of the first remote object to do something with the arguments.

    :raises BaseException: what it raised there.
    """
    first = next(one for one in given if type(one) is Remote)
    try:
        return side_of(first).link.ask(deed, *given, **named)
    except ENDS as end:
        if deed == "next" or (deed == "call" and side_of(first).name in STEPS):
            raise
        raise RuntimeError(f"{deed} raised {type(end).__name__}") from end


def type_of(value: Any) -> Any:
    """Return the class of a value, which is a remote object for a remote one."""
    return ask("getattr", value, "__class__") if type(value) is Remote else type(value)


def side_of(value: Any) -> Side:
    """Return what this process knows of a remote object."""
    side: Side = value._side  # noqa: SLF001 - see Remote.__slots__
    return side


def plain(value: Any) -> Any:
    """Return a value; the plain value that it has, if its class derives from a plain type."""
    return ask("value", value) if type(value) is Remote and side_of(value).base is not None else value


def _base_of(kind: type) -> Any:
    """Return the plain type that a class derives from, or ``None``."""
    return next((base for base in kind.__mro__ if base in PLAIN), None)


class Link:
    """One side of the pair.

    :param step: 1 or -1, the sign of the numbers that this side gives.
    """

    def __init__(self, reader: BinaryIO, writer: BinaryIO, step: int) -> None:
        self.reader, self.writer, self.step = reader, writer, step
        self.lock = threading.RLock()
        self.printed: list[str] = []  # what the code of this side printed since the last message
        self.reset()

    def reset(self) -> None:
        """Forget all objects."""
        self.mine: dict[int, Any] = {}  # objects of this side that the other has
        self.theirs: dict[int, Remote] = {}
        self.errors: dict[int, type[BaseException]] = {}  # classes here for the other side's classes of exceptions
        self.shared: dict[int, Any] = {}
        self.numbers: dict[int, int] = {}  # of objects of this side and of shared ones, by id
        self.sent: dict[int, Any] = {}  # contents of shared objects that the other side knows
        self.forgotten: list[int] = []  # shared objects that the other side may forget
        self.count = self.pending = 0

    # Messages

    def ask(self, deed: str, /, *given: Any, **named: Any) -> Any:
        """Ask the other side to do something with the arguments.

        :raises BaseException: what it raised there.
        :raises EOFError: the other side has ended.
        """
        with self.lock:
            self.forget_unused()
            names = {name: self.written(value) for name, value in named.items()}
            return self.request({"do": deed, "given": list(map(self.written, given)), "named": names})

    def request(self, message: dict[str, Any]) -> Any:
        """Send a message, do what the other side asks meanwhile, and return its result; raises as :meth:`ask` does."""
        self.pending += 1
        try:
            self.send(message)
            while "do" in (reply := self.receive()):
                self.answer(reply)
            if "raised" in reply:
                raise self.read(reply["raised"])
            return self.read(reply["result"])
        finally:
            self.pending -= 1

    def answer(self, message: dict[str, Any]) -> None:
        """Do what the other side asks, and send the result or what was raised."""
        try:
            reply = {"result": self.written(self.perform(message))}
        except BaseException as error:  # noqa: BLE001 - it is raised on the other side
            reply = {"raised": self.written(error)}
        self.send(reply)

    def perform(self, message: dict[str, Any]) -> Any:
        """Do what the other side asks."""
        named = {name: self.read(value) for name, value in message["named"].items()}
        return DEEDS[message["do"]](*map(self.read, message["given"]), **named)

    def send(self, message: dict[str, Any]) -> None:
        """Send a message with the shared objects that changed."""
        changed: list[list[Any]] = []
        before = -1
        while before != len(self.shared):  # contents may have shared objects that are new
            before, changed = len(self.shared), []
            for number, one in list(self.shared.items()):
                contents = self._contents(one)
                if self.sent.get(number) != contents:
                    changed.append([number, type(one).__name__, contents])
        self.sent.update({number: contents for number, _, contents in changed})
        message |= {"forget": self.forgotten, "shared": changed, "printed": "".join(self.printed)}
        self.forgotten, self.printed = [], []
        self.writer.write(json.dumps(message).encode() + b"\n")
        self.writer.flush()

    def receive(self) -> dict[str, Any]:
        """Return the next message, and change the shared objects as it says.

        :raises EOFError: the other side has ended.
        """
        line = self.reader.readline()
        if not line.endswith(b"\n"):
            raise EOFError("the other side has ended")
        message: dict[str, Any] = json.loads(line)
        self._forget(message["forget"])
        for number, kind, contents in message["shared"]:
            if number not in self.shared:
                made = _named(SHARED, kind)
                self._share(number, made(maxlen=contents[0]) if made is collections.deque else made())
        for number, _, contents in message["shared"]:
            self.sent[number] = contents
            self._fill(self.shared[number], contents)
        if message["printed"]:
            sys.stdout.write(message["printed"])
        return message

    def forget_unused(self) -> None:
        """Forget the shared objects that nothing else refers to, unless a request waits for its reply."""
        if not self.pending:
            unused = [number for number in self.shared if sys.getrefcount(self.shared[number]) == ALONE]
            # A change that the other side does not know yet must reach it: it may use the object further.
            unused = [number for number in unused if self._contents(self.shared[number]) == self.sent.get(number)]
            self._forget(unused)
            self.forgotten += unused

    def _forget(self, numbers: list[int]) -> None:
        for number in numbers:
            del self.numbers[id(self.shared[number])], self.shared[number]
            self.sent.pop(number, None)

    # Values

    def written(self, value: Any) -> Any:
        """Return a value as JSON has it: as it is, or a list of the name of a :data:`READERS` and its arguments."""
        kind = type(value)
        if kind in ATOMS or (kind is int and -SMALL < value < SMALL):
            return value
        if kind is Remote and side_of(value).link is self:
            return ["yours", side_of(value).number]
        if kind in SHARED:
            if id(value) not in self.numbers:
                self._share(self._next(), value)
            return ["shared", self.numbers[id(value)]]
        return self._copied(value, kind) or self._own(value)

    def _copied(self, value: Any, kind: type) -> list[Any] | None:
        """Write a value that is copied; ``None`` if it is another."""
        if kind in (int, bytes):
            return ["int", hex(value)] if kind is int else ["bytes", value.decode("latin-1")]
        if kind in FROZEN:
            return ["frozen", kind.__name__, list(map(self.written, value))]
        if kind in VALUES or kind in VIEWS:
            return ["value", kind.__name__, list(map(self.written, _arguments(value)))]
        if kind.__module__ == "numpy" and not getattr(getattr(value, "dtype", None), "hasobject", True):
            return ["array", value.dtype.str, list(value.shape), value.tobytes().decode("latin-1")]
        if isinstance(value, type) and TYPES.get(value.__name__) is value:
            return ["type", value.__name__]
        return ["ellipsis"] if value is ... else None

    def _own(self, value: Any) -> list[Any]:
        """Write an object that stays here."""
        if isinstance(value, BaseException):
            return self._error(value)
        if isinstance(value, type) and issubclass(value, BaseException):
            for number, known in self.errors.items():
                if known is value:
                    return ["yours", number]
            bases = [self.written(one) for one in value.__bases__ if issubclass(one, BaseException)]
            return ["error class", self._number(value), value.__module__, value.__name__, bases]
        if isinstance(value, types.ModuleType):
            return ["module", self._number(value), value.__name__]
        if isinstance(value, types.CoroutineType):
            return ["coroutine", self._number(value)]
        base = type if isinstance(value, type) else _base_of(type(value))
        return ["mine", self._number(value), base and base.__name__]

    def _error(self, value: BaseException) -> list[Any]:
        kind = type(value)
        if isinstance(kind, Mirror):
            return ["yours", side_of(vars(value)["original"]).number]
        given = value.__reduce__()[1] if _of_stdlib(kind.__module__, kind.__name__) is kind else value.args
        named = {name: self.written(one) for name, one in vars(value).items() if not name.startswith("_")}
        cause = None if value.__cause__ is None else self.written(value.__cause__)
        return ["error", self._number(value), self.written(kind), list(map(self.written, given)), named, cause]

    def read(self, said: Any) -> Any:
        """Return the value that the other side wrote.

        :raises LookupError, TypeError, ValueError: it cannot have been written so.
        """
        if not isinstance(said, list):
            return said
        kind, *rest = said
        return READERS[kind](self, *rest)

    def error(self, number: int, kind: Any, given: list[Any], named: dict[str, Any], cause: Any) -> BaseException:
        """Make an exception like the other side's, without its class's own code."""
        made, arguments = _checked(self.read(kind)), tuple(map(self.read, given))
        error: BaseException
        if isinstance(made, Mirror):
            error = made.__new__(made, *arguments)
            error.args, vars(error)["original"] = arguments, self.remote(number)
        else:
            error = made(*arguments)
        vars(error).update({name: self.read(value) for name, value in named.items()})
        error.__cause__ = self.read(cause)
        return error

    def module(self, number: int, _: str) -> Any:
        """Return a module of the other side."""
        return self.remote(number)

    def error_class(self, number: int, module: str, name: str, bases: list[Any]) -> type[BaseException]:
        """Return the class of the standard library, or a class of that name to raise here."""
        if number not in self.errors:
            known = _of_stdlib(module, name)
            if not (isinstance(known, type) and issubclass(known, BaseException)) or SILENT.get(module) == name:
                parents = tuple(_checked(self.read(base)) for base in bases)
                mixin = () if any(issubclass(one, Mirrored) for one in parents) else (Mirrored,)
                known = Mirror(name, (*mixin, *parents), {"remote": self.remote(number)})
            self.errors[number] = known
        return self.errors[number]

    async def waiting(self, number: int) -> Any:
        """Wait for a coroutine of the other side, which waits for it in a loop of its own."""
        return self.ask("await", self.remote(number))

    def remote(self, number: int, base: type | None = None) -> Remote:
        """Return the object of the other side that has this number.

        :param base: as of :class:`Side`, or ``type`` for a class.
        """
        if number not in self.theirs:
            plain_base = None if base is type else base
            self.theirs[number] = Remote(Side(self, number, plain_base, a_class=base is type))
        side_of(self.theirs[number]).made = False
        return self.theirs[number]

    def _next(self) -> int:
        self.count += self.step
        return self.count

    def _number(self, value: Any) -> int:
        """Return the number of an object of this side."""
        if id(value) not in self.numbers:
            number = self._next()
            self.mine[number], self.numbers[id(value)] = value, number
        return self.numbers[id(value)]

    def _share(self, number: int, value: Any) -> None:
        self.shared[number], self.numbers[id(value)] = value, number

    def _contents(self, one: Any) -> Any:
        if isinstance(one, dict):
            factory = self.written(one.default_factory) if isinstance(one, collections.defaultdict) else None
            return [factory, [[self.written(key), self.written(value)] for key, value in one.items()]]
        if isinstance(one, bytearray):
            return bytes(one).decode("latin-1")
        if isinstance(one, collections.deque):
            return [one.maxlen, list(map(self.written, one))]
        return list(map(self.written, one))

    def _fill(self, one: Any, contents: Any) -> None:
        """Give a shared object new contents."""
        if isinstance(one, dict):
            pairs = [(self.read(key), self.read(value)) for key, value in contents[1]]
            one.clear()
            for key, value in pairs:
                one[key] = value
            if isinstance(one, collections.defaultdict):
                one.default_factory = self.read(contents[0])
        elif isinstance(one, bytearray):
            one[:] = contents.encode("latin-1")
        else:
            items = list(map(self.read, contents[1] if isinstance(one, collections.deque) else contents))
            one.clear()
            one.update(items) if isinstance(one, set) else one.extend(items)


def _named(kinds: tuple[Any, ...], name: str) -> Any:
    """Return the one of the classes that has the name; no other one is made for the other side."""
    return next(kind for kind in kinds if kind.__name__ == name)


def _of_stdlib(module: str, name: str) -> Any:
    """Return what a loaded module of the standard library has under a name; ``None`` if it is another module."""
    known = module.partition(".")[0] in sys.stdlib_module_names
    return getattr(sys.modules.get(module), name, None) if known else None


def _maker(name: str) -> Any:
    """Return what makes a value of :data:`VALUES` or :data:`VIEWS` of its arguments."""
    kind = _named((*VALUES, *VIEWS), name)
    return VIEWS.get(kind, kind)


def _array(dtype: str, shape: list[int], data: bytes) -> Any:
    """Return an array of numpy, or a number if it has no dimensions."""
    import numpy as np  # only if the other side uses it

    made = np.frombuffer(bytearray(data), np.dtype(dtype)).reshape(shape)
    return made if shape else made[()]


def _checked(kind: Any) -> type[BaseException]:
    if not (isinstance(kind, type) and issubclass(kind, BaseException)):
        raise TypeError("not a class of exceptions")
    return kind


def _arguments(value: Any) -> tuple[Any, ...]:
    """Return the arguments that make a value of :data:`VALUES` or :data:`VIEWS`."""
    if type(value) in VIEWS:
        return tuple(value)
    if isinstance(value, range | slice):
        return (value.start, value.stop, value.step)
    if isinstance(value, complex):
        return (value.real, value.imag)
    if isinstance(value, fractions.Fraction):
        return (value.numerator, value.denominator)
    return tuple(value.__reduce_ex__(2)[1])


# What the other side writes a value with.
READERS: dict[str, Callable[..., Any]] = {
    "int": lambda _, digits: int(digits, 16),
    "bytes": lambda _, text: text.encode("latin-1"),
    "frozen": lambda link, kind, items: _named(FROZEN, kind)(map(link.read, items)),
    "value": lambda link, kind, given: _maker(kind)(*map(link.read, given)),
    "array": lambda _, dtype, shape, data: _array(dtype, shape, data.encode("latin-1")),
    "type": lambda _, name: TYPES[name],
    "ellipsis": lambda _: ...,
    "shared": lambda link, number: link.shared[number],
    "yours": lambda link, number: link.mine[number],
    "mine": lambda link, number, base: link.remote(number, base and TYPES[base]),
    "module": Link.module,
    "coroutine": Link.waiting,
    "error": Link.error,
    "error class": Link.error_class,
}
