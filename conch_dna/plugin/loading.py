"""Import of plug-in files from their folders, under a namespace package."""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import FileFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from importlib.abc import PathEntryFinder

_from_text: set[Path] = set()  # folders whose modules are imported from their source text alone


class _TextLoader(SourceFileLoader):
    """Imports a module from its source text; bytecode beside it may come from another text, and is not read."""

    def path_stats(self, path: object) -> NoReturn:
        """Refuse, so that the import system neither reads nor writes bytecode."""
        raise OSError(f"{path}: imported without bytecode")


def import_from_text(root: Path) -> None:
    """Import the modules below ``root`` from their source text alone: no bytecode, no compiled extension."""
    if not _from_text:
        sys.path_hooks.insert(0, _finder)
    _from_text.add(root)


def _finder(path: str) -> PathEntryFinder:
    """Return the finder of a folder in :data:`_from_text`.

    :raises ImportError: it is another folder, so the next hook is asked.
    """
    if not any(Path(path).is_relative_to(root) for root in _from_text):
        raise ImportError(path)
    return FileFinder(path, (_TextLoader, [".py"]))


def load_file(path: Path, module_name: str, root: Path) -> ModuleType:
    """Import the file at ``path`` as ``module_name``, which lies below ``root``.

    The module's packages are added to ``sys.modules`` first, and the module itself before it runs, so that
    dataclasses, pickles and imports between neighbours work as in any package. A failed import is removed again.

    :raises BaseException: any exception that the file raises.
    """
    package, *folders = module_name.split(".")[:-1]
    _namespace(package, root)
    for depth in range(1, len(folders) + 1):
        _namespace(".".join([package, *folders[:depth]]), root.joinpath(*folders[:depth]))
    known = sys.modules.get(module_name)
    if known is not None and package == "conch_plugins" and known.__file__ == str(path):
        # This bundled module is imported already: its classes must stay the same objects.
        return known
    loader = _TextLoader(module_name, str(path)) if root in _from_text else None
    spec = importlib.util.spec_from_file_location(module_name, path, loader=loader)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot import {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[module_name]
        raise
    return module


def _namespace(name: str, folder: Path) -> None:
    """Make ``name`` an importable package whose modules are in ``folder``."""
    module = sys.modules.setdefault(name, ModuleType(name))
    module.__path__ = [str(folder)]
