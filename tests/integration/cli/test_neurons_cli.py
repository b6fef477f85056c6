"""``conch neurons`` lists, verifies and changes published neurons."""

import json
import subprocess
import sys

import mlx.core as mx
import pytest
from click.testing import CliRunner

from conch_dna.cli.main import cli
from conch_dna.records import Check, HeldOut, Share, Verdict
from conch_dna.registry.card import CardFields
from conch_dna.registry.store import Registry


@pytest.fixture
def registry(tmp_path):
    """Two versions of one neuron, in the registry folder of a project."""
    registry = Registry(tmp_path / "adapters")
    check = Check(name="bits", passed=True, value=-0.2, bound=0.0, reason="bits fell by [0.2]")
    base, better = (
        HeldOut(bits_per_byte=bits, quality=quality, right={"natural": Share.of(right, 12)})
        for bits, quality, right in ((1.0, 0.5, 3), (0.8, 0.625, 9))
    )
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
    """The text of a table with single spaces."""
    return " ".join(result.stdout.split())


def damage(registry):
    (registry.root / "thinking" / "1" / "adapters.safetensors").write_bytes(b"")


def test_an_empty_registry_says_so(conch, tmp_path):
    result = conch("list")
    assert (result.exit_code, result.stdout) == (0, f"nothing published in {tmp_path / 'adapters'}\n")
    assert json.loads(conch("list", "--json").stdout) == []


def test_list_shows_versions_and_aliases(conch, registry):
    text = words_of(conch("list"))
    assert "thinking@1 unverified org/base" in text
    assert "thinking@2 current 0.75 of 12 org/base" in text
    rows = json.loads(conch("list", "--json").stdout)
    assert [(row["ref"], row["aliases"], row["error"]) for row in rows] == [
        ("thinking@1", [], None),
        ("thinking@2", ["current"], None),
    ]
    assert [(row["verified"], row["right"]) for row in rows] == [(False, "unverified"), (True, "0.75 of 12")]


def test_list_includes_versions_after_a_damaged_card_or_alias_table(conch, registry):
    (registry.root / "thinking" / "1" / "neuron.json").write_text("{")
    assert "not a valid card" in words_of(conch("list"))
    (registry.root / "thinking" / "aliases.json").write_text("{")
    rows = json.loads(conch("list", "--json").stdout)
    assert ["not a valid card" in rows[0]["error"], "aliases is damaged" in rows[1]["error"]] == [True, True]
    assert rows[1]["base"] == "org/base"


def test_the_option_registry_selects_another_registry(conch, registry, tmp_path):
    assert "nothing published" in conch("--registry", str(tmp_path / "other"), "list").stdout
    assert "thinking@2" in conch("--registry", str(registry.root), "list").stdout


def test_show_prints_the_card_and_the_verdict(conch, registry):
    text = words_of(conch("show", "thinking"))
    for words in (
        "thinking@2",
        "org/base",
        "bits a byte 1.0000 0.8000",
        "right, natural 0.2500 [0.09, 0.53] of 12 0.7500 [0.47, 0.91] of 12",
        "right answers 0.75 of 12",
        "kd 0.25",
        "passed bits: bits fell by [0.2]",
    ):
        assert words in text
    shown = json.loads(conch("show", "thinking@1", "--json").stdout)
    assert shown["card"]["config"] == {"steps": 10}
    assert "published without a gate" in conch("show", "thinking@1").stdout


def test_show_names_the_processors_that_no_plugin_provides(conch, registry, tmp_path):
    card = registry.resolve("thinking").card
    fields = CardFields(
        **card.model_dump(include=set(CardFields.model_fields) - {"processors"}), processors=("abacus",)
    )
    registry.publish("thinking", tmp_path / "adapter-1", fields)
    told = "no plug-in provides the processor 'abacus'"
    assert told in conch("show", "thinking").stdout
    assert json.loads(conch("show", "thinking", "--json").stdout)["missing_processors"] == ["abacus"]
    assert told not in conch("show", "thinking@2").stdout


def test_show_of_an_unknown_name_lists_the_known_names(conch, registry):
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


def test_verify_exits_with_1_for_a_damaged_version(conch, registry):
    assert (conch("verify").stdout, conch("verify").exit_code) == ("all sound\n", 0)
    damage(registry)
    result = conch("verify")
    assert result.exit_code == 1
    assert result.stdout.startswith("thinking@1: ")
    assert "differs from the card's digest" in result.stdout
    assert [problem["ref"] for problem in json.loads(conch("verify", "--json").stdout)] == ["thinking@1"]
    assert conch("verify", "thinking@2").exit_code == 0


def test_rm_asks_and_refuses_the_target_of_an_alias(conch, registry):
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


def test_tags_are_set_shown_filtered_and_removed(conch, registry):
    assert conch("tag", "thinking@1", "stage=trial", "note=a=b [c]").stdout == "thinking@1: note=a=b [c], stage=trial\n"
    assert "thinking@1 unverified note=a=b [c], stage=trial org/base" in words_of(conch("list"))
    for wanted, refs in (
        (["stage"], ["thinking@1"]),
        (["stage=trial", "note"], ["thinking@1"]),
        (["stage=no"], []),
        (["stage", "none"], []),
    ):
        given = [word for one in wanted for word in ("--tag", one)]
        assert [row["ref"] for row in json.loads(conch("list", *given, "--json").stdout)] == refs
    assert conch("list", "--tag", "a", "--tag", "b").stdout == "no version has a and b\n"
    assert "note=a=b [c], stage=trial" in words_of(conch("show", "thinking@1"))
    assert json.loads(conch("show", "thinking@1", "--json").stdout)["tags"] == {"note": "a=b [c]", "stage": "trial"}
    assert conch("untag", "thinking@1", "note").stdout == "thinking@1: stage=trial\n"
    assert conch("untag", "thinking@1", "stage").stdout == "thinking@1: no tags\n"
    assert "no such tag" in conch("untag", "thinking@1", "stage").stderr


def test_one_invalid_tag_of_several_sets_none(conch, registry):
    assert conch("tag", "thinking", "good=1", "plain").exit_code == 2
    assert "not a tag key" in conch("tag", "thinking", "good=1", "not good=1").stderr
    assert conch("tag", "thinking").exit_code == 2
    assert registry.tags("thinking") == {}


def test_damaged_aliases_hide_no_card_but_fail_a_tag_filter(conch, registry):
    (registry.root / "thinking" / "aliases.json").write_text("{")
    assert json.loads(conch("show", "thinking@1", "--json").stdout)["tags"] is None
    assert conch("show", "thinking@1").exit_code == 0
    failed = conch("list", "--tag", "stage")
    assert (failed.exit_code, failed.stdout) == (1, "")


def test_history_shows_every_move(conch, registry):
    registry.promote("thinking", 1, "prod")
    registry.rollback("thinking")
    moves = json.loads(conch("history", "thinking", "--json").stdout)
    assert [(move["alias"], move["from"], move["to"], move["how"]) for move in moves] == [
        ("current", None, 1, "publish"),
        ("current", 1, 2, "publish"),
        ("prod", None, 1, "promote"),
        ("current", 2, 1, "rollback"),
    ]
    registry.remove("thinking", 2)
    assert "current 1 2 publish removed since" in words_of(conch("history", "thinking"))
    assert "no such neuron" in conch("history", "action").stderr


def test_lineage_shows_one_line_per_ancestor(conch, registry):
    rows = json.loads(conch("lineage", "thinking", "--json").stdout)
    assert [(row["ref"], row["relations"], row["of"]) for row in rows] == [
        ("thinking@2", ["itself"], None),
        ("thinking@1", ["parent"], "thinking@2"),
    ]
    assert "thinking@1 parent of thinking@2 sha256:" in words_of(conch("lineage", "thinking"))
    registry.remove("thinking", 1)
    assert "not here parent of thinking@2 sha256:" in words_of(conch("lineage", "thinking"))


@pytest.fixture
def five(registry, tmp_path):
    """Five versions with alternating content."""
    fields = CardFields(base="b", base_digest="b", teacher="t", teacher_fingerprint="t", data_digest="d")
    for number in (1, 2, 1):
        registry.publish("thinking", tmp_path / f"adapter-{number}", fields)
    return registry


def test_gc_asks_and_reports_what_it_freed(conch, five):
    declined = conch("gc", "--keep-last", "2", input="n\n")
    assert (declined.exit_code, five.versions("thinking")) == (1, [1, 2, 3, 4, 5])
    assert "thinking@3" in declined.stdout
    assert "Delete 3 versions permanently?" in declined.stderr
    size = five.gc(keep_last=2, dry_run=True).bytes
    done = conch("gc", "thinking", "--keep-last", "2", input="y\n")
    assert done.stdout.endswith(f"3 versions and 0 leftovers, {size} bytes freed\n")
    assert five.versions("thinking") == [4, 5]
    assert conch("gc").stdout == "0 versions and 0 leftovers, 0 bytes freed\n"


def test_gc_prints_its_plan_and_its_report_as_json(conch, five):
    five.tag("thinking@1", "stage", "prod")
    rules = ("--keep-last", "1", "--keep-tag", "stage=prod")
    dry = conch("gc", *rules, "--dry-run", "--yes")
    assert "thinking@1 tag stage=prod" in words_of(dry)
    assert "bytes would be freed" in dry.stdout
    report = json.loads(conch("gc", *rules, "--yes", "--json").stdout)
    assert [one["ref"] for one in report["removed"]] == ["thinking@2", "thinking@3"]
    assert five.versions("thinking") == [1, 4, 5]
    assert json.loads(conch("gc", "--keep-last", "0", "--keep-days", "1", "--json").stdout)["removed"] == []
    assert conch("gc", "--keep-last", "-1").exit_code == 2
