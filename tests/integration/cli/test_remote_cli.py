"""``conch neurons push`` and ``pull`` print their result in one line."""

import json
import subprocess
import sys

import mlx.core as mx
import pytest
from click.testing import CliRunner

from conch_dna.cli.main import cli
from conch_dna.registry.card import CardFields
from conch_dna.registry.store import Registry

ABOUT = {"base": "org/base", "base_digest": "b", "teacher": "t", "teacher_fingerprint": "t", "data_digest": "d"}


@pytest.fixture
def registry(tmp_path, own_cache):
    """One version of one neuron, in the registry folder of a project."""
    folder = tmp_path / "adapter"
    folder.mkdir()
    up = "model.layers.0.mlp.up"
    pair = {f"{up}.lora_a": mx.ones((2, 1)), f"{up}.lora_b": mx.ones((1, 3))}
    mx.save_safetensors(str(folder / "adapters.safetensors"), pair)
    config = {"num_layers": 1, "lora_parameters": {"rank": 1, "scale": 1.0, "dropout": 0.0}}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    registry = Registry(tmp_path / "adapters")
    registry.publish("thinking", folder, CardFields(**ABOUT))
    return registry


@pytest.fixture
def conch(tmp_path):
    return lambda *args: CliRunner().invoke(cli, ["--project", str(tmp_path), "neurons", *map(str, args)])


def test_push_and_pull_print_their_result(conch, registry, tmp_path):
    store, other = tmp_path / "store", tmp_path / "other"
    digest = registry.resolve("thinking").card.digest
    pushed = conch("push", "thinking", store, "--alias", "prod")
    assert (pushed.exit_code, pushed.stdout.splitlines()) == (
        0,
        [
            f"sent thinking@1 to {store}: adapter_config.json, adapters.safetensors, README.md, neuron.json",
            f"there thinking@current, thinking@prod is {digest[:19]}",
        ],
    )
    assert "nothing: all files are there" in conch("push", "thinking", store).stdout
    listed = conch("pull", store, "--list").stdout
    assert "current, prod" in listed
    assert digest[7:19] in listed
    assert conch("--registry", other, "pull", store, "--dry-run").stdout.startswith("would fetch thinking@1 of ")
    assert conch("--registry", other, "pull", store).stdout == f"thinking@1 is thinking@1 of {store}\n"
    again = conch("--registry", other, "pull", store, "thinking@prod", "--alias", "live")
    assert again.stdout == f"thinking@1 of {store} is here already: thinking@1\n"
    assert Registry(other).aliases("thinking") == {"current": 1, "live": 1}


def test_json_has_the_same_result(conch, registry, tmp_path):
    store = tmp_path / "store"
    sent = json.loads(conch("push", "thinking", store, "--dry-run", "--json").stdout)
    assert (sent["ref"], len(sent["files"]), sent["dry_run"]) == ("thinking@1", 4, True)
    assert json.loads(conch("pull", store, "--list", "--json").stdout) == []
    conch("push", "thinking", store)
    (row,) = json.loads(conch("pull", store, "--list", "--json").stdout)
    assert (row["name"], row["aliases"], row["pushed_from"]) == ("thinking", ["current"], "thinking@1")
    pulled = json.loads(conch("pull", store, "--json").stdout)
    assert (pulled["ref"], pulled["new"], pulled["url"]) == ("thinking@1", False, str(store))


def test_a_store_without_neurons_is_reported(conch, registry, tmp_path):
    assert conch("pull", tmp_path / "empty", "--list").stdout == f"no neurons in {tmp_path / 'empty'}\n"
    failed = conch("pull", tmp_path / "empty")
    assert failed.exit_code == 1
    assert failed.stderr == f"error: {tmp_path / 'empty'}: no such neuron; allowed: none: nothing is there\n"


def test_control_characters_of_a_remote_card_are_not_printed(conch, registry, tmp_path):
    store = tmp_path / "store"
    conch("push", "thinking", store)
    (card,) = store.glob("thinking/*/neuron.json")
    card.write_text(card.read_text().replace("org/base", r"org/\u001b[2Jbase"))
    refused = conch("pull", store)
    assert "control characters in the card" in refused.stderr
    assert "\x1b" not in conch("pull", store, "--list").stdout + refused.stderr


def test_the_help_has_examples_and_imports_no_client(tmp_path):
    code = (
        "import sys; from conch_dna.cli.main import cli;"
        "cli.main(['neurons', sys.argv[1], '--help'], standalone_mode=False);"
        "assert not {name.split('.')[0] for name in sys.modules} & {'fsspec', 'huggingface_hub', 's3fs', 'mlx'}"
    )
    for command in ("push", "pull"):
        done = subprocess.run([sys.executable, "-c", code, command], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert f"conch neurons {command} " in done.stdout.partition("Examples:")[2]
