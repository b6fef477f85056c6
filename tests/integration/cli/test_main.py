"""``conch`` lists commands without importing them, and turns every error into a line and an exit code."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from conch_dna import __version__
from conch_dna.cli.app import App
from conch_dna.cli.main import cli
from conch_dna.config import resolve
from conch_dna.errors import ConfigError, GateFailed, Interrupted
from conch_dna.pipeline.project import find_project, plugins_dir_of
from conch_dna.pipeline.run_folder import Run
from conch_dna.plugin.catalog import Owner
from conch_dna.plugin.manager import PluginHost

START = "import sys; from conch_dna.cli.main import main; sys.argv[0] = 'conch'; main()"
HEAVY = ("mlx", "numpy", "rich", "huggingface_hub", "transformers", "structlog", "pydantic")
OWNER = Owner("test", "tests")


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch, tmp_path):
    for name in ("CONCH_STRICT", "CONCH_BLOCK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def run(*args, **commands):
    """Run ``conch`` with ``args`` in this process, with the given functions as additional commands."""
    app = None
    if commands:
        host = PluginHost()
        for name, value in commands.items():
            command = click.command(name)(value) if not isinstance(value, str | tuple | click.Command) else value
            host.catalog.add("commands", name, command, OWNER)
        app = App(project=Path.cwd(), json_logs="--json-logs" in args)
        app.host = host
    return CliRunner().invoke(cli, list(args), obj=app)


def conch(*args, **env):
    """Run ``conch`` in a process of its own."""
    command = [sys.executable, "-c", START, *args]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | env, timeout=60, check=False)


def test_help_lists_every_command_with_its_line():
    result = run("--help")
    assert result.exit_code == 0
    assert "distill     Train, gate and publish neurons for domains." in result.stdout
    assert "failed to load" not in result.stdout


@pytest.mark.promise
def test_help_imports_nothing_heavy():
    spy = (
        f"import atexit, sys; atexit.register(lambda: print([m for m in {HEAVY} if m in sys.modules], file=sys.stderr))"
    )
    command = [sys.executable, "-c", f"{spy}; {START}", "--help"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "distill" in result.stdout
    assert result.stderr.strip() == "[]"


def test_help_answers_at_once():
    def least(run):
        """Return the fastest of several runs: other work on the machine can only make one slower."""
        seconds = []
        for _ in range(20):
            start = time.perf_counter()
            assert run().returncode == 0
            seconds.append(time.perf_counter() - start)
        return min(seconds)

    # 0.3 s on the reference machine, where Python with click alone takes 0.05 s; a slower one has as much more.
    bare = least(lambda: subprocess.run([sys.executable, "-c", "import click"], check=False, timeout=60))
    assert least(lambda: conch("--help")) < max(0.3, 6 * bare)


def test_the_version_is_printed_without_loading_plugins(monkeypatch):
    monkeypatch.setattr(App, "host", property(lambda _: pytest.fail("loaded plug-ins")))
    assert run("--version").stdout == f"conch {__version__}\n"


def test_an_unknown_command_names_the_nearest():
    result = run("dstill")
    assert result.exit_code == 2
    assert "No such command 'dstill'. Did you mean 'distill'?" in result.stderr


def test_an_unknown_option_fails_as_click_does():
    result = run("--nope")
    assert result.exit_code == 2
    assert "No such option" in result.stderr


def test_a_command_that_cannot_be_imported_fails_only_when_called():
    commands = {"lost": ("no_such_module:x", "Lost."), "blank": "conch_dna.cli.main:nothing", "odd": "sys:path"}
    assert "lost   Lost." in run("--help", **commands).stdout
    for name, fault in [("lost", "ModuleNotFoundError"), ("blank", "AttributeError"), ("odd", "is a list")]:
        result = run(name, **commands)
        assert result.exit_code == 1
        assert result.stderr.count("\n") == 1
        assert result.stderr.startswith("error: tests: plug-in 'test' failed in hook register_commands: ")
        assert fault in result.stderr


def test_a_lazy_command_shows_its_own_help():
    result = run("init", "--help")
    assert result.exit_code == 0
    assert "Create a project in DIR" in result.stdout


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ConfigError("not a rank", got=-1), 2, "error: not a rank; got -1"),
        (GateFailed("no gain"), 3, "error: no gain"),
        (Interrupted("stopped", next_step="Resume it."), 130, "error: stopped. Resume it."),
        (click.ClickException("odd"), 1, "Error: odd"),
        (click.Abort(), 1, "aborted"),
        (OSError(28, "No space left on device", "/x/y"), 1, "error: /x/y: No space left on device"),
        (OSError(28, "No space left on device"), 1, "error: No space left on device"),
        (OSError("odd"), 70, "internal error: OSError: odd; run with --debug for the traceback"),
        (ValueError("two\nlines"), 70, "internal error: ValueError: two lines; run with --debug for the traceback"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_an_error_is_one_line_and_an_exit_code(error, code, line):
    def fail():
        raise error

    result = run("fail", fail=fail)
    assert (result.exit_code, result.stderr, result.stdout) == (code, line + "\n", "")


def test_ctrl_c_is_one_line_and_130():
    def stop():
        raise KeyboardInterrupt

    result = run("stop", stop=stop)
    assert (result.exit_code, result.stderr.strip()) == (130, "interrupted")


@pytest.mark.parametrize("error", [ConfigError("not a rank"), ValueError("oh")], ids=["expected", "internal"])
def test_debug_shows_the_traceback(error):
    def fail():
        raise error

    result = run("--debug", "fail", fail=fail)
    assert "Traceback (most recent call last)" in result.stderr
    assert result.stderr.splitlines()[-1].startswith(("error: not a rank", "internal error: ValueError: oh"))


def test_a_commands_exit_sets_the_exit_code_and_its_return_value_does_not():
    assert run("returns", returns=lambda: 5).exit_code == 0
    assert run("exits", exits=lambda: click.get_current_context().exit(5)).exit_code == 5


def test_logs_go_to_stderr_and_can_be_json():
    def log():
        import structlog

        structlog.get_logger().info("neuron_published", domain="thinking")
        click.echo("done")

    plain, as_json = run("log", log=log), run("--json-logs", "log", log=log)
    assert plain.stdout == as_json.stdout == "done\n"
    assert "neuron_published" in plain.stderr
    assert json.loads(as_json.stderr)["event"] == "neuron_published"


def test_json_logs_are_one_object_a_line(capsys):
    import structlog

    from conch_dna.util.log import configure

    configure(json_logs=True, level="warning")
    structlog.get_logger().info("too_quiet")
    structlog.get_logger().warning("neuron_published", domain="thinking")
    logged = json.loads(capsys.readouterr().err)
    assert (logged["event"], logged["domain"], logged["level"]) == ("neuron_published", "thinking", "warning")


class TestProject:
    """Which project is meant, and whose plug-ins run."""

    @pytest.fixture
    def project(self, tmp_path):
        (tmp_path / "conch.toml").write_text('[plugins]\ndir = "mine"\n')
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine/extra.py").write_text(
            "from conch_dna import hookimpl\n@hookimpl\ndef register_commands(): return {'extra': ('x:y', 'Mine.')}\n"
        )
        (tmp_path / "deep/er").mkdir(parents=True)
        return tmp_path

    def test_it_is_the_nearest_folder_with_a_conch_toml(self, project):
        assert find_project(project / "deep/er") == project

    def test_without_a_conch_toml_the_project_is_the_folder_itself(self, tmp_path):
        assert find_project(tmp_path) == tmp_path

    def test_its_plugins_load_from_anywhere_below(self, project, monkeypatch):
        monkeypatch.chdir(project / "deep")
        assert "extra.py" in run("plugins", "list").stdout

    def test_its_plugins_load_when_it_is_named(self, project, monkeypatch):
        monkeypatch.chdir("/")
        assert "extra.py" in run("--project", str(project), "plugins", "list").stdout

    def test_plugins_that_no_conch_toml_names_do_not_run(self, project):
        (project / "conch.toml").write_text("")
        assert "extra.py" not in run("plugins", "list").stdout
        assert "extra.py" in run("--plugins-dir", "mine", "plugins", "list").stdout

    @pytest.mark.parametrize(
        ("text", "fault"),
        [
            ("[plugins", "not valid TOML"),
            ("plugins = 3", "[plugins] must have one setting"),
            ("[plugins]\nfolder = 'x'", "[plugins] must have one setting"),
            ("[plugins]\ndir = 3", "dir is not a folder"),
            ("[plugins]\ndir = 'nowhere'", "dir is not a folder"),
        ],
    )
    def test_a_faulty_conch_toml_is_named(self, project, text, fault):
        (project / "conch.toml").write_text(text)
        with pytest.raises(ConfigError) as caught:
            plugins_dir_of(project)
        assert fault in str(caught.value)
        assert str(project / "conch.toml") in str(caught.value)
        assert run("plugins", "list").exit_code == 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_the_shells_script(shell):
    result = run("completion", shell)
    assert result.exit_code == 0
    assert f"_CONCH_COMPLETE={shell}_complete" in result.stdout


def test_completion_knows_the_commands_and_their_subcommands():
    env = {"_CONCH_COMPLETE": "bash_complete", "COMP_WORDS": "conch pl", "COMP_CWORD": "1"}
    assert conch(**env).stdout == "plain,plugins\n"
    env |= {"COMP_WORDS": "conch plugins n", "COMP_CWORD": "2"}
    assert conch(**env).stdout == "plain,new\n"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["distill", "th"], ["thinking"]),
        (["distill", "--teacher", "an"], ["anthropic"]),
        (["distill", "--mode", "kd,o"], ["kd,on_policy"]),
        (["distill", "--mode", "a"], ["auto"]),
        (["domains", "show", "me"], ["memory"]),
        (["estimate", "--teacher", "op"], ["openai"]),
        (["agent", "--router", "ng"], ["ngrams"]),
        (["distill", "--loss", "js"], ["jsd"]),
        (["distill", "--gate", "he"], ["held_out"]),
        (["runs", "show", "mi"], ["mine"]),
    ],
    ids=lambda value: " ".join(value) if "-" in "".join(value) else None,
)
def test_completion_knows_domains_runs_recipes_and_plugins(tmp_path, words, found):
    Run(tmp_path / "runs/mine").begin(resolve(), [])
    line = ["conch", *words]
    env = {"_CONCH_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(line), "COMP_CWORD": str(len(line) - 1)}
    assert conch(**env).stdout.splitlines() == [f"plain,{name}" for name in found]


class TestInit:
    """``conch init`` writes a project and overwrites nothing."""

    def test_it_writes_a_project_whose_plugins_load(self, tmp_path):
        result = run("init", "new")
        assert result.exit_code == 0
        assert plugins_dir_of(tmp_path / "new") == tmp_path / "new/plugins"
        assert (tmp_path / "new/domains").is_dir()
        assert (tmp_path / "new/.gitignore").read_text() == "/adapters/\n/runs/\n"

    def test_it_refuses_a_folder_that_is_a_project(self, tmp_path):
        (tmp_path / "conch.toml").write_text("# mine\n")
        result = run("init")
        assert result.exit_code == 2
        assert "conch.toml: already exists" in result.stderr
        assert (tmp_path / "conch.toml").read_text() == "# mine\n"

    def test_it_adds_to_a_gitignore_what_is_missing(self, tmp_path):
        (tmp_path / ".gitignore").write_text("/runs/\n*.log")
        assert run("init").exit_code == 0
        assert (tmp_path / ".gitignore").read_text() == "/runs/\n*.log\n/adapters/\n"
