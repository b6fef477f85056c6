"""A training process that is killed or interrupted resumes to the same bytes as an undisturbed one."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import killable_training as killable
import pytest
from recipe_runs import adapter, metrics

STEPS = 60


def start(model, folder, steps):
    script = Path(killable.__file__)
    return subprocess.Popen([sys.executable, str(script), str(model), str(folder), str(steps)], stderr=subprocess.PIPE)


def wait_for_lines(folder, count, process):
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        path = folder / "metrics.jsonl"
        if path.exists() and path.read_bytes().count(b"\n") >= count:
            return
        time.sleep(0.002)
    pytest.fail(f"training did not reach line {count}: {process.stderr.read()!r}")


@pytest.fixture(scope="module")
def undisturbed(tiny_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONCH_CACHE", str(folder / "cache"))
        killable.run(tiny_folder, folder / "run", STEPS)
    return folder / "run"


@pytest.mark.parametrize(
    ("sign", "seed"),
    [(signal.SIGKILL, 1), (signal.SIGKILL, 2), (signal.SIGKILL, 3), (signal.SIGINT, 4)],
    ids=["kill-1", "kill-2", "kill-3", "ctrl-c"],
)
def test_a_process_stopped_at_a_random_moment_resumes_to_the_same_bytes(
    tiny_folder, undisturbed, tmp_path, monkeypatch, sign, seed
):
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))
    rng = random.Random(seed)
    with start(tiny_folder, tmp_path / "run", STEPS) as process:
        wait_for_lines(tmp_path / "run", rng.randint(1, STEPS // 3), process)
        time.sleep(rng.random() * 0.03)
        process.send_signal(sign)
        process.wait(60)
        assert process.returncode != 0
    assert not (tmp_path / "run/adapter").exists()
    if sign == signal.SIGINT:
        newest = max(p.name for p in (tmp_path / "run/checkpoints").glob("[0-9]*"))
        assert json.loads((tmp_path / "run/checkpoints" / newest / "state.json").read_text())["step"] <= STEPS
    killable.run(tiny_folder, tmp_path / "run", STEPS)
    assert adapter(tmp_path / "run") == adapter(undisturbed)
    assert metrics(tmp_path / "run") == metrics(undisturbed)
