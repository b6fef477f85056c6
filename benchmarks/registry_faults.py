"""Whether the registry holds: random operations by 1, 2 and 8 processes at once, real SIGKILLs at any write.

A schedule is one registry with two neurons. In each of its phases some processes publish, promote, roll back, tag,
untag, collect, remove and verify at random, while the parent reads beside them. Some kill themselves before their
so-manieth change of a file, some are killed by the clock. Every process keeps a journal that survives it: what it
began, which version it was about to take away, what came of it. After each phase, before anybody has tidied up, the
registry is compared with the journals:

- what a publish returned is there, unless it was taken away; what was taken away is gone, and its number is not given
  again;
- every version that can be seen is whole, for readers meanwhile too; every alias leads somewhere;
- the history of each alias is one chain that ends where the alias points, with every publish in it;
- a tag that was set is there, and none is left of a version that is gone;
- after the next change nothing is left over of those that were killed.

With --careless a version is written in its place instead of beside it: the control, which must fail.

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

import conch_dna.registry.adapter  # noqa: F401 - once for all workers, which are forks: it must not compute here
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
    """What one worker did, a line of JSON at a time, each in one write, so that a kill leaves whole lines."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def add(self, *words: Any) -> None:
        """Append one line."""
        os.write(self._handle, json.dumps(words).encode() + b"\n")


class Watch:
    """An audit hook: kills its process before a change of the registry, and notes each version that is taken away."""

    def __init__(self, root: Path, journal: Journal, kill_at: int | None) -> None:
        self.root, self.journal, self.left = str(root), journal, kill_at

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        """Look at one event of Python's; it is told just before what it tells of happens."""
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
    """Write a new folder where it can be seen: the control."""
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
    """Be one worker: make ``count`` operations, and never return."""
    code = 1
    try:
        draw, registry = random.Random(seed), Registry(root)  # noqa: S311 - no secret hangs on it
        sys.addaudithook(Watch(root, journal, kill_at))
        for _ in range(count):
            operate(registry, journal, draw, seed, adapters)
        code = 0
    except BaseException:  # noqa: BLE001 - whatever it is, the parent is told
        journal.add("fault", traceback.format_exc())
    finally:
        os._exit(code)


def operate(registry: Registry, journal: Journal, draw: random.Random, me: str, adapters: list[Path]) -> None:
    """Draw one operation, make it, and note how it ended."""
    kind, name = draw.choice(KINDS), draw.choice(NAMES)
    existing = versions_of(registry, name)
    version = draw.choice(existing) if existing and draw.random() < 0.9 else draw.randint(1, 9)
    known = sorted(registry.aliases(name)) if existing and draw.random() < 0.8 else ALIASES
    alias, value = draw.choice(known or ALIASES), f"v{draw.randrange(1000)}"
    keep, whole = draw.randint(0, 4), draw.random() < 0.5
    source = draw.choice(adapters)
    calls: dict[str, Callable[[], Any]] = {
        "publish": lambda: told(registry.publish(name, source, FIELDS)),
        "promote": lambda: told(registry.promote(name, version, alias)),
        "rollback": lambda: told(registry.rollback(name, alias)),
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
        # What can be refused for a reason is what names a version, an alias or a tag that is not there.
        if kind in {"publish", "verify"} or (kind == "gc" and not isinstance(fault, UnknownName)):
            journal.add("fault", f"{kind} of {name} was refused: {fault}")
        return
    journal.add("end", kind, name, version, result)
    if kind == "verify" and result:
        journal.add("fault", f"verify found {result}")


def versions_of(registry: Registry, name: str) -> list[int]:
    """Return the versions of a neuron that may not be there, or not any more."""
    try:
        return registry.versions(name)
    except UnknownName:
        return []


def told(entry: Any) -> tuple[int, str]:
    """Return what an entry is known by."""
    return entry.version, entry.card.digest


class Trial:
    """One schedule: its registry, its journals, and what they tell."""

    def __init__(self, folder: Path, adapters: list[Path]) -> None:
        self.registry, self.journals, self.adapters = Registry(folder / "registry"), folder / "journals", adapters
        self.journals.mkdir()
        self.faults: list[str] = []
        self.seen: Counter[str] = Counter()

    def phase(self, draw: random.Random, seed: str, processes: int) -> None:
        """Let workers run, kill some, read beside them, and check what they leave."""
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
        """Read until all workers have ended; kill those whose time has come."""
        struck: set[int] = set()
        while workers:
            while doomed and doomed[0][0] <= time.monotonic():
                worker = doomed.pop(0)[1]
                if worker in workers:
                    os.kill(worker, signal.SIGKILL)  # it is no one else's: nobody has waited for it yet
                    struck.add(worker)
            self.read()
            time.sleep(0.002)  # the workers need the processor too
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
        """Read all that can be seen, as an engine does, with no lock."""
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
        """Read one version; it may be refused only when it is gone."""
        try:
            check_content(self.registry.resolve(f"{name}@{version}"))
        except (UnknownName, NeuronRefused) as fault:
            self.seen["reads of a version that was taken away meanwhile"] += 1
            if version in versions_of(self.registry, name):
                self.faults.append(f"a version was seen that is not whole: {fault}")

    def check(self) -> None:
        """Compare what is there with what the journals say."""
        self.read()
        told = {path.name: [json.loads(line) for line in path.open("rb")] for path in sorted(self.journals.iterdir())}
        for lines in told.values():
            self.faults += [line[1] for line in lines if line[0] == "fault"]
        gone = {(line[1], line[2]) for lines in told.values() for line in lines[:-1] if line[0] == "gone"}
        perhaps = {(lines[-1][1], lines[-1][2]) for lines in told.values() if lines and lines[-1][0] == "gone"}
        published = [(line[2], *line[4]) for lines in told.values() for line in lines if line[:2] == ["end", "publish"]]
        for name in NAMES:
            self.check_versions(name, published, gone, perhaps)
            if name in self.registry.names():
                self.check_history(name, {version for of, version, _ in published if of == name})
                self.check_tags(name, told)

    def check_versions(
        self,
        name: str,
        published: list[tuple[str, int, str]],
        gone: set[tuple[str, int]],
        perhaps: set[tuple[str, int]],
    ) -> None:
        """Check that nothing is lost, comes back, or has two contents."""
        there = set(versions_of(self.registry, name))
        digests: dict[int, str] = {}
        for of, version, digest in published:
            if of != name:
                continue
            if digests.setdefault(version, digest) != digest:
                self.faults.append(f"{name}@{version} was given to two contents")
            if version in there and self.registry.resolve(f"{name}@{version}").card.digest != digest:
                self.faults.append(f"{name}@{version} has another content than was published")
            if version not in there and (name, version) not in gone | perhaps:
                self.faults.append(f"{name}@{version} is lost")
        self.faults += [f"{name}@{version} has come back" for version in there if (name, version) in gone]

    def check_history(self, name: str, published: set[int]) -> None:
        """Check that the moves of each alias are one chain to where it points now."""
        aliases, ends = self.registry.aliases(name), {}
        for move in self.registry.history(name):
            if move.before != ends.get(move.alias) or move.to == move.before:
                self.faults.append(f"the history of {name}@{move.alias} is broken at {move}")
            ends[move.alias] = move.to
        if ends != aliases:
            self.faults.append(f"the history of {name} ends at {ends}, its aliases are {aliases}")
        moved = {move.to for move in self.registry.history(name) if move.alias == "current"}
        self.faults += [f"the publish of {name}@{one} is not in its history" for one in published - moved]

    def check_tags(self, name: str, told: dict[str, list[list[Any]]]) -> None:
        """Check every worker's own tag: the last that was set is there, unless a kill came in between."""
        versions, tags = self.registry.versions(name), self.registry.tags(name)
        self.faults += [f"{name}@{version} is gone and has tags" for version in tags if version not in versions]
        for me, lines in told.items():
            mine = [line for line in lines if line[1] in {"tag", "untag"} and line[2] == name]
            wanted: dict[int, str | None] = {}
            for begun, ended in itertools.pairwise(mine):
                if ended[0] == "end":
                    wanted[ended[3]] = begun[4] if ended[1] == "tag" else None
            if mine and mine[-1][0] == "begin":  # it was killed in between, and may have been done or not
                wanted.pop(mine[-1][3], None)
            for version, value in wanted.items():
                if version in versions and tags.get(version, {}).get(me) != value:
                    self.faults.append(f"{name}@{version} lost the tag {me}={value}")

    def tidy(self, draw: random.Random) -> None:
        """Make one change of each neuron, and check that nothing is left over."""
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
        """Count what the journals tell."""
        for path in self.journals.iterdir():
            for line in map(json.loads, path.open("rb")):
                if line[0] in {"end", "refused"}:
                    self.seen["operations"] += 1
                    self.seen[f"operations: {line[1]}{' refused' if line[0] == 'refused' else ''}"] += 1
                self.seen["versions taken away"] += line[0] == "gone"


def run_schedule(number: int, folder: Path, adapters: list[Path], processes: list[int]) -> Trial:
    """Run one schedule until its first fault."""
    draw, trial = random.Random(number), Trial(folder, adapters)  # noqa: S311 - no secret hangs on it
    for phase in range(draw.randint(2, 4)):
        trial.phase(draw, f"{number}.{phase}", processes[(number + phase) % len(processes)])
        if trial.faults:
            break
    trial.count()
    return trial


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schedules", type=int, default=200, help="how many at most")
    parser.add_argument("--minutes", type=float, default=5.0, help="begin none after so long")
    parser.add_argument("--processes", default="1,2,8", help="at once, one phase after another")
    parser.add_argument("--first", type=int, default=0, help="number of the first; a number is a seed")
    parser.add_argument("--careless", action="store_true", help="the control, which writes versions in their place")
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
