"""Marks every test with its tier, loads the fast BLAS before mlx, and builds a model small enough for any test."""

import ctypes
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from conch_dna.models import accel, seals
from conch_dna.models.cache import config_dir

TIERS = ("unit", "integration", "faults", "full")

os.environ["CONCH_TRUST"] = "1"  # the plug-ins of the tests' projects are the tests' own

# One BLAS thread: with two, each matmul waits for its turn on a busy machine, and the last bits of a sum depend on how
# many there are, so that a run in this process would differ from one in a process of its own.
if library := accel.switch_on().blas:
    ctypes.CDLL(library).openblas_set_num_threads(1)


# A configuration folder of the tests' own, with the user's key of the cache: the BLAS above is sealed with it.
CONFIG = tempfile.TemporaryDirectory(prefix="conch-config-")
if (key := config_dir() / seals.KEY_FILE).is_file():
    shutil.copy(key, CONFIG.name)
os.environ["CONCH_CONFIG"] = CONFIG.name


def pytest_collection_modifyitems(items):
    """Mark each test with one tier: its own marker, ``full`` for the real model, otherwise the folder under tests/."""
    tests = Path(__file__).parent
    for item in items:
        if item.get_closest_marker("real"):
            item.add_marker("full")
        elif not any(item.get_closest_marker(tier) for tier in TIERS):
            item.add_marker(item.path.relative_to(tests).parts[0])


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    """A four-layer llama with tied embeddings, as a model folder."""
    from tiny import write_tiny_model

    return write_tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture
def tiny_model(tiny_folder, tmp_path, monkeypatch):
    """That model, loaded afresh, so that no test sees what another did to it."""
    from conch_dna.models.load import load

    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
    return load(str(tiny_folder))


@pytest.fixture(scope="session")
def student(tmp_path_factory):
    """A tiny model whose own answers come to an end, as a model folder."""
    from projects import write_student

    return write_student(tmp_path_factory.mktemp("student") / "model")


@pytest.fixture(scope="session")
def accel():
    """The folder of this machine's prepared BLAS, read before a test points the cache elsewhere."""
    from conch_dna.models.cache import cache_dir

    return cache_dir() / "accel"
