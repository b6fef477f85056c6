"""The host loads working plug-ins, names broken ones, and never crashes."""

import importlib.metadata
import sys

import pytest
import structlog
from broken_plugins import BROKEN, GOOD, HEAD, write_all

from conch_dna.errors import PluginError
from conch_dna.plugin import manager as plugins_module
from conch_dna.plugin.manager import load_plugins

LISTENER = HEAD + "heard = []\n@hookimpl\ndef step_finished(domain, report): heard.append((domain, report))\n"
FAULTY = HEAD + "@hookimpl\ndef step_finished(domain): raise RuntimeError('out of paper')\n"

DIARY = """
from conch_dna import hookimpl
heard = []
@hookimpl
def run_started(run_dir, config, domains): heard.append((run_dir, config, domains))
@hookimpl
def step_finished(domain, report): heard.append((domain, report))
@hookimpl
def neuron_published(domain, version, path): heard.append((domain, version, path))
@hookimpl
def run_finished(run_dir, summary): heard.append((run_dir, summary))
"""
EVENTS = {
    "run_started": {"run_dir": "runs/1", "config": "quick", "domains": ["thinking"]},
    "step_finished": {"domain": "thinking", "report": "step 1"},
    "neuron_published": {"domain": "thinking", "version": 1, "path": "adapters/thinking/1"},
    "run_finished": {"run_dir": "runs/1", "summary": "all published"},
}


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    monkeypatch.delenv("CONCH_STRICT", raising=False)
    monkeypatch.delenv("CONCH_BLOCK", raising=False)


def info_of(host, name):
    (info,) = [info for info in host.plugins if info.name == name]
    return info


def write(folder, **files):
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def module(name):
    return sys.modules[f"conch_project_plugins.{name}"]


def test_the_bundled_plugins_all_load():
    host = load_plugins(strict=True)
    assert host.catalog.broken == []
    assert "plugins" in host.catalog.names("commands")
    assert info_of(host, "commands").source.endswith("plugins/commands.py")


def test_a_project_plugin_provides_its_names(tmp_path):
    host = load_plugins(write(tmp_path, a_good=GOOD + "__version__ = '7'\n"))
    assert host.catalog.get("scorers", "good") is max
    info = info_of(host, "a_good")
    assert (info.version, info.provides, info.error) == ("7", {"scorers": ("good",)}, None)


def test_private_files_and_tests_are_not_loaded_as_plugins(tmp_path):
    host = load_plugins(write(tmp_path, _shared="1 / 0", test_good="1 / 0"))
    assert host.catalog.broken == []


def test_a_plugin_may_import_its_neighbour(tmp_path):
    uses = (
        HEAD + "from conch_project_plugins._shared import rate\n@hookimpl\ndef register_scorers(): return {'n': rate}\n"
    )
    host = load_plugins(write(tmp_path, _shared="def rate(*_): return 1.0\n", uses=uses))
    assert host.catalog.get("scorers", "n")() == 1.0


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_is_named_with_its_file_and_fault(tmp_path, name):
    source, words = BROKEN[name]
    host = load_plugins(write(tmp_path, a_good=GOOD, **{name: source}))
    (error,) = host.catalog.broken
    assert error.name == name
    assert str(tmp_path / f"{name}.py") in str(error)
    for word in words:
        assert word in str(error)
    assert host.catalog.get("scorers", "good") is max


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_is_fatal_under_strict(tmp_path, monkeypatch, name):
    monkeypatch.setenv("CONCH_STRICT", "1")
    with pytest.raises(PluginError, match=name):
        load_plugins(write(tmp_path, a_good=GOOD, **{name: BROKEN[name][0]}))


def test_all_broken_plugins_together_leave_the_others_working(tmp_path):
    host = load_plugins(write_all(tmp_path))
    assert {error.name for error in host.catalog.broken} == set(BROKEN)
    assert host.catalog.get("scorers", "good") is max


def test_a_rolled_back_plugin_leaves_no_name_behind(tmp_path):
    host = load_plugins(write(tmp_path, a_good=GOOD, duplicate=BROKEN["duplicate"][0]))
    assert "own" not in host.catalog.names("losses")
    assert info_of(host, "duplicate").provides == {}


def test_a_rolled_back_plugin_receives_no_event(tmp_path):
    host = load_plugins(write(tmp_path, half=LISTENER + "@hookimpl\ndef register_gates(): return 7\n"))
    host.emit("step_finished", domain="thinking", report=None)
    assert module("half").heard == []


def test_ctrl_c_stops_the_loading_of_plugins(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        load_plugins(write(tmp_path, slow="raise KeyboardInterrupt\n"))


def test_a_blocked_plugin_is_not_imported(tmp_path, monkeypatch):
    monkeypatch.setenv("CONCH_BLOCK", "exits, domains")
    host = load_plugins(write(tmp_path, exits=BROKEN["exits"][0]))
    assert {"exits", "domains"}.isdisjoint(info.name for info in host.plugins)
    assert host.catalog.names("domains") == ()


def test_entry_points_are_loaded_separately(monkeypatch, tmp_path):
    write(tmp_path, conch_installed_good=GOOD, conch_installed_bad="1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    points = [
        importlib.metadata.EntryPoint("good", "conch_installed_good", "conch_dna"),
        importlib.metadata.EntryPoint("bad", "conch_installed_bad", "conch_dna"),
    ]
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: points)
    host = load_plugins()
    assert host.catalog.owner("scorers", "good").name == "good"
    assert info_of(host, "bad").source == "conch_installed_bad"
    assert "ZeroDivisionError" in str(info_of(host, "bad").error)


def test_plugins_load_in_the_documented_order(monkeypatch, tmp_path):
    point = importlib.metadata.EntryPoint("installed", "this", "conch_dna")
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: [point])
    names = [info.name for info in load_plugins(write(tmp_path, b=HEAD, a=HEAD)).plugins]
    assert names[-3:] == ["installed", "a", "b"]
    assert names[0] == "commands"


def test_bundled_modules_are_imported_once():
    first = load_plugins() and sys.modules["conch_plugins.commands"]
    load_plugins()
    assert sys.modules["conch_plugins.commands"] is first


def test_bundled_plugins_in_folders_are_named_by_folder_and_file(monkeypatch, tmp_path):
    folder = tmp_path / "teachers"
    folder.mkdir()
    write(folder, a_good=GOOD)
    monkeypatch.setattr(plugins_module, "bundled_dir", lambda _: tmp_path)
    host = load_plugins()
    assert host.catalog.owner("scorers", "good").name == "teachers.a_good"
    assert sys.modules.pop("conch_plugins.teachers.a_good").__file__ == str(folder / "a_good.py")


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_comes_with_its_arguments(tmp_path, event):
    host = load_plugins(write(tmp_path, diary=DIARY))
    host.emit(event, **EVENTS[event])
    assert module("diary").heard == [tuple(EVENTS[event].values())]


def test_an_event_reaches_every_listener_though_one_fails(tmp_path):
    host = load_plugins(write(tmp_path, a_listener=LISTENER, b_faulty=FAULTY, c_listener=LISTENER))
    with structlog.testing.capture_logs() as logs:
        host.emit("step_finished", domain="thinking", report="step 1")
    assert module("a_listener").heard == module("c_listener").heard == [("thinking", "step 1")]
    assert logs == [
        {
            "event": "plugin_failed",
            "log_level": "warning",
            "plugin": "b_faulty",
            "source": str(tmp_path / "b_faulty.py"),
            "hook": "step_finished",
            "fault": "RuntimeError: out of paper",
        }
    ]
    (failure,) = host.failures
    assert (failure.name, failure.hook) == ("b_faulty", "step_finished")


def test_a_failing_listener_is_fatal_under_strict(tmp_path):
    host = load_plugins(write(tmp_path, faulty=FAULTY), strict=True)
    with structlog.testing.capture_logs(), pytest.raises(PluginError, match="out of paper"):
        host.emit("step_finished", domain="thinking", report=None)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_keyboard_interrupt_and_exit_pass_through_an_event(tmp_path, stop):
    text = HEAD + f"@hookimpl\ndef step_finished(): raise {stop.__name__}\n"
    host = load_plugins(write(tmp_path, stops=text))
    with pytest.raises(stop):
        host.emit("step_finished", domain="thinking", report=None)
    assert host.failures == []
