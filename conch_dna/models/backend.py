"""The MLX backend that is installed: one distribution brings ``libmlx``, and only one may.

On Linux the wheels of mlx-cpu, mlx-cuda-12 and mlx-cuda-13 all write ``mlx/lib/libmlx.so``. With two of them installed
the one unpacked last is active, and uninstalling either deletes the library. Importing this module imports no mlx.
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from conch_dna.errors import ModelError

Device = Literal["metal", "cuda", "cpu"]

# In the order of preference where the NVIDIA driver loads: a driver for CUDA 13 also runs CUDA 12, not the reverse.
DEVICES: dict[str, Device] = {
    "mlx-metal": "metal", "mlx-cuda-12": "cuda", "mlx-cuda-13": "cuda", "mlx-cuda": "cuda", "mlx-cpu": "cpu",
}  # fmt: skip
DRIVER = "libcuda.so.1"
LIBRARY = "lib/libmlx.so"  # in the folder of the package mlx


@dataclass(frozen=True)
class Backend:
    """An installed distribution that brings ``libmlx``.

    :param device: the fastest device that it computes on.
    :param distribution: its name, for example ``mlx-cuda-12``.
    """

    device: Device
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"


def installed_backends() -> list[Backend]:
    """Return the installed backends from their metadata; empty where mlx was built from source."""
    return [Backend(device, name, version) for name, device in DEVICES.items() if (version := version_of(name))]


def version_of(distribution: str) -> str | None:
    """Return the installed version of a distribution, or None."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def active_backend() -> Backend | None:
    """Return the one installed backend, or None where mlx was built from source.

    :raises ModelError: two or more are installed, its library is missing, or it is CUDA's and the NVIDIA driver does
        not load.
    """
    found = installed_backends()
    if len(found) > 1:
        raise ModelError(
            "more than one MLX backend is installed, and all write the same library",
            got=", ".join(map(str, found)),
            allowed="exactly one",
            next_step=f"Run: {command_to_keep_one(found, driver=has_driver())}",
        )
    backend = found[0] if found else None
    if backend and _library_is_missing():
        raise ModelError(
            f"{LIBRARY} of {backend} is missing; uninstalling another backend deletes it",
            next_step=f"Run: {_command_to_restore(backend)}",
        )
    if backend and backend.device == "cuda" and sys.platform == "linux" and not has_driver():
        raise ModelError(
            f"{backend.distribution} needs the NVIDIA driver, and {DRIVER} does not load",
            next_step=f"Install the driver, or the CPU backend: {command_to_replace(backend.distribution, 'cpu')}",
        )
    return backend


def _library_is_missing() -> bool:
    """Return whether the package mlx on Linux lacks the library; the wheels for macOS place it elsewhere."""
    spec = importlib.util.find_spec("mlx") if sys.platform == "linux" else None
    folders = list(spec.submodule_search_locations or ()) if spec else []
    return bool(folders) and not any((Path(folder) / LIBRARY).exists() for folder in folders)


def has_driver() -> bool:
    """Return whether the NVIDIA driver's library loads; the CUDA backend cannot be imported without it."""
    try:
        ctypes.CDLL(DRIVER)
    except OSError:
        return False
    return True


def command_to_keep_one(found: list[Backend], *, driver: bool) -> str:
    """Return the command that leaves one of several backends: CUDA where the driver loads, else the CPU's.

    The kept one is installed again, because uninstalling another deletes the library that they share.
    """
    usable = [backend for backend in found if driver or backend.device != "cuda"]
    kept = (usable or found)[0]
    others = " ".join(backend.distribution for backend in found if backend != kept)
    return f"pip uninstall -y {others} && {_command_to_restore(kept)}"


def _command_to_restore(backend: Backend) -> str:
    return f"pip install --force-reinstall --no-deps {backend.distribution}=={backend.version}"


def command_to_replace(distribution: str, extra: str) -> str:
    """Return the command that replaces a backend by the one that an extra of mlx installs (``cpu``, ``cuda12``)."""
    return f"pip uninstall -y {distribution} && pip install 'mlx[{extra}]'"
