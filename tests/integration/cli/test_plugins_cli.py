"""``conch plugins`` lists plug-ins and creates working ones."""

import json
import os
import subprocess
import sys

import pytest
from broken_plugins import BROKEN, write_all
from click.testing import CliRunner

from conch_dna.cli.main import cli

START = "import sys; from conch_dna.cli.main import main; sys.argv[0] = 'conch'; main()"


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch, tmp_path):
    for name in ("CONCH_STRICT", "CONCH_BLOCK", "CONCH_TRUST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CONCH_CONFIG", str(tmp_path.with_name(f"{tmp_path.name}-config")))
    monkeypatch.chdir(tmp_path)


def run(*args):
    return CliRunner().invoke(cli, list(args))


def conch(*args, **env):
    command = [sys.executable, "-c", START, *args]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | env, timeout=60, check=False)


def listed(*args):
    return {info["name"]: info for info in json.loads(run(*args, "plugins", "list", "--json").stdout)}


def test_the_list_shows_name_version_source_and_names():
    text = run("plugins", "list").stdout
    assert "plugins/commands.py" in text
    assert "domains: action, debug, memory, reflection, task, thinking" in text


def test_the_json_list_has_every_field():
    info = listed()["domains"]
    assert set(info) == {"name", "source", "version", "provides", "error"}
    assert info["error"] is None
    assert "thinking" in info["provides"]["domains"]


def test_help_and_list_work_with_broken_plugins_of_every_kind(tmp_path):
    folder = str(write_all(tmp_path / "mine"))
    helped = conch("--plugins-dir", folder, "--help")
    assert (helped.returncode, helped.stderr) == (0, "")
    assert f"{len(BROKEN)} plug-ins failed to load: conch plugins list" in helped.stdout

    shown = conch("--plugins-dir", folder, "plugins", "list", "--json")
    assert shown.returncode == 0
    assert shown.stderr.count("warning: ") == shown.stderr.count("\n") == len(BROKEN)
    found = {info["source"]: info for info in json.loads(shown.stdout)}
    for name, (_, words) in BROKEN.items():
        source = str(tmp_path / f"mine/{name}.py")
        assert found[source]["name"] == name
        assert words[0] in found[source]["error"]
        assert f"warning: {source}: plug-in {name!r} failed" in shown.stderr
    assert found[str(tmp_path / "mine/a_good.py")]["error"] is None


def test_the_plain_list_says_why_a_plugin_is_missing(tmp_path):
    text = run("--plugins-dir", str(write_all(tmp_path / "mine")), "plugins", "list").stdout
    assert "NOT LOADED: register_losses: ZeroDivisionError: division by zero" in text


def test_a_broken_plugin_is_fatal_under_strict(tmp_path):
    result = conch("--plugins-dir", str(write_all(tmp_path / "mine")), "plugins", "list", CONCH_STRICT="1")
    assert result.returncode == 1
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1


def test_an_unknown_command_mentions_the_broken_plugins(tmp_path):
    result = run("--plugins-dir", str(write_all(tmp_path / "mine")), "frobnicate")
    assert result.exit_code == 2
    assert "no_such_module_anywhere" in result.stderr


KINDS = {
    "teacher": "teachers", "scorer": "scorers", "loss": "losses", "extractor": "extractors", "domain": "domains",
    "exporter": "exporters", "tracker": "trackers", "recipe": "recipes", "processor": "processors",
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_works_and_passes_its_test(tmp_path, kind):
    assert run("init").exit_code == 0
    written = run("plugins", "new", "fresh", "--kind", kind)
    assert written.exit_code == 0, written.output
    assert str(tmp_path / "plugins/fresh.py") in written.stdout
    assert listed()["fresh"]["provides"] == {KINDS[kind]: ["fresh"]}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "plugins/test_fresh.py"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert " passed" in result.stdout


def test_a_new_plugin_outside_the_loaded_folder_says_how_to_load_it():
    assert "[plugins] dir" in run("plugins", "new", "fresh", "--kind", "scorer", "--dir", "elsewhere").stdout
    assert run("init").exit_code == 0
    assert "[plugins] dir" not in run("plugins", "new", "other", "--kind", "scorer").stdout


@pytest.mark.parametrize(
    "name", ["", "Fresh", "1st", "with-dash", "class", "../up", "a.b", "test_me", "x" * 65], ids=repr
)
def test_a_name_that_is_not_a_module_name_is_refused(tmp_path, name):
    result = run("plugins", "new", name, "--kind", "scorer")
    assert result.exit_code == 2
    assert "error: not a plug-in name" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "kind"), [("commands", "scorer"), ("thinking", "domain")])
def test_a_taken_name_is_refused_with_its_owner(tmp_path, name, kind):
    result = run("plugins", "new", name, "--kind", kind)
    assert result.exit_code == 2
    assert f"the name {name!r} is taken by" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_not_overwritten(tmp_path):
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins/test_fresh.py").write_text("# mine\n")
    result = run("plugins", "new", "fresh", "--kind", "loss")
    assert result.exit_code == 2
    assert "will not overwrite" in result.stderr
    assert not (tmp_path / "plugins/fresh.py").exists()
    assert (tmp_path / "plugins/test_fresh.py").read_text() == "# mine\n"
