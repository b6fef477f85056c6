"""Trackers receive the events of a run, and a faulty one never stops it."""

import sys

import pytest
import structlog

from conch_dna.errors import PluginError, UnknownName
from conch_dna.plugin.manager import load_plugins
from conch_dna.plugin.trackers import BaseTracker, Trackers

DIARY = """
from conch_dna import hookimpl
heard = []
class Diary:
    def run_started(self, run_dir, config, domains): heard.append(("run_started", run_dir, config, domains))
    def step_finished(self, run_dir, domain, report): heard.append(("step_finished", run_dir, domain, report))
    def neuron_published(self, domain, version, path): heard.append(("neuron_published", domain, version, path))
    def run_finished(self, run_dir, summary): heard.append(("run_finished", run_dir, summary))
    def close(self): heard.append(("close",))
class Other(Diary):
    def close(self): heard.append(("close other",))
class Faulty(Diary):
    def step_finished(self, **event): raise RuntimeError("out of paper")
    def close(self): raise RuntimeError("stuck")
class Stops(Diary):
    def step_finished(self, **event): raise KeyboardInterrupt
def unbuildable(): raise OSError("no server")
@hookimpl
def register_trackers():
    return {"diary": Diary, "other": Other, "faulty": Faulty, "stops": Stops, "unbuildable": unbuildable}
@hookimpl
def step_finished(domain): heard.append(("hook", domain))
"""
EVENTS = {
    "run_started": {"run_dir": "runs/1", "config": "quick", "domains": ["thinking"]},
    "step_finished": {"run_dir": "runs/1", "domain": "thinking", "report": "step 1"},
    "neuron_published": {"domain": "thinking", "version": 1, "path": "adapters/thinking/1"},
    "run_finished": {"run_dir": "runs/1", "summary": "all published"},
}
STEP = EVENTS["step_finished"]


@pytest.fixture
def host(tmp_path):
    (tmp_path / "diary.py").write_text(DIARY)
    return load_plugins(tmp_path, strict=False)


@pytest.fixture
def heard(host):
    return sys.modules["conch_project_plugins.diary"].heard


@pytest.mark.parametrize("event", EVENTS)
def test_a_chosen_tracker_receives_every_event_with_its_arguments(host, heard, event):
    Trackers(host, ["diary"]).emit(event, **EVENTS[event])
    assert (event, *EVENTS[event].values()) in heard


def test_hooks_receive_an_event_without_any_tracker(host, heard):
    Trackers(host).emit("step_finished", **STEP)
    assert heard == [("hook", "thinking")]


def test_a_hook_with_fewer_arguments_still_receives_the_event(host, heard):
    Trackers(host, ["diary"]).emit("step_finished", **STEP)
    assert heard == [("hook", "thinking"), ("step_finished", *STEP.values())]
    assert host.failures == []


def test_several_trackers_are_called_in_the_order_of_their_names_and_closed_once(host, heard):
    with Trackers(host, ["other", "diary", "other"]) as trackers:
        trackers.emit("run_finished", **EVENTS["run_finished"])
    trackers.close()
    assert [event for event, *_ in heard] == ["run_finished", "run_finished", "close other", "close"]


def test_a_tracker_is_closed_when_the_run_is_interrupted(host, heard):
    with pytest.raises(KeyboardInterrupt), Trackers(host, ["diary", "stops"]) as trackers:
        trackers.emit("step_finished", **STEP)
    assert heard[-2:] == [("close",), ("close",)]
    assert host.failures == []


def test_a_faulty_tracker_is_logged_with_its_plugin_and_the_others_go_on(host, heard, tmp_path):
    with structlog.testing.capture_logs() as logs, Trackers(host, ["faulty", "diary"]) as trackers:
        trackers.emit("step_finished", **STEP)
    assert heard == [("hook", "thinking"), ("step_finished", *STEP.values()), ("close",)]
    about = {
        "event": "plugin_failed", "log_level": "warning", "plugin": "diary", "source": str(tmp_path / "diary.py"),
    }  # fmt: skip
    assert logs == [
        {**about, "hook": "tracker faulty, step_finished", "fault": "RuntimeError: out of paper"},
        {**about, "hook": "tracker faulty, close", "fault": "RuntimeError: stuck"},
    ]
    assert [failure.name for failure in host.failures] == ["diary", "diary"]


def test_a_tracker_that_cannot_be_made_is_logged_and_left_out(host, heard):
    with structlog.testing.capture_logs() as logs, Trackers(host, ["unbuildable", "diary"]) as trackers:
        trackers.emit("run_started", **EVENTS["run_started"])
    assert [log["fault"] for log in logs] == ["OSError: no server"]
    assert [event for event, *_ in heard] == ["run_started", "close"]


def test_an_unknown_tracker_is_refused_with_the_known_names(host):
    with pytest.raises(UnknownName, match=r"no tracker is named 'diery'.*csv, diary.*Did you mean 'diary'"):
        Trackers(host, ["diery"])


def test_a_faulty_tracker_is_fatal_under_strict_and_the_others_are_closed(tmp_path):
    (tmp_path / "diary.py").write_text(DIARY)
    host = load_plugins(tmp_path, strict=True)
    heard = sys.modules["conch_project_plugins.diary"].heard
    trackers = Trackers(host, ["faulty", "diary"])
    with structlog.testing.capture_logs(), pytest.raises(PluginError, match="stuck"):
        trackers.close()
    assert heard == [("close",)]


def test_the_base_class_accepts_every_event(host):
    tracker = BaseTracker()
    for event, arguments in EVENTS.items():
        assert getattr(tracker, event)(**arguments) is None
    tracker.close()
