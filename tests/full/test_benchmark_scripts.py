"""Every speed benchmark runs from its command to its table on a tiny model."""

import subprocess
import sys

import pytest
from checkout import ROOT

BENCHMARKS = ROOT / "benchmarks"


def run(script, *words, fails=False):
    """Run a benchmark as a command; return its output, or its stderr if it must fail."""
    command = [sys.executable, str(BENCHMARKS / script), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert bool(done.returncode) == fails, done.stderr
    return done.stderr if fails else done.stdout


@pytest.fixture
def quick(tiny_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")

    def printed(script, *words):
        out = run(script, "--quick", "--model", tiny_folder, *words)
        assert out.startswith("$ python ")
        assert "mlx-lm" in out
        return out

    return printed


def rows(out, *names):
    """Return the figures of the rows that start with these names."""
    return [next(line for line in out.splitlines() if line.startswith(name))[len(name) :].split() for name in names]


def test_a_distillation_step_has_the_same_loss_in_every_form(quick):
    out = quick("kd_step.py", "--no-trl")
    ours, plain, installed = rows(out, "ours", "plain, our BLAS", "plain, as installed")
    assert ours[3] == "1.00"
    assert float(ours[-1]) == pytest.approx(float(plain[-1]), abs=1e-4)
    assert float(plain[-1]) == pytest.approx(float(installed[-1]), abs=1e-4)
    assert "of the sgemm peak" in out
    assert "TRL left out" in out


def test_a_missing_trl_python_is_refused(tiny_folder):
    message = run("kd_step.py", "--quick", "--model", tiny_folder, "--trl-python", "/no/such/python", fails=True)
    assert "no such file: /no/such/python" in message


def test_the_trl_contender_requires_a_folder():
    assert "folder" in run("trl_step.py", "--steps", "1", fails=True)


def test_a_fine_tuning_step_has_the_loss_of_mlx_lm(quick):
    ours, theirs = rows(quick("sft_step.py"), "ours", "mlx-lm, our BLAS")
    # mlx-lm masks from the offset itself to the padding: other positions, hence a slightly different mean.
    assert float(ours[-1]) == pytest.approx(float(theirs[-1]), rel=0.02)


def test_rollouts_are_timed_against_generation_one_by_one(quick):
    out = quick("rollouts.py")
    assert [float(row[0]) > 0 for row in rows(out, "ours, batched  ", "mlx_lm.generate, one by one  ")] == [True] * 2


def test_the_profile_names_where_the_time_goes(quick):
    out = quick("profile_step.py")
    names = ["linear layers with LoRA", "attention", "activation", "norms", "rope", "head and loss", "optimizer"]
    seconds = [float(row[0]) for row in rows(out, *names)]
    assert sum(seconds) > 0  # on a tiny model some round to zero
    assert "of the peak" in out


def test_the_whole_command_is_compared_with_extrapolated_runs(quick):
    out = quick("distill_all.py", "--domains", "task")
    assert "extrapolated from 1 step(s) of each" in out
    assert float(rows(out, "conch distill")[0][0]) > 1


def test_one_process_is_compared_with_two(quick):
    one, two = rows(quick("jobs.py", "--domains", "task", "--domains", "memory"), "1 at once", "2 at once")
    assert float(one[0]) > 1
    assert float(two[0]) > 1
