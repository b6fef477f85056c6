"""The benchmark of the shared context runs from its command to its table, on a model of no size."""

import subprocess
import sys

from checkout import ROOT

SCRIPT = ROOT / "benchmarks" / "shared_context.py"


def test_every_row_has_a_figure_and_answers_as_its_neurons_do_alone(tiny_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    command = [sys.executable, str(SCRIPT), "--quick", "--model", str(tiny_folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    rows = {line[:28].strip(): line[28:].split() for line in done.stdout.splitlines()}
    for name in ("shared", "ordinary", "ordinary, one by one"):
        assert float(rows[name][0]) >= 0
    assert rows["shared"][3] == "1.00"
    assert "4 answers as each neuron gives them alone" in done.stdout
