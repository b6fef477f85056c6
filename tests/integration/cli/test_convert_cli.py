"""``conch neurons export`` and ``import``."""

import json
import subprocess
import sys

import mlx.core as mx
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner
from tiny import write_tiny_model

from conch_dna.cli.app import App
from conch_dna.cli.main import cli
from conch_dna.registry.store import Registry

KEY = "self_attn.q_proj"


@pytest.fixture
def conch(tmp_path, own_cache):
    return lambda *args: CliRunner().invoke(cli, ["--project", str(tmp_path), "neurons", *map(str, args)])


@pytest.fixture
def adapter(tmp_path):
    """An adapter of mlx-lm, whose config names its base."""
    base, folder = write_tiny_model(tmp_path / "model"), tmp_path / "adapter"
    folder.mkdir()
    module = f"model.layers.3.{KEY}"
    pair = {f"{module}.lora_a": mx.random.normal((32, 2)), f"{module}.lora_b": mx.random.normal((2, 32))}
    mx.save_safetensors(str(folder / "adapters.safetensors"), pair)
    lora = {"rank": 2, "scale": 1.0, "dropout": 0.0, "keys": [KEY]}
    about = {"fine_tune_type": "lora", "num_layers": 1, "lora_parameters": lora, "model": str(base)}
    (folder / "adapter_config.json").write_text(json.dumps(about))
    return folder


def test_an_mlx_adapter_is_imported_exported_as_peft_and_imported_again(conch, adapter, tmp_path):
    result = conch("import", adapter, "plan", "--format", "mlx")
    assert (result.exit_code, result.stdout) == (0, "plan@current is plan@1; no gate has judged plan@1\n")
    result = conch("export", "plan", tmp_path / "out", "--format", "peft")
    assert (result.exit_code, result.stdout) == (0, f"exported plan@1 as peft to {tmp_path / 'out'}\n")
    result = conch("import", tmp_path / "out", "plan", "--format", "peft")
    assert result.stdout.splitlines() == [
        "plan@current is plan@1; no gate has judged plan@2",
        "To use it by its name: conch neurons promote plan@2",
    ]
    assert conch("import", tmp_path / "out", "plan", "--format", "peft", "--ungated").exit_code == 0
    assert Registry(tmp_path / "adapters").aliases("plan") == {"current": 2}
    assert "published without a gate" in conch("show", "plan").stdout


def test_json_has_the_reference_digest_and_path(conch, adapter, tmp_path):
    came = json.loads(conch("import", adapter, "plan", "--format", "mlx", "--json").stdout)
    went = json.loads(conch("export", "plan", tmp_path / "out", "--format", "fused", "--json").stdout)
    assert (came["ref"], came["current"]) == ("plan@1", 1)
    assert went == {"ref": "plan@1", "digest": came["digest"], "format": "fused", "path": str(tmp_path / "out")}
    assert (tmp_path / "out" / "model.safetensors").is_file()


def test_faults_are_one_line_and_publish_nothing(conch, adapter, tmp_path):
    (adapter / "adapters.safetensors").write_bytes(b"")
    for args in (
        ("import", adapter, "plan", "--format", "mlx"),
        ("export", "plan", tmp_path / "out", "--format", "peft"),
    ):
        result = conch(*args)
        assert result.exit_code == 1
        assert result.stderr.startswith("error: ")
        assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
    assert conch("import", adapter, "plan", "--format", "fused").exit_code == 2


def test_a_second_export_needs_force(conch, adapter, tmp_path):
    conch("import", adapter, "plan", "--format", "mlx")
    out = ("export", "plan", tmp_path / "out", "--format", "mlx")
    assert conch(*out).exit_code == 0
    assert "add --force" in conch(*out).stderr
    assert conch(*out, "--force").exit_code == 0


def test_list_prints_the_formats_that_the_command_can_use(conch):
    exported = conch("export", "--list")
    assert (exported.exit_code, [line.split()[0] for line in exported.stdout.splitlines()]) == (
        0, ["fused", "mlx", "peft"],
    )  # fmt: skip
    imported = conch("import", "--list").stdout.splitlines()
    assert imported == ["mlx   adapter folder of mlx-lm", "peft  adapter folder of PEFT, for transformers"]


def test_a_projects_own_exporter_is_offered(tmp_path, conch, adapter):
    (tmp_path / "plugins").mkdir()
    (tmp_path / "conch.toml").write_text('[plugins]\ndir = "plugins"\n')
    (tmp_path / "plugins/rank.py").write_text(
        "from conch_dna import hookimpl\n"
        "class Rank:\n"
        "    summary = 'the rank as text'\n"
        "    def write(self, neuron, out): (out / 'rank.txt').write_text(str(neuron.adapter.rank))\n"
        "@hookimpl\n"
        "def register_exporters(): return {'rank': Rank()}\n"
    )
    assert "rank   the rank as text" in conch("export", "--list").stdout
    conch("import", adapter, "plan", "--format", "mlx")
    assert conch("export", "plan", tmp_path / "out", "--format", "rank").exit_code == 0
    assert (tmp_path / "out/rank.txt").read_text() == "2"


def test_an_unknown_format_lists_the_formats(conch, adapter, tmp_path):
    conch("import", adapter, "plan", "--format", "mlx")
    result = conch("export", "plan", tmp_path / "out", "--format", "onnx")
    assert result.exit_code == 1
    assert result.stderr == "error: no exporter is named 'onnx'; allowed: fused, mlx, peft\n"


@pytest.mark.parametrize(("command", "formats"), [("export", ["fused", "mlx", "peft"]), ("import", ["mlx", "peft"])])
def test_the_shell_completes_formats(tmp_path, command, formats):
    complete = ShellComplete(cli, {"obj": App(project=tmp_path)}, "conch", "_CONCH_COMPLETE")
    found = complete.get_completions(["neurons", command, "--format"], "")
    assert [item.value for item in found] == formats


@pytest.mark.parametrize("command", ["import", "export"])
def test_the_help_imports_no_mlx(command):
    code = f"""
import sys
from conch_dna.cli.main import cli
cli.main(["neurons", "{command}", "--help"], standalone_mode=False)
assert not [m for m in sys.modules if m.split(".")[0] == "mlx"]
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
