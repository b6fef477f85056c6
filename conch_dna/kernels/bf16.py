"""Matmuls with frozen weights in bfloat16, for x86 processors with AMX or AVX512_BF16 instructions.

MLX's float32 matmuls on a CPU call ``cblas_sgemm``. The library built here defines that symbol ahead of the BLAS. It
multiplies the matrices registered by :func:`in_bf16` from packed bfloat16 copies, with sums in float32, and forwards
every other product. Weights that are published in bfloat16 lose nothing; activations and gradients are rounded on their
way in. Importing this module imports neither mlx nor NumPy, because the library must be loaded before mlx.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = Path(__file__).with_name("bf16_gemm.cpp")
FLAGS = ("-std=c++17", "-O3", "-fPIC", "-shared", "-pthread", "-mavx512f", "-mavx512bw", "-mavx512bf16")
CPUINFO = Path("/proc/cpuinfo")
CHOICE, CHOICES = "CONCH_COMPUTE", ("auto", "float32")  # an environment variable and its values
LEAST = 128  # rows and columns of a matrix that is worth packing
PACKED = 4  # bytes per parameter of both packed copies
SHARE = 0.75  # of the machine's memory, for weights and copies; not of what is free, so that a run resumes alike

_library: ctypes.CDLL | None = None
_unit = ""


def obstacle() -> str | None:
    """Return why this machine computes in float32, or ``None``."""
    chosen = os.environ.get(CHOICE) or "auto"
    if chosen not in CHOICES:
        return f"{CHOICE}={chosen} is none of {', '.join(CHOICES)}"
    if chosen == "float32":
        return f"switched off by {CHOICE}=float32"
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return f"no kernel for {sys.platform} on {platform.machine()}"
    known = CPUINFO.read_text(encoding="utf-8", errors="replace") if CPUINFO.is_file() else ""
    if "avx512_bf16" not in known:
        return "the processor has no AVX512_BF16 instructions"
    if "GenuineIntel" in known and "amx_bf16" not in known:
        return "without AMX, Intel's processors are slower in bfloat16 than in float32"
    return None if shutil.which("g++") else "no compiler: g++ was not found"


def file_name() -> str:
    """Return the name of the library's file, another for each version of its source."""
    digest = hashlib.sha256(SOURCE.read_bytes() + " ".join(FLAGS).encode()).hexdigest()[:16]
    return f"bf16-{digest}.so"


def build(target: Path) -> None:
    """Compile the library, and put it into its place at once.

    :raises OSError: the folder cannot be written.
    :raises subprocess.SubprocessError: the compiler fails.
    """
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".bf16-") as scratch:
        made = Path(scratch) / target.name
        command = ["g++", *FLAGS, str(SOURCE), "-o", str(made)]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        made.replace(target)


def load(path: Path, blas: str) -> None:
    """Load the library into the global scope, ahead of ``blas``, to which it forwards what it does not compute.

    :param blas: path or soname of a BLAS that no one loaded into the global scope yet.
    :raises OSError: one of them cannot be loaded.
    """
    global _library, _unit  # noqa: PLW0603 - they report state of the whole process
    own = ctypes.CDLL(blas, ctypes.RTLD_LOCAL)
    library = ctypes.CDLL(str(path), ctypes.RTLD_LOCAL)
    library.conch_bf16_blas(ctypes.cast(own.cblas_sgemm, ctypes.c_void_p))
    library.conch_bf16_register.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_int)
    library.conch_bf16_release.argtypes = (ctypes.c_void_p,)
    library.conch_bf16_products.restype = ctypes.c_long
    _unit = "amx" if library.conch_bf16_amx(True) else "avx512"
    ctypes.CDLL(str(path), ctypes.RTLD_GLOBAL)
    _library = library


def unit() -> str:
    """Return which instructions multiply, ``amx`` or ``avx512``; empty if :func:`in_bf16` has no effect."""
    return _unit


def fits(parameters: int) -> bool:
    """Return whether float32 weights of so many parameters and their packed copies fit into this machine's memory."""
    import psutil  # slow to import

    return bool((4 + PACKED) * parameters <= SHARE * psutil.virtual_memory().total)


def products() -> int:
    """Return how many matmuls this process has computed in bfloat16."""
    return int(_library.conch_bf16_products()) if _library else 0


@contextlib.contextmanager
def in_bf16(model: Any) -> Iterator[None]:
    """Compute the products with the model's frozen matrices in bfloat16 within the block, if the library is loaded.

    The matrices must not change within the block. Their packed copies take 2 bytes per parameter in the forward pass,
    and as many again once there is a backward pass. A model that does not fit with them stays in float32.
    """
    library = _library
    if library is None:
        yield
        return
    held = _frozen(model)
    if not fits(sum(matrix.size for matrix in held)):
        held = []
    for matrix in held:
        library.conch_bf16_register(matrix.ctypes.data, *matrix.shape)
    try:
        yield
    finally:
        for matrix in held:
            library.conch_bf16_release(matrix.ctypes.data)


def _frozen(model: Any) -> list[Any]:
    """Return views of the frozen float32 matrices of a model; they keep its arrays where they are."""
    import mlx.core as mx  # after the library is loaded
    import numpy as np
    from mlx.utils import tree_flatten

    trained = dict(tree_flatten(model.trainable_parameters()))
    found = []
    for name, array in dict(tree_flatten(model.parameters())).items():
        if name not in trained and array.dtype == mx.float32 and array.ndim == 2 and min(array.shape) >= LEAST:
            mx.eval(array)
            matrix = np.array(array, copy=False)
            if matrix.flags.c_contiguous:
                found.append(matrix)
    return found
