"""``conch neurons`` shows, checks and moves what is published."""

import json
import subprocess
import sys

import mlx.core as mx
import pytest
from click.testing import CliRunner

from conch_dna.cli.main import cli
from conch_dna.records import Check, HeldOut, Verdict
from conch_dna.registry.card import CardFields
from conch_dna.registry.store import Registry


@pytest.fixture
def registry(tmp_path):
    """Two versions of one neuron, in the place where a project keeps them."""
    registry = Registry(tmp_path / "adapters")
    check = Check(name="bits", passed=True, value=-0.2, bound=0.0, reason="bits fell by [0.2]")
    base, better = HeldOut(bits_per_byte=1.0, quality=0.5), HeldOut(bits_per_byte=0.8, quality=0.625)
    verdict = Verdict(domain="thinking", passed=True, checks=(check,), base=base, candidate=better, prompts=12)
    common = {"base": "org/base", "base_digest": "b", "teacher": "t", "teacher_fingerprint": "t", "data_digest": "d"}
    lora = {"rank": 1, "scale": 1.0, "dropout": 0.0}
    for number in (1, 2):
        folder = tmp_path / f"adapter-{number}"
        folder.mkdir()
        pair = {
            "model.layers.0.mlp.up.lora_a": mx.full((2, 1), float(number)),
            "model.layers.0.mlp.up.lora_b": mx.ones((1, 3)),
        }
        mx.save_safetensors(str(folder / "adapters.safetensors"), pair)
        (folder / "adapter_config.json").write_text(json.dumps({"num_layers": 1, "lora_parameters": lora}))
        config, metrics = {"steps": 10 * number}, {"kd": 0.5 / number}
        fields = CardFields(**common, config=config, metrics=metrics, verdict=verdict if number == 2 else None)
        registry.publish("thinking", folder, fields)
    return registry


@pytest.fixture
def conch(tmp_path):
    return lambda *args, **extra: CliRunner().invoke(cli, ["--project", str(tmp_path), "neurons", *args], **extra)


def words_of(result):
    """The text of a table, whatever the widths of its columns."""
    return " ".join(result.stdout.split())


def damage(registry):
    (registry.root / "thinking" / "1" / "adapters.safetensors").write_bytes(b"")


def test_an_empty_registry_says_so(conch, tmp_path):
    result = conch("list")
    assert (result.exit_code, result.stdout) == (0, f"nothing published in {tmp_path / 'adapters'}\n")
    assert json.loads(conch("list", "--json").stdout) == []


def test_list_shows_versions_and_aliases(conch, registry):
    text = words_of(conch("list"))
    assert "thinking@1 org/base" in text
    assert "thinking@2 current org/base" in text
    rows = json.loads(conch("list", "--json").stdout)
    assert [(row["ref"], row["aliases"], row["error"]) for row in rows] == [
        ("thinking@1", [], None),
        ("thinking@2", ["current"], None),
    ]


def test_list_goes_on_past_a_damaged_card_and_damaged_aliases(conch, registry):
    (registry.root / "thinking" / "1" / "neuron.json").write_text("{")
    assert "not a valid card" in conch("list").stdout
    (registry.root / "thinking" / "aliases.json").write_text("{")
    rows = json.loads(conch("list", "--json").stdout)
    assert ["not a valid card" in rows[0]["error"], "aliases is damaged" in rows[1]["error"]] == [True, True]
    assert rows[1]["base"] == "org/base"


def test_another_registry_can_be_named(conch, registry, tmp_path):
    assert "nothing published" in conch("--registry", str(tmp_path / "other"), "list").stdout
    assert "thinking@2" in conch("--registry", str(registry.root), "list").stdout


def test_show_prints_the_card_and_the_verdict(conch, registry):
    text = words_of(conch("show", "thinking"))
    for words in (
        "thinking@2",
        "org/base",
        "bits a byte 1.0000 0.8000",
        "kd 0.25",
        "passed bits: bits fell by [0.2]",
    ):
        assert words in text
    shown = json.loads(conch("show", "thinking@1", "--json").stdout)
    assert shown["card"]["config"] == {"steps": 10}
    assert "published without a gate" in conch("show", "thinking@1").stdout


def test_show_of_an_unknown_name_lists_the_known(conch, registry):
    result = conch("show", "../thinking")
    assert result.exit_code == 1
    assert result.stderr == "error: no such neuron; got ../thinking; allowed: thinking\n"


def test_diff_shows_settings_metrics_and_norms(conch, registry):
    rows = {row["key"]: row for row in json.loads(conch("diff", "thinking@1", "thinking", "--json").stdout)}
    assert rows["steps"] == {"section": "config", "key": "steps", "a": "10", "b": "20"}
    assert (rows["model.layers.0.mlp.up"]["a"], rows["kd"]["b"]) == (pytest.approx(6**0.5), 0.25)
    assert "steps" in conch("diff", "thinking@1", "thinking@2").stdout
    assert conch("diff", "thinking@2", "thinking").stdout == "no difference\n"


def test_promote_and_rollback_move_the_alias(conch, registry):
    assert conch("promote", "thinking", "--alias", "stable").stdout == "thinking@stable is thinking@2\n"
    assert conch("rollback", "thinking").stdout == "thinking@current is thinking@1\n"
    assert registry.aliases("thinking") == {"current": 1, "stable": 2}
    assert conch("promote", "thinking@2").stdout == "thinking@current is thinking@2\n"
    failed = conch("rollback", "thinking", "--alias", "stable")
    assert failed.exit_code == 1
    assert "no earlier version" in failed.stderr


def test_verify_exits_with_1_when_something_is_wrong(conch, registry):
    assert (conch("verify").stdout, conch("verify").exit_code) == ("all sound\n", 0)
    damage(registry)
    result = conch("verify")
    assert result.exit_code == 1
    assert result.stdout.startswith("thinking@1: ")
    assert "differs from the card's digest" in result.stdout
    assert [problem["ref"] for problem in json.loads(conch("verify", "--json").stdout)] == ["thinking@1"]
    assert conch("verify", "thinking@2").exit_code == 0


def test_rm_asks_and_keeps_what_an_alias_points_at(conch, registry):
    assert conch("rm", "thinking@1", input="n\n").exit_code == 1
    assert registry.versions("thinking") == [1, 2]
    assert "current points at it" in conch("rm", "thinking", "--yes").stderr
    damage(registry)
    assert conch("rm", "thinking@1", input="y\n").exit_code == 0
    assert registry.versions("thinking") == [2]


def test_listing_imports_no_mlx(registry, tmp_path):
    code = (
        "import sys; from conch_dna.cli.main import cli;"
        "cli.main(['--project', sys.argv[1], 'neurons', 'list'], standalone_mode=False);"
        "assert not any(name.split('.')[0] == 'mlx' for name in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
