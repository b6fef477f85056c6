"""The engine's benchmark runs from its command to its tables, on a model of no size."""

import subprocess
import sys

from checkout import ROOT

SCRIPT = ROOT / "benchmarks" / "engine.py"


def test_every_row_has_a_figure(tiny_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    command = [sys.executable, str(SCRIPT), "--quick", "--model", str(tiny_folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    found = {line.split("  ")[0]: line.split("  ", 1)[1].split() for line in done.stdout.splitlines() if "  " in line}
    for name in ("one", "eight", "many", "base", "plain"):
        assert float(found[name][0]) > 0
    assert found["one"][3] == "1.00"
    for name in ("switch between neurons in memory", "from memory into a slot", "the same without a gate"):
        assert float(found[name][0]) > 0
