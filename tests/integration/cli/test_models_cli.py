"""``conch models`` and ``conch doctor`` print facts, for people and as JSON."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from distributions import write_metadata

from conch_dna.cli.doctor import doctor
from conch_dna.cli.models import models
from conch_dna.errors import ModelError
from conch_dna.models import backend


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CONCH_CACHE", str(tmp_path / "cache"))


def run(command, *args, plugins=()):
    app = SimpleNamespace(host=SimpleNamespace(plugins=plugins))
    return CliRunner().invoke(command, args, obj=app, catch_exceptions=False, standalone_mode=False)


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "model"
    made.mkdir()
    (made / "config.json").write_text(json.dumps({"model_type": "llama", "num_hidden_layers": 2, "vocab_size": 9}))
    (made / "model.safetensors").write_bytes(bytes(1000))
    return made


def test_list_shows_the_embedded_models_and_whether_they_are_fetched():
    assert "embedded:smollm2-135m" in run(models, "list").output
    rows = json.loads(run(models, "list", "--json").output)
    assert [row["fetched"] for row in rows] == [False, False]


def test_pull_prints_the_folder_alone(folder):
    assert run(models, "pull", str(folder)).stdout.strip() == str(folder)
    found = json.loads(run(models, "pull", str(folder), "--json").stdout)
    assert found["digest"].startswith("sha256:")


def test_show_prints_what_the_files_say(folder):
    facts = json.loads(run(models, "show", str(folder), "--json").stdout)
    assert (facts["architecture"], facts["layers"], facts["weights_bytes"]) == ("llama", 2, 1000)
    assert "vocabulary" in run(models, "show", str(folder)).stdout


def test_a_damaged_config_is_named(folder):
    (folder / "config.json").write_text("{")
    with pytest.raises(ModelError, match="not valid JSON"):
        run(models, "show", str(folder))


def test_doctor_reports_device_speed_and_broken_plug_ins():
    plugins = [
        SimpleNamespace(name="good", source="a.py", error=None),
        SimpleNamespace(name="bad", source="b.py", error="no"),
    ]
    facts = json.loads(run(doctor, "--json", plugins=plugins).stdout)
    assert facts["gflops"] > 0
    assert facts["versions"]["mlx"]
    assert "plug-in bad failed to load: no" in facts["problems"]
    shown = run(doctor, plugins=plugins)
    assert "1 loaded, 1 failed" in shown.stdout
    assert "PROBLEM" in shown.stdout
    assert shown.return_value == 1


def test_doctor_names_the_backend_and_its_distribution():
    facts = json.loads(run(doctor, "--json").stdout)
    (found,) = facts["backends"]
    assert found["version"] == facts["versions"]["mlx"]
    assert f"backend   {found['device']} ({found['distribution']} {found['version']})" in run(doctor).stdout


def test_doctor_says_in_which_numbers_weights_are_multiplied(tmp_path, monkeypatch):
    monkeypatch.setenv("CONCH_COMPUTE", "float32")
    facts = json.loads(conch("doctor", "--json", site=tmp_path, cwd=tmp_path).stdout)
    shown = conch("doctor", site=tmp_path, cwd=tmp_path).stdout
    line = next(line for line in shown.splitlines() if line.startswith("compute "))
    if facts["device"] == "cpu":
        assert facts["accel"]["compute"] == "float32"
        assert line == f"compute   float32 for frozen weights: {facts['accel']['compute_reason']}"
    else:
        assert line == "compute   frozen weights as the model stores them"


def conch(*args, site, cwd):
    """Run ``conch`` where the metadata in ``site`` is found besides that of this environment."""
    path = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-c", "from conch_dna.cli.main import main; main()", *map(str, args)]
    env = os.environ | {"PYTHONPATH": path}
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def second_backend(tmp_path):
    if sys.platform != "linux":
        pytest.skip("macOS has one backend")
    other = "mlx-cuda-12" if backend.version_of("mlx-cpu") else "mlx-cpu"
    return write_metadata(tmp_path / "site", other, backend.version_of("mlx"))


def test_doctor_refuses_two_backends_and_prints_the_command_that_leaves_one(second_backend, tmp_path):
    done = conch("doctor", site=second_backend, cwd=tmp_path)
    assert done.returncode == 1
    problem = next(line for line in done.stdout.splitlines() if line.startswith("PROBLEM"))
    assert "more than one MLX backend is installed" in problem
    assert "pip uninstall -y mlx-" in problem
    facts = json.loads(conch("doctor", "--json", site=second_backend, cwd=tmp_path).stdout)
    assert facts["device"] is None
    assert len(facts["backends"]) == 2


@pytest.mark.parametrize("command", ["ask", "distill"])
def test_a_command_that_loads_mlx_refuses_two_backends_in_one_line(second_backend, tmp_path, tiny_folder, command):
    project = tmp_path / "project"
    project.mkdir()
    (project / "conch.toml").write_text(f'[distill]\nstudent = "{tiny_folder}"\n', encoding="utf-8")
    args = {"ask": ["base", "hello"], "distill": ["debug", "--steps", "1"]}[command]
    done = conch(command, *args, site=second_backend, cwd=project)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: more than one MLX backend is installed")
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform != "linux" or backend.has_driver(), reason="needs Linux without an NVIDIA driver")
def test_a_backend_of_another_version_than_mlx_is_a_problem(tmp_path):
    site = write_metadata(tmp_path / "site", "mlx-cpu", "0.1")
    done = conch("doctor", site=site, cwd=tmp_path)
    mlx = backend.version_of("mlx")
    assert done.returncode == 1
    assert f"mlx-cpu 0.1 does not fit mlx {mlx}: run: pip install mlx-cpu=={mlx}" in done.stdout
