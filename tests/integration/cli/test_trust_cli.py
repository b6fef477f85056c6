"""A project that someone else planted above the current folder runs nothing, until its plug-ins are trusted."""

import os
import subprocess
import sys

import pytest
from projects import START

PLANTED = """
from pathlib import Path
from conch_dna import hookimpl
Path({proof!r}).touch()

@hookimpl
def register_scorers():
    return {{"planted": lambda prompt, answer, domain: 1.0}}
"""


@pytest.fixture
def shared(tmp_path):
    """A shared temporary folder with a project in it, of which the user's work is a part."""
    folder = tmp_path / "shared"
    (folder / "plugins").mkdir(parents=True)
    (folder / "work").mkdir()
    (folder / "conch.toml").write_text('[plugins]\ndir = "plugins"\n')
    (folder / "plugins" / "planted.py").write_text(PLANTED.format(proof=str(tmp_path / "ran")))
    return folder


@pytest.fixture
def conch(shared, tmp_path):
    """Run ``conch`` below the planted project; return its output and whether the planted code ran."""

    def run(*args, **env):
        proof = tmp_path / "ran"
        plain = {k: v for k, v in os.environ.items() if k != "CONCH_TRUST"} | {"CONCH_CONFIG": str(tmp_path / "config")}
        command = [sys.executable, "-c", START, *args]
        result = subprocess.run(
            command, capture_output=True, text=True, env=plain | env, timeout=60, check=False, cwd=shared / "work"
        )
        ran = proof.exists()
        proof.unlink(missing_ok=True)
        return result, ran

    return run


COMPLETING = {"_CONCH_COMPLETE": "bash_complete", "COMP_WORDS": "conch pl", "COMP_CWORD": "1"}
HARMLESS = {
    "help": (("--help",), {}),
    "no arguments": ((), {}),
    "help of a command": (("distill", "--help"), {}),
    "version": (("--version",), {}),
    "completion": ((), COMPLETING),
    "completion of a name": ((), COMPLETING | {"COMP_WORDS": "conch distill th", "COMP_CWORD": "2"}),
}


@pytest.mark.parametrize("args", HARMLESS)
def test_help_version_and_completion_run_no_project_file(conch, args):
    words, env = HARMLESS[args]
    result, ran = conch(*words, **env)
    assert (ran, "Traceback" in result.stderr, "warning" in result.stderr) == (False, False, False)
    assert conch("trust")[0].returncode == 0
    assert conch(*words, **env)[1] is False


@pytest.mark.parametrize(
    "args", [("plugins", "list"), ("neurons", "list"), ("plan", "--all"), ("doctor",)], ids=" ".join
)
def test_no_command_runs_plugins_that_nobody_trusted(conch, shared, args):
    result, ran = conch(*args)
    assert not ran
    warning = f"warning: the plug-ins in {shared / 'plugins'} are not loaded: you have not trusted them yet."
    assert result.stderr.startswith(f"{warning} Read them, then run: conch trust\n")


def test_trusted_plugins_run_until_one_changes(conch, shared):
    told, ran = conch("trust")
    assert (told.returncode, ran) == (0, False)
    assert told.stdout.splitlines() == [
        str(shared / "plugins" / "planted.py"),
        f"{shared / 'plugins'}: these files are trusted until one of them changes.",
    ]
    result, ran = conch("plugins", "list")
    assert ("planted" in result.stdout, ran, result.stderr) == (True, True, "")
    with (shared / "plugins" / "planted.py").open("a") as file:
        file.write("# one more line\n")
    result, ran = conch("plugins", "list")
    assert ("planted" in result.stdout, ran) == (False, False)
    assert "planted.py changed since you trusted them" in result.stderr
    assert conch("plugins", "list", CONCH_TRUST="1")[1]
    assert conch("trust")[0].returncode == 0
    assert conch("trust", "--remove")[0].stdout == f"{shared / 'plugins'}: no longer trusted\n"
    assert not conch("plugins", "list")[1]
    assert "was not trusted" in conch("trust", "--remove")[0].stdout


def test_a_folder_on_the_command_line_is_loaded(conch):
    assert conch("--plugins-dir", "../plugins", "plugins", "list")[1]


def test_a_project_without_plugins_has_nothing_to_trust(conch, shared):
    (shared / "conch.toml").write_text("")
    assert conch("trust")[0].stdout == f"{shared}: no plug-ins; [plugins] dir of conch.toml names their folder.\n"
