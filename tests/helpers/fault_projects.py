"""Projects that tests disturb: run one to its end or kill it, and return the outcome."""

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

KILL_PLUGIN = Path(__file__).with_name("kill_plugin.py")
RUN = "mine"
MODES = ("sft", "kd", "on_policy", "kd,on_policy", "best_of_n", "preference")
SETTINGS = {
    "teacher": "mlx", "gate": "open", "steps": 4, "checkpoint_every": 2, "keep_checkpoints": 1, "dropout": 0.1,
    "rollout_tokens": 8, "rollout_steps": 2, "candidates": 3, "iterations": 1, "ema": 0.5,
}  # fmt: skip
JUDGED = {"teacher": "judge", "candidates": 24, "validation": 0.5}  # few answers this short are finished
VALIDATED = {"keep_best": 1, "validation": 0.2}  # best_of_n has its own validation
MEASURED = ("seconds", "peak_memory")  # fields of a report that differ between equal runs


class Outcome(NamedTuple):
    """The results of a run that must not depend on disturbances.

    :param digest: content digest of the adapter in the registry.
    :param versions: versions of the neuron in the registry.
    :param figures: reports of all steps, by file, without time and memory.
    :param texts: other files of the run, by path.
    :param files: every file of the run and the registry, including temporary files that were left behind.
    """

    digest: str
    versions: list[int]
    figures: dict[str, list[dict]]
    texts: dict[str, str]
    files: set[str]


class Moment(NamedTuple):
    """A moment for a kill: ``delay`` seconds after event number ``count`` on a path that matches ``path``."""

    event: str
    path: str
    count: int = 1
    delay: float = 0.0


class FaultProject:
    """A project with one domain, its cache, and the command that distils it."""

    def __init__(self, folder):
        self.project, self.cache = folder / "project", folder / "cache"
        self.run = self.project / "runs" / RUN
        self.command = ("--json-logs", "distill", "alpha", "--run", RUN)

    def env(self, **more):
        return {"CONCH_CACHE": str(self.cache), **more}

    def run_here(self, *args, **env):
        """Run the command in this process; return the result of click."""
        return here(self.project, *self.command, *args, env={"CONCH_STRICT": None, **self.env(**env)})

    def complete(self, *args, **env):
        """Run the command successfully and return the outcome."""
        result = self.run_here(*args, **env)
        assert result.exit_code == 0, result.stderr
        return self.outcome()

    def run_process(self, *args, **env):
        """Run the command in a new process; return exit code, stdout and stderr."""
        return ended(started(self.project, *self.command, *args, **self.env(**env)))

    def killed(self, moment):
        """Run the command in a new process, killed at ``moment``; return whether the kill happened."""
        code, _, err = self.run_process(KILL_AT=json.dumps(moment._asdict()))
        assert code in {-signal.SIGKILL, 0}, err
        return code != 0

    def events(self, file):
        """Run the command in a new process; return all changes to files, in order."""
        code, _, err = self.run_process(KILL_LOG=str(file))
        assert code == 0, err
        return file.read_text().splitlines()

    def states(self):
        """Return the state of each run in ``conch runs list``."""
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
            {name: [_untimed(line) for line in path.read_text().splitlines()] for name, path in reports.items()},
            {str(path.relative_to(self.run)): path.read_text() for path in sorted(named)},
            {str(p.relative_to(self.project)) for part in ("runs", "adapters") for p in _files(self.project / part)},
        )

    def stray(self):
        """Return temporary files in the cache, which killed writers may leave."""
        return [p for p in _files(self.cache) if re.match(r"\..*\.json\.|\..*\.safetensors\.", p.name)]


def new_project(folder, student, mode, accel, **settings):
    """Write a project for a mode; ``accel`` is the folder of the prepared BLAS, which all projects share."""
    made = FaultProject(folder)
    of_mode = {"best_of_n": {}, "preference": VALIDATED | JUDGED}.get(mode, VALIDATED)
    chosen = {**SETTINGS, **of_mode, "mode": mode, **settings}
    write_project(made.project, student, plugins=KILL_PLUGIN.read_text(), **chosen)
    write_domain(made.project / "domains/alpha", 14, {"terse": 1.0}, max_tokens=8)
    if accel.is_dir():
        made.cache.mkdir(exist_ok=True)
        (made.cache / "accel").symlink_to(accel)
    return made


def _untimed(line):
    return {key: value for key, value in json.loads(line).items() if key not in MEASURED}


def _files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


@contextlib.contextmanager
def small_disk(folder):
    """Mount a disk at ``folder``; yield a function that sets its free bytes, or ``None`` without permission to mount.

    The size is set in whole pages, and every file takes at least one page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", "size=64m,mode=0700", "tmpfs", folder]
    if run(command, capture_output=True, check=False).returncode:
        yield None
        return

    def set_free(free):
        disk = os.statvfs(folder)
        used = (disk.f_blocks - disk.f_bfree) * disk.f_frsize
        run(["mount", "-o", f"remount,size={max(1, used + free)}", folder], check=True)  # 0 means no limit

    try:
        yield set_free
    finally:
        run(["umount", "-l", folder], check=True)
