"""Fault injection for the registry: random operations by 1, 2 and 8 processes, with SIGKILL before any write.

A schedule is one registry with two neurons. In each of its phases some processes publish, promote, roll back, tag,
untag, collect, remove and verify at random, while the parent process reads. Some kill themselves before their n-th
change of a file, some are killed after a random time. Every process keeps a journal that survives it: each operation
it began, each version it was about to remove, and each result. After each phase, before any clean-up, the registry is
compared with the journals:

- every published version exists unless it was removed; a removed version is gone, and its number is not used again;
- every visible version is complete, also for concurrent readers; every alias points at a version;
- the history of each alias is one chain that ends at its current version and includes every publish;
- every tag that was set exists, and no tag of a removed version remains;
- the next change deletes the leftovers of killed processes.

With --careless a version is written in place instead of staged: the control, which must fail.

    python benchmarks/registry_faults.py [--schedules 200] [--minutes 5] [--processes 1,2,8] [--first 0] [--careless]
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import platform
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from safetensors.numpy import save_file

import conch_dna.registry.adapter  # noqa: F401 - imported once, before the forks of the workers; mlx must not compute here
from conch_dna.errors import NeuronRefused, RegistryError, UnknownName
from conch_dna.registry import publishing
from conch_dna.registry.aliases import ALIASES_FILE, VERSION, read_alias_table
from conch_dna.registry.audit import verify
from conch_dna.registry.card import CardFields
from conch_dna.registry.entry import check_content
from conch_dna.registry.folders import leftovers_in, name_folders
from conch_dna.registry.store import Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAMES = ("alpha", "beta")
KINDS = (
    "publish", "publish", "publish", "promote", "promote", "rollback", "rollback", "tag", "tag", "untag", "gc",
    "remove", "verify",
)  # fmt: skip
ALIASES = ("current", "prod", "stable")
CONTENTS = 6
CHANGES = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "shutil.copyfile")
WRITES = os.O_WRONLY | os.O_RDWR
FIELDS = CardFields(base="b", base_digest="b", teacher="t", teacher_fingerprint="t", data_digest="d")


class Journal:
    """The journal of a worker: lines of JSON, each written by one call, so that a kill leaves whole lines."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def add(self, *words: Any) -> None:
        """Append one line."""
        os.write(self._handle, json.dumps(words).encode() + b"\n")


class Watch:
    """An audit hook that kills its process before a change of the registry, and records each removed version."""

    def __init__(self, root: Path, journal: Journal, kill_at: int | None) -> None:
        self.root, self.journal, self.left = str(root), journal, kill_at

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        """Handle one audit event of Python, which is raised just before the operation."""
        if event not in CHANGES or not any(str(arg).startswith(self.root) for arg in args[:2]):
            return
        if event == "open" and not args[2] & WRITES:
            return
        if self.left is not None:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        source = Path(args[0]) if event == "os.rename" else None
        if source is not None and VERSION.fullmatch(source.name):
            self.journal.add("gone", source.parent.name, int(source.name))


@contextlib.contextmanager
def in_place(final: Path) -> Iterator[Path]:
    """Write a new folder in place, visible to readers: the control."""
    final.mkdir(parents=True)
    yield final


def write_adapters(folder: Path) -> list[Path]:
    """Write small adapters that differ in content."""
    found = []
    settings = {"fine_tune_type": "lora", "num_layers": 1, "lora_parameters": {"rank": 2, "scale": 1.0, "dropout": 0.0}}
    for number in range(CONTENTS):
        path = folder / f"adapter-{number}"
        path.mkdir()
        a, b = np.full((64, 2), number + 1.0, np.float32), np.ones((2, 64), np.float32)
        module = "model.layers.0.mlp.up_proj"
        save_file({f"{module}.lora_a": a, f"{module}.lora_b": b}, path / "adapters.safetensors")
        (path / "adapter_config.json").write_text(json.dumps(settings), encoding="utf-8")
        found.append(path)
    return found


def work(root: Path, journal: Journal, seed: str, count: int, kill_at: int | None, adapters: list[Path]) -> NoReturn:
    """Run one worker: make ``count`` operations, and exit the process."""
    code = 1
    try:
        draw, registry = random.Random(seed), Registry(root)  # noqa: S311 - not used for secrets
        sys.addaudithook(Watch(root, journal, kill_at))
        for _ in range(count):
            operate(registry, journal, draw, seed, adapters)
        code = 0
    except BaseException:  # noqa: BLE001 - every exception is reported to the parent
        journal.add("fault", traceback.format_exc())
    finally:
        os._exit(code)


def operate(registry: Registry, journal: Journal, draw: random.Random, me: str, adapters: list[Path]) -> None:
    """Draw one operation, run it, and record its result."""
    kind, name = draw.choice(KINDS), draw.choice(NAMES)
    existing = versions_of(registry, name)
    version = draw.choice(existing) if existing and draw.random() < 0.9 else draw.randint(1, 9)
    known = sorted(registry.aliases(name)) if existing and draw.random() < 0.8 else ALIASES
    alias, value = draw.choice(known or ALIASES), f"v{draw.randrange(1000)}"
    keep, whole = draw.randint(0, 4), draw.random() < 0.5
    source = draw.choice(adapters)
    calls: dict[str, Callable[[], Any]] = {
        "publish": lambda: identity_of(registry.publish(name, source, FIELDS)),
        "promote": lambda: identity_of(registry.promote(name, version, alias)),
        "rollback": lambda: identity_of(registry.rollback(name, alias)),
        "tag": lambda: registry.tag(f"{name}@{version}", me, value),
        "untag": lambda: registry.untag(f"{name}@{version}", me),
        "gc": lambda: len(registry.gc(None if whole else name, keep_last=keep, keep_tags=[me]).removed),
        "remove": lambda: registry.remove(name, version),
        "verify": lambda: [problem.reason for problem in verify(registry)],
    }
    journal.add("begin", kind, name, version, value)
    try:
        result = calls[kind]()
    except (UnknownName, RegistryError) as fault:
        journal.add("refused", kind, name, version, str(fault))
        # Only an operation on a missing version, alias or tag may be refused.
        if kind in {"publish", "verify"} or (kind == "gc" and not isinstance(fault, UnknownName)):
            journal.add("fault", f"{kind} of {name} was refused: {fault}")
        return
    journal.add("end", kind, name, version, result)
    if kind == "verify" and result:
        journal.add("fault", f"verify found {result}")


def versions_of(registry: Registry, name: str) -> list[int]:
    """Return the versions of a neuron, or none if it does not exist (any more)."""
    try:
        return registry.versions(name)
    except UnknownName:
        return []


def identity_of(entry: Any) -> tuple[int, str]:
    """Return the version and the content digest of an entry."""
    return entry.version, entry.card.digest


class Trial:
    """One schedule: its registry, its journals, and the faults found."""

    def __init__(self, folder: Path, adapters: list[Path]) -> None:
        self.registry, self.journals, self.adapters = Registry(folder / "registry"), folder / "journals", adapters
        self.journals.mkdir()
        self.faults: list[str] = []
        self.seen: Counter[str] = Counter()

    def phase(self, draw: random.Random, seed: str, processes: int) -> None:
        """Run workers, kill some, read concurrently, and check the registry."""
        workers, doomed = {}, []
        for number in range(processes):
            me, fate = f"w{seed}.{number}", draw.random()
            kill_at = draw.randint(1, 200) if fate < 0.4 else None
            count = draw.randint(4, 8 + 32 // processes)
            journal = Journal(self.journals / me)
            if (worker := os.fork()) == 0:
                work(self.registry.root, journal, me, count, kill_at, self.adapters)
            workers[worker] = me
            if fate > 0.7:
                doomed.append((time.monotonic() + draw.uniform(0, 0.1 * processes), worker))
        self.await_all(workers, sorted(doomed))
        self.check()
        self.tidy(draw)
        self.seen[f"phases of {processes} processes"] += 1

    def await_all(self, workers: dict[int, str], doomed: list[tuple[float, int]]) -> None:
        """Read until all workers have ended; kill those whose time is up."""
        struck: set[int] = set()
        while workers:
            while doomed and doomed[0][0] <= time.monotonic():
                worker = doomed.pop(0)[1]
                if worker in workers:
                    os.kill(worker, signal.SIGKILL)  # the id is still its own, since it was not waited for
                    struck.add(worker)
            self.read()
            time.sleep(0.002)  # leave processor time to the workers
            for worker in list(workers):
                done, status = os.waitpid(worker, os.WNOHANG)
                if done:
                    del workers[worker]
                    self.seen["processes"] += 1
                    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
                    self.seen["killed by SIGKILL, by the clock"] += killed and worker in struck
                    self.seen["killed by SIGKILL, before a write"] += killed and worker not in struck
                    if status and not killed:
                        self.faults.append(f"a worker ended with status {status}")

    def read(self) -> None:
        """Read every visible version without the lock, as an engine does."""
        self.seen["passes of the reader"] += 1
        for folder in name_folders(self.registry.root):
            name = folder.name
            for version in versions_of(self.registry, name):
                self.read_one(name, version)
            for alias in read_alias_table(folder / ALIASES_FILE).aliases:
                try:
                    self.read_one(name, self.registry.locate(f"{name}@{alias}")[1])
                except UnknownName as fault:
                    self.faults.append(f"an alias leads nowhere: {fault}")

    def read_one(self, name: str, version: int) -> None:
        """Read one version; it may be refused only if it was removed."""
        try:
            check_content(self.registry.resolve(f"{name}@{version}"))
        except (UnknownName, NeuronRefused) as fault:
            self.seen["reads of a version that was removed meanwhile"] += 1
            if version in versions_of(self.registry, name):
                self.faults.append(f"a visible version is not whole: {fault}")

    def check(self) -> None:
        """Compare the registry with the journals."""
        self.read()
        journals = {
            path.name: [json.loads(line) for line in path.open("rb")] for path in sorted(self.journals.iterdir())
        }
        for lines in journals.values():
            self.faults += [line[1] for line in lines if line[0] == "fault"]
        gone = {(line[1], line[2]) for lines in journals.values() for line in lines[:-1] if line[0] == "gone"}
        pending = {(lines[-1][1], lines[-1][2]) for lines in journals.values() if lines and lines[-1][0] == "gone"}
        published = [
            (line[2], *line[4]) for lines in journals.values() for line in lines if line[:2] == ["end", "publish"]
        ]
        for name in NAMES:
            self.check_versions(name, published, gone, pending)
            if name in self.registry.names():
                self.check_history(name, {version for of, version, _ in published if of == name})
                self.check_tags(name, journals)

    def check_versions(
        self,
        name: str,
        published: list[tuple[str, int, str]],
        gone: set[tuple[str, int]],
        pending: set[tuple[str, int]],
    ) -> None:
        """Check that no version is lost, reappears, or has two contents."""
        there = set(versions_of(self.registry, name))
        digests: dict[int, str] = {}
        for of, version, digest in published:
            if of != name:
                continue
            if digests.setdefault(version, digest) != digest:
                self.faults.append(f"{name}@{version} was given to two contents")
            if version in there and self.registry.resolve(f"{name}@{version}").card.digest != digest:
                self.faults.append(f"{name}@{version} has another content than was published")
            if version not in there and (name, version) not in gone | pending:
                self.faults.append(f"{name}@{version} is lost")
        self.faults += [f"{name}@{version} has come back" for version in there if (name, version) in gone]

    def check_history(self, name: str, published: set[int]) -> None:
        """Check that the moves of each alias are one chain to its current version."""
        aliases, ends = self.registry.aliases(name), {}
        for move in self.registry.history(name):
            if move.before != ends.get(move.alias) or move.to == move.before:
                self.faults.append(f"the history of {name}@{move.alias} is broken at {move}")
            ends[move.alias] = move.to
        if ends != aliases:
            self.faults.append(f"the history of {name} ends at {ends}, its aliases are {aliases}")
        moved = {move.to for move in self.registry.history(name) if move.alias == "current"}
        self.faults += [f"the publish of {name}@{one} is not in its history" for one in published - moved]

    def check_tags(self, name: str, journals: dict[str, list[list[Any]]]) -> None:
        """Check every worker's own tag: its last value is set, unless the worker was killed during the change."""
        versions, tags = self.registry.versions(name), self.registry.tags(name)
        self.faults += [f"{name}@{version} is gone and has tags" for version in tags if version not in versions]
        for me, lines in journals.items():
            mine = [line for line in lines if line[1] in {"tag", "untag"} and line[2] == name]
            wanted: dict[int, str | None] = {}
            for begun, ended in itertools.pairwise(mine):
                if ended[0] == "end":
                    wanted[ended[3]] = begun[4] if ended[1] == "tag" else None
            if mine and mine[-1][0] == "begin":  # killed during the change, which may be done or not
                wanted.pop(mine[-1][3], None)
            for version, value in wanted.items():
                if version in versions and tags.get(version, {}).get(me) != value:
                    self.faults.append(f"{name}@{version} lost the tag {me}={value}")

    def tidy(self, draw: random.Random) -> None:
        """Change each neuron once, and check that no leftovers remain."""
        for folder in name_folders(self.registry.root):
            self.seen["leftovers found after kills"] += len(leftovers_in(folder))
            if folder.name in self.registry.names() and draw.random() < 0.7:
                self.registry.tag(f"{folder.name}@{self.registry.versions(folder.name)[-1]}", "tidy", "yes")
            else:
                self.registry.gc(keep_last=10**6)
            left = [path.name for path in folder.iterdir() if path.name.startswith(".")]
            if left:
                self.faults.append(f"left over in {folder.name}: {left}")

    def count(self) -> None:
        """Count the operations in the journals."""
        for path in self.journals.iterdir():
            for line in map(json.loads, path.open("rb")):
                if line[0] in {"end", "refused"}:
                    self.seen["operations"] += 1
                    self.seen[f"operations: {line[1]}{' refused' if line[0] == 'refused' else ''}"] += 1
                self.seen["versions removed"] += line[0] == "gone"


def run_schedule(number: int, folder: Path, adapters: list[Path], processes: list[int]) -> Trial:
    """Run one schedule until its first fault."""
    draw, trial = random.Random(number), Trial(folder, adapters)  # noqa: S311 - not used for secrets
    for phase in range(draw.randint(2, 4)):
        trial.phase(draw, f"{number}.{phase}", processes[(number + phase) % len(processes)])
        if trial.faults:
            break
    trial.count()
    return trial


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schedules", type=int, default=200, help="largest number of schedules")
    parser.add_argument("--minutes", type=float, default=5.0, help="start no schedule after this time")
    parser.add_argument("--processes", default="1,2,8", help="numbers of processes, one per phase in turn")
    parser.add_argument("--first", type=int, default=0, help="number of the first schedule; the number is its seed")
    parser.add_argument("--careless", action="store_true", help="control: write versions in place")
    options = parser.parse_args()
    if options.careless:
        publishing.new_folder = in_place
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores", flush=True)
    seen, failed, until = Counter[str](), 0, time.monotonic() + 60 * options.minutes
    with tempfile.TemporaryDirectory() as shared:
        adapters = write_adapters(Path(shared))
        for number in range(options.first, options.first + options.schedules):
            if time.monotonic() > until or (options.careless and failed):
                break
            with tempfile.TemporaryDirectory() as folder:
                trial = run_schedule(number, Path(folder), adapters, [int(n) for n in options.processes.split(",")])
            seen += trial.seen + Counter({"schedules": 1})
            failed += bool(trial.faults)
            for fault in dict.fromkeys(trial.faults):
                print(f"schedule {number}: {fault}", file=sys.stderr)
    for name, count in sorted(seen.items()):
        print(f"{count:>9} {name}")
    print(f"{failed:>9} schedules failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
