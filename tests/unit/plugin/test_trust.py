"""Plug-ins of a project run only as the user has read them."""

import importlib
import os
import py_compile
import sys

import pytest

from conch_dna.errors import ConfigError
from conch_dna.pipeline.project import open_project
from conch_dna.plugin import trust
from conch_dna.plugin.manager import load_plugins


@pytest.fixture(autouse=True)
def _no_trust(monkeypatch, tmp_path):
    monkeypatch.delenv("CONCH_TRUST")
    monkeypatch.setenv("CONCH_CONFIG", str(tmp_path / "config"))


@pytest.fixture
def plugins(tmp_path):
    folder = tmp_path / "project" / "plugins"
    (folder / "more").mkdir(parents=True)
    (folder / "greeter.py").write_text("import sys\nsys.greeted = True\n")
    (folder / "more" / "words.py").write_text("WORD = 'hello'\n")
    (folder.parent / "conch.toml").write_text('[plugins]\ndir = "plugins"\n')
    return folder


def test_files_are_trusted_once_and_as_they_are(plugins):
    assert trust.fault(plugins) == "you have not trusted them yet"
    assert [str(path) for path in trust.trust(plugins)] == ["greeter.py", "more/words.py"]
    assert trust.fault(plugins) == ""
    (plugins / "more" / "words.py").write_text("WORD = 'goodbye'\n")
    assert trust.fault(plugins) == "more/words.py changed since you trusted them"
    for name in "abcd":
        (plugins / f"{name}.py").touch()
    assert trust.fault(plugins) == "a.py, b.py, c.py and 2 more changed since you trusted them"
    trust.trust(plugins)
    (plugins / "a.py").unlink()
    assert trust.fault(plugins) == ""


def test_trust_is_of_one_folder_and_can_be_withdrawn(plugins):
    trust.trust(plugins)
    moved = plugins.rename(plugins.with_name("moved"))
    assert trust.fault(moved) == "you have not trusted them yet"
    assert (trust.withdraw(moved), trust.withdraw(plugins), trust.withdraw(plugins)) == (False, True, False)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"files": 3}', "\x00"])
def test_a_damaged_record_is_no_trust(plugins, tmp_path, text):
    trust.trust(plugins)
    (record,) = (tmp_path / "config" / "trusted").iterdir()
    record.write_text(text)
    assert trust.fault(plugins) == "you have not trusted them yet"


def test_a_folder_without_code_needs_no_trust(plugins):
    for path in (plugins / "greeter.py", plugins / "more" / "words.py"):
        path.unlink()
    assert trust.fault(plugins) == ""


def test_files_of_another_user_are_not_trusted(plugins, monkeypatch):
    trust.trust(plugins)
    monkeypatch.setattr(os, "geteuid", lambda: plugins.stat().st_uid + 1)
    wanted = f"plugins belongs to another user (uid {plugins.stat().st_uid})"
    assert trust.fault(plugins) == wanted
    with pytest.raises(ConfigError, match="belongs to another user"):
        trust.trust(plugins)
    monkeypatch.setenv("CONCH_TRUST", "1")
    assert trust.fault(plugins) == ""


def test_a_link_to_a_folder_whose_files_have_no_digest_is_not_trusted(plugins, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (plugins / "linked").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="linked is a link to a folder"):
        trust.trust(plugins)


def test_a_project_opens_without_plugins_that_are_not_trusted(plugins, capsys):
    host = open_project(plugins.parent).host
    assert (host.folder, hasattr(sys, "greeted")) == (None, False)
    assert "you have not trusted them yet" in capsys.readouterr().out
    trust.trust(plugins)
    assert open_project(plugins.parent).host.folder == plugins
    assert sys.__dict__.pop("greeted")


def test_a_folder_that_is_named_is_loaded(plugins):
    load_plugins(plugins)
    assert sys.__dict__.pop("greeted")


@pytest.mark.parametrize("name", ["words", "more.words"])
def test_bytecode_beside_a_file_is_not_run(plugins, name):
    """Its digest is not in the record, and Python trusts the time and size that it states."""
    path = plugins.joinpath(*name.split(".")).with_suffix(".py")
    path.write_text("WORD = 'evil!'\n")
    py_compile.compile(str(path), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    path.write_text("WORD = 'right'\n")
    (plugins / "greeter.py").write_text(f"from .{name} import WORD\nimport sys\nsys.greeted = WORD\n")
    importlib.invalidate_caches()
    load_plugins(plugins)
    assert sys.__dict__.pop("greeted") == "right"
