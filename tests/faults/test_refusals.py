"""A run refuses too little memory, a loss that is not finite and another student or teacher, and ignores the clock."""

import json
import os
import shutil
import subprocess

import numpy as np
import pytest
from fault_projects import FaultProject, Moment, new_project
from projects import here, write_student
from safetensors.numpy import load_file, save_file

CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
int clock_gettime(clockid_t which, struct timespec *out) {
    static int (*real)(clockid_t, struct timespec *);
    static long calls;
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int code = real(which, out);
    if (which == CLOCK_REALTIME) out->tv_sec -= 60 * ++calls;
    return code;
}
"""


def events(stderr, name):
    rows = [json.loads(line) for line in stderr.splitlines() if line.startswith("{")]
    return [row for row in rows if row["event"] == name]


def test_too_little_memory_is_refused_before_anything_is_loaded_or_written(make_project):
    one = make_project("kd", max_memory=0.001)
    result = one.run_here()
    assert result.exit_code == 2
    assert "max_memory: training would not fit into memory" in result.stderr
    assert not one.run.exists()


def test_a_loss_that_is_not_finite_names_its_examples_and_keeps_the_last_good_step(make_project, undisturbed):
    settings = {"loss": "nan_loss", "checkpoint_every": 4}
    one = make_project("kd", **settings)
    result = one.run_here(NAN_FILE=str(one.run / "alpha/metrics.jsonl"), NAN_LINES="2")
    assert result.exit_code == 1
    line = result.stderr.splitlines()[-1]
    assert "step 3, examples [" in line
    assert "the loss or its gradient is not finite" in line
    assert "the last good weights are kept" in line
    assert [path.name for path in (one.run / "alpha/checkpoints").iterdir()] == ["000002"]
    assert one.versions() == []
    resumed = one.run_here()
    assert [e["step"] for e in events(resumed.stderr, "training_resumed")] == [2]
    before, after = undisturbed("kd", **settings).outcome, one.outcome()
    assert (after.digest, after.figures) == (before.digest, before.figures)


@pytest.fixture
def halfway(tmp_path, accel):
    """A run that was killed after the checkpoint of step 2, and its student, which no other test uses."""
    own = write_student(tmp_path / "own")
    one = new_project(tmp_path / "faulty", own, "kd", accel)
    assert one.killed(Moment("open", r"alpha/metrics\.jsonl$", 4))
    return one, own


def test_another_domain_context_is_refused_on_resume(halfway):
    one, _ = halfway
    file = one.project / "domains/alpha/domain.toml"
    file.write_text(file.read_text().replace("Be brief.", "Be brief!"))
    result = one.run_here()
    assert result.exit_code == 1
    line = result.stderr.splitlines()[-1]
    assert f"{one.run / 'alpha/checkpoints/000002'}: was made with " in line
    assert "teacher = mlx:" in line
    assert "base = " not in line
    assert "give the run another name with --run" in line


def test_another_student_under_the_same_name_is_refused_on_resume(halfway):
    one, own = halfway
    weights = load_file(own / "model.safetensors")
    weights["model.norm.weight"] = weights["model.norm.weight"] * np.float32(1.001)
    save_file(weights, own / "model.safetensors", {"format": "mlx"})
    line = one.run_here().stderr.splitlines()[-1]
    assert "was made with base = " in line
    assert "teacher = mlx:" in line


def test_another_teacher_is_refused_before_any_teacher_call(halfway, student):
    one, _ = halfway
    result = one.run_here("--teacher", f"mlx:{student}")
    assert result.exit_code == 1
    assert "the run was begun with teacher = mlx, now mlx:" in result.stderr
    assert not events(result.stderr, "mode_chosen")


class TestClock:
    """File times and the system clock do not affect a run."""

    def test_the_newest_checkpoint_has_the_most_steps(self, tmp_path, undisturbed):
        shutil.copytree(undisturbed("kd").project.project.parent, tmp_path / "faulty", symlinks=True)
        one = FaultProject(tmp_path / "faulty")
        shutil.rmtree(one.project / "adapters")
        (one.run / "alpha/result.json").unlink()
        for name, when in (("000002", 4_000_000_000), ("000004", 1)):
            folder = one.run / "alpha/checkpoints" / name
            for path in (folder, *folder.iterdir()):
                os.utime(path, (when, when))
        result = one.run_here()
        assert [e["step"] for e in events(result.stderr, "training_resumed")] == [4]
        assert one.outcome() == undisturbed("kd").outcome

    @pytest.mark.parametrize("when", [-86_400, 0, 4_000_000_000], ids=["before 1970", "1970", "in the future"])
    def test_runs_with_any_file_times_are_listed(self, tmp_path, undisturbed, when):
        shutil.copytree(undisturbed("kd").project.project / "runs", tmp_path / "runs")
        for path in (tmp_path / "runs").rglob("*"):
            os.utime(path, (when, when))
        shutil.copytree(tmp_path / "runs/mine", tmp_path / "runs/other")
        (tmp_path / "runs/other/summary.json").unlink()
        result = here(tmp_path, "runs", "list", "--json")
        assert result.exit_code == 0, result.stderr
        assert {about["run"]: about["state"] for about in json.loads(result.stdout)} == {
            "mine": "finished", "other": "interrupted",
        }  # fmt: skip
        assert here(tmp_path, "runs", "list").exit_code == 0

    def test_a_clock_that_goes_backwards_does_not_change_the_outcome(self, tmp_path, make_project, undisturbed):
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            pytest.skip("needs a C compiler to replace the system clock")
        (tmp_path / "clock.c").write_text(CLOCK)
        shim = tmp_path / "clock.so"
        subprocess.run([compiler, "-shared", "-fPIC", "-o", shim, tmp_path / "clock.c", "-ldl"], check=True)
        one = make_project("kd")
        code, _, err = one.run_process(LD_PRELOAD=str(shim))
        assert code == 0, err
        stamps = [json.loads(line)["timestamp"] for line in err.splitlines() if line.startswith("{")]
        assert stamps == sorted(stamps, reverse=True)
        assert stamps[0] != stamps[-1], "the clock must go back"
        assert one.outcome() == undisturbed("kd").outcome
        result = json.loads((one.run / "alpha/result.json").read_text())
        assert result["seconds"] > 0
        assert result["tokens_per_second"] > 0
        assert one.states() == ["finished"]
