"""``conch models`` and ``conch doctor`` print facts, for people and as JSON."""

import json
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from conch_dna.cli.doctor import doctor
from conch_dna.cli.models import models
from conch_dna.errors import ModelError


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
