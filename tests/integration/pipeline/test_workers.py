"""Domains that are distilled at the same time, each in a process of its own."""

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from projects import ended, environment, here, started, write_project

from conch_dna.records import Summary
from conch_dna.registry.store import Registry

PLUGIN = """
import errno, os, signal
from conch_dna import hookimpl
from conch_dna.errors import BudgetReached
from conch_dna.records import Completion

class Odd:
    fingerprint, capabilities = "odd:1", frozenset({"text"})
    def __init__(self, request):
        self.name = request.domain.name
    def generate(self, prompts, sampling):
        print("a plug-in may print")
        for prompt in prompts:
            if self.name == "alpha":
                how = os.environ.get("ODD")
                if how == "killed":
                    os.kill(os.getpid(), signal.SIGKILL)
                if how == "budget":
                    raise BudgetReached("$1 of $1 is spent")
                if how == "disk":
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "the/file")
            yield Completion(prompt=prompt.digest, text="noon", teacher=self.fingerprint, sampling=sampling)
    def close(self):
        pass

@hookimpl
def register_teachers():
    return {"odd": Odd}

@hookimpl
def step_finished(domain, report):
    with open(f"runs/mine/{domain}/metrics.jsonl") as file:
        assert len(file.readlines()) == report.step, "the training went on"
    with open("heard.txt", "a") as file:
        file.write(f"{domain} {report.step} {os.getpid()}\\n")
"""
STEPS = 12
LONG = ("--steps", 80)


@pytest.fixture
def cached(tmp_path, accel):
    """The environment of processes that share a cache with the machine's prepared BLAS."""
    (tmp_path / "cache").mkdir()
    if accel.is_dir():
        (tmp_path / "cache/accel").symlink_to(accel)
    return {"CONCH_CACHE": str(tmp_path / "cache")}


@pytest.fixture
def project(tmp_path, student):
    return write_project(tmp_path / "project", student, "alpha", "beta", plugins=PLUGIN, teacher="odd")


def run(project, env, *args, **more):
    return ended(started(project, "--json-logs", "distill", "--jobs", 2, *args, **env, **more))


def digests(project):
    registry = Registry(project / "adapters")
    return {name: registry.resolve(name).card.digest for name in registry.names()}


def heard(project):
    return [line.split() for line in (project / "heard.txt").read_text().splitlines()]


def until(true, seconds=120):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


@pytest.mark.promise
def test_they_give_the_neurons_of_one_process(tmp_path, project, student, cached):
    code, out, err = run(project, cached, "alpha", "beta", "--json", "--tracker", "csv", "--run", "mine")
    assert code == 0, err
    summary = Summary.model_validate_json(out)
    assert [(one.domain, one.state) for one in summary.results] == [("alpha", "published"), ("beta", "published")]
    assert summary == Summary.model_validate_json((project / "runs/mine/summary.json").read_text())
    alone = write_project(tmp_path / "alone", student, "alpha", "beta", plugins=PLUGIN, teacher="odd")
    assert run(alone, cached, "alpha", "beta", "--jobs", 1, "--run", "mine")[0] == 0
    assert digests(project) == digests(alone)

    steps = [[domain, str(step)] for domain in ("alpha", "beta") for step in range(1, STEPS + 1)]
    assert sorted(row[:2] for row in heard(project)) == sorted(steps)
    assert len({pid for *_, pid in heard(project)}) == 1, "hooks and trackers are called in the first process"
    with (project / "runs/mine/metrics.csv").open() as file:
        assert sorted([row["domain"], row["step"]] for row in csv.DictReader(file)) == sorted(steps)
    events = [json.loads(line) for line in err.splitlines() if line.startswith("{")]
    stages = {(event["domain"], event["stage"]) for event in events if event["event"] == "stage_ended"}
    assert {(domain, stage) for domain in ("alpha", "beta") for stage in ("training sft", "gate")} <= stages
    assert "plugin_failed" not in err
    assert "Traceback" not in err


def test_finished_domains_are_not_distilled_again(project, cached):
    assert run(project, cached, "alpha", "--run", "mine")[0] == 0
    before = digests(project)
    assert run(project, cached, "alpha", "beta", "--run", "mine")[0] == 0
    assert digests(project)["alpha"] == before["alpha"]
    assert Registry(project / "adapters").versions("alpha") == [1]


def test_a_killed_process_fails_its_domain_alone(project, cached):
    code, _, err = run(project, cached, "alpha", "beta", "--run", "mine", ODD="killed")
    assert code == 1
    assert "some domains failed: alpha: its process was killed by SIGKILL" in err
    assert list(digests(project)) == ["beta"]
    assert run(project, cached, "alpha", "beta", "--run", "mine")[0] == 0
    assert sorted(digests(project)) == ["alpha", "beta"]


@pytest.mark.parametrize(
    ("how", "code", "message"),
    [("budget", 4, "$1 of $1 is spent"), ("disk", 1, "the/file: cannot write or read: No space left on device")],
)
def test_an_error_that_concerns_all_domains_stops_the_run(project, cached, how, code, message):
    found, _, err = run(project, cached, "alpha", "beta", "--run", "mine", ODD=how)
    assert (found, message in err) == (code, True)
    workers = [one for one in psutil.process_iter(["cmdline", "cwd"]) if one.info["cwd"] == str(project)]
    assert workers == []
    assert run(project, cached, "alpha", "beta", "--run", "mine")[0] == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_when_the_command_is_stopped_its_processes_end_and_it_can_go_on(tmp_path, project, student, cached, number):
    command = ("--json-logs", "distill", "alpha", "beta", "--jobs", 2, "--run", "mine", *LONG)
    process = started(project, *command, **cached)
    until(lambda: (project / "heard.txt").exists() and {row[0] for row in heard(project)} == {"alpha", "beta"})
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) == 2
    process.send_signal(number)
    code, _, err = ended(process)
    assert code == (-number if number == signal.SIGKILL else 130)
    assert "Traceback" not in err
    psutil.wait_procs(children, timeout=5)
    assert not [child for child in children if child.is_running()]
    assert digests(project) == {}

    assert run(project, cached, "alpha", "beta", "--run", "mine", *LONG)[0] == 0
    calm = write_project(tmp_path / "calm", student, "alpha", "beta", plugins=PLUGIN, teacher="odd")
    assert run(calm, cached, "alpha", "beta", "--run", "mine", *LONG)[0] == 0
    assert digests(project) == digests(calm)


def test_the_plan_says_how_many_domains_are_distilled_at_once(project):
    command = ("distill", "alpha", "beta", "--jobs", 2, "--dry-run")
    assert json.loads(here(project, *command, "--json").stdout)["jobs"] == 2
    assert here(project, *command).stdout.endswith("2 domains at once, each in a process of its own\n")


def test_nothing_is_imported_from_the_working_folder(project, cached):
    (project / "pydantic.py").write_text("raise SystemExit('planted')")
    command = [Path(sys.executable).with_name("conch"), "distill", "alpha", "beta", "--jobs", "2", "--run", "mine"]
    result = subprocess.run(
        command, cwd=project, env=environment(**cached), capture_output=True, text=True, timeout=240, check=False
    )
    assert (result.returncode, "planted" in result.stderr) == (0, False), result.stderr
