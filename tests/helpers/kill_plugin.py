"""A plug-in for projects under test that kills its own process at a given moment.

Python raises an audit event before a file is opened, renamed or removed. A kill can therefore happen between any two
file operations, without hooks in the code under test. The tests copy this file into a project's plug-ins.

Environment: ``KILL_AT`` is JSON with ``event`` and ``path`` (regular expressions), ``count`` (the number of the match)
and ``delay`` (seconds from the match to the kill, during which work continues). ``KILL_LOG`` is a file that gets a line
for every event. Without these variables the plug-in only provides its gate, scorer, teacher and loss.
"""

import json
import math
import os
import re
import signal
import sys
import threading
from pathlib import Path

from conch_dna import hookimpl
from conch_dna.records import Check, Completion

CHANGES = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree"}
WATCHED = re.compile(r"/(runs|adapters|cache/completions|cache/targets)(/|$)")


def die():
    os.kill(os.getpid(), signal.SIGKILL)


class Killer:
    """An audit hook that counts matching events, and kills the process."""

    def __init__(self, at, log):
        self.at, self.log, self.left = at, log, at.get("count", 1)

    def __call__(self, event, args):
        # The path of a rename is its new name.
        path = str(args[1 if event == "os.rename" else 0]) if event in CHANGES else ""
        if not WATCHED.search(path):
            return
        if self.log is not None:
            os.write(self.log, f"{event} {path}\n".encode())
        if self.at and re.fullmatch(self.at["event"], event) and re.search(self.at["path"], path):
            self.left -= 1
            if self.left == 0 and not self.at["delay"]:
                die()
            if self.left == 0:
                threading.Timer(self.at["delay"], die).start()


def watch():
    """Install the audit hook if the environment asks for it."""
    at = json.loads(os.environ.get("KILL_AT", "{}"))
    file = os.environ.get("KILL_LOG")
    log = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND) if file else None
    if at or file:
        sys.addaudithook(Killer(at, log))


def open_gate(given):
    """Pass every candidate, because the tests do not depend on its quality."""
    value = given.quality["candidate"][0]
    return [Check(name="open", passed=True, value=value, bound=0.0, reason="every candidate passes")]


def terse(prompt, response, context):
    """Score short answers higher, so that scores differ and finished candidates are kept."""
    return 1 - min(1.0, len(response) / 24)


class Judge:
    """A teacher that answers in one word and prefers the shorter answer, without a verdict at equal length."""

    fingerprint = "judge:1"
    capabilities = frozenset({"text", "prefer"})

    def __init__(self, request):
        pass

    def generate(self, prompts, sampling):
        for prompt in prompts:
            yield Completion(prompt=prompt.digest, text="so", teacher=self.fingerprint, sampling=sampling)

    def prefer(self, prompts, firsts, seconds):
        return [None if len(a) == len(b) else int(len(b) < len(a)) for a, b in zip(firsts, seconds, strict=True)]

    def close(self):
        pass


def nan_loss(student_NK, teacher_NK, *, beta):
    """Return the forward KL, or NaN while the file ``NAN_FILE`` has ``NAN_LINES`` lines."""
    import mlx.core as mx

    file = os.environ.get("NAN_FILE")
    broken = file and Path(file).read_bytes().count(b"\n") == int(os.environ["NAN_LINES"])
    return (math.nan if broken else 1.0) * (mx.exp(teacher_NK) * (teacher_NK - student_NK)).sum(axis=-1)


watch()


@hookimpl
def register_gates():
    return {"open": open_gate}


@hookimpl
def register_scorers():
    return {"terse": terse}


@hookimpl
def register_teachers():
    return {"judge": Judge}


@hookimpl
def register_losses():
    return {"nan_loss": nan_loss}
