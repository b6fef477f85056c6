"""``conch serve`` as a process, with its log."""

import json
import signal
import subprocess
import sys
import threading
import time

import httpx
import psutil
from projects import START, write_neuron

from conch_dna.registry.card import CardFields

LENGTH = 1000  # takes seconds
LONG = {"model": "base", "prompt": "a", "max_tokens": LENGTH}


def publish_tiny(registry, base, folder, name, seed):
    """Publish a random neuron."""
    fields = CardFields(base=base.ref, base_digest=base.digest, teacher="t", teacher_fingerprint="t", data_digest="d")
    return registry.publish(name, write_neuron(folder, base.model, seed), fields)


class Served:
    """A server; ``log`` holds its log lines, read as JSON."""

    def __init__(self, arguments, folder, env):
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, "--json-logs", *map(str, arguments)], cwd=folder, env=env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads yet
        )  # fmt: skip
        self.lines = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        line = self.process.stdout.readline()
        assert line.startswith("listening on "), self.text
        self.url = line.split()[-1]
        self.root = self.url.removesuffix("/v1")

    @property
    def text(self):
        return "".join(self.lines)

    @property
    def log(self):
        return [json.loads(line) for line in list(self.lines)]

    def stop(self, number=signal.SIGTERM):
        """Send a signal, and return the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(60)
        self._reader.join(10)
        return code

    def memory(self):
        """Bytes of memory that the process holds."""
        return psutil.Process(self.process.pid).memory_info().rss

    def post(self, path="/v1/completions", body=None, **more):
        return httpx.post(self.root + path, json=LONG if body is None else body, timeout=60, **more)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()
        self.process.stdout.close()
        self.process.stderr.close()

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line)


def until(condition, seconds=30):
    """Wait until a condition is true."""
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.02)
