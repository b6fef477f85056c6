"""One project under test: run it whole or have it killed, and tell what came of it."""

import contextlib
import json
import os
import re
import signal
from pathlib import Path
from subprocess import run
from typing import NamedTuple

from projects import ended, here, started, write_domain, write_project

from conch_dna.registry.store import Registry

REAPER = Path(__file__).with_name("kill_plugin.py")
RUN = "mine"
MODES = ("sft", "kd", "on_policy", "kd,on_policy", "best_of_n", "preference")
SETTINGS = {
    "teacher": "mlx", "gate": "open", "steps": 4, "checkpoint_every": 2, "keep_checkpoints": 1, "dropout": 0.1,
    "rollout_tokens": 8, "rollout_steps": 2, "candidates": 3, "iterations": 1, "ema": 0.5,
}  # fmt: skip
JUDGED = {"teacher": "judge", "candidates": 24, "validation": 0.5}  # few of so short answers come to an end
VALIDATED = {"keep_best": 1, "validation": 0.2}  # not for best_of_n, which validates in its own way
CLOCKED = ("seconds", "peak_memory")  # of a step's report: what no two runs share


class Outcome(NamedTuple):
    """What a run came to, as far as it must be the same whatever happened on the way.

    :param digest: of the adapter's content in the registry.
    :param versions: of the neuron in the registry.
    :param figures: reports of all steps, by file, without clock and memory.
    :param texts: other files of the run, by path.
    :param files: every file of the run and the registry; a temporary one that was left behind would be among them.
    """

    digest: str
    versions: list[int]
    figures: dict[str, list[dict]]
    texts: dict[str, str]
    files: set[str]


class Moment(NamedTuple):
    """When to kill: at the how-manieth event on a path like this, or so many seconds after it."""

    event: str
    path: str
    count: int = 1
    delay: float = 0.0


class Trial:
    """A project with one domain, its cache, and the command that distils it."""

    def __init__(self, folder):
        self.project, self.cache = folder / "project", folder / "cache"
        self.run = self.project / "runs" / RUN
        self.command = ("--json-logs", "distill", "alpha", "--run", RUN)

    def env(self, **more):
        return {"CONCH_CACHE": str(self.cache), **more}

    def again(self, *args, **env):
        """Run the command in this process, undisturbed."""
        return here(self.project, *self.command, *args, env={"CONCH_STRICT": None, **self.env(**env)})

    def whole(self, *args, **env):
        """Run the command to a good end and return what it came to."""
        result = self.again(*args, **env)
        assert result.exit_code == 0, result.stderr
        return self.outcome()

    def alone(self, *args, **env):
        """Run the command in a process of its own; return exit code, stdout and stderr."""
        return ended(started(self.project, *self.command, *args, **self.env(**env)))

    def killed(self, moment):
        """Run the command in a process of its own that is killed at a moment; return whether it came to that."""
        code, _, err = self.alone(REAPER_AT=json.dumps(moment._asdict()))
        assert code in {-signal.SIGKILL, 0}, err
        return code != 0

    def events(self, file):
        """Run the command in a process of its own; return all changes to files, in order."""
        code, _, err = self.alone(REAPER_LOG=str(file))
        assert code == 0, err
        return file.read_text().splitlines()

    def states(self):
        """Return what ``conch runs list`` says of each run."""
        result = here(self.project, "runs", "list", "--json")
        assert result.exit_code == 0, result.stderr
        return [about["state"] for about in json.loads(result.stdout)]

    def versions(self):
        """Return the versions in the registry, if any."""
        registry = Registry(self.project / "adapters")
        return registry.versions("alpha") if registry.names() else []

    def outcome(self):
        entry = Registry(self.project / "adapters").resolve("alpha")
        reports = {str(path.relative_to(self.run)): path for path in self.run.rglob("metrics.jsonl")}
        named = [p for p in self.run.rglob("*.jsonl") if p.name != "metrics.jsonl"]
        return Outcome(
            entry.card.digest,
            self.versions(),
            {name: [_unclocked(line) for line in path.read_text().splitlines()] for name, path in reports.items()},
            {str(path.relative_to(self.run)): path.read_text() for path in sorted(named)},
            {str(p.relative_to(self.project)) for part in ("runs", "adapters") for p in _files(self.project / part)},
        )

    def stray(self):
        """Return temporary files in the cache, those of killed writers among them."""
        return [p for p in _files(self.cache) if re.match(r"\..*\.json\.|\..*\.safetensors\.", p.name)]


def new_trial(folder, student, mode, accel, **settings):
    """Write a project for a mode; ``accel`` is where the BLAS lies that was prepared once for all."""
    trial = Trial(folder)
    of_mode = {"best_of_n": {}, "preference": VALIDATED | JUDGED}.get(mode, VALIDATED)
    chosen = {**SETTINGS, **of_mode, "mode": mode, **settings}
    write_project(trial.project, student, plugins=REAPER.read_text(), **chosen)
    write_domain(trial.project / "domains/alpha", 14, {"terse": 1.0}, max_tokens=8)
    if accel.is_dir():
        trial.cache.mkdir(exist_ok=True)
        (trial.cache / "accel").symlink_to(accel)
    return trial


def _unclocked(line):
    return {key: value for key, value in json.loads(line).items() if key not in CLOCKED}


def _files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


@contextlib.contextmanager
def small_disk(folder):
    """Give ``folder`` a disk of its own; yield what sets the bytes that are free on it, or ``None`` without the right.

    What is free is set in whole pages, of which every file takes one or more.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder], capture_output=True, check=False).returncode:
        yield None
        return

    def leave(free):
        disk = os.statvfs(folder)
        used = (disk.f_blocks - disk.f_bfree) * disk.f_frsize
        run(["mount", "-o", f"remount,size={max(1, used + free)}", folder], check=True)  # 0 would be no limit

    try:
        yield leave
    finally:
        run(["umount", "-l", folder], check=True)
