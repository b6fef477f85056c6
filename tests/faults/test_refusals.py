"""A loss that is not finite, another teacher, a clock that goes back, too little memory."""

import json
import os
import shutil
import subprocess

import numpy as np
import pytest
from projects import here, write_student
from safetensors.numpy import load_file, save_file
from trial import Moment, Trial, new_trial

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


def test_too_little_memory_is_refused_before_anything_is_loaded_or_written(trial):
    one = trial("kd", max_memory=0.001)
    result = one.again()
    assert result.exit_code == 2
    assert "max_memory: training would not fit into memory" in result.stderr
    assert not one.run.exists()


def test_a_loss_that_is_not_finite_names_its_examples_and_keeps_the_last_good_step(trial, calm):
    settings = {"loss": "unwell", "checkpoint_every": 4}
    one = trial("kd", **settings)
    result = one.again(UNWELL_FILE=str(one.run / "alpha/metrics.jsonl"), UNWELL_LINES="2")
    assert result.exit_code == 1
    line = result.stderr.splitlines()[-1]
    assert "step 3, examples [" in line
    assert "the loss or its gradient is not finite" in line
    assert "the last good weights are kept" in line
    assert [path.name for path in (one.run / "alpha/checkpoints").iterdir()] == ["000002"]
    assert one.versions() == []
    mended = one.again()
    assert [e["step"] for e in events(mended.stderr, "training_resumed")] == [2]
    before, after = calm("kd", **settings).outcome, one.outcome()
    assert (after.digest, after.figures) == (before.digest, before.figures)


@pytest.fixture
def halfway(tmp_path, accel):
    """A run that was killed after step 2's checkpoint, with a student of its own."""
    own = write_student(tmp_path / "own")
    one = new_trial(tmp_path / "torn", own, "kd", accel)
    assert one.killed(Moment("open", r"alpha/metrics\.jsonl$", 4))
    return one, own


def test_another_domain_context_is_refused_on_resume(halfway):
    one, _ = halfway
    file = one.project / "domains/alpha/domain.toml"
    file.write_text(file.read_text().replace("Be brief.", "Be brief!"))
    result = one.again()
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
    line = one.again().stderr.splitlines()[-1]
    assert "was made with base = " in line
    assert "teacher = mlx:" in line


def test_another_teacher_is_refused_before_anyone_is_asked(halfway, student):
    one, _ = halfway
    result = one.again("--teacher", f"mlx:{student}")
    assert result.exit_code == 1
    assert "the run was begun with teacher = mlx, now mlx:" in result.stderr
    assert not events(result.stderr, "mode_chosen")


class TestClock:
    """Times of files and the time of day decide nothing."""

    def test_the_newest_checkpoint_is_that_of_the_most_steps(self, tmp_path, calm):
        shutil.copytree(calm("kd").trial.project.parent, tmp_path / "torn", symlinks=True)
        one = Trial(tmp_path / "torn")
        shutil.rmtree(one.project / "adapters")
        (one.run / "alpha/result.json").unlink()
        for name, when in (("000002", 4_000_000_000), ("000004", 1)):
            folder = one.run / "alpha/checkpoints" / name
            for path in (folder, *folder.iterdir()):
                os.utime(path, (when, when))
        result = one.again()
        assert [e["step"] for e in events(result.stderr, "training_resumed")] == [4]
        assert one.outcome() == calm("kd").outcome

    @pytest.mark.parametrize("when", [-86_400, 0, 4_000_000_000], ids=["before 1970", "1970", "in the future"])
    def test_runs_are_listed_whatever_their_files_times(self, tmp_path, calm, when):
        shutil.copytree(calm("kd").trial.project / "runs", tmp_path / "runs")
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

    def test_a_time_of_day_that_goes_back_a_minute_at_every_look_changes_nothing(self, tmp_path, trial, calm):
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            pytest.skip("needs a C compiler to stand in for the system's clock")
        (tmp_path / "clock.c").write_text(CLOCK)
        shim = tmp_path / "clock.so"
        subprocess.run([compiler, "-shared", "-fPIC", "-o", shim, tmp_path / "clock.c", "-ldl"], check=True)
        one = trial("kd")
        code, _, err = one.alone(LD_PRELOAD=str(shim))
        assert code == 0, err
        stamps = [json.loads(line)["timestamp"] for line in err.splitlines() if line.startswith("{")]
        assert stamps == sorted(stamps, reverse=True)
        assert stamps[0] != stamps[-1], "the clock did go back"
        assert one.outcome() == calm("kd").outcome
        result = json.loads((one.run / "alpha/result.json").read_text())
        assert result["seconds"] > 0
        assert result["tokens_per_second"] > 0
        assert one.states() == ["finished"]
