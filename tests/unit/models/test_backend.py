"""Exactly one MLX backend is installed; two are refused with the command that leaves one."""

import importlib.metadata
import sys

import pytest
from distributions import write_metadata

from conch_dna.errors import ModelError
from conch_dna.models import backend
from conch_dna.models.backend import Backend

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="macOS has one backend")


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Return a function that writes a distribution's metadata; those of this environment are hidden."""
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    return lambda name, version: write_metadata(tmp_path, name, version)


def test_this_environment_has_one_backend_that_fits_mlx():
    found = backend.active_backend()
    assert found is not None
    assert found.version == importlib.metadata.version("mlx")


@pytest.mark.parametrize(
    ("name", "device"), [("mlx-cpu", "cpu"), ("mlx-metal", "metal"), ("mlx-cuda-12", "cuda"), ("mlx-cuda-13", "cuda")]
)
def test_a_backend_is_read_from_the_metadata_of_its_distribution(install, name, device):
    install(name, "0.32.4")
    assert backend.installed_backends() == [Backend(device, name, "0.32.4")]


def test_an_mlx_built_from_source_brings_its_own_backend(install):
    install("mlx", "0.32.4")
    assert backend.active_backend() is None


def test_two_backends_are_refused_with_the_command_that_leaves_one(install):
    install("mlx-cpu", "0.32.4")
    install("mlx-cuda-12", "0.32.4")
    with pytest.raises(ModelError, match="more than one MLX backend") as error:
        backend.active_backend()
    text = str(error.value)
    assert "got mlx-cuda-12 0.32.4, mlx-cpu 0.32.4; allowed: exactly one. Run: pip uninstall -y mlx-" in text
    assert "\n" not in text


CPU, CUDA_12, CUDA_13 = (
    Backend("cpu", "mlx-cpu", "1.0"), Backend("cuda", "mlx-cuda-12", "1.0"), Backend("cuda", "mlx-cuda-13", "1.0"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("found", "driver", "removed", "kept"),
    [
        ([CUDA_12, CPU], True, "mlx-cpu", "mlx-cuda-12"),
        ([CUDA_13, CPU], True, "mlx-cpu", "mlx-cuda-13"),
        ([CUDA_12, CPU], False, "mlx-cuda-12", "mlx-cpu"),
        ([CUDA_12, CUDA_13, CPU], True, "mlx-cuda-13 mlx-cpu", "mlx-cuda-12"),
        ([CUDA_12, CUDA_13], False, "mlx-cuda-13", "mlx-cuda-12"),
    ],
    ids=["CUDA 12 on a GPU", "CUDA 13 on a GPU", "no driver", "all three", "two of CUDA without a driver"],
)
def test_the_command_keeps_cuda_only_where_its_driver_loads(found, driver, removed, kept):
    command = backend.command_to_keep_one(found, driver=driver)
    assert command == f"pip uninstall -y {removed} && pip install --force-reinstall --no-deps {kept}==1.0"


@linux_only
@pytest.mark.skipif(backend.has_driver(), reason="this machine has an NVIDIA driver")
def test_cuda_without_its_driver_is_refused_with_the_command_for_the_cpu(install):
    install("mlx-cuda-12", "0.32.4")
    with pytest.raises(ModelError, match="pip uninstall -y mlx-cuda-12 && pip install 'mlx\\[cpu\\]'"):
        backend.active_backend()


@linux_only
def test_a_deleted_library_is_refused_with_the_command_that_restores_it(install, tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "mlx", raising=False)
    install("mlx-cpu", "0.32.4")
    (tmp_path / "mlx/lib").mkdir(parents=True)
    with pytest.raises(ModelError, match=r"pip install --force-reinstall --no-deps mlx-cpu==0\.32\.4"):
        backend.active_backend()
    (tmp_path / "mlx/lib/libmlx.so").touch()
    assert backend.active_backend() == Backend("cpu", "mlx-cpu", "0.32.4")
