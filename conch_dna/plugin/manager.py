"""The plug-in host: loads each plug-in separately and reports the ones that fail."""

from __future__ import annotations

import contextlib
import errno
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from conch_dna.errors import ConchError, PluginError
from conch_dna.plugin import hookspecs
from conch_dna.plugin.catalog import Catalog, Owner
from conch_dna.plugin.loading import import_from_text, load_file
from conch_dna.plugin.registration import entries_of
from conch_dna.util.files import bundled_dir
from conch_dna.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from importlib.metadata import EntryPoint

REGISTER = "register_"


@dataclass(frozen=True)
class PluginInfo:
    """One plug-in that was found, whether or not it works.

    :param name: its name, as ``CONCH_BLOCK`` takes it.
    :param source: the file or distribution it came from.
    :param version: the version it declares, or an empty string.
    :param provides: the names it registered, by kind.
    :param error: the reason why it was rolled back, or ``None``.
    """

    name: str
    source: str
    version: str
    provides: dict[str, tuple[str, ...]]
    error: PluginError | None = None


@dataclass
class PluginHost:
    """The loaded plug-ins and what they provide.

    :param strict: raise the first plug-in error instead of recording it.
    :param folder: the project's plug-in folder, or ``None``.
    :ivar catalog: everything that was registered.
    :ivar plugins: one entry per plug-in, in loading order.
    :ivar failures: the exceptions of life-cycle hooks and trackers.
    """

    strict: bool = False
    folder: Path | None = None
    catalog: Catalog = field(default_factory=Catalog)
    plugins: list[PluginInfo] = field(default_factory=list)
    failures: list[PluginError] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._owners: dict[str, Owner] = {}

    def load(self, owner: Owner, version: str, importer: Callable[[], Any]) -> None:
        """Import one plug-in with ``importer`` and register all that it provides, or nothing.

        :raises PluginError: under ``strict`` only.
        """
        try:
            self._load(owner, importer)
        except PluginError as error:
            self._record(owner, version, error)
        except (Exception, SystemExit) as fault:  # noqa: BLE001 - a plug-in may raise anything; sys.exit() included
            self._record(owner, version, PluginError(owner.name, owner.source, fault), fault)
        else:
            plugin = self._manager.get_plugin(owner.name)
            stated = version or str(getattr(plugin, "__version__", ""))
            self.plugins.append(PluginInfo(owner.name, owner.source, stated, self.catalog.provided_by(owner)))

    def emit(self, hook: str, **kwargs: Any) -> None:
        """Call a life-cycle hook on each plug-in that implements it, the last loaded first.

        An exception is logged as ``plugin_failed`` and added to ``failures``; the other plug-ins are still called.

        :raises PluginError: under ``strict`` only.
        """
        for impl in reversed(getattr(self._manager.hook, hook).get_hookimpls()):
            try:
                impl.function(*[kwargs[name] for name in impl.argnames])
            except Exception as fault:  # noqa: BLE001 - a plug-in may raise anything
                self.report(self._owners[impl.plugin_name], hook, fault)

    @contextlib.contextmanager
    def blaming(self, kind: str, name: str) -> Iterator[None]:
        """Turn an exception of the block into an error that names the plug-in that provides ``name``.

        A :class:`ConchError` and the errors of a full disk pass through unchanged.

        :raises PluginError: the block raised another exception.
        """
        try:
            yield
        except ConchError:
            raise
        except Exception as fault:
            if isinstance(fault, OSError) and fault.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise  # a full disk is not the plug-in's fault
            owner = self.catalog.owner(kind, name)
            raise PluginError(owner.name, owner.source, fault, f"{REGISTER}{kind}, {name}") from fault

    def report(self, owner: Owner, hook: str, fault: Exception) -> None:
        """Log an exception of a plug-in during a run as ``plugin_failed`` and add it to ``failures``.

        :param hook: the hook or method that raised it.
        :raises PluginError: under ``strict`` only.
        """
        import structlog  # here, since `conch --help` does not log

        error = PluginError(owner.name, owner.source, fault, hook)
        self.failures.append(error)
        structlog.get_logger().warning(
            "plugin_failed", plugin=error.name, source=error.source, hook=error.hook, fault=error.fault
        )
        if self.strict:
            raise error from fault

    def _load(self, owner: Owner, importer: Callable[[], Any]) -> None:
        if owner.name in self._owners:
            other = self._owners[owner.name]
            raise PluginError(owner.name, owner.source, f"the plug-in name is already taken by {other.source}")
        plugin = importer()
        try:
            self._manager.register(plugin, owner.name)
            self._check_hooks(owner, plugin)
            self._register_names(owner, plugin)
        except BaseException:
            # pluggy before 1.7 leaves a plug-in registered whose hooks it has refused.
            if self._manager.has_plugin(owner.name):
                self._manager.unregister(name=owner.name)
            self.catalog.drop(owner)
            raise
        self._owners[owner.name] = owner

    def _check_hooks(self, owner: Owner, plugin: Any) -> None:
        """Refuse unknown hooks and wrappers.

        pluggy's ``check_pending`` reports unknown hooks after all plug-ins are loaded. By then the names of a faulty
        plug-in would have blocked the same names of later ones.
        """
        for caller in self._manager.get_hookcallers(plugin) or ():
            for impl in caller.get_hookimpls():
                if impl.plugin is not plugin:
                    continue
                if not caller.has_spec() and not impl.optionalhook:
                    known = ", ".join(_hook_names())
                    raise PluginError(owner.name, owner.source, f"unknown hook {caller.name!r}; known: {known}")
                if impl.wrapper or impl.hookwrapper:
                    fault = f"{caller.name} is a hook wrapper, which is not supported"
                    raise PluginError(owner.name, owner.source, fault)

    def _register_names(self, owner: Owner, plugin: Any) -> None:
        for caller in self._manager.get_hookcallers(plugin) or ():
            if not caller.name.startswith(REGISTER):
                continue
            for impl in caller.get_hookimpls():
                if impl.plugin is plugin:
                    self._register_kind(owner, caller.name, impl.function)

    def _register_kind(self, owner: Owner, hook: str, function: Callable[[], Any]) -> None:
        kind = hook.removeprefix(REGISTER)
        try:
            entries = entries_of(kind, function())
        except (Exception, SystemExit) as fault:
            raise PluginError(owner.name, owner.source, fault, hook) from fault
        for name, value in entries:
            self.catalog.add(kind, name, value, owner)

    def _record(self, owner: Owner, version: str, error: PluginError, cause: BaseException | None = None) -> None:
        if self.strict:
            raise error from cause
        self.catalog.broken.append(error)
        self.plugins.append(PluginInfo(owner.name, owner.source, version, {}, error))


def load_plugins(
    plugins_dir: Path | None = None, *, strict: bool | None = None, block: Sequence[str] | None = None
) -> PluginHost:
    """Load the bundled plug-ins, the installed ones, then the project's.

    :param plugins_dir: the project's plug-in folder, or ``None``.
    :param strict: raise the first error; default: ``CONCH_STRICT`` is ``1``.
    :param block: names of plug-ins that are not loaded; default: those in ``CONCH_BLOCK``, separated by commas.
    :raises PluginError: under ``strict``, for the first plug-in that fails.
    """
    if strict is None:
        strict = os.environ.get("CONCH_STRICT") == "1"
    if block is None:
        block = [name.strip() for name in os.environ.get("CONCH_BLOCK", "").split(",")]
    host = PluginHost(strict, plugins_dir)
    for owner, version, importer in _found(plugins_dir):
        if owner.name not in block:
            host.load(owner, version, importer)
    return host


def _hook_names() -> list[str]:
    return sorted(name for name, value in vars(hookspecs).items() if hasattr(value, f"{hookspecs.PROJECT}_spec"))


def _found(plugins_dir: Path | None) -> Iterator[tuple[Owner, str, Callable[[], Any]]]:
    """Yield owner, version and import function of every plug-in, in loading order."""
    yield from _files(bundled_dir("plugins"), "**/*.py", "conch_plugins", __version__)
    yield from _entry_points()
    if plugins_dir is not None and plugins_dir.resolve() != bundled_dir("plugins").resolve():
        import_from_text(plugins_dir.resolve())
        yield from _files(plugins_dir.resolve(), "*.py", "conch_project_plugins", "")


def _files(root: Path, pattern: str, package: str, version: str) -> Iterator[tuple[Owner, str, Callable[[], Any]]]:
    for path in sorted(root.glob(pattern)):
        parts = path.relative_to(root).with_suffix("").parts
        if path.name.startswith("test_") or any(part.startswith(("_", ".")) for part in parts):
            continue
        name = ".".join(parts)

        def importer(path: Path = path, name: str = name) -> Any:
            return load_file(path, f"{package}.{name}", root)

        yield Owner(name, str(path)), version, importer


def _entry_points() -> Iterator[tuple[Owner, str, Callable[[], Any]]]:
    from importlib.metadata import entry_points  # here, since it saves start-up time where plug-ins are not loaded

    def key(point: EntryPoint) -> tuple[str, str]:
        return point.name, point.value

    for point in sorted(entry_points(group=hookspecs.PROJECT), key=key):
        dist = point.dist
        source = f"{dist.name} ({point.value})" if dist else point.value
        yield Owner(point.name, source), dist.version if dist else "", point.load
