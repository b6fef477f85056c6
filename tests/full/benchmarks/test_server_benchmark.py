"""The server's benchmark runs from its command to its table, on a model of no size, against the real peer."""

import subprocess
import sys

from checkout import ROOT

SCRIPT = ROOT / "benchmarks" / "server.py"


def test_every_contender_answers_alike(tiny_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    command = [sys.executable, str(SCRIPT), "--quick", "--model", str(tiny_folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    for name in ("engine", "conch serve", "mlx_lm.server"):
        row = next(line for line in done.stdout.splitlines() if line.startswith(name + "  "))
        assert float(row[16:].split()[2]) > 0
    assert "answers of conch serve equal to the engine's: 4 of 4" in done.stdout
