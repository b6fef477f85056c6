"""Concurrent processes lose no version, and a killed one leaves no incomplete version."""

import random
import signal
import subprocess
import sys
import time

import pytest

from conch_dna.registry.audit import verify
from conch_dna.registry.store import Registry

# Arguments: registry, adapters (by comma), count, and the number of file operations before it kills itself.
WORKER = """
import os, signal, sys
from pathlib import Path
from conch_dna.registry.adapter import read_adapter
from conch_dna.registry.card import CardFields
from conch_dna.registry.store import Registry

root, adapters, count, die_after = sys.argv[1], sys.argv[2].split(","), int(sys.argv[3]), int(sys.argv[4])
fields = CardFields(base="b", base_digest="b", teacher="t", teacher_fingerprint="t", data_digest="d")
registry = Registry(Path(root))
read_adapter(Path(adapters[0]))
print("ready", flush=True)
sys.stdin.readline()
left = die_after

def count_down(event, _):
    global left
    if event in ("open", "os.mkdir", "os.rename", "os.chmod", "os.remove", "shutil.copyfile"):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

if die_after:
    sys.addaudithook(count_down)
for number in range(count):
    registry.publish("thinking", Path(adapters[number % len(adapters)]), fields)
"""


def start(registry, adapters, count, die_after=0):
    command = [
        sys.executable,
        "-c",
        WORKER,
        str(registry.root),
        ",".join(map(str, adapters)),
        str(count),
        str(die_after),
    ]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def go(*workers):
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()


@pytest.fixture
def adapters(write_adapter):
    return [write_adapter(seed) for seed in range(20)]


def assert_sane(registry):
    """Check that every visible version is complete and every alias points at one."""
    assert verify(registry) == []
    for name in registry.names():
        for alias in registry.aliases(name):
            registry.resolve(f"{name}@{alias}")


@pytest.mark.promise
def test_concurrent_publishes_lose_no_version(registry, adapters):
    with start(registry, adapters[:10], 10) as one, start(registry, adapters[10:], 10) as two:
        go(one, two)
        # A concurrent reader never finds an incomplete version.
        while one.poll() is None or two.poll() is None:
            assert_sane(registry)
    assert (one.returncode, two.returncode) == (0, 0)
    assert registry.versions("thinking") == list(range(1, 21))
    assert len({registry.resolve(f"thinking@{version}").card.digest for version in range(1, 21)}) == 20
    assert registry.aliases("thinking") == {"current": 20}
    assert [move.to for move in registry.history("thinking")] == list(range(1, 21))
    parents = [registry.resolve(f"thinking@{version}").card.parent for version in range(2, 21)]
    assert parents == [registry.resolve(f"thinking@{version}").card.digest for version in range(1, 20)]


def test_a_kill_at_any_moment_leaves_a_valid_registry(registry, adapters):
    drawn = random.Random(0)
    for round_ in range(10):
        by_clock = round_ % 3 == 0
        with start(registry, adapters, 10_000, 0 if by_clock else drawn.randint(1, 150)) as worker:
            go(worker)
            if by_clock:
                time.sleep(drawn.uniform(0.0, 0.15))
                worker.kill()
            worker.wait(timeout=60)
        assert worker.returncode == -signal.SIGKILL
        assert_sane(registry)
    before = registry.versions("thinking")
    last = start(registry, adapters[5:7], 2)
    with last:
        go(last)
    assert last.returncode == 0
    assert registry.versions("thinking")[: len(before)] == before
    assert [path.name for path in (registry.root / "thinking").iterdir() if path.name.startswith(".")] == []
    assert_sane(registry)


def test_threads_of_one_process_exclude_each_other_too(registry, adapters, fields):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda folder: Registry(registry.root).publish("thinking", folder, fields), adapters[:8]))
    assert registry.versions("thinking") == list(range(1, 9))
    assert_sane(registry)


def test_an_alias_always_resolves_while_versions_are_added_and_removed(registry, adapters, fields):
    from concurrent.futures import ThreadPoolExecutor

    registry.publish("thinking", adapters[0], fields)

    def churn():
        for version, folder in enumerate(adapters[1:], start=1):
            registry.publish("thinking", folder, fields)
            registry.remove("thinking", version)

    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(churn)
        seen = [registry.resolve("thinking").version]
        while not writer.done():
            seen.append(registry.resolve("thinking").version)
        writer.result()
    assert seen == sorted(seen)
    assert registry.resolve("thinking").version == len(adapters)
