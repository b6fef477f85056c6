"""Import of plug-in files from their folders, under a namespace package."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


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
    spec = importlib.util.spec_from_file_location(module_name, path)
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
